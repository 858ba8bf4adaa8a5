"""``khettara dlms …``: DLMS meters by hand, their keys; and ``khettara bench dlms``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

dlms = typer.Typer(no_args_is_help=True, help="DLMS meters by hand, and their keys.")

ConfigFile = Annotated[Path, typer.Argument(help="The gateway's edge.toml.", exists=True, dir_okay=False)]
DeviceKey = Annotated[str, typer.Argument(help="Key of the meter in it.")]


@dlms.command("probe")
def dlms_probe(config: ConfigFile, device: DeviceKey) -> None:
    """Reads every field of a meter once, its clock and the columns of its load profile; exit 1 if something was refused."""
    from app.dlms_probe import run_meter_probe

    raise typer.Exit(run_meter_probe(config, device, Console()))


@dlms.command("token")
def dlms_token(
    config: ConfigFile,
    device: DeviceKey,
    token: Annotated[str, typer.Option(prompt=True, help="20 digits; asked for if not given.")],
) -> None:
    """Enters a token at a prepaid meter, once, and says what became of it; exit 1 if the meter refused it."""
    from app.dlms_probe import run_token

    raise typer.Exit(run_token(config, device, token, Console()))


@dlms.command("wrap")
def dlms_wrap(
    shipment: Annotated[Path, typer.Argument(help="JSON of the maker: meter to encryption, authentication, password (hex).")],
    out: Annotated[Path, typer.Option(help="Folder for the key files.", file_okay=False)],
    kek_file: Annotated[Path, typer.Option(help="Key-encryption key (hex); made where it does not exist.", dir_okay=False)],
) -> None:
    """Wraps meters' keys for a gateway (RFC 3394/5649): the files are of no use without the key-encryption key."""
    from app.dlms_probe import run_wrap

    run_wrap(shipment, out, kek_file, Console(soft_wrap=True))


def bench_dlms(
    seconds: Annotated[float, typer.Option(help="How long each rate is measured [s].", min=0.2)] = 5.0,
    peer_python: Annotated[
        Path | None, typer.Option(help="Interpreter with pydlms-client and gurux-dlms; default the one the tests have made.")
    ] = None,
    peer_script: Annotated[Path, typer.Option(help="What it runs.")] = Path("tests/support/dlms_peers/speed.py"),
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of text.")] = False,
) -> None:
    """Load profile and GETs a second over the wrapper, beside two independent clients; exit 1 if a limit does not hold."""
    from app.bench_dlms import run_bench_dlms

    text, holds = run_bench_dlms(seconds=seconds, peer_python=peer_python, peer_script=peer_script, as_json=as_json)
    typer.echo(text)
    raise typer.Exit(0 if holds else 1)
