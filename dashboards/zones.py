"""Zone overview: what enters each zone, by day and by night, and what feeds the town."""

from __future__ import annotations

from dashboards.specs import Column, Dashboard, Panel, Row

_NOW = Row(
    title="Maintenant · Now",
    panels=(
        Panel(
            query="net_inflow_now",
            kind="stat",
            title="Débit net",
            unit="suffix: m³/h",
            width=6,
            height=4,
            decimals=1,
            fr="Somme des débits nets des secteurs choisis, dernière valeur de moins de six heures.",
            en="Net inflow of the chosen zones, newest value of the last six hours.",
        ),
        Panel(
            query="inflow_volume",
            kind="stat",
            title="Volume entré",
            unit="suffix: m³",
            width=6,
            height=4,
            decimals=0,
            fr="Volume net entré dans les secteurs choisis pendant la période.",
            en="Net volume that entered the chosen zones during the time range.",
        ),
        Panel(
            query="night_excess",
            kind="stat",
            title="Excès de nuit",
            unit="suffix: m³/h",
            width=6,
            height=4,
            decimals=1,
            fr="Débit minimum de la dernière nuit, moins l'usage de nuit admis : ce qui se perd sans doute.",
            en="Minimum night flow of the last night less the legitimate night use: what is probably lost.",
        ),
        Panel(
            query="open_alerts",
            kind="stat",
            title="Alertes ouvertes",
            unit="none",
            width=6,
            height=4,
            decimals=0,
            fr="Alertes ouvertes par priorité, celles des passerelles comprises.",
            en="Open alerts by priority, those of the gateways included.",
        ),
    ),
)

_FLOW = Row(
    title="Débits par secteur · Flow by zone",
    panels=(
        Panel(
            query="net_inflow",
            kind="timeseries",
            title="Débit net par secteur",
            unit="suffix: m³/h",
            width=24,
            height=9,
            fr="Somme des entrées moins les sorties ; un intervalle auquel manque un compteur n'est pas dessiné.",
            en="Inlets less outlets; an interval that lacks one of its meters is not drawn.",
        ),
        Panel(
            query="night_flow",
            kind="timeseries",
            title="Débit minimum de nuit",
            unit="suffix: m³/h",
            bars=True,
            time_from="30d",
            fr="Plus petite moyenne d'une heure entre 2 h et 5 h, heure locale, nuit par nuit sur 30 jours.",
            en="Least mean over one hour between 02:00 and 05:00 local time, night by night over 30 days.",
        ),
        Panel(
            query="customers",
            kind="timeseries",
            title="Grands clients",
            unit="suffix: m³/h",
            fr="Débits des grands clients : un excès qui vient de l'un d'eux n'est pas une fuite.",
            en="Flows of large customers: an excess that comes from one of them is no leak.",
        ),
        Panel(
            query="zone_figures",
            kind="table",
            title="Chiffres par secteur",
            unit="suffix: m³/h",
            width=24,
            height=7,
            fr="Moyennes et volume de la période ; nuit : la dernière. Excès par branchement en litres par heure.",
            en="Means and volume of the time range; night: the last one. Excess per connection in litres per hour.",
            columns=(
                Column(name="Secteur", unit="string"),
                Column(name="Débit moyen", unit="suffix: m³/h", decimals=1),
                Column(name="Volume", unit="suffix: m³", decimals=0),
                Column(name="Débit de nuit", unit="suffix: m³/h", decimals=1),
                Column(name="Usage de nuit admis", unit="suffix: m³/h", decimals=1),
                Column(name="Excès", unit="suffix: m³/h", decimals=1),
                Column(name="Excès par branchement", unit="suffix: L/h", decimals=1),
                Column(name="Alertes", unit="none"),
                Column(name="Dernière valeur", unit="dateTimeAsIso"),
            ),
        ),
    ),
)

_PRODUCTION = Row(
    title="Production et réservoir · Production and tank",
    panels=(
        Panel(
            query="production_flow",
            kind="timeseries",
            title="Débit pompé",
            unit="suffix: m³/h",
            width=9,
            fr="Débit de la station de pompage.",
            en="Flow of the pumping station.",
        ),
        Panel(
            query="tank_level",
            kind="timeseries",
            title="Niveau du réservoir",
            unit="suffix: m",
            width=9,
            fr="Hauteur d'eau dans le réservoir.",
            en="Depth of water in the tank.",
        ),
        Panel(
            query="specific_energy",
            kind="stat",
            title="Énergie par volume",
            unit="suffix: kWh/m³",
            width=6,
            decimals=3,
            fr="Énergie prise par mètre cube pompé, sur la période.",
            en="Energy taken per cubic metre pumped, over the time range.",
        ),
    ),
)

DASHBOARD = Dashboard(
    uid="khettara-zones",
    title="Secteurs · Zone overview",
    description="Débits, nuits et pertes par secteur. Inflow, night flow and losses by zone.",
    rows=(_NOW, _FLOW, _PRODUCTION),
)
