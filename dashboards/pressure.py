"""Pressure: the service at critical points, what the valves were told, and what they did."""

from __future__ import annotations

from dashboards.specs import Column, Dashboard, Panel, Row

_SERVICE = Row(
    title="Service · Service",
    panels=(
        Panel(
            query="pressure_margin",
            kind="stat",
            title="Marge la plus faible",
            unit="suffix: m",
            width=6,
            height=4,
            decimals=1,
            fr="Pression du point critique le plus bas, moins le minimum de service ; négative, des clients manquent d'eau.",
            en="Lowest critical pressure less the zone's minimum service pressure; when negative, customers lack pressure.",
        ),
        Panel(
            query="minutes_below",
            kind="stat",
            title="Minutes sous le minimum",
            unit="suffix: min",
            width=6,
            height=4,
            decimals=0,
            fr="Temps passé sous le minimum de service, tous points critiques ajoutés.",
            en="Time below the minimum service pressure, summed over critical points.",
        ),
        Panel(
            query="commands_by_outcome",
            kind="stat",
            title="Commandes par issue",
            unit="none",
            width=12,
            height=4,
            decimals=0,
            fr="Commandes de la période par issue ; vérifiée veut dire relue sur la vanne.",
            en="Commands of the time range by outcome; verified means read back from the valve.",
        ),
        Panel(
            query="critical_pressure",
            kind="timeseries",
            title="Points critiques",
            unit="suffix: m",
            width=24,
            height=9,
            min_interval="1m",
            fr="Pressions aux points critiques, en mètres de colonne d'eau.",
            en="Pressures at critical points, in metres of head.",
        ),
        Panel(
            query="service",
            kind="table",
            title="Service par point critique",
            unit="suffix: m",
            width=24,
            height=7,
            fr="Plus basse et moyenne de la période, et le temps sous le minimum, du pire au meilleur.",
            en="Lowest and mean of the time range, and time below the minimum, worst first.",
            columns=(
                Column(name="Secteur", unit="string"),
                Column(name="Point critique", unit="string"),
                Column(name="Minimum de service", unit="suffix: m", decimals=1),
                Column(name="Plus basse", unit="suffix: m", decimals=1),
                Column(name="Moyenne", unit="suffix: m", decimals=1),
                Column(name="Minutes sous le minimum", unit="suffix: min", decimals=0),
            ),
        ),
    ),
)

_VALVES = Row(
    title="Vannes · Valves",
    panels=(
        Panel(
            query="setpoints",
            kind="timeseries",
            title="Consigne et aval mesuré",
            unit="suffix: m",
            width=24,
            height=9,
            min_interval="1m",
            fr="Consigne lue sur chaque vanne et pression mesurée à son aval : elles doivent se suivre.",
            en="Setpoint read from each valve and pressure measured behind it: they should follow one another.",
        ),
        Panel(
            query="inlet_pressure",
            kind="timeseries",
            title="Amont",
            unit="suffix: m",
            min_interval="1m",
            fr="Pressions en amont des vannes et des entrées.",
            en="Pressures upstream of valves and inlets.",
        ),
        Panel(
            query="valve_position",
            kind="timeseries",
            title="Ouverture",
            unit="percent",
            min_interval="1m",
            fr="Ouverture des vannes ; une vanne toute ouverte ne règle plus rien.",
            en="Opening of the valves; a valve wide open controls nothing.",
        ),
        Panel(
            query="actuators",
            kind="table",
            title="État des vannes",
            unit="suffix: m",
            width=24,
            height=6,
            fr="Mode, consigne et mesure les plus récentes de la période, limites et valeur de repli.",
            en="Mode, newest setpoint and measurement of the time range, limits and fall-back value.",
            columns=(
                Column(name="Vanne", unit="string"),
                Column(name="Secteur", unit="string"),
                Column(name="Mode", unit="string"),
                Column(name="Jusqu'à", unit="dateTimeAsIso"),
                Column(name="Par", unit="string"),
                Column(name="Lue à", unit="dateTimeAsIso"),
            ),
        ),
    ),
)

_COMMANDS = Row(
    title="Commandes · Commands",
    panels=(
        Panel(
            query="commands",
            kind="table",
            title="Dernières commandes",
            unit="suffix: m",
            width=14,
            height=9,
            fr="Ce qui a été demandé, relu et répondu, et par qui.",
            en="What was asked, read back and answered, and by whom.",
            empty="Aucune commande pendant la période · No command in this time range",
            columns=(
                Column(name="Donnée à", unit="dateTimeAsIso"),
                Column(name="Vanne", unit="string"),
                Column(name="Issue", unit="string"),
                Column(name="Réponse", unit="s", decimals=0),
                Column(name="Source", unit="string"),
                Column(name="Auteur", unit="string"),
                Column(name="Détail", unit="string"),
            ),
        ),
        Panel(
            query="audit",
            kind="table",
            title="Journal inaltérable",
            unit="string",
            width=10,
            height=9,
            fr="Dernières lignes du journal : écrites avant que rien ne bouge, chaînées par empreinte.",
            en="Last rows of the audit: written before anything moves, chained by hash.",
            empty="Aucune ligne pendant la période · No row in this time range",
            columns=(Column(name="N°", unit="none"), Column(name="À", unit="dateTimeAsIso")),
        ),
    ),
)

DASHBOARD = Dashboard(
    uid="khettara-pressure",
    title="Pressions · Pressure",
    description="Service aux points critiques, vannes et commandes. Service at critical points, valves and commands.",
    rows=(_SERVICE, _VALVES, _COMMANDS),
)
