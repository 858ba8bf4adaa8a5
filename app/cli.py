"""``khettara``: every way to start or ask the product from a terminal.

Commands import what they need when they run, so that ``--help`` is quick and a gateway needs no database library.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from app.blas_threads import one_blas_thread
from app.cli_alarms import alarms
from app.cli_bench import bench
from app.cli_certs import certs
from app.cli_dashboards import dashboards
from app.cli_data import db, deadletters
from app.cli_dlms import dlms
from app.cli_edge import edge
from app.cli_leaks import leaks
from app.serving import serve
from app.time_rules import use_newest_rules
from domain.errors import KhettaraError

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Meters, losses and valves of a water utility."
)
ingest = typer.Typer(no_args_is_help=True, help="From the broker to the database.")
centre = typer.Typer(no_args_is_help=True, help="Detection, control, command desk, alarms and the operators' console.")
town = typer.Typer(no_args_is_help=True, help="The simulated town.")
site = typer.Typer(no_args_is_help=True, help="A site's inventory files.")
users = typer.Typer(no_args_is_help=True, help="Who may log in to the console.")
audit = typer.Typer(no_args_is_help=True, help="The audit chain.")
zones = typer.Typer(no_args_is_help=True, help="Questions about zones.")
for _name, _group in {
    "leaks": leaks, "edge": edge, "ingest": ingest, "centre": centre, "town": town, "db": db, "site": site, "users": users,
    "audit": audit, "dashboards": dashboards, "zones": zones, "deadletters": deadletters, "certs": certs,
    "bench": bench,
}.items():  # fmt: skip
    app.add_typer(_group, name=_name)
app.add_typer(dlms, name="dlms")
app.add_typer(alarms, name="alarms")

ConfigFile = Annotated[Path, typer.Option("--config", help="The service's TOML file.", dir_okay=False)]
SettingsFile = Annotated[Path | None, typer.Option("--config", help="The centre's TOML file; else KHETTARA_… variables.")]
DataFolder = Annotated[Path | None, typer.Option("--data", help="Data folder of a demo or replay that is not running.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]


def _refuse(text: str) -> NoReturn:
    Console(stderr=True, soft_wrap=True).print("[red]khettara:[/]", escape(text), highlight=False)
    sys.exit(2)


def main() -> None:
    """Runs the command line; an error of ours is one clear line and exit code 2."""
    one_blas_thread()
    use_newest_rules()
    try:
        code = app(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except KhettaraError as error:
        _refuse(str(error))
    except OSError as error:  # a file or folder that somebody named: said, not traced
        if error.filename is None:
            raise
        _refuse(f"{error.filename}: {error.strerror}")
    except typer.Abort:
        sys.exit(130)
    except Exception as error:  # click's usage errors carry their own code and text
        show = getattr(error, "show", None)
        if show is None:
            raise
        show()
        sys.exit(getattr(error, "exit_code", 2))


@app.command()
def demo(
    data: Annotated[Path, typer.Option(help="Folder that keeps everything.")] = Path(".demo"),
    seed: Annotated[
        int | None, typer.Option(help="Seed of the town and its scenario; default 1, or that of an earlier start.")
    ] = None,
    scenario: Annotated[str | None, typer.Option(help="A file of sites/demo/scenarios, without .toml.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget the data folder and start anew.")] = False,
    for_s: Annotated[float | None, typer.Option("--for", help="Stop after so many seconds of live running.", min=5)] = None,
    report: Annotated[Path | None, typer.Option(help="Write the verdict on the run here; exit 1 if the loop did not hold.")] = None,
    speed: Annotated[float, typer.Option(help="Simulated seconds a second.", min=1, max=600)] = 60.0,
    days: Annotated[int, typer.Option(help="Days of simulated past.", min=2, max=60)] = 14,
    port: Annotated[int, typer.Option(help="Port of the console; a free one if it is taken.")] = 8700,
) -> None:
    """The whole system on this machine, with a simulated town. Ctrl-C stops it."""
    from app.demo.run import DemoOptions, run_demo

    options = DemoOptions(
        data=data.resolve(),
        seed=seed,
        scenario=scenario,
        fresh=fresh,
        for_s=for_s,
        report=report,
        speed=speed,
        days=days,
        port=port,
    )
    raise typer.Exit(run_demo(options))


@app.command()
def replay(
    csv: Annotated[Path, typer.Argument(help="CSV or .csv.gz: a time column and one column a point.")],
    points: Annotated[Path, typer.Option(help="The map: which column is which point.")],
    data: Annotated[Path, typer.Option(help="Folder of the embedded services and the spool.")] = Path("replay-data"),
) -> None:
    """Publishes a CSV of time series through a gateway's spool, MQTT and ingest into the database of a data folder."""
    from app.replay.run import run_replay

    raise typer.Exit(run_replay(csv, points, data.resolve(), Console()))


@zones.command("report")
def zones_report(
    data: Annotated[Path | None, typer.Option(help="Data folder of a demo or replay.")] = None,
    config: SettingsFile = None,
    start: Annotated[datetime | None, typer.Option("--from", help="First moment, local time of the site.")] = None,
    end: Annotated[datetime | None, typer.Option("--to", help="Last moment (not included), local time of the site.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
) -> None:
    """For each zone: days covered, mean inflow, minimum night flow in local time, gaps."""
    from app.zones_report import run_zones_report

    run_zones_report(data.resolve() if data else None, config, start, end, as_json=as_json, console=Console())


@zones.command("balance")
def zones_balance(
    data: DataFolder = None,
    config: SettingsFile = None,
    site: Annotated[Path | None, typer.Option("--site", help="Folder of the site's files, for prices and mains.")] = None,
    month: Annotated[str | None, typer.Option(help="2026-05, local time; default the last 30 days.")] = None,
    as_json: AsJson = False,
) -> None:
    """For each zone: the IWA water balance with 95 % bands, night losses, UARL, ILI, and where a crew gains most."""
    from app.zones_balance import run_zones_balance

    run_zones_balance(data.resolve() if data else None, config, site, month, as_json=as_json, console=Console())


@ingest.command("run")
def ingest_run(
    config: SettingsFile = None,
    workers: Annotated[int, typer.Option(help="Processes that share the work; one that falls is started again.", min=1)] = 1,
) -> None:
    """Runs ingestors."""
    from app.services import run_ingest, run_ingest_workers
    from app.settings import load_settings

    settings = load_settings(config)
    if workers == 1:
        serve(lambda stop: run_ingest(settings, stop))
    else:
        serve(lambda stop: run_ingest_workers(settings, config, workers, stop))


@centre.command("run")
def centre_run(config: SettingsFile = None) -> None:
    """Runs detection, control, the command desk, alarms and the console."""
    from app.centre import run_centre
    from app.settings import load_settings

    settings = load_settings(config)
    serve(lambda stop: run_centre(settings, stop))


@town.command("run")
def town_run(config: ConfigFile) -> None:
    """Runs the simulated town and its Modbus servers."""
    from app.town import run_town_from

    serve(lambda stop: run_town_from(config, stop))


@site.command("check")
def site_check(
    folder: Annotated[Path, typer.Argument(help="Folder with site.toml, zones.toml, points.toml, devices.toml.")],
) -> None:
    """Checks a site's files as a whole, its device models included."""
    from app.edge_check import check_site

    Console().print(check_site(folder), highlight=False)


@users.command("add")
def users_add(
    name: str,
    role: Annotated[str, typer.Option(help="viewer, operator, supervisor or admin.")] = "viewer",
    zone: Annotated[list[str] | None, typer.Option(help="Zone the role holds in; repeat; none is all.")] = None,
    language: Annotated[str, typer.Option(help="fr, ar or en.")] = "fr",
    config: SettingsFile = None,
) -> None:
    """Adds a user or changes one; asks for the password."""
    from app.database import save_user
    from app.settings import load_settings

    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    asyncio.run(save_user(load_settings(config), name=name, role=role, zones=zone or [], language=language, password=password))


@audit.command("verify")
def audit_verify(
    data: Annotated[Path | None, typer.Option(help="Data folder of a demo.")] = None,
    config: SettingsFile = None,
    anchors: Annotated[list[Path] | None, typer.Option("--anchors", help="Anchors kept elsewhere; repeat.", exists=True)] = None,
    journal: Annotated[list[Path] | None, typer.Option("--journal", help="Copy of a spool.db; repeat.", exists=True)] = None,
    key: Annotated[list[Path] | None, typer.Option("--key", help="Public key of anchors, kept elsewhere.", exists=True)] = None,
) -> None:
    """Walks the audit chain and holds it against its witnesses; exit 1 if a row was changed, is missing or was cut off."""
    from app.audit import Witnesses, run_audit_verify

    witnesses = Witnesses(anchors=anchors or (), journals=journal or (), keys=key or ())
    raise typer.Exit(run_audit_verify(data.resolve() if data else None, config, Console(soft_wrap=True), witnesses))


@audit.command("anchor")
def audit_anchor(data: DataFolder = None, config: SettingsFile = None) -> None:
    """Makes a signed anchor of the audit chain now, beside the daily one, and prints it: keep it on another machine."""
    from app.audit import run_audit_anchor

    raise typer.Exit(run_audit_anchor(data.resolve() if data else None, config, Console(soft_wrap=True)))
