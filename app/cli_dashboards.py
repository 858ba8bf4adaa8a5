"""``khettara dashboards``: build the files, and push the dashboards into a Grafana that is not given files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from domain.errors import ConfigurationError

dashboards = typer.Typer(no_args_is_help=True, help="Grafana dashboards.")


@dashboards.command("build")
def dashboards_build(
    out: Annotated[Path, typer.Option(help="Folder for the JSON files.")] = Path("deploy/grafana/dashboards"),
    alerting: Annotated[Path, typer.Option(help="Folder for the alert rules.")] = Path("deploy/grafana/provisioning/alerting"),
    page: Annotated[Path, typer.Option(help="The page that lists every panel.")] = Path("docs/dashboards.md"),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if the files there differ.")] = False,
) -> None:
    """Builds the Grafana dashboards, the alert rules, and the page that lists every panel."""
    from dashboards.alerting import alerting_texts
    from dashboards.build import build_all, write_all
    from dashboards.page import page_text

    different = build_all(out, check=check)
    different += write_all({alerting / name: text for name, text in alerting_texts().items()}, check=check)
    different += write_all({page: page_text()}, check=check)
    for path in different:
        typer.echo(f"{'differs' if check else 'wrote'} {path}")
    raise typer.Exit(1 if check and different else 0)


@dashboards.command("push")
def dashboards_push(
    url: Annotated[str, typer.Option(help="Address of the Grafana, such as https://grafana.example.org.")],
    token: Annotated[
        str | None,
        typer.Option(
            envvar="KHETTARA_GRAFANA_TOKEN",
            help="Service account token, role Editor. Better by the variable or a file.",
            show_envvar=True,
        ),
    ] = None,
    token_file: Annotated[Path | None, typer.Option(help="File that holds the token alone.", exists=True, dir_okay=False)] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Folder of built dashboards with fr and en in it; the repository's by default.", exists=True)
    ] = None,
    language: Annotated[list[str] | None, typer.Option(help="fr or en; repeat. Both by default.")] = None,
) -> None:
    """Puts folders and dashboards into a Grafana through its HTTP API. Doing it again changes nothing."""
    from dashboards.build import load_all
    from dashboards.execute import ALL
    from dashboards.push import Grafana
    from dashboards.specs import LANGUAGES

    asked = language or list(LANGUAGES)
    wrong = [name for name in asked if name not in LANGUAGES]
    if wrong:
        raise ConfigurationError(file="command line", key="--language", value=wrong[0], expected=" or ".join(LANGUAGES))
    if (token is None) == (token_file is None):
        raise ConfigurationError(
            file="command line",
            key="--token",
            value="(not shown)",
            expected="one of --token, KHETTARA_GRAFANA_TOKEN and --token-file",
        )
    secret = token_file.read_text(encoding="utf-8").strip() if token_file else token or ""
    with Grafana(url, secret) as grafana:
        for name in (known for known in LANGUAGES if known in asked):
            for pushed in grafana.push(load_all((folder or ALL) / name), name):
                typer.echo(f"{pushed.became:<9} {pushed.what}")
