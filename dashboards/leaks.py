"""Leaks and alerts: what the detectors believe, how much it costs, and what people were asked to look at."""

from __future__ import annotations

from dashboards.specs import Column, Dashboard, Panel, Row

_NOW = Row(
    title="Maintenant · Now",
    panels=(
        Panel(
            query="open_findings",
            kind="stat",
            title="Fuites ouvertes",
            unit="none",
            width=8,
            height=4,
            decimals=1,
            fr="Nombre de fuites ouvertes et leur débit estimé en tout.",
            en="Number of open leaks and their estimated flow in all.",
            columns=(Column(name="Débit perdu", unit="suffix: m³/h", decimals=1),),
        ),
        Panel(
            query="lost_volume",
            kind="stat",
            title="Volume perdu",
            unit="suffix: m³",
            width=8,
            height=4,
            decimals=0,
            fr="Perdu par les fuites ouvertes depuis leur début, au débit estimé aujourd'hui.",
            en="Lost by open leaks since their onset, at the flow estimated today.",
        ),
        Panel(
            query="open_alerts",
            kind="stat",
            title="Alertes ouvertes",
            unit="none",
            width=8,
            height=4,
            decimals=0,
            fr="Alertes ouvertes par priorité, celles des passerelles comprises.",
            en="Open alerts by priority, those of the gateways included.",
        ),
    ),
)

_LISTS = Row(
    title="Fuites et alertes · Leaks and alerts",
    panels=(
        Panel(
            query="findings",
            kind="table",
            title="Constats des détecteurs",
            unit="string",
            width=24,
            height=9,
            fr="Constats ouverts, et ceux trouvés pendant la période ; débit avec son écart-type.",
            en="Open findings, and those found in the time range; flow with its standard error.",
            columns=(
                Column(name="Depuis", unit="dateTimeAsIso"),
                Column(name="Trouvée à", unit="dateTimeAsIso"),
                Column(name="Débit", unit="suffix: m³/h", decimals=1),
                Column(name="± écart-type", unit="suffix: m³/h", decimals=1),
                Column(name="Confiance", unit="percentunit", decimals=0),
            ),
        ),
        Panel(
            query="alerts",
            kind="table",
            title="Alertes",
            unit="string",
            width=24,
            height=9,
            fr="Alertes ouvertes, et celles levées pendant la période. On les acquitte dans la console, pas ici.",
            en="Open alerts, and those raised in the time range. They are acknowledged in the console, not here.",
            columns=(
                Column(name="Levée à", unit="dateTimeAsIso"),
                Column(name="Débit", unit="suffix: m³/h", decimals=1),
                Column(name="Mise de côté jusqu'à", unit="dateTimeAsIso"),
                Column(name="Changée à", unit="dateTimeAsIso"),
            ),
        ),
    ),
)

_HISTORY = Row(
    title="Historique · History",
    panels=(
        Panel(
            query="findings_over_time",
            kind="timeseries",
            title="Fuites par date de début",
            unit="suffix: m³/h",
            bars=True,
            time_from="30d",
            fr="Débit de chaque fuite à la date estimée de son début, sur 30 jours.",
            en="Flow of each leak at its estimated onset, over 30 days.",
        ),
        Panel(
            query="alerts_per_day",
            kind="timeseries",
            title="Alertes par jour",
            unit="none",
            bars=True,
            time_from="30d",
            fr="Alertes levées par jour local et par priorité, sur 30 jours.",
            en="Alerts raised by local day and priority, over 30 days.",
        ),
        Panel(
            query="net_inflow",
            kind="timeseries",
            title="Débit net par secteur",
            unit="suffix: m³/h",
            width=24,
            height=9,
            fr="Somme des entrées moins les sorties, pour voir ce que les détecteurs ont vu.",
            en="Inlets less outlets, to see what the detectors saw.",
        ),
    ),
)

DASHBOARD = Dashboard(
    uid="khettara-leaks",
    title="Fuites et alertes · Leaks and alerts",
    description="Ce que les détecteurs croient, et ce que l'on en fait. What the detectors believe, and what is done about it.",
    rows=(_NOW, _LISTS, _HISTORY),
    time_from="now-7d",
)
