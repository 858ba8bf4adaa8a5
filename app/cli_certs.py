"""``khettara certs …``: a small authority for sites without a PKI of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

certs = typer.Typer(no_args_is_help=True, help="Certificates of gateways and services, for sites without a PKI of their own.")

Authority = Annotated[Path, typer.Option("--ca", help="The authority's folder.", file_okay=False)]
CertificateFolder = Annotated[Path, typer.Option("--out", help="Where the certificate and its key go.", file_okay=False)]
CertificateDays = Annotated[int, typer.Option("--days", help="How long the certificate holds.")]


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
