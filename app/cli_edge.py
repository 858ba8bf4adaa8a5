"""``khettara edge …``: the gateway at a site, and what helps to set one up."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.serving import serve

edge = typer.Typer(no_args_is_help=True, help="The gateway at a site.")

ConfigFile = Annotated[Path, typer.Option("--config", help="The gateway's TOML file.", dir_okay=False)]


@edge.command("run")
def edge_run(config: ConfigFile) -> None:
    """Runs a gateway: polls, spools, publishes, executes commands. A changed configuration is taken while it runs."""
    # It becomes another process, with the same id: without the command line's libraries a gateway is a tenth smaller.
    os.execv(sys.executable, [sys.executable, "-m", "edge", "--config", str(config)])  # noqa: S606  (our own interpreter and module)


@edge.command("import")
def edge_import(config: ConfigFile) -> None:
    """Spools the history files of a gateway's configuration, sends them, and ends when all are acknowledged."""
    from app.edge_import import import_history_files
    from edge.settings import load_edge_settings

    settings = load_edge_settings(config)
    serve(lambda stop: import_history_files(settings, stop))


@edge.command("check")
def edge_check(file: Annotated[Path, typer.Argument(help="A device model or an edge.toml.")]) -> None:
    """Validates a device model, with its sample frames, or a gateway's configuration."""
    from app.edge_check import check_file

    Console().print(check_file(file), highlight=False)


@edge.command("probe")
def edge_probe(
    host: Annotated[str, typer.Argument(help="Name or address of the device or its serial server.")],
    model: Annotated[str, typer.Option(help="Name of a device model.")],
    port: Annotated[int, typer.Option(min=1, max=65535)] = 502,
    unit: Annotated[int, typer.Option(min=0, max=255, help="Unit id.")] = 1,
    timeout: Annotated[float, typer.Option(min=0.01, help="Longest wait for one answer [s].")] = 2.0,
    rtu: Annotated[bool, typer.Option("--rtu", help="RTU frames over TCP, as serial servers speak them.")] = False,
) -> None:
    """Reads every field of a device once and shows it; exit 1 if something could not be read."""
    from app.edge_probe import run_probe

    code = run_probe(host, model, port=port, unit_id=unit, timeout_s=timeout, rtu=rtu, console=Console())
    raise typer.Exit(code)


@edge.command("scan")
def edge_scan(
    host: Annotated[str, typer.Argument(help="Name or address of the device or its serial server.")],
    ports: Annotated[str, typer.Option(help="Ports such as 502,1502-1510.")] = "502",
    units: Annotated[str, typer.Option(help="Unit ids such as 1-32.")] = "1-32",
    timeout: Annotated[float, typer.Option(min=0.01, help="Longest wait for one answer [s].")] = 0.5,
    rtu: Annotated[bool, typer.Option("--rtu", help="RTU frames over TCP, as serial servers speak them.")] = False,
) -> None:
    """Finds which units answer, one question at a time; writes nothing. Exit 1 if nobody does."""
    from app.edge_probe import run_scan

    raise typer.Exit(run_scan(host, ports, units, timeout_s=timeout, rtu=rtu, console=Console()))


@edge.command("config")
def edge_config(
    node: Annotated[str, typer.Argument(help="Node id of the gateway in the site's devices.toml.")],
    site_folder: Annotated[Path, typer.Option("--site", help="The site's folder.")],
    state_dir: Annotated[Path, typer.Option(help="Where the gateway keeps its spool.")],
    broker: Annotated[str, typer.Option(help="host:port of the MQTT 5 broker.")],
    key: Annotated[list[str] | None, typer.Option(help="id=path of a desk's public key; repeat.")] = None,
) -> None:
    """Prints the edge.toml of a gateway, from the site's inventory."""
    from app.edge_check import edge_config_text

    typer.echo(edge_config_text(node, site_folder, state_dir, broker, key or []))
