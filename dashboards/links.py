"""Where a click leads: to another dashboard with the zone chosen, or into the operators' console."""

from __future__ import annotations

from dashboards.specs import Column, Language, Link, Words

ZONE = Link(
    title=Words("Ouvrir le secteur", "Open the zone"),
    url="/d/khettara-zone-{lang}?var-zone=[zone_key]&${ds:queryparam}&${__url_time_range}",
)
PRESSURE = Link(
    title=Words("Pressions du secteur", "The zone's pressures"),
    url="/d/khettara-pressure-{lang}?var-zone=[zone_key]&${ds:queryparam}&${__url_time_range}",
)
LEAKS = Link(
    title=Words("Fuites du secteur", "The zone's leaks"),
    url="/d/khettara-leaks-{lang}?var-zone=[zone_key]&${ds:queryparam}&${__url_time_range}",
)
CONSOLE_ZONE = Link(title=Words("Secteur dans la console", "Zone in the console"), url="{console}/zones/[zone_key]")
CONSOLE_ALERTS = Link(title=Words("Alertes dans la console", "Alerts in the console"), url="{console}/alerts")
CONSOLE_ORDER = Link(title=Words("Ordre dans la console", "Order in the console"), url="{console}/orders/[order_key]")
CONSOLE_FLEET = Link(title=Words("Parc dans la console", "Fleet in the console"), url="{console}/fleet")
CONSOLE_AUDIT = Link(title=Words("Journal dans la console", "Audit in the console"), url="{console}/audit")

ZONE_KEY = Column(name=Words("zone_key", "zone_key"), unit="string", hidden=True)
ORDER_KEY = Column(name=Words("order_key", "order_key"), unit="string", hidden=True)


def url(link: Link, language: Language) -> str:
    """The address as Grafana wants it: a column becomes the field of the row, percent-encoded."""
    text = link.url.replace("{lang}", language).replace("{console}", "${console}")
    return text.replace("[", "${__data.fields.").replace("]", ":percentencode}")


def zone_column(link: Link = ZONE) -> Column:
    """The column with a zone's name, which leads to it."""
    return Column(name=Words("Secteur", "Zone"), unit="string", link=link)
