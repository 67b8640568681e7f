"""`doctor`: why something does not work, and whether live books are right."""

from pathlib import Path
from typing import Annotated

import typer

from fluxum.cli.configured import account_at, config, runtime_at, venue_at
from fluxum.cli.options import (
    Endpoint,
    Exchanges,
    Format,
    FormatOption,
    Proxy,
    parse_endpoints,
    parse_markets,
    parse_proxy,
)
from fluxum.cli.output import Output, live_output
from fluxum.cli.process import run_async
from fluxum.credentials import SOURCES
from fluxum.doctor import Check, Diagnosis, Outcome, examine
from fluxum.errors import BadInput, FluxumError
from fluxum.trader import JOURNALS

__all__ = ["Unwell", "doctor"]

_WIDTH = max(len(one.value) for one in Outcome)


class Unwell(FluxumError):
    """At least one check has failed; the message counts them."""


Markets = Annotated[
    str,
    typer.Option(
        "--symbol",
        "--symbols",
        "-s",
        help="Comma list of symbols, or of EXCHANGE:SYMBOL, whose books are checked. Without: "
        "the configured ones, else one market of each exchange.",
    ),
]
Audit = Annotated[
    float | None,
    typer.Option(
        "--audit",
        metavar="SECONDS",
        min=0.001,
        help="Compare each live book with snapshots over REST for so long.",
    ),
]
KeysToCheck = Annotated[
    str | None,
    typer.Option(
        "--keys", help=f"Check these keys by a call that only reads: {SOURCES}. Without: no check."
    ),
]
Folder = Annotated[
    list[Path] | None,
    typer.Option(
        "--folder",
        metavar="PATH",
        help="Check that files can be written there; may be repeated. Without: the folder of order "
        "journals.",
    ),
]


def doctor(
    exchange: Exchanges = "",
    symbol: Markets = "",
    audit: Audit = None,
    keys: KeysToCheck = None,
    folder: Folder = None,
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Check this machine, configured sinks and exchanges: names, TLS, clock, REST, links, books.

    Each check is a line: ok, warning or failed, with what to do. Nothing is changed and no order is
    sent. --audit compares live books with snapshots over REST, level by level. The exit status is 1
    if a check has failed.

    Example: fluxum doctor --exchange NAME

    Example: fluxum doctor --symbol BTC/USD,ETH/USD --audit 60 --format json
    """
    if form is Format.CSV:
        raise BadInput("checks have no columns: --format table, json or ndjson was expected")
    markets = parse_markets(symbol, exchange)
    urls, through = parse_endpoints(endpoint, markets), parse_proxy(proxy)
    folders = {f"folder {one}": one for one in folder or ()} or {"journals": JOURNALS.expanduser()}

    async def main(output: Output) -> Diagnosis:
        return await examine(
            [venue_at(name, urls.get(name)) for name in markets],
            symbols={
                name: symbols or config().venue_settings(name).symbols
                for name, symbols in markets.items()
            },
            runtime=runtime_at(through),
            keys=None if keys is None else {one: keys or account_at(one).keys for one in markets},
            audit_s=audit,
            folders=folders,
            sinks={name: one.url for name, one in config().sinks.items()},
            note=lambda check: output.write(check, _text(check)),
        )

    with live_output(form) as output:
        diagnosis = run_async(main(output))
    failed = [one for one in diagnosis.checks if one.outcome is Outcome.FAILED]
    if failed:
        names = ", ".join(f"{one.exchange} {one.name}".strip() for one in failed)
        raise Unwell(f"{len(failed)} of {len(diagnosis.checks)} checks failed: {names}")


def _text(check: Check) -> str:
    subject = f"{check.exchange} {check.name}".strip()
    advice = f"\n{'':{_WIDTH}}  -> {check.advice}" if check.advice else ""
    return f"{check.outcome.value:{_WIDTH}}  {subject}: {check.result}{advice}"
