"""Leaks and work orders: from the finding to the proved repair, how long, how much water and money, and who was told."""

from __future__ import annotations

from dashboards.links import CONSOLE_ALERTS, CONSOLE_ORDER, CONSOLE_ZONE, ORDER_KEY, ZONE_KEY, zone_column
from dashboards.shared import NET_INFLOW, OPEN_ALERTS, OPEN_FINDINGS, sized
from dashboards.specs import Dashboard, Panel, Row, Words, column

_NOW = Row(
    title=Words("Maintenant", "Now"),
    panels=(
        OPEN_FINDINGS,
        Panel(
            query="lost_volume",
            kind="stat",
            title=Words("Volume perdu", "Volume lost"),
            about=Words(
                "Perdu par les fuites ouvertes depuis leur début, au débit estimé aujourd'hui.",
                "Lost by open leaks since their onset, at the flow estimated today.",
            ),
            unit="suffix: m³",
            width=4,
            height=4,
            decimals=0,
        ),
        sized(OPEN_ALERTS, 6),
        Panel(
            query="orders_open",
            kind="stat",
            title=Words("Ordres de travail", "Work orders"),
            about=Words(
                "Ordres ouverts : à faire, équipe sur place, réparés et à prouver par le débit de nuit ; et combien de fois "
                "on a rouvert.",
                "Open orders: to do, crew on site, repaired and to be proved by the night flow; and how often one was opened "
                "again.",
            ),
            unit="none",
            width=8,
            height=4,
            decimals=0,
        ),
    ),
)

_CASES = Row(
    title=Words("De la fuite à la réparation prouvée", "From the leak to the proved repair"),
    panels=(
        Panel(
            query="funnel",
            kind="bargauge",
            title=Words("Entonnoir", "Funnel"),
            about=Words(
                "Fuites trouvées pendant la période, et jusqu'où chacune est arrivée. Prouvée : le débit de nuit est redescendu.",
                "Leaks found in the time range, and how far each has come. Proved: the night flow has come down.",
            ),
            unit="none",
            width=8,
            height=9,
            decimals=0,
            time_from="90d",
        ),
        Panel(
            query="leak_cases",
            kind="table",
            title=Words("Fuites : durée, volume, coût", "Leaks: run time, volume, cost"),
            about=Words(
                "Une fuite court jusqu'à sa réparation, ou jusqu'à la fin de la période. Coût : au prix de l'eau du site "
                "(site.toml), vide sans prix. Une fuite close sans ordre n'a pas de fin connue, donc pas de volume.",
                "A leak runs to its repair, or to the end of the time range. Cost: at the site's price of water (site.toml), "
                "empty without one. A leak that closed without an order has no known end, so no volume.",
            ),
            unit="string",
            width=16,
            height=9,
            empty=Words("Aucune fuite", "No leak"),
            columns=(
                zone_column(CONSOLE_ZONE),
                column("Depuis", "Since", "dateTimeAsIso"),
                column("Ordre", "Order", "string", link=CONSOLE_ORDER),
                column("Durée", "Run time", "suffix: d", 1),
                column("Débit", "Flow", "suffix: m³/h", 1),
                column("Volume perdu", "Volume lost", "suffix: m³", 0),
                column("Coût", "Cost", "locale", 0),
                column("Réparée à", "Repaired at", "dateTimeAsIso"),
                column("Prouvée à", "Proved at", "dateTimeAsIso"),
                column("Nuit avant", "Night before", "suffix: m³/h", 1),
                column("Nuit après", "Night after", "suffix: m³/h", 1),
                column("Rouverte", "Reopened", "none", 0),
                ZONE_KEY,
                ORDER_KEY,
            ),
        ),
        Panel(
            query="leak_times",
            kind="stat",
            title=Words("Temps moyens", "Mean times"),
            about=Words(
                "Des fuites trouvées en 90 jours : du début à la découverte, de là à l'ordre, à la réparation, à la preuve.",
                "Of leaks found in 90 days: from the onset to the finding, from there to the order, to the repair, to the proof.",
            ),
            unit="s",
            width=24,
            height=4,
            decimals=1,
            time_from="90d",
            empty=Words("Aucune fuite trouvée", "No leak found"),
        ),
        Panel(
            query="findings",
            kind="table",
            title=Words("Constats des détecteurs", "Findings of the detectors"),
            about=Words(
                "Constats ouverts, et ceux trouvés pendant la période ; débit avec son écart-type.",
                "Open findings, and those found in the time range; flow with its standard error.",
            ),
            unit="string",
            width=24,
            height=9,
            empty=Words("Aucun constat", "No finding"),
            columns=(
                zone_column(),
                column("Depuis", "Since", "dateTimeAsIso"),
                column("Trouvée à", "Found at", "dateTimeAsIso"),
                column("Débit", "Flow", "suffix: m³/h", 1),
                column("± écart-type", "± standard error", "suffix: m³/h", 1),
                column("Confiance", "Confidence", "percentunit", 0),
                ZONE_KEY,
            ),
        ),
        Panel(
            query="alerts",
            kind="table",
            title=Words("Alertes", "Alerts"),
            about=Words(
                "Alertes ouvertes, et celles levées pendant la période. On les acquitte dans la console, pas ici.",
                "Open alerts, and those raised in the time range. They are acknowledged in the console, not here.",
            ),
            unit="string",
            width=24,
            height=9,
            empty=Words("Aucune alerte", "No alert"),
            columns=(
                column("Levée à", "Raised at", "dateTimeAsIso"),
                column("Alerte", "Alert", "string", link=CONSOLE_ALERTS),
                zone_column(CONSOLE_ZONE),
                column("Débit", "Flow", "suffix: m³/h", 1),
                column("Mise de côté jusqu'à", "Shelved until", "dateTimeAsIso"),
                column("Changée à", "Changed at", "dateTimeAsIso"),
                ZONE_KEY,
            ),
        ),
    ),
)

_TOLD = Row(
    title=Words("Avis aux équipes", "Notices to the crews"),
    panels=(
        Panel(
            query="notices",
            kind="table",
            title=Words("Avis par destinataire", "Notices by recipient"),
            about=Words(
                "Avis de la période : envoyés, en attente, échoués, vus ; essais quotidiens compris. Adresses et erreurs "
                "restent ailleurs.",
                "Notices of the time range: sent, waiting, failed, seen; daily tests included. Addresses and errors stay "
                "elsewhere.",
            ),
            unit="none",
            width=14,
            decimals=0,
            empty=Words("Aucun avis pendant la période", "No notice in this time range"),
            columns=(
                column("Destinataire", "Recipient", "string"),
                column("Délai d'envoi", "Delay of sending", "s", 0),
                column("Dernier envoi", "Last sent", "dateTimeAsIso"),
            ),
        ),
        Panel(
            query="notices_over_time",
            kind="timeseries",
            title=Words("Avis dans le temps", "Notices over time"),
            about=Words("Avis par sorte et par état.", "Notices by kind and state."),
            unit="none",
            width=10,
            bars=True,
            min_interval="1h",
            empty=Words("Aucun avis pendant la période", "No notice in this time range"),
        ),
    ),
)

_HISTORY = Row(
    title=Words("Historique", "History"),
    panels=(
        Panel(
            query="findings_over_time",
            kind="timeseries",
            title=Words("Fuites par date de début", "Leaks by onset"),
            about=Words(
                "Débit de chaque fuite à la date estimée de son début, sur 30 jours.",
                "Flow of each leak at its estimated onset, over 30 days.",
            ),
            unit="suffix: m³/h",
            bars=True,
            time_from="30d",
            empty=Words("Aucune fuite", "No leak"),
        ),
        Panel(
            query="alerts_per_day",
            kind="timeseries",
            title=Words("Alertes par jour", "Alerts by day"),
            about=Words(
                "Alertes levées par jour local et par priorité, sur 30 jours.",
                "Alerts raised by local day and priority, over 30 days.",
            ),
            unit="none",
            bars=True,
            time_from="30d",
            empty=Words("Aucune alerte", "No alert"),
        ),
        NET_INFLOW,
    ),
)

DASHBOARD = Dashboard(
    key="leaks",
    title=Words("Fuites et ordres de travail", "Leaks and work orders"),
    about=Words(
        "Ce que les détecteurs croient, ce que l'on en fait, et ce que cela coûte.",
        "What the detectors believe, what is done about it, and what it costs.",
    ),
    rows=(_NOW, _CASES, _TOLD, _HISTORY),
    time_from="now-7d",
)
