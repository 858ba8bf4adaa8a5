"""Ingest and database health: what arrives and how fast, what was refused or lost, sizes, rollups and retention."""

from __future__ import annotations

from dashboards.shared import COMPLETENESS, GATEWAYS_ONLINE, sized
from dashboards.specs import NORMAL, Dashboard, Panel, Row, Step, Words, column

_NONE = Words("Aucun rebut pendant la période", "No dead letter in this time range")

_ARRIVES = Row(
    title=Words("Ce qui arrive", "What arrives"),
    panels=(
        Panel(
            query="freshness",
            kind="stat",
            title=Words("Fraîcheur", "Freshness"),
            about=Words(
                "Âge du dernier COMMIT de toutes les passerelles, et de celle qui est la plus en retard, à l'horloge de la base.",
                "Age of the last COMMIT of all gateways, and of the one furthest behind, by the database's own clock.",
            ),
            unit="s",
            width=7,
            height=4,
            decimals=0,
        ),
        Panel(
            query="delivered",
            kind="stat",
            title=Words("Reçus depuis toujours", "Receipts since ever"),
            about=Words(
                "Numéros dont la passerelle a son reçu, et ce qu'ils sont devenus : lignes, répétitions, rebuts ; et numéros "
                "attendus sous le plus grand reçu.",
                "Numbers that a gateway has its receipt for, and what became of them: rows, repetitions, dead letters; and "
                "numbers awaited below the highest received.",
            ),
            unit="short",
            width=11,
            height=4,
        ),
        sized(GATEWAYS_ONLINE, 3),
        sized(COMPLETENESS, 3),
        Panel(
            query="rows_rate",
            kind="timeseries",
            title=Words("Lignes par seconde", "Rows a second"),
            about=Words(
                "Mesures par seconde et par grandeur, au temps de l'eau : un creux est un trou dans les données.",
                "Readings a second by quantity, in the time of the water: a dip is a hole in the data.",
            ),
            unit="suffix: /s",
            min_interval="5m",
        ),
        Panel(
            query="good_share",
            kind="timeseries",
            title=Words("Part de bonnes mesures", "Share of good readings"),
            about=Words("Part des mesures de bonne qualité, par grandeur.", "Share of readings of good quality, by quantity."),
            unit="percentunit",
            min_interval="15m",
        ),
    ),
)

_LOST = Row(
    title=Words("Rebuts et pertes", "Dead letters and losses"),
    panels=(
        Panel(
            query="dead_letter_reasons",
            kind="table",
            title=Words("Rebuts par raison", "Dead letters by reason"),
            about=Words(
                "Ce qui n'a pas pu devenir une mesure, par passerelle et raison.",
                "What could not become a reading, by gateway and reason.",
            ),
            unit="none",
            width=10,
            empty=_NONE,
            columns=(
                column("Passerelle", "Gateway", "string"),
                column("Raison", "Reason", "string"),
                column("Dernier", "Last", "dateTimeAsIso"),
                column("Octets", "Bytes", "bytes"),
            ),
        ),
        Panel(
            query="dead_letters",
            kind="table",
            title=Words("Derniers rebuts", "Last dead letters"),
            about=Words(
                "Un par un, avec le détail ; « khettara deadletters » les rejoue.",
                "One by one, with the detail; “khettara deadletters” replays them.",
            ),
            unit="string",
            width=14,
            empty=_NONE,
            columns=(column("À", "At", "dateTimeAsIso"),),
        ),
        Panel(
            query="gaps",
            kind="table",
            title=Words("Mesures perdues pour de bon", "Readings lost for good"),
            about=Words(
                "Ce que les passerelles ont perdu : spool plein, bloc abîmé, oublié par une base restaurée, disque remplacé.",
                "What gateways had to drop: spool full, block damaged, forgotten by a restored database, disk replaced.",
            ),
            unit="none",
            width=24,
            empty=Words("Aucune perte pendant la période", "No loss in this time range"),
            columns=(
                column("Reçu", "Received", "dateTimeAsIso"),
                column("Passerelle", "Gateway", "string"),
                column("Raison", "Reason", "string"),
                column("De", "From", "dateTimeAsIso"),
                column("À", "To", "dateTimeAsIso"),
                column("Appareils", "Devices", "string"),
            ),
        ),
    ),
)

_DATABASE = Row(
    title=Words("Base de données", "Database"),
    panels=(
        Panel(
            query="database_size",
            kind="stat",
            title=Words("Taille", "Size"),
            about=Words(
                "Tables avec leurs index : en tout, les mesures, leurs agrégats.",
                "Tables with their indexes: in all, the readings, their rollups.",
            ),
            unit="bytes",
            width=9,
            height=4,
            decimals=1,
        ),
        Panel(
            query="rollup_marks",
            kind="stat",
            title=Words("Agrégats en attente", "Rollups waiting"),
            about=Words(
                "Marques à traiter, et l'âge de la plus ancienne à la fin de la période. Ce qui est marqué est lu dans les "
                "mesures : un retard coûte du temps, jamais la vérité. Toujours zéro avec TimescaleDB.",
                "Marks to work off, and the age of the oldest at the end of the time range. What is marked is answered from "
                "the readings: a lag costs time, never truth. Always zero on TimescaleDB.",
            ),
            unit="none",
            width=6,
            height=4,
            columns=(column("La plus ancienne", "The oldest", "s", 0),),
            steps=(NORMAL, Step(value=86_400, color="semi-dark-orange")),
        ),
        Panel(
            query="retention",
            kind="stat",
            title=Words("Durée de garde", "Retention"),
            about=Words(
                "Jours pendant lesquels chaque classe est gardée ; vide, pour toujours.",
                "Days for which each class is kept; empty is for ever.",
            ),
            unit="suffix: d",
            width=9,
            height=4,
            decimals=0,
        ),
        Panel(
            query="tables",
            kind="table",
            title=Words("Tables et partitions", "Tables and chunks"),
            about=Words(
                "Taille de chaque table avec ses partitions ou chunks et ses index ; les lignes sont ce que croit le "
                "planificateur.",
                "Size of each table with its partitions or chunks and indexes; rows are what the planner believes.",
            ),
            unit="none",
            width=24,
            height=10,
            columns=(column("Table", "Table", "string"), column("Taille", "Size", "bytes", 1)),
        ),
    ),
)

DASHBOARD = Dashboard(
    key="ingest",
    title=Words("Ingestion et base de données", "Ingest and database health"),
    about=Words(
        "Ce qui arrive et à quel rythme, ce qui a été refusé ou perdu, tailles, agrégats et durée de garde.",
        "What arrives and how fast, what was refused or lost, sizes, rollups and retention.",
    ),
    rows=(_ARRIVES, _LOST, _DATABASE),
    by_zone=False,
)
