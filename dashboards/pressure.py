"""Pressure: the service at critical points, what the valves were told and did, what that saves, and what was refused."""

from __future__ import annotations

from dashboards.links import CONSOLE_AUDIT, CONSOLE_ZONE, ZONE, ZONE_KEY, zone_column
from dashboards.shared import CRITICAL_PRESSURE
from dashboards.specs import Dashboard, Panel, Row, Step, Words, column

_SERVICE = Row(
    title=Words("Service", "Service"),
    panels=(
        Panel(
            query="pressure_margin",
            kind="stat",
            title=Words("Marge la plus faible", "Least margin"),
            about=Words(
                "Pression du point critique le plus bas, moins le minimum de service ; négative, des clients manquent d'eau.",
                "Lowest critical pressure less the zone's minimum service pressure; when negative, customers lack pressure.",
            ),
            unit="suffix: m",
            width=5,
            height=4,
            decimals=1,
            steps=(Step(value=None, color="semi-dark-red"), Step(value=0, color="#8e8e8e")),
        ),
        Panel(
            query="minutes_below",
            kind="stat",
            title=Words("Temps sous le minimum", "Time below the least pressure"),
            about=Words(
                "Temps passé sous le minimum de service, tous points critiques ajoutés ; et le même par client, chaque point "
                "critique valant une part égale des branchements de son secteur.",
                "Time below the least service pressure, summed over critical points; and the same by customer, each critical "
                "point standing for an equal share of its zone's connections.",
            ),
            unit="suffix: min",
            width=7,
            height=4,
            decimals=0,
        ),
        Panel(
            query="saved",
            kind="stat",
            title=Words("Volume épargné (estimé)", "Volume saved (estimate)"),
            about=Words(
                "Contre des vannes restées à leur valeur de repli, la fuite étant prise proportionnelle à la pression (N1 = 1).",
                "Against valves left at their fall-back value, with leakage taken proportional to pressure (N1 = 1).",
            ),
            unit="suffix: m³",
            width=5,
            height=4,
            decimals=0,
            empty=Words("Aucune nuit connue", "No night known"),
        ),
        Panel(
            query="commands_by_outcome",
            kind="stat",
            title=Words("Commandes par issue", "Commands by outcome"),
            about=Words(
                "Commandes de la période par issue ; vérifiée veut dire relue sur la vanne.",
                "Commands of the time range by outcome; verified means read back from the valve.",
            ),
            unit="none",
            width=7,
            height=4,
            decimals=0,
        ),
        CRITICAL_PRESSURE,
        Panel(
            query="service",
            kind="table",
            title=Words("Service par point critique", "Service by critical point"),
            about=Words(
                "Plus basse et moyenne de la période, et le temps sous le minimum, du pire au meilleur.",
                "Lowest and mean of the time range, and time below the minimum, worst first.",
            ),
            unit="suffix: m",
            width=24,
            height=7,
            decimals=1,
            columns=(
                zone_column(ZONE),
                column("Point critique", "Critical point", "string"),
                column("Minutes sous le minimum", "Minutes below the least", "suffix: min", 0),
                column("Minutes-clients", "Customer minutes", "suffix: min", 0),
                ZONE_KEY,
            ),
        ),
    ),
)

_VALVES = Row(
    title=Words("Vannes", "Valves"),
    panels=(
        Panel(
            query="setpoints",
            kind="timeseries",
            title=Words("Consigne et aval mesuré", "Setpoint and outlet measured"),
            about=Words(
                "Consigne lue sur chaque vanne et pression mesurée à son aval : elles doivent se suivre.",
                "Setpoint read from each valve and pressure measured behind it: they should follow one another.",
            ),
            unit="suffix: m",
            width=24,
            height=9,
            min_interval="1m",
        ),
        Panel(
            query="inlet_pressure",
            kind="timeseries",
            title=Words("Amont", "Upstream"),
            about=Words("Pressions en amont des vannes et des entrées.", "Pressures upstream of valves and inlets."),
            unit="suffix: m",
            min_interval="1m",
        ),
        Panel(
            query="valve_position",
            kind="timeseries",
            title=Words("Ouverture", "Opening"),
            about=Words(
                "Ouverture des vannes ; une vanne toute ouverte ne règle plus rien.",
                "Opening of the valves; a valve wide open controls nothing.",
            ),
            unit="percent",
            min_interval="1m",
        ),
        Panel(
            query="actuators",
            kind="table",
            title=Words("État des vannes", "State of the valves"),
            about=Words(
                "Mode, consigne et mesure les plus récentes de la période, limites et valeur de repli.",
                "Mode, newest setpoint and measurement of the time range, limits and fall-back value.",
            ),
            unit="suffix: m",
            width=24,
            height=6,
            decimals=1,
            columns=(
                column("Vanne", "Valve", "string", link=CONSOLE_ZONE),
                zone_column(ZONE),
                column("Mode", "Mode", "string"),
                column("Jusqu'à", "Until", "dateTimeAsIso"),
                column("Par", "By", "string"),
                column("Lue à", "Read at", "dateTimeAsIso"),
                ZONE_KEY,
            ),
        ),
        Panel(
            query="saving",
            kind="table",
            title=Words("Épargne, manœuvres et refus par vanne", "Saving, moves and refusals by valve"),
            about=Words(
                "Volume épargné = excès de nuit ÷ pression de nuit × (repli − aval moyen) × temps : une estimation, négative "
                "si la vanne était au-dessus de son repli. Manœuvres : commandes vérifiées sans les renouvellements. Refus : "
                "par le pupitre.",
                "Volume saved = night excess ÷ night pressure × (fall-back − mean outlet) × time: an estimate, negative where "
                "the valve stood above its fall-back value. Moves: verified commands without renewals. Refusals: by the desk.",
            ),
            unit="suffix: m",
            width=14,
            height=7,
            decimals=1,
            columns=(
                column("Vanne", "Valve", "string", link=CONSOLE_ZONE),
                zone_column(ZONE),
                column("Excès de nuit", "Night excess", "suffix: m³/h", 1),
                column("Volume épargné", "Volume saved", "suffix: m³", 0),
                column("Manœuvres", "Moves", "none", 0),
                column("Refus", "Refusals", "none", 0),
                ZONE_KEY,
            ),
        ),
        Panel(
            query="moves",
            kind="timeseries",
            title=Words("Manœuvres par jour", "Moves by day"),
            about=Words(
                "Commandes par jour local et par vanne, sans les renouvellements, sur 30 jours ; ce qui n'a pas été vérifié "
                "est à part.",
                "Commands by local day and valve, without renewals, over 30 days; what was not verified is apart.",
            ),
            unit="none",
            width=10,
            height=7,
            bars=True,
            time_from="30d",
            empty=Words("Aucune manœuvre", "No move"),
        ),
    ),
)

_COMMANDS = Row(
    title=Words("Commandes", "Commands"),
    panels=(
        Panel(
            query="commands",
            kind="table",
            title=Words("Dernières commandes", "Last commands"),
            about=Words(
                "Ce qui a été demandé, relu et répondu, et par qui.", "What was asked, read back and answered, and by whom."
            ),
            unit="suffix: m",
            width=14,
            height=9,
            decimals=1,
            empty=Words("Aucune commande pendant la période", "No command in this time range"),
            columns=(
                column("Donnée à", "Given at", "dateTimeAsIso"),
                column("Vanne", "Valve", "string", link=CONSOLE_ZONE),
                column("Issue", "Outcome", "string"),
                column("Réponse", "Answer", "s", 0),
                column("Source", "Source", "string"),
                column("Auteur", "Author", "string"),
                column("Détail", "Detail", "string"),
                ZONE_KEY,
            ),
        ),
        Panel(
            query="refusals",
            kind="table",
            title=Words("Refus du pupitre", "Refusals by the desk"),
            about=Words(
                "Souhaits que le pupitre a refusés, une ligne par raison ; rien n'a bougé.",
                "Wishes that the desk refused, a row for each reason; nothing moved.",
            ),
            unit="string",
            width=10,
            height=9,
            empty=Words("Aucun refus pendant la période", "No refusal in this time range"),
            columns=(
                column("À", "At", "dateTimeAsIso"),
                column("Vanne", "Valve", "string", link=CONSOLE_ZONE),
                column("Demandée", "Asked", "suffix: m", 1),
                ZONE_KEY,
            ),
        ),
        Panel(
            query="audit",
            kind="table",
            title=Words("Journal inaltérable", "Tamper-evident audit"),
            about=Words(
                "Dernières lignes du journal : écrites avant que rien ne bouge, chaînées par empreinte.",
                "Last rows of the audit: written before anything moves, chained by hash.",
            ),
            unit="string",
            width=24,
            height=7,
            empty=Words("Aucune ligne pendant la période", "No row in this time range"),
            columns=(column("N°", "No.", "none", link=CONSOLE_AUDIT), column("À", "At", "dateTimeAsIso")),
        ),
    ),
)

DASHBOARD = Dashboard(
    key="pressure",
    title=Words("Pressions", "Pressure"),
    about=Words(
        "Service aux points critiques, vannes, épargne et commandes.", "Service at critical points, valves, savings and commands."
    ),
    rows=(_SERVICE, _VALVES, _COMMANDS),
)
