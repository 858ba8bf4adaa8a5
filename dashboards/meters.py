"""Meters and gateways: what is read of what should be, who is silent, batteries, clocks, spools and links."""

from __future__ import annotations

from dashboards.links import CONSOLE_FLEET
from dashboards.shared import COMPLETENESS, GATEWAYS_ONLINE
from dashboards.specs import Dashboard, Panel, Row, Words, column

_NOW = Row(
    title=Words("Maintenant", "Now"),
    panels=(
        GATEWAYS_ONLINE,
        Panel(
            query="meters_silent",
            kind="stat",
            title=Words("Appareils", "Devices"),
            about=Words(
                "Appareils en tout, et ceux dont aucun point n'a rien dit pendant dix de ses périodes, une heure au moins.",
                "Devices in all, and those of which no point said anything for ten of its periods, an hour at least.",
            ),
            unit="none",
            width=6,
            height=4,
            decimals=0,
        ),
        COMPLETENESS,
        Panel(
            query="battery_low",
            kind="stat",
            title=Words("Piles", "Batteries"),
            about=Words(
                "Piles lues depuis 30 jours, et celles sous 20 %. Compte tout canal dont le nom commence par « battery ».",
                "Batteries read in the last 30 days, and those below 20 %. Counts every channel whose name begins with “battery”.",
            ),
            unit="none",
            width=6,
            height=4,
            decimals=0,
        ),
    ),
)

_GATEWAYS = Row(
    title=Words("Passerelles", "Gateways"),
    panels=(
        Panel(
            query="gateways",
            kind="table",
            title=Words("État des passerelles", "State of the gateways"),
            about=Words(
                "Dernière écriture : âge du dernier COMMIT, à l'horloge de la base ; dernière mesure : au temps de l'eau. "
                "Attendus : numéros qui manquent sous le plus grand reçu.",
                "Last write: age of the last COMMIT by the database's clock; last reading: in the time of the water. Awaited: "
                "numbers that are missing below the highest received.",
            ),
            unit="none",
            width=16,
            height=8,
            decimals=0,
            columns=(
                column("Passerelle", "Gateway", "string", link=CONSOLE_FLEET),
                column("Identité", "Identity", "string"),
                column("Depuis", "Since", "dateTimeAsIso"),
                column("Dernière mesure", "Last reading", "dateTimeAsIso"),
                column("Dernière écriture", "Last write", "s", 0),
            ),
        ),
        Panel(
            query="spool_depth",
            kind="table",
            title=Words("Profondeur des spools, vue d'ici", "Depth of the spools, seen from here"),
            about=Words(
                "Une passerelle ne dit pas combien elle garde : on voit les numéros qui manquent, et son retard sur la mesure "
                "la plus neuve de toutes.",
                "A gateway does not say how much it holds: what shows is the numbers that are missing, and how far it is "
                "behind the newest reading of all.",
            ),
            unit="none",
            width=8,
            height=8,
            columns=(column("Passerelle", "Gateway", "string"), column("Retard", "Behind", "s", 0)),
        ),
        Panel(
            query="read_rate",
            kind="timeseries",
            title=Words("Taux de relève par passerelle", "Read rate by gateway"),
            about=Words(
                "Mesures reçues sur mesures attendues d'après la période de chaque point.",
                "Readings received over those expected from each point's period.",
            ),
            unit="percentunit",
            width=24,
            height=8,
            min_interval="15m",
        ),
    ),
)

_METERS = Row(
    title=Words("Compteurs et capteurs", "Meters and sensors"),
    panels=(
        Panel(
            query="meters",
            kind="table",
            title=Words("Appareils, les moins lus d'abord", "Devices, the least read first"),
            about=Words(
                "Liaison : celle de sa passerelle. Écart d'horloge : l'heure de l'appareil moins la nôtre, là où on ne l'a "
                "pas cru.",
                "Link: that of its gateway. Clock drift: the device's time less ours, where it was not believed.",
            ),
            unit="none",
            width=24,
            height=11,
            columns=(
                column("Appareil", "Device", "string"),
                column("Modèle", "Model", "string"),
                column("Passerelle", "Gateway", "string", link=CONSOLE_FLEET),
                column("Vu à", "Last seen", "dateTimeAsIso"),
                column("Âge", "Age", "s", 0),
                column("Taux de relève", "Read rate", "percentunit", 1),
                column("Pile", "Battery", "percent", 0),
                column("Écart d'horloge", "Clock drift", "s", 0),
            ),
        ),
        Panel(
            query="battery",
            kind="timeseries",
            title=Words("Piles au fil du temps", "Batteries over time"),
            about=Words("Charge des piles, telle que l'appareil la dit.", "Charge of the batteries, as the device says it."),
            unit="percent",
            min_interval="1h",
            empty=Words("Aucun appareil ne dit sa pile", "No device tells its battery"),
        ),
        Panel(
            query="clock_notes",
            kind="table",
            title=Words("Horloges qu'on n'a pas crues", "Clocks that were not believed"),
            about=Words(
                "Mesures de la période dont l'heure n'a pas été crue (qualité 4), et le plus grand écart.",
                "Readings of the time range whose time was not believed (quality 4), and the largest drift.",
            ),
            unit="none",
            empty=Words("Toutes les horloges ont été crues", "Every clock was believed"),
            columns=(
                column("Passerelle", "Gateway", "string"),
                column("Point", "Point", "string"),
                column("Plus grand écart", "Largest drift", "s", 0),
                column("Dernière", "Last", "dateTimeAsIso"),
            ),
        ),
        Panel(
            query="point_health",
            kind="table",
            title=Words("Santé des points", "Health of the points"),
            about=Words(
                "Les points les plus incomplets d'abord ; l'âge est compté depuis la fin de la période.",
                "The least complete points first; age is counted from the end of the time range.",
            ),
            unit="none",
            width=24,
            height=10,
            columns=(
                column("Point", "Point", "string"),
                column("Grandeur", "Quantity", "string"),
                column("Secteur", "Zone", "string"),
                column("Dernière mesure", "Last reading", "dateTimeAsIso"),
                column("Âge", "Age", "s", 0),
                column("Période", "Period", "s"),
                column("Complétude", "Completeness", "percentunit", 1),
            ),
        ),
    ),
)

DASHBOARD = Dashboard(
    key="meters",
    title=Words("Compteurs et passerelles", "Meters and gateways"),
    about=Words(
        "Ce qui est lu de ce qui devrait l'être, qui se tait, piles, horloges, spools et liaisons.",
        "What is read of what should be, who is silent, batteries, clocks, spools and links.",
    ),
    rows=(_NOW, _GATEWAYS, _METERS),
)
