"""One zone, or the sum of several: inflow against what is usual, nights, balance, critical pressures."""

from __future__ import annotations

from dashboards.links import CONSOLE_ZONE, ZONE_KEY, zone_column
from dashboards.shared import CRITICAL_PRESSURE, INFLOW_VOLUME, NET_INFLOW_NOW, NIGHT_EXCESS, OPEN_ALERTS
from dashboards.specs import Column, Dashboard, Drawn, Panel, Row, Words, column

_NO_LINE: Drawn = ("lineWidth", 0)
_BELOW = Words("Bas 5 %", "Low 5 %")
_ABOVE = Words("Haut 95 %", "High 95 %")
_USUAL = Words("Habituel (prévision)", "Usual (forecast)")

_FLOW = Row(
    title=Words("Débit", "Flow"),
    panels=(
        NET_INFLOW_NOW,
        INFLOW_VOLUME,
        NIGHT_EXCESS,
        OPEN_ALERTS,
        Panel(
            query="inflow_band",
            kind="timeseries",
            title=Words("Entrée, bande habituelle et prévision", "Inflow, usual band and forecast"),
            about=Words(
                "Bande : 5 % à 95 % de la même heure locale, même sorte de jour (week-end ou non), pendant les 28 jours "
                "d'avant ; la prévision est la médiane. Une fuite plus vieille est dans la bande, et le Ramadan n'est pas "
                "traité à part. Plusieurs secteurs sont additionnés : une somme de bandes est plus large que la bande de la "
                "somme.",
                "Band: 5 % to 95 % of the same local hour on the same kind of day (weekend or not) in the 28 days before; the "
                "forecast is the median. An older leak is in the band itself, and Ramadan is not told apart. Several zones "
                "are added up: a sum of bands is wider than the band of the sum.",
            ),
            unit="suffix: m³/h",
            width=16,
            height=10,
            columns=(
                Column(name=_ABOVE, unit="suffix: m³/h", drawn=(_NO_LINE, ("fillOpacity", 15), ("fillBelowTo", _BELOW))),
                Column(name=_BELOW, unit="suffix: m³/h", drawn=(_NO_LINE,)),
                Column(name=_USUAL, unit="suffix: m³/h", drawn=(("lineStyle", {"fill": "dash", "dash": [6, 4]}),)),
                Column(name=Words("Entrée", "Inflow"), unit="suffix: m³/h", drawn=(("lineWidth", 2),)),
            ),
        ),
        Panel(
            query="forecast",
            kind="trend",
            title=Words("Prévision des 24 heures suivantes", "Forecast of the next 24 hours"),
            about=Words(
                "Ce qui est habituel aux heures qui suivent la fin de la période, par la même règle que la bande.",
                "What is usual at the hours after the end of the time range, by the rule of the band.",
            ),
            unit="suffix: m³/h",
            width=8,
            height=10,
            columns=(column("Heures d'avance", "Hours ahead", "suffix: h", 0),),
        ),
        Panel(
            query="inflow_filled",
            kind="xychart",
            title=Words("Entrée : mesurée et comblée", "Inflow: measured and gap filled"),
            about=Words(
                "Ligne : mesuré. Cercles creux : un trou comblé par une valeur estimée, en tout ou en partie.",
                "Line: measured. Hollow circles: a gap filled by an estimated value, in whole or in part.",
            ),
            unit="suffix: m³/h",
            width=24,
            height=7,
            columns=(
                column("Heure", "Time", "dateTimeAsIso"),
                Column(name=Words("Mesuré", "Measured"), unit="suffix: m³/h", drawn=(("show", "lines"), ("lineWidth", 1))),
                Column(
                    name=Words("Comblé", "Gap filled"),
                    unit="suffix: m³/h",
                    drawn=(("show", "points"), ("fillOpacity", 0), ("pointStrokeWidth", 2)),
                ),
            ),
        ),
    ),
)

_LOSSES = Row(
    title=Words("Nuits et bilan", "Nights and balance"),
    panels=(
        Panel(
            query="night_flow",
            kind="timeseries",
            title=Words("Débit minimum de nuit", "Minimum night flow"),
            about=Words(
                "Plus petite moyenne d'une heure entre 2 h et 5 h, heure locale, nuit par nuit sur 30 jours, et l'usage de "
                "nuit admis.",
                "Least mean over one hour between 02:00 and 05:00 local time, night by night over 30 days, and the legitimate use.",
            ),
            unit="suffix: m³/h",
            bars=True,
            time_from="30d",
        ),
        Panel(
            query="customers",
            kind="timeseries",
            title=Words("Grands clients", "Large customers"),
            about=Words(
                "Débits des grands clients : un excès qui vient de l'un d'eux n'est pas une fuite.",
                "Flows of large customers: an excess that comes from one of them is no leak.",
            ),
            unit="suffix: m³/h",
            empty=Words("Aucun compteur de client ici", "No customer's meter here"),
        ),
        Panel(
            query="balance",
            kind="table",
            title=Words("Eau non comptabilisée, avec ce qu'on en sait", "Non-revenue water, and how well it is known"),
            about=Words(
                "± : bande de 95 %, compteurs bons à 2 %, clients sans compteur pris comme les autres à 20 %. Sans 30 % de "
                "branchements comptés, rien n'est dit de consommé ; les nuits le disent alors seules. « khettara zones "
                "balance » en dit plus.",
                "±: 95 % band, meters good to 2 %, customers without one taken like the others to 20 %. Below 30 % of metered "
                "connections nothing is said of the use; then the nights alone say it. “khettara zones balance” says more.",
            ),
            unit="suffix: m³",
            width=24,
            height=7,
            decimals=0,
            columns=(
                zone_column(CONSOLE_ZONE),
                column("Jours", "Days", "none", 1),
                column("Heures connues", "Hours known", "percentunit", 0),
                column("Branchements comptés", "Connections metered", "percentunit", 1),
                column("ENC, part", "NRW, share", "percentunit", 1),
                ZONE_KEY,
            ),
        ),
    ),
)

_PRESSURE = Row(title=Words("Pression", "Pressure"), panels=(CRITICAL_PRESSURE,))

DASHBOARD = Dashboard(
    key="zone",
    title=Words("Secteur", "Zone"),
    about=Words(
        "Débit d'un secteur contre ce qui est habituel, nuits, bilan et pressions critiques ; plusieurs secteurs sont additionnés.",
        "A zone's inflow against what is usual, its nights, balance and critical pressures; several zones are added up.",
    ),
    rows=(_FLOW, _LOSSES, _PRESSURE),
    time_from="now-7d",
)
