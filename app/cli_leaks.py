"""``khettara leaks …``: recordings replayed by the detectors that run, and what a finding rests on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

leaks = typer.Typer(no_args_is_help=True, help="Leaks: replays of recordings, and why a finding is one.")


@leaks.command("replay")
def leaks_replay(
    dataset: Annotated[
        Path,
        typer.Argument(help="A folder with dma.npz, a folder with years and a network, or a CSV (plain or gzip).", exists=True),
    ],
    out: Annotated[Path, typer.Option(help="Alarm file: pipe-or-zone,start time,issue time,m3h,confidence.")],
    points: Annotated[Path | None, typer.Option(help="The map of a CSV's columns, e.g. sites/bwdf/map.toml.")] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="processes:N, local-cluster:N or tcp://host:port (Dask); here by default.")
    ] = None,
    site: Annotated[Path | None, typer.Option(help="Folder of a site's files, for what lost water costs.", file_okay=False)] = None,
    findings: Annotated[Path | None, typer.Option(help="Keep findings and evidence here, as JSON, for leaks explain.")] = None,
    plots: Annotated[
        Path | None, typer.Option(help="A picture of each finding in this folder: PNG, or SVG without matplotlib.", file_okay=False)
    ] = None,
    valves: Annotated[
        Path | None, typer.Option(help="Pressure valves that were turned: valve,day,change m,error m,share explained,issue time.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Only the summary: neither findings nor how far it is.")] = False,
) -> None:
    """Replays a recording as it would have run: nothing is seen before its time."""
    from app.leaks_run import ReplayOutputs, run_replay

    outputs = ReplayOutputs(alarms=out, findings=findings, plots=plots, valves=valves)
    run_replay(
        dataset, outputs, points=points, scheduler=scheduler, site=site, quiet=quiet, console=Console(soft_wrap=True),
        errors=None if quiet else Console(stderr=True),
    )  # fmt: skip


@leaks.command("explain")
def leaks_explain(
    finding: Annotated[str | None, typer.Argument(help="Key of the finding, or the beginning of one; without it a list.")] = None,
    file: Annotated[Path | None, typer.Option("--from", help="Findings that a replay kept.", dir_okay=False)] = None,
    data: Annotated[Path | None, typer.Option(help="Data folder of a demo.")] = None,
    config: Annotated[Path | None, typer.Option(help="The centre's TOML file; else KHETTARA_… variables.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw it: a file ending in .svg or .png.")] = None,
) -> None:
    """Prints what a finding rests on, in numbers with their units; without a finding, a list of all."""
    from app.leaks_explain import run_explain

    run_explain(finding, file, data.resolve() if data else None, config, plot, console=Console(soft_wrap=True))


@leaks.command("make-set")
def leaks_make_set(
    out: Annotated[Path, typer.Option(help="Folder of the set; what is wrong in it goes to truth/ below.", file_okay=False)],
    seed: Annotated[int, typer.Option(help="Another number is another town; the same one the same town.", min=0)],
    zones: Annotated[int, typer.Option(help="Two or more: valves are left open between them.", min=2)] = 12,
    days: Annotated[int, typer.Option(help="From a Monday in January on; the first third teaches.", min=60)] = 365,
    customers: Annotated[
        int, typer.Option(help="Single meters beside the zones' own, hard on what looks for customers' leaks.", min=0)
    ] = 0,
) -> None:
    """Makes a labelled year of metered zones that is hard on a balance."""
    from app.leak_output import check_folder, whole_folder
    from app.leak_town import make_town
    from app.leak_town_records import TownPlan
    from app.leak_town_write import METERS_FILE, write_town

    check_folder(out, "--out")
    plan = TownPlan(zones=zones, days=days, customers=customers)
    data, truth = make_town(seed, plan)
    with whole_folder(out, gone=(METERS_FILE,)) as part:
        write_town(data, truth, part, plan)
    typer.echo(f"{len(truth.leaks)} leaks, {len(truth.customers)} customer leaks, {len(truth.events)} look-alikes in {out}")


@leaks.command("make-network-set")
def leaks_make_network_set(
    network: Annotated[Path, typer.Option(help="An EPANET network file.", exists=True, dir_okay=False)],
    out: Annotated[Path, typer.Option(help="Folder of the set; the truth of it goes to truth/ below.", file_okay=False)],
    seed: Annotated[int, typer.Option(help="Another number is another town; the same one the same town.", min=0)],
    gauges: Annotated[str, typer.Option(help="Nodes with a gauge, commas between; else spread far apart.")] = "",
    gauge_count: Annotated[int, typer.Option(help="How many are spread.", min=3)] = 33,
    meters: Annotated[str, typer.Option(help="Links with a meter; else pumps and links at sources and tanks.")] = "",
    customer_share: Annotated[float, typer.Option(help="Share of the nodes with customers' meters.", min=0, max=1)] = 0.1,
    like: Annotated[
        Path | None, typer.Option(help="A set whose gauges and meters are taken.", exists=True, file_okay=False)
    ] = None,
    days: Annotated[int, typer.Option(help="60 to 730; the first half teaches.")] = 730,
    step: Annotated[int, typer.Option(help="Seconds between two rows; EPANET solves each.")] = 300,
    leaks: Annotated[str, typer.Option(help="From-to, over two years; fewer in proportion over a shorter time.")] = "24-34",
    leak_m3h: Annotated[
        float | None, typer.Option(help="Middle of their largest flows; else drawn, small ones: 1 to 3 % of the inflow.")
    ] = None,
    old_leaks: Annotated[
        bool, typer.Option(help="Whether some are older than the recording, so that no change shows them.")
    ] = True,
    distortions: Annotated[str, typer.Option(help="drawn one by one, or all absent, mild or strong.")] = "drawn",
    faults: Annotated[bool, typer.Option("--faults", help="Gauges fail: stuck, drifting, swapped and others.")] = False,
) -> None:
    """Makes a labelled recording of a network with hydraulics: what its gauges would see of leaks that are known."""
    from app.network_set_maker import Wish, leaks_range, make_network_set, told
    from simulator.leak_years.plan import YearsPlan

    plan = YearsPlan(days=days, step_s=step, leaks=leaks_range(leaks), leak_m3h=leak_m3h, old_leaks=old_leaks)
    wish = Wish(
        network=network, seed=seed, gauges=gauges, gauge_count=gauge_count, meters=meters, customer_share=customer_share, like=like,
        distortions=distortions, faults=faults,
    )  # fmt: skip
    typer.echo(told(make_network_set(wish, plan, out, Console(stderr=True)), out))


@leaks.command("scale")
def leaks_scale(
    zones: Annotated[int, typer.Option(min=1)] = 2000,
    step: Annotated[int, typer.Option(help="Seconds between two readings.", min=60, max=3600)] = 900,
    ticks: Annotated[int, typer.Option(help="Hourly ticks that are timed; every sixth balances all zones.", min=1)] = 7,
) -> None:
    """What one hourly tick of many zones costs, in one process."""
    from app.leak_scale import run_scale

    run_scale(zones, step, ticks, Console(soft_wrap=True))


@leaks.command("customers-scale")
def leaks_customers_scale(
    meters: Annotated[int, typer.Option(min=1)] = 100_000,
    looks: Annotated[int, typer.Option(help="Looks that are timed.", min=1, max=40)] = 4,
    database: Annotated[bool, typer.Option("--database", help="Read from a database of our own, and time that apart.")] = False,
) -> None:
    """What one look at the customers' meters of a town costs, in one process."""
    from app.leak_customers_scale import run_customers_scale

    run_customers_scale(meters, looks, Console(soft_wrap=True), database=database)


@leaks.command("network-scale")
def leaks_network_scale(
    dataset: Annotated[Path, typer.Argument(help="A folder with years and a network.", exists=True, file_okay=False)],
) -> None:
    """What the network layer costs a centre that has just started: learning, catching up, an hour, a day."""
    from app.leak_network_scale import run_network_scale

    run_network_scale(dataset, Console(soft_wrap=True))
