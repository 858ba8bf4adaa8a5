"""Fleet and ingest health: which gateways speak, what arrives, what is missing, what was refused."""

from __future__ import annotations

from dashboards.specs import Column, Dashboard, Panel, Row

_DELIVERY = Row(
    title="Livraison · Delivery",
    panels=(
        Panel(
            query="gateways_online",
            kind="stat",
            title="Passerelles",
            unit="none",
            width=6,
            height=4,
            decimals=0,
            fr="Passerelles en ligne et hors ligne, d'après leurs naissances et leurs morts MQTT.",
            en="Gateways online and offline, after their MQTT births and deaths.",
        ),
        Panel(
            query="delivered",
            kind="stat",
            title="Depuis toujours",
            unit="short",
            width=12,
            height=4,
            fr="Lignes stockées, reçues deux fois, mises au rebut, et numéros encore attendus sous le plus grand reçu.",
            en="Rows stored, received twice, dead letters, and numbers still awaited below the highest received.",
        ),
        Panel(
            query="completeness",
            kind="stat",
            title="Complétude",
            unit="percentunit",
            width=6,
            height=4,
            decimals=1,
            fr="Mesures reçues pendant la période, sur les mesures attendues d'après la période de chaque point.",
            en="Readings received in the time range over those expected from each point's period.",
        ),
        Panel(
            query="gateways",
            kind="table",
            title="État des passerelles",
            unit="none",
            width=24,
            height=6,
            fr="Dernière écriture : âge du dernier COMMIT, à l'horloge de la base ; dernière mesure : au temps de l'eau.",
            en="Last write: age of the last COMMIT by the database's clock; last reading: in the time of the water.",
            columns=(
                Column(name="Passerelle", unit="string"),
                Column(name="Identité", unit="string"),
                Column(name="Depuis", unit="dateTimeAsIso"),
                Column(name="Dernière mesure", unit="dateTimeAsIso"),
                Column(name="Dernière écriture", unit="s", decimals=0),
            ),
        ),
    ),
)

_READINGS = Row(
    title="Mesures · Readings",
    panels=(
        Panel(
            query="readings_rate",
            kind="timeseries",
            title="Mesures par intervalle",
            unit="short",
            bars=True,
            min_interval="5m",
            fr="Nombre de mesures par grandeur, au temps de l'eau : un creux est un trou dans les données.",
            en="Number of readings by quantity, in the time of the water: a dip is a hole in the data.",
        ),
        Panel(
            query="good_share",
            kind="timeseries",
            title="Part de bonnes mesures",
            unit="percentunit",
            min_interval="15m",
            fr="Part des mesures de bonne qualité, par grandeur.",
            en="Share of readings of good quality, by quantity.",
        ),
        Panel(
            query="point_health",
            kind="table",
            title="Santé des points",
            unit="none",
            width=24,
            height=10,
            fr="Les points les plus incomplets d'abord ; l'âge est compté depuis la fin de la période.",
            en="The least complete points first; age is counted from the end of the time range.",
            columns=(
                Column(name="Point", unit="string"),
                Column(name="Grandeur", unit="string"),
                Column(name="Secteur", unit="string"),
                Column(name="Dernière mesure", unit="dateTimeAsIso"),
                Column(name="Âge", unit="s", decimals=0),
                Column(name="Période", unit="s"),
                Column(name="Complétude", unit="percentunit", decimals=1),
            ),
        ),
    ),
)

_REFUSED = Row(
    title="Rebuts · Dead letters",
    panels=(
        Panel(
            query="dead_letter_reasons",
            kind="table",
            title="Rebuts par raison",
            unit="none",
            width=10,
            fr="Ce qui n'a pas pu devenir une mesure, par passerelle et raison.",
            en="What could not become a reading, by gateway and reason.",
            empty="Aucun rebut pendant la période · No dead letter in this time range",
            columns=(
                Column(name="Passerelle", unit="string"),
                Column(name="Raison", unit="string"),
                Column(name="Dernier", unit="dateTimeAsIso"),
            ),
        ),
        Panel(
            query="dead_letters",
            kind="table",
            title="Derniers rebuts",
            unit="string",
            width=14,
            fr="Un par un, avec le détail.",
            en="One by one, with the detail.",
            empty="Aucun rebut pendant la période · No dead letter in this time range",
            columns=(Column(name="À", unit="dateTimeAsIso"),),
        ),
        Panel(
            query="gaps",
            kind="table",
            title="Mesures perdues pour de bon",
            unit="none",
            width=24,
            fr="Ce que les passerelles ont perdu : spool plein, bloc abîmé, oublié par une base restaurée, disque remplacé.",
            en="What gateways had to drop: spool full, block damaged, forgotten by a restored database, disk replaced.",
            empty="Aucune perte pendant la période · No loss in this time range",
            columns=(
                Column(name="Reçu", unit="dateTimeAsIso"),
                Column(name="Passerelle", unit="string"),
                Column(name="Raison", unit="string"),
                Column(name="De", unit="dateTimeAsIso"),
                Column(name="À", unit="dateTimeAsIso"),
                Column(name="Appareils", unit="string"),
            ),
        ),
    ),
)

DASHBOARD = Dashboard(
    uid="khettara-fleet",
    title="Parc et ingestion · Fleet and ingest health",
    description="Passerelles, complétude, qualité, rebuts. Gateways, completeness, quality, dead letters.",
    rows=(_DELIVERY, _READINGS, _REFUSED),
    by_zone=False,
)
