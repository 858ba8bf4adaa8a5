"""Grafana's own alerts, about our own health alone: ingest, database, gateways, notices. As files for Grafana's provisioning.

Alarms of the process (leaks, pressure) are ours and do not come from here: Grafana knows no acknowledgement. What is watched here
is what would keep those alarms from being raised or told, seen from outside.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dashboards.specs import Words

QUERIES = Path(__file__).parent / "alerts"
DATASOURCE_UID = "khettara"
"""Of the provisioned data source: an alert rule has no variable to choose it by."""
PLUGIN = "grafana-postgresql-datasource"
CONTACT = "khettara-operations"
FOLDER = "Khettara · Alertes · Alerts"
ADDRESS = "$KHETTARA_ALERTS_TO"
"""Grafana puts in its environment variable: the one place of these files with a dollar in it."""

State = Literal["Alerting", "OK"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One question with one number as its answer, and the number above (or below) which somebody is told."""

    key: str
    title: Words
    action: Words
    """What it means and what to do."""
    limit: float
    above: bool = True
    lasts: str
    """How long it must be so, such as ``5m``."""
    severity: Literal["critical", "warning"]
    no_data: State = "OK"
    """What an empty answer is."""
    panel: str
    """Key of the dashboard to look at."""

    @property
    def uid(self) -> str:
        """Identity in Grafana."""
        return "khettara-" + self.key.replace("_", "-")

    @property
    def sql(self) -> str:
        """One row with the column ``value``."""
        return (QUERIES / f"{self.key}.sql").read_text(encoding="utf-8").strip()

    def fires(self, value: float) -> bool:
        """Whether this answer is beyond the limit."""
        return value > self.limit if self.above else value < self.limit


RULES = (
    Rule(
        key="database",
        title=Words("Base de données injoignable", "Database unreachable"),
        action=Words(
            "Grafana ne peut plus interroger la base. Les passerelles gardent leurs mesures ; voir le service database.",
            "Grafana can no longer ask the database. Gateways keep their readings; look at the service database.",
        ),
        limit=1,
        above=False,
        lasts="2m",
        severity="critical",
        no_data="Alerting",
        panel="ingest",
    ),
    Rule(
        key="ingest_stopped",
        title=Words("Ingestion arrêtée", "Ingest stopped"),
        action=Words(
            "Aucun COMMIT d'aucune passerelle depuis plus de 10 minutes. Voir le service ingest, puis le broker.",
            "No COMMIT from any gateway for more than 10 minutes. Look at the service ingest, then at the broker.",
        ),
        limit=600,
        lasts="5m",
        severity="critical",
        panel="ingest",
    ),
    Rule(
        key="gateway_offline",
        title=Words("Passerelle hors ligne", "Gateway offline"),
        action=Words(
            "Une passerelle au moins est hors ligne depuis un quart d'heure : liaison, courant, ou le service à son site.",
            "At least one gateway has been offline for a quarter of an hour: link, power, or the service at its site.",
        ),
        limit=0,
        lasts="15m",
        severity="warning",
        panel="meters",
    ),
    Rule(
        key="dead_letters",
        title=Words("Beaucoup de rebuts", "Many dead letters"),
        action=Words(
            "Plus de 100 rebuts en une heure : un appareil ou un fichier d'inventaire a changé. Corriger, puis « khettara "
            "deadletters ».",
            "More than 100 dead letters in an hour: a device or an inventory file has changed. Mend it, then “khettara "
            "deadletters”.",
        ),
        limit=100,
        lasts="5m",
        severity="warning",
        panel="ingest",
    ),
    Rule(
        key="readings_lost",
        title=Words("Mesures perdues pour de bon", "Readings lost for good"),
        action=Words(
            "Une passerelle a dû jeter des mesures : disque plein, abîmé ou remplacé.",
            "A gateway had to drop readings: disk full, damaged or replaced.",
        ),
        limit=0,
        lasts="0s",
        severity="warning",
        panel="ingest",
    ),
    Rule(
        key="rollups_behind",
        title=Words("Agrégats en retard", "Rollups behind"),
        action=Words(
            "Des marques attendent depuis plus d'un jour : le service centre ne les traite plus. Les réponses restent justes, "
            "mais lentes.",
            "Marks have waited for more than a day: the service centre works them off no more. Answers stay right, but slow.",
        ),
        limit=86_400,
        lasts="1h",
        severity="warning",
        panel="ingest",
    ),
    Rule(
        key="notices_stuck",
        title=Words("Avis qui ne partent pas", "Notices that do not leave"),
        action=Words(
            "Des avis attendent depuis plus d'un quart d'heure : les équipes ne sont pas prévenues. Les appeler, puis voir le "
            "service centre.",
            "Notices have waited for more than a quarter of an hour: crews are not told. Call them, then look at the service "
            "centre.",
        ),
        limit=0,
        lasts="5m",
        severity="critical",
        panel="leaks",
    ),
    Rule(
        key="notices_failed",
        title=Words("Avis échoués", "Notices that failed"),
        action=Words(
            "Un avis n'a pas pu être remis après tous ses essais : voir le service d'envoi du destinataire.",
            "A notice could not be delivered after all its tries: look at the recipient's delivery service.",
        ),
        limit=0,
        lasts="0s",
        severity="warning",
        panel="leaks",
    ),
    Rule(
        key="commands_unresolved",
        title=Words("Commandes sans issue", "Commands without an outcome"),
        action=Words(
            "Une commande est en cours 10 minutes après son échéance : le pupitre ne conclut plus. Voir le service centre.",
            "A command is under way 10 minutes after it expired: the desk concludes no more. Look at the service centre.",
        ),
        limit=0,
        lasts="5m",
        severity="critical",
        panel="pressure",
    ),
)


def alerting_texts() -> dict[str, str]:
    """The files for ``provisioning/alerting`` by name."""
    return {
        "khettara-rules.yaml": _yaml(_rules()),
        "khettara-contact-points.yaml": _yaml(_contact_points()),
        "khettara-policies.yaml": _yaml(_policies()),
    }


def _rules() -> dict[str, object]:
    group = {"orgId": 1, "name": "khettara-health", "folder": FOLDER, "interval": "1m", "rules": [_rule(rule) for rule in RULES]}
    return {"apiVersion": 1, "groups": [group]}


def _rule(rule: Rule) -> dict[str, object]:
    asked = {
        "refId": "A",
        "datasource": {"type": PLUGIN, "uid": DATASOURCE_UID},
        "format": "table",
        "rawQuery": True,
        "editorMode": "code",
        "rawSql": rule.sql,
        "intervalMs": 60_000,
        "maxDataPoints": 100,
    }
    judged = {
        "refId": "B",
        "type": "threshold",
        "expression": "A",
        "datasource": {"type": "__expr__", "uid": "__expr__"},
        "conditions": [{"evaluator": {"type": "gt" if rule.above else "lt", "params": [rule.limit]}}],
    }
    return {
        "uid": rule.uid,
        "title": " · ".join(rule.title),
        "condition": "B",
        "data": [
            {"refId": "A", "relativeTimeRange": {"from": 600, "to": 0}, "datasourceUid": DATASOURCE_UID, "model": asked},
            {"refId": "B", "relativeTimeRange": {"from": 600, "to": 0}, "datasourceUid": "__expr__", "model": judged},
        ],
        "for": rule.lasts,
        "noDataState": rule.no_data,
        "execErrState": "Alerting" if rule.key == "database" else "Error",
        "labels": {"severity": rule.severity, "product": "khettara"},
        "annotations": {
            "summary": " · ".join(rule.title),
            "description": "\n".join(rule.action),
            "dashboard": f"khettara-{rule.panel}-fr",
        },
        "isPaused": False,
    }


def _contact_points() -> dict[str, object]:
    mail = {
        "uid": "khettara-operations-mail",
        "type": "email",
        "disableResolveMessage": False,
        "settings": {"addresses": ADDRESS, "singleEmail": True},
    }
    return {"apiVersion": 1, "contactPoints": [{"orgId": 1, "name": CONTACT, "receivers": [mail]}]}


def _policies() -> dict[str, object]:
    urgent = {
        "receiver": CONTACT,
        "object_matchers": [["severity", "=", "critical"]],
        "group_wait": "10s",
        "group_interval": "1m",
        "repeat_interval": "1h",
    }
    tree = {
        "orgId": 1,
        "receiver": CONTACT,
        "group_by": ["grafana_folder", "alertname"],
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "12h",
        "routes": [urgent],
    }
    return {"apiVersion": 1, "policies": [tree]}


def _yaml(document: Mapping[str, object]) -> str:
    """YAML of plain values: texts stand in JSON's quotes, which YAML reads too."""
    return "# Made by: khettara dashboards build\n" + "\n".join(_lines(document)) + "\n"


def _lines(value: object) -> Iterator[str]:
    match value:
        case Mapping():
            for key, part in value.items():
                if _flat(part):
                    yield f"{key}: {json.dumps(part, ensure_ascii=False)}"
                else:
                    yield f"{key}:"
                    yield from (f"  {line}" for line in _lines(part))
        case list():
            for part in value:
                first, *rest = [json.dumps(part, ensure_ascii=False)] if _flat(part) else list(_lines(part))
                yield f"- {first}"
                yield from (f"  {line}" for line in rest)
        case _:
            yield json.dumps(value, ensure_ascii=False)


def _flat(value: object) -> bool:
    """Whether it stands on one line: a scalar, or a list of scalars."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return all(_flat(part) and not isinstance(part, Mapping) for part in value)
    return not isinstance(value, Mapping)
