"""The console's routes, one module a page. ``ROUTERS`` is every one of them, in an explicit table."""

from __future__ import annotations

from fastapi import APIRouter

from console.routes import (
    alarm_performance,
    alarm_plans,
    alertmanager,
    alerts,
    api,
    api_desk,
    audit,
    auth,
    complaints,
    customers,
    desk,
    emergencies,
    findings,
    fleet,
    links,
    live,
    oidc,
    overview,
    work,
    zones,
)

ROUTERS: tuple[APIRouter, ...] = (
    auth.router,
    oidc.router,
    overview.router,
    zones.router,
    desk.router,
    emergencies.router,
    alerts.router,
    alarm_plans.router,
    alarm_performance.router,
    alertmanager.router,
    audit.router,
    fleet.router,
    live.router,
    links.router,
    work.router,
    findings.router,
    complaints.router,
    customers.router,
    api.pages,
    api.router,
    api_desk.router,
)
"""Each route in them stands in the authorisation matrix of the tests."""
