"""Panels that more than one dashboard shows."""

from __future__ import annotations

from dataclasses import replace

from dashboards.specs import NORMAL, Panel, Step, Words, column

NET_INFLOW_NOW = Panel(
    query="net_inflow_now",
    kind="stat",
    title=Words("Débit net", "Net inflow"),
    about=Words(
        "Somme des débits nets des secteurs choisis, dernière valeur de moins de six heures.",
        "Net inflow of the chosen zones, newest value of the last six hours.",
    ),
    unit="suffix: m³/h",
    width=6,
    height=4,
    decimals=1,
)

INFLOW_VOLUME = Panel(
    query="inflow_volume",
    kind="stat",
    title=Words("Volume entré", "Volume entered"),
    about=Words(
        "Volume net entré dans les secteurs choisis pendant la période.",
        "Net volume that entered the chosen zones during the time range.",
    ),
    unit="suffix: m³",
    width=6,
    height=4,
    decimals=0,
)

NIGHT_EXCESS = Panel(
    query="night_excess",
    kind="stat",
    title=Words("Pertes : excès de nuit", "Losses: night excess"),
    about=Words(
        "Débit minimum de la dernière nuit, moins l'usage de nuit admis : ce qui se perd sans doute.",
        "Minimum night flow of the last night less the legitimate night use: what is probably lost.",
    ),
    unit="suffix: m³/h",
    width=6,
    height=4,
    decimals=1,
)

OPEN_ALERTS = Panel(
    query="open_alerts",
    kind="stat",
    title=Words("Alertes ouvertes", "Open alerts"),
    about=Words(
        "Alertes ouvertes par priorité, celles des passerelles comprises. On les acquitte dans la console, pas ici.",
        "Open alerts by priority, those of the gateways included. They are acknowledged in the console, not here.",
    ),
    unit="none",
    width=6,
    height=4,
    decimals=0,
    steps=(NORMAL, Step(value=1, color="semi-dark-orange")),
)

OPEN_FINDINGS = Panel(
    query="open_findings",
    kind="stat",
    title=Words("Fuites ouvertes", "Open leaks"),
    about=Words("Nombre de fuites ouvertes et leur débit estimé en tout.", "Number of open leaks and their estimated flow in all."),
    unit="none",
    width=6,
    height=4,
    decimals=0,
    columns=(column("Débit perdu", "Flow lost", "suffix: m³/h", 1),),
)

NET_INFLOW = Panel(
    query="net_inflow",
    kind="timeseries",
    title=Words("Débit net par secteur", "Net inflow by zone"),
    about=Words(
        "Somme des entrées moins les sorties ; un intervalle auquel manque un compteur n'est pas dessiné.",
        "Inlets less outlets; an interval that lacks one of its meters is not drawn.",
    ),
    unit="suffix: m³/h",
    width=24,
    height=9,
)

CRITICAL_PRESSURE = Panel(
    query="critical_pressure",
    kind="timeseries",
    title=Words("Points critiques", "Critical points"),
    about=Words(
        "Pressions aux points critiques, en mètres de colonne d'eau, et le minimum de service de chaque secteur.",
        "Pressures at critical points, in metres of head, and the least service pressure of each zone.",
    ),
    unit="suffix: m",
    width=24,
    height=9,
    min_interval="1m",
)

GATEWAYS_ONLINE = Panel(
    query="gateways_online",
    kind="stat",
    title=Words("Passerelles", "Gateways"),
    about=Words(
        "Passerelles en ligne et hors ligne, d'après leurs naissances et leurs morts MQTT.",
        "Gateways online and offline, after their MQTT births and deaths.",
    ),
    unit="none",
    width=6,
    height=4,
    decimals=0,
)

COMPLETENESS = Panel(
    query="completeness",
    kind="stat",
    title=Words("Complétude", "Completeness"),
    about=Words(
        "Mesures reçues pendant la période, sur les mesures attendues d'après la période de chaque point.",
        "Readings received in the time range over those expected from each point's period.",
    ),
    unit="percentunit",
    width=6,
    height=4,
    decimals=1,
)


def sized(panel: Panel, width: int, height: int | None = None) -> Panel:
    """The same panel in another size."""
    return replace(panel, width=width, height=height or panel.height)
