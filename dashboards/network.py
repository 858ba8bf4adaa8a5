"""Network overview: where water is lost now, on a map and in a table, and what feeds the town."""

from __future__ import annotations

from dashboards.links import CONSOLE_ZONE, LEAKS, ZONE, ZONE_KEY, zone_column
from dashboards.shared import INFLOW_VOLUME, NET_INFLOW, NET_INFLOW_NOW, NIGHT_EXCESS, OPEN_ALERTS, OPEN_FINDINGS, sized
from dashboards.specs import NORMAL, Dashboard, Panel, Row, Step, Words, column

_NOW = Row(
    title=Words("Maintenant", "Now"),
    panels=(
        sized(NIGHT_EXCESS, 4),
        sized(OPEN_FINDINGS, 5),
        sized(OPEN_ALERTS, 5),
        Panel(
            query="yield",
            kind="stat",
            title=Words("Rendement", "Yield"),
            about=Words(
                "Part de l'eau entrée qui arrive : par les compteurs des clients, là où 30 % des branchements en ont un ; et "
                "par les nuits, partout, l'excès de la dernière nuit étant pris pour toute la période.",
                "Share of the water put in that arrives: by the customers' meters, where 30 % of the connections have one; "
                "and by the nights, everywhere, with the last night's excess taken for the whole time range.",
            ),
            unit="percentunit",
            width=5,
            height=4,
            decimals=1,
            empty=Words("Pas encore connu", "Not known yet"),
        ),
        sized(NET_INFLOW_NOW, 5),
    ),
)

_MAP = Row(
    title=Words("Carte et secteurs", "Map and zones"),
    panels=(
        Panel(
            query="network_map",
            kind="geomap",
            title=Words("Secteurs par perte", "Zones by loss"),
            about=Words(
                "Une marque par secteur, colorée par l'excès de nuit par branchement ; grise sous 4 L/h, environ trois fois "
                "l'inévitable. Les secteurs sans lat et lon dans zones.toml manquent ici. Le fond de carte vient de ce "
                "Grafana, s'il y en a un.",
                "One mark a zone, coloured by the night excess per connection; grey below 4 L/h, about three times the "
                "unavoidable. Zones without lat and lon in zones.toml are missing here. Tiles come from this Grafana, if it "
                "has any.",
            ),
            unit="suffix: m³/h",
            width=10,
            height=14,
            decimals=1,
            steps=(
                NORMAL,
                Step(value=4, color="semi-dark-yellow"),
                Step(value=8, color="semi-dark-orange"),
                Step(value=16, color="semi-dark-red"),
            ),
            columns=(
                zone_column(),
                column("Excès par branchement", "Excess per connection", "suffix: L/h", 1, CONSOLE_ZONE),
                column("Alertes", "Alerts", "none", 0),
                ZONE_KEY,
            ),
            empty=Words("Aucun secteur n'a de place sur la carte", "No zone has a place on the map"),
        ),
        Panel(
            query="zone_figures",
            kind="table",
            title=Words("Chiffres par secteur", "Figures by zone"),
            about=Words(
                "Moyennes et volume de la période ; nuit : la dernière. Excès par branchement en litres par heure.",
                "Means and volume of the time range; night: the last one. Excess per connection in litres per hour.",
            ),
            unit="suffix: m³/h",
            width=14,
            height=14,
            decimals=1,
            columns=(
                zone_column(ZONE),
                column("Volume entré", "Volume entered", "suffix: m³", 0),
                column("Excès", "Excess", "suffix: m³/h", 1, LEAKS),
                column("Excès par branchement", "Excess per connection", "suffix: L/h", 1),
                column("Alertes", "Alerts", "none", 0),
                column("Dernière valeur", "Last value", "dateTimeAsIso"),
                ZONE_KEY,
            ),
        ),
        NET_INFLOW,
    ),
)

_PRODUCTION = Row(
    title=Words("Production et réservoir", "Production and tank"),
    panels=(
        Panel(
            query="production_flow",
            kind="timeseries",
            title=Words("Débit pompé", "Flow pumped"),
            about=Words("Débit de la station de pompage.", "Flow of the pumping station."),
            unit="suffix: m³/h",
            width=9,
        ),
        Panel(
            query="tank_level",
            kind="timeseries",
            title=Words("Niveau du réservoir", "Level of the tank"),
            about=Words("Hauteur d'eau dans le réservoir.", "Depth of water in the tank."),
            unit="suffix: m",
            width=9,
        ),
        Panel(
            query="specific_energy",
            kind="stat",
            title=Words("Énergie par volume", "Energy per volume"),
            about=Words(
                "Énergie prise par mètre cube pompé, sur la période.", "Energy taken per cubic metre pumped, over the time range."
            ),
            unit="suffix: kWh/m³",
            width=6,
            height=4,
            decimals=3,
        ),
        sized(INFLOW_VOLUME, 6),
    ),
)

DASHBOARD = Dashboard(
    key="network",
    title=Words("Réseau", "Network overview"),
    about=Words(
        "Où l'eau se perd maintenant, secteur par secteur, et ce qui alimente la ville.",
        "Where water is lost now, zone by zone, and what feeds the town.",
    ),
    rows=(_NOW, _MAP, _PRODUCTION),
)
