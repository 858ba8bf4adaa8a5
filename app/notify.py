"""Wiring of the notices: the plan out of the site's folder, the console's texts for the messages, Apprise for the road."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from alerts.link_desk import LinkDesk
from alerts.notices import notices_of
from alerts.notifier import Message, Notifier
from alerts.recipients import NotifyPlan, parse_plan
from alerts.service import Alerts, Notices
from app.alert_push import push_alert
from app.apprise_delivery import deliver_by_apprise
from app.site import read_toml
from console.i18n import Texts, load_texts
from console.messages import alert_text
from console.snapshot import RANK
from domain.alerts import Alert
from domain.inventory import Inventory
from domain.notices import Notice, NoticeKind
from domain.ports import AlertStore, Clock, NoticeOutbox
from domain.tables import Table

PLAN_FILE = "notify.toml"


def load_plan(folder: Path, inventory: Inventory) -> NotifyPlan:
    """The plan of a site; an empty one where the file is absent: then nobody is told.

    Raises:
        ConfigurationError: The file says something that cannot be.
    """
    path = folder / PLAN_FILE
    if not path.exists():
        return NotifyPlan()
    return parse_plan(Table.root(PLAN_FILE, read_toml(path)), folder, inventory.zones)


def notifying(
    plan: NotifyPlan,
    inventory: Inventory,
    alerts: Alerts,
    store: AlertStore,
    outbox: NoticeOutbox,
    secret: bytes,
    clock: Clock,
) -> tuple[Notifier, LinkDesk]:
    """The sender, and the desk behind the links it sends."""
    notifier = Notifier(
        outbox=outbox,
        alerts=store,
        plan=plan,
        deliver=deliver_by_apprise,
        push=push_alert,
        wording=Words(inventory),
        secret=secret,
        local=inventory.site.calendar.zone,
    )
    return notifier, LinkDesk(alerts=alerts, store=store, outbox=outbox, plan=plan, secret=secret, clock=clock)


class Words:
    """``alerts.notifier.Wording`` by the console's catalogues: one wording for page and message."""

    def __init__(self, inventory: Inventory, texts: Mapping[str, Texts] | None = None) -> None:
        self._inventory = inventory
        self._texts = texts or load_texts()

    def __call__(self, notice: Notice, alert: Alert | None) -> Message:
        """Title and body in the notice's language; the link is added by the sender."""
        texts = self._texts[notice.language]
        site = self._inventory.site
        name = site.names.get(notice.language) or site.names.get("fr") or "Khettara"
        if notice.kind is NoticeKind.TEST or alert is None:
            return Message(title=f"{name}: {texts('notice.test')}", body=texts("notice.test_body"))
        shown = alert_text(texts, alert, site.calendar.zone)
        zone = self._inventory.zones.get(alert.zone or "")
        place = "" if zone is None else f" · {zone.names.get(notice.language, zone.key)}"
        lines = [f"{label}: {value}" for label, value in shown.evidence]
        if notice.kind is not NoticeKind.RETURNED:
            lines.append(shown.advice)
        word = texts(f"notice.{notice.kind.value}", priority=texts(f"priority.{RANK[alert.priority]}"))
        return Message(title=f"{name}{place}: {shown.title}", body="\n".join([word, *filter(None, lines)]))


def planner(plan: NotifyPlan, inventory: Inventory) -> Notices:
    """Who is told of a change of an alert."""

    def told(alert: Alert, action: str) -> tuple[Notice, ...]:
        return notices_of(alert, action, plan, inventory.zones, inventory.site.calendar.zone)

    return told
