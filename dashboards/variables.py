"""What a reader chooses above a dashboard: the database, then region, province and zones, each list after the choice before it."""

from __future__ import annotations

from dataclasses import dataclass

from dashboards.specs import Language, Words, worded

NONE = "-"
"""Region or province of zones that have none above them in the inventory: a list must not be empty, ``IN ()`` is no SQL."""

_REGION = """SELECT DISTINCT coalesce(zone_name(r.names, r.zone, '<<fr|en>>'), '<<sans région|no region>>') AS __text,
       coalesce(t.region, '-') AS __value
FROM v_zone_tree t
LEFT JOIN v_zone r ON r.zone = t.region
WHERE t.zone IN (SELECT zone FROM v_inlet)
ORDER BY 1
LIMIT 1000"""

_PROVINCE = """SELECT DISTINCT coalesce(zone_name(p.names, p.zone, '<<fr|en>>'), '<<sans province|no province>>') AS __text,
       coalesce(t.province, '-') AS __value
FROM v_zone_tree t
LEFT JOIN v_zone p ON p.zone = t.province
WHERE t.zone IN (SELECT zone FROM v_inlet) AND coalesce(t.region, '-') IN ($region)
ORDER BY 1
LIMIT 1000"""

_ZONE = """SELECT zone_name(z.names, z.zone, '<<fr|en>>') AS __text, z.zone AS __value
FROM v_zone z
JOIN v_zone_tree t USING (zone)
WHERE z.zone IN (SELECT zone FROM v_inlet)
  AND coalesce(t.region, '-') IN ($region) AND coalesce(t.province, '-') IN ($province)
ORDER BY 1
LIMIT 1000"""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryVariable:
    """A list of values from the database; its SQL may name the variables before it."""

    name: str
    label: Words
    query: str

    def sql(self, language: Language) -> str:
        """Text of the query."""
        return worded(self.query, language)


PLACES = (
    QueryVariable(name="region", label=Words("Région", "Region"), query=_REGION),
    QueryVariable(name="province", label=Words("Province", "Province"), query=_PROVINCE),
    QueryVariable(name="zone", label=Words("Secteur", "Zone"), query=_ZONE),
)
