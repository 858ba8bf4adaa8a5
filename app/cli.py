"""``khettara``: every way to start or ask the product from a terminal.

Commands import what they need when they run, so that ``--help`` is quick and a gateway needs no database library.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from app.cli_dlms import bench_dlms, dlms
from app.cli_edge import edge
from app.cli_leaks import leaks
from app.serving import serve
from domain.errors import KhettaraError

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Meters, losses and valves of a water utility."
)
ingest = typer.Typer(no_args_is_help=True, help="From the broker to the database.")
centre = typer.Typer(no_args_is_help=True, help="Detection, control, command desk, alarms and the operators' console.")
town = typer.Typer(no_args_is_help=True, help="The simulated town.")
db = typer.Typer(no_args_is_help=True, help="The database.")
site = typer.Typer(no_args_is_help=True, help="A site's inventory files.")
users = typer.Typer(no_args_is_help=True, help="Who may log in to the console.")
audit = typer.Typer(no_args_is_help=True, help="The audit chain.")
dashboards = typer.Typer(no_args_is_help=True, help="Grafana dashboards.")
zones = typer.Typer(no_args_is_help=True, help="Questions about zones.")
certs = typer.Typer(no_args_is_help=True, help="Certificates of gateways and services, for sites without a PKI of their own.")
deadletters = typer.Typer(no_args_is_help=True, help="What could not become a reading.")
bench = typer.Typer(no_args_is_help=True, help="Measurements, on services of their own in a temporary folder.")
for _name, _group in {
    "leaks": leaks, "edge": edge, "ingest": ingest, "centre": centre, "town": town, "db": db, "site": site, "users": users,
    "audit": audit, "dashboards": dashboards, "zones": zones, "deadletters": deadletters, "certs": certs,
    "bench": bench,
}.items():  # fmt: skip
    app.add_typer(_group, name=_name)
app.add_typer(dlms, name="dlms")
bench.command("dlms")(bench_dlms)

ConfigFile = Annotated[Path, typer.Option("--config", help="The service's TOML file.", dir_okay=False)]
SettingsFile = Annotated[Path | None, typer.Option("--config", help="The centre's TOML file; else KHETTARA_… variables.")]
DataFolder = Annotated[Path | None, typer.Option("--data", help="Data folder of a demo or replay that is not running.")]
Authority = Annotated[Path, typer.Option("--ca", help="The authority's folder.", file_okay=False)]
CertificateFolder = Annotated[Path, typer.Option("--out", help="Where the certificate and its key go.", file_okay=False)]
CertificateDays = Annotated[int, typer.Option("--days", help="How long the certificate holds.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
LetterReason = Annotated[str | None, typer.Option("--reason", help="Only this reason, such as unknown_device.")]
LetterEdge = Annotated[str | None, typer.Option("--edge", help="Only this gateway, as group/node.")]
LetterSince = Annotated[str | None, typer.Option("--since", help="Only what was received since; UTC unless it says otherwise.")]


def main() -> None:
    """Runs the command line; an error of ours is one clear line and exit code 2."""
    try:
        code = app(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except KhettaraError as error:
        Console(stderr=True, soft_wrap=True).print("[red]khettara:[/]", escape(str(error)), highlight=False)
        sys.exit(2)
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


@db.command("migrate")
def db_migrate(config: SettingsFile = None) -> None:
    """Brings the schema to the newest version and the site's inventory into the database."""
    from app.database import migrate_and_load
    from app.settings import load_settings

    for line in asyncio.run(migrate_and_load(load_settings(config))):
        typer.echo(line)


@db.command("status")
def db_status(data: DataFolder = None, config: SettingsFile = None, as_json: AsJson = False) -> None:
    """Schema, rows, sizes on disk, rollups and their lag, retention, the ledgers' sums and open dead letters."""
    from app.db_tools import run_status

    run_status(data.resolve() if data else None, config, as_json=as_json, console=Console(soft_wrap=True))


@db.command("refresh")
def db_refresh(data: DataFolder = None, config: SettingsFile = None, as_json: AsJson = False) -> None:
    """Writes the rollups of 15 minutes, hours and days that are behind; the running centre does it by itself."""
    from app.database_life import run_refresh

    run_refresh(data.resolve() if data else None, config, as_json=as_json, console=Console(soft_wrap=True))


@db.command("retain")
def db_retain(
    data: DataFolder = None,
    config: SettingsFile = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be dropped.")] = False,
    as_json: AsJson = False,
) -> None:
    """Drops values older than they are kept; readings never before their rollups are written."""
    from app.database_life import run_retain

    run_retain(data.resolve() if data else None, config, dry_run=dry_run, as_json=as_json, console=Console(soft_wrap=True))


@db.command("backup")
def db_backup(
    file: Annotated[Path, typer.Argument(help="A new file.", dir_okay=False)], data: DataFolder = None, config: SettingsFile = None
) -> None:
    """Dumps the database into one file, with counts and checksums of what it held at that moment."""
    from app.db_backup import run_backup

    run_backup(file.resolve(), data.resolve() if data else None, config, Console(soft_wrap=True))


@db.command("restore-check")
def db_restore_check(file: Annotated[Path, typer.Argument(help="A backup.", exists=True, dir_okay=False)]) -> None:
    """Restores a backup into a fresh embedded database and compares; exit 1 if anything differs."""
    from app.db_backup import run_restore_check

    raise typer.Exit(run_restore_check(file.resolve(), Console(soft_wrap=True)))


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


@deadletters.command("list")
def deadletters_list(
    data: DataFolder = None,
    config: SettingsFile = None,
    reason: LetterReason = None,
    edge: LetterEdge = None,
    since: LetterSince = None,
    as_json: AsJson = False,
) -> None:
    """Open dead letters by reason and gateway: how many, since when, and a sample."""
    from app.deadletters import letter_filter, run_list

    run_list(data.resolve() if data else None, config, letter_filter(reason, edge, since), as_json=as_json, console=Console())


@deadletters.command("replay")
def deadletters_replay(
    data: DataFolder = None,
    config: SettingsFile = None,
    reason: LetterReason = None,
    edge: LetterEdge = None,
    since: LetterSince = None,
    as_json: AsJson = False,
) -> None:
    """Tries kept messages again after a repair, such as a device that is in the inventory now; never twice."""
    from app.deadletters import letter_filter, run_replay

    run_replay(data.resolve() if data else None, config, letter_filter(reason, edge, since), as_json=as_json, console=Console())


@certs.command("ca")
def certs_ca(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder: keep it off the broker's machine, and back it up.")],
    name: Annotated[str, typer.Option(help="Name of the authority.")] = "Khettara",
    days: CertificateDays = 3650,
) -> None:
    """Makes an authority: its certificate, its key and an empty list of revocations."""
    from app.certs import make_authority, utc_now

    typer.echo(f"made {make_authority(folder, now=utc_now(), name=name, days=days)}, ca.key and revoked.pem beside it")


@certs.command("gateway")
def certs_gateway(node: str, ca: Authority, out: CertificateFolder, days: CertificateDays = 90) -> None:
    """Makes a gateway's certificate and key; NODE is its Sparkplug node id."""
    from app.certs import broker_lines, issue_gateway, utc_now

    issued = issue_gateway(node, authority=ca, out=out, now=utc_now(), days=days)
    typer.echo(broker_lines(issued, ca))


@certs.command("service")
def certs_service(
    service: Annotated[str, typer.Argument(help="ingest, desk, host or broker.")],
    ca: Authority,
    out: CertificateFolder,
    host: Annotated[list[str] | None, typer.Option(help="A name or address of the broker, as clients write it; repeat.")] = None,
    days: CertificateDays = 90,
) -> None:
    """Makes the certificate and key of a service of the centre, or of the broker."""
    from app.certs import broker_lines, issue_service, parse_service, utc_now

    issued = issue_service(parse_service(service), authority=ca, out=out, now=utc_now(), hosts=host or [], days=days)
    typer.echo(broker_lines(issued, ca))


@certs.command("revoke")
def certs_revoke(
    node: Annotated[str, typer.Argument(help="A gateway's node id, or a service's name such as khettara-desk.")], ca: Authority
) -> None:
    """Puts every certificate of a name on the list of revocations, which the broker reads at SIGHUP and at its start."""
    from app.certs import revoke, utc_now

    count = revoke(node, authority=ca, now=utc_now())
    typer.echo(f"{count} certificate(s) of {node} revoked, in {ca / 'revoked.pem'}; copy it to the broker and restart that")


@dashboards.command("build")
def dashboards_build(
    out: Annotated[Path, typer.Option(help="Folder for the JSON files.")] = Path("deploy/grafana/dashboards"),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if the files there differ.")] = False,
) -> None:
    """Builds the Grafana dashboards."""
    from dashboards.build import build_all

    different = build_all(out, check=check)
    for path in different:
        typer.echo(f"{'differs' if check else 'wrote'} {path}")
    raise typer.Exit(1 if check and different else 0)


BrokerKind = Annotated[str, typer.Option("--broker", help="embedded or mosquitto.")]
WorkerCount = Annotated[int, typer.Option("--workers", help="Ingestors.", min=1)]


@bench.command("ingest")
def bench_ingest(
    readings: Annotated[int, typer.Option(help="Readings of all rounds together.", min=10_000)] = 1_000_000,
    broker: BrokerKind = "embedded",
    workers: WorkerCount = 1,
    as_json: AsJson = False,
) -> None:
    """Readings a second from MQTT to receipt, beside PostgreSQL's own COPY of the same rows."""
    from app.bench import ingest
    from app.bench.show import show

    figures = ingest.bench_ingest(readings=readings, broker=broker, workers=workers)
    show(figures, ingest.describe(figures), as_json=as_json, console=Console(soft_wrap=True))


@bench.command("freshness")
def bench_freshness(
    rate: Annotated[int, typer.Option(help="Readings a second.", min=25)] = 2200,
    seconds: Annotated[float, typer.Option("--for", help="How long is measured [s].", min=1)] = 30,
    broker: BrokerKind = "embedded",
    workers: WorkerCount = 1,
    as_json: AsJson = False,
) -> None:
    """From reading a device until the database answers with it."""
    from app.bench import freshness
    from app.bench.show import plainly, show

    figures = freshness.bench_freshness(rate=rate, seconds=seconds, broker=broker, workers=workers)
    show(figures, plainly(figures), as_json=as_json, console=Console(soft_wrap=True))


@bench.command("outage")
def bench_outage(
    rate: Annotated[int, typer.Option(help="Readings a second.", min=25)] = 3000,
    seconds: Annotated[float, typer.Option("--for", help="How long the database is dead [s].", min=1)] = 60,
    broker: BrokerKind = "embedded",
    workers: WorkerCount = 1,
    as_json: AsJson = False,
) -> None:
    """The database dies under load: memory meanwhile, and how fast it is made good."""
    from app.bench import outage
    from app.bench.show import plainly, show

    figures = outage.bench_outage(rate=rate, seconds=seconds, broker=broker, workers=workers)
    show(figures, plainly(figures), as_json=as_json, console=Console(soft_wrap=True))


@bench.command("query")
def bench_query(
    rows: Annotated[int, typer.Option(help="Readings to fill in.", min=10_000)] = 100_000_000,
    minutes: Annotated[float, typer.Option("--for-minutes", help="How long filling may take; what fits, counts.", min=0.1)] = 5.0,
    as_json: AsJson = False,
) -> None:
    """The dashboards' panels over ranges up to a year, from rollups and from readings; bytes a reading."""
    from app.bench import query
    from app.bench.show import show

    for figures in query.bench_query(rows=rows, minutes=minutes):
        show(figures, query.describe(figures), as_json=as_json, console=Console(soft_wrap=True))


@bench.command("leaks")
def bench_leaks(
    sets: Annotated[
        list[Path], typer.Option("--set", help="Folder of a labelled recording; repeat.", exists=True, file_okay=False)
    ],
    scorer: Annotated[Path | None, typer.Option(help="score_leaks.py; default ../../tools/score_leaks.py of the set.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder that keeps the alarm files.")] = None,
    python: Annotated[str, typer.Option(help="Python that runs the scorer; on a network it needs scipy.")] = sys.executable,
    as_json: AsJson = False,
) -> None:
    """Detectors over labelled recordings, as they would have run, and their scores."""
    from app.bench_leaks import run_bench_leaks

    run_bench_leaks(sets, scorer, out, as_json=as_json, console=Console(), interpreter=python)


@bench.command("edge")
def bench_edge(
    seconds: Annotated[float, typer.Option(help="How long memory is watched; the others at most 60 s [s].", min=1)] = 15.0,
    connections: Annotated[int, typer.Option(help="Connections that ask as fast as they can.", min=1)] = 50,
    devices: Annotated[int, typer.Option(help="Devices polled once a second.", min=1)] = 400,
    out: Annotated[Path | None, typer.Option(help="Write the figures as JSON here.")] = None,
) -> None:
    """Polls per second of a gateway's core; schedule error and memory; commands under load; what a dead device costs."""
    from app.bench_edge import run_bench

    typer.echo(run_bench(seconds=seconds, connections=connections, devices=devices, out=out))


@bench.command("pressure")
def bench_pressure(
    tool: Annotated[Path, typer.Option(help="pressure_bench.py.", dir_okay=False)] = Path("../shared/tools/pressure_bench.py"),
    python: Annotated[Path | None, typer.Option(help="Interpreter with epyt, owa-epanet and numpy; default this one.")] = None,
    net: Annotated[
        str, typer.Option(help="ltown, klvsd, klvsd-sparing (48 moves a day), ky12; comma list.")
    ] = "ltown,klvsd,klvsd-sparing,ky12",
    scenario: Annotated[
        str, typer.Option(help="none, fire, firehard, burst, dropout, bias, stuck, mixed; comma list.")
    ] = "none,bias,fire,burst,dropout,firehard,stuck",
    seeds: Annotated[str, typer.Option(help="Comma list.")] = "8101",
    days: Annotated[int, typer.Option(help="Days, of which the first 2 are for learning.")] = 9,
    out: Annotated[Path | None, typer.Option(help="Every run's figures, JSON lines.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Folder that keeps what does not depend on the law.")] = None,
    docs: Annotated[Path | None, typer.Option(help="Page whose table is replaced, docs/benchmarks-pressure.md.")] = None,
) -> None:
    """The control law in closed loop with three networks, beside fixed setpoints and an oracle. Minutes a row."""
    from app.bench_pressure import jobs, run_bench_pressure

    todo = jobs(net.split(","), scenario.split(","), (int(s) for s in seeds.split(",")), days)
    run_bench_pressure(tool, python, todo, out, typer.echo, cache=cache, docs=docs)
