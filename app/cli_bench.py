"""``khettara bench …``: measurements, on services of their own in a temporary folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.cli_dlms import bench_dlms

bench = typer.Typer(no_args_is_help=True, help="Measurements, on services of their own in a temporary folder.")
bench.command("dlms")(bench_dlms)

AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
BrokerKind = Annotated[str, typer.Option("--broker", help="embedded or mosquitto.")]
WorkerCount = Annotated[int, typer.Option("--workers", help="Ingestors.", min=1)]


@bench.command("ingest")
def bench_ingest(
    readings: Annotated[int, typer.Option(help="Readings of all rounds together.", min=10_000)] = 2_000_000,
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
    scorer: Annotated[Path | None, typer.Option(help="score_leaks.py in place of our own scores.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder that keeps the alarm files.")] = None,
    python: Annotated[str, typer.Option(help="Python that runs that scorer; on a network it needs scipy.")] = sys.executable,
    as_json: AsJson = False,
) -> None:
    """Detectors over labelled recordings, as they would have run, and their scores."""
    from app.bench_leaks import run_bench_leaks

    run_bench_leaks(sets, scorer, out, as_json=as_json, console=Console(), interpreter=python)


@bench.command("customers")
def bench_customers(
    seeds: Annotated[list[int], typer.Option("--seed", help="A population of 400 meters each; repeat.", min=0)] = [1, 2, 3, 4],  # noqa: B006  (typer's)
    town: Annotated[bool, typer.Option("--town", help="Every kind of leak behind meters of every kind, by kind.")] = False,
) -> None:
    """Sudden flows behind customers' meters among what looks like them; or a town's leaks of every kind."""
    from app.bench_customers import run_bench_customers
    from app.bench_customers_town import run_bench_town

    if town:
        run_bench_town(seeds, Console(soft_wrap=True))
    else:
        run_bench_customers(seeds, Console())


@bench.command("gauges")
def bench_gauges(
    sets: Annotated[
        list[Path],
        typer.Option("--set", help="A network's recording with truth/sensor_faults.csv; repeat.", exists=True, file_okay=False),
    ],
) -> None:
    """Gauge screening over recordings with faults put in, as it would have run, by kind of fault."""
    from app.bench_gauges import run_bench_gauges

    run_bench_gauges(sets, Console(soft_wrap=True))


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
    law: Annotated[str, typer.Option(help="learned_critical_point, model_twin; comma list.")] = "learned_critical_point",
) -> None:
    """The control law in closed loop with three networks, beside fixed setpoints and an oracle. Minutes a row."""
    from app.bench_pressure import jobs, run_bench_pressure

    todo = jobs(net.split(","), scenario.split(","), (int(s) for s in seeds.split(",")), days, law.split(","))
    run_bench_pressure(tool, python, todo, out, typer.echo, cache=cache, docs=docs)


@bench.command("console")
def bench_console(
    zones: Annotated[int, typer.Option(help="Zones of the region.", min=2)] = 500,
    pipes: Annotated[int, typer.Option(help="Pipes of the region: 24 to 39 a zone.", min=48)] = 15_000,
    seed: Annotated[int, typer.Option(help="Seed of the region.")] = 1,
    runs: Annotated[int, typer.Option(help="First views with an empty cache; their median counts.", min=1)] = 5,
    seconds: Annotated[float, typer.Option("--for", help="How long the live feed is listened to [s].", min=3)] = 20,
    as_json: AsJson = False,
) -> None:
    """A region's console in a headless chromium: first view, frames while the map moves, bytes on the wire."""
    from app.bench import console
    from app.bench.show import show

    figures = console.bench_console(zones=zones, pipes=pipes, seed=seed, runs=runs, seconds=seconds)
    show(figures, console.describe(figures), as_json=as_json, console=Console(soft_wrap=True))
