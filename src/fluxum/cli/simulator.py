"""`sim serve`: a simulated exchange on this machine, with its venue's own protocol."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Annotated

import typer

from fluxum.cli.market import until
from fluxum.cli.options import (
    FIRST_EXCHANGE,
    Format,
    Seconds,
    parse_market,
)
from fluxum.cli.output import Output
from fluxum.cli.process import run_async
from fluxum.clock import SystemClock
from fluxum.credentials import store_in_file
from fluxum.errors import BadInput
from fluxum.model.account import Credentials
from fluxum.model.instrument import Symbol
from fluxum.sim.certificate import certificate
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.faults import FaultPlan, parse_faults
from fluxum.venues.register import VENUES, find_venue

__all__ = ["SimulatedName", "serve", "simulated"]

_MONEY = Decimal(100_000)

SimulatedName = Annotated[
    str, typer.Option("--exchange", "-x", help=f"The exchange to simulate: {', '.join(VENUES)}.")
]
FaultScript = Annotated[
    str, typer.Option(help="Faults by script, such as corrupt@6s,hangup@12s,drop=0.001.")
]
AccountFile = Annotated[
    str,
    typer.Option(help="Open an account there, and write its keys to this file for --keys file:..."),
]
AuthorityFile = Annotated[
    str,
    typer.Option(
        help="Serve over TLS with a certificate made now, and write its authority to this file."
    ),
]


def serve(
    exchange: SimulatedName = FIRST_EXCHANGE,
    symbol: Annotated[
        str,
        typer.Option("--symbol", "--symbols", "-s", help="Comma list; a few known ones if none."),
    ] = "",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 finds a free one.")] = 8765,
    seed: Annotated[int, typer.Option(help="The same seed gives the same markets.")] = 1,
    rate: Annotated[
        float, typer.Option(min=0.0, help="Market moves per second, all symbols.")
    ] = 20,
    faults: FaultScript = "",
    account: AccountFile = "",
    tls: AuthorityFile = "",
    seconds: Seconds = None,
) -> None:
    """Serve a simulated exchange on a loopback WebSocket, with faults if requested.

    Its REST calls are answered on the same port.

    Example: fluxum sim serve --port 8765 --faults corrupt@10s,hangup@20s

    Then: fluxum orderbook --symbol BTC/USD --endpoint ws://127.0.0.1:8765

    With --tls ca.pem: SSL_CERT_FILE=ca.pem fluxum orderbook --endpoint wss://127.0.0.1:8765 ...
    """
    name, symbols = parse_market(symbol, exchange)
    output = Output(Format.TABLE, is_live=True)

    async def main() -> None:
        async with simulated(
            name,
            symbols or find_venue(name).sample_symbols,
            seed=seed,
            rate=rate,
            faults=faults,
            host=host,
            port=port,
            authority=Path(tls) if tls else None,
        ) as (box, url):
            if account:
                _open_account(box, account, output)
            served = ", ".join(one.symbol for one in box.instruments())
            output.message(f"{name} with {served} at {url}, Ctrl-C ends it")
            await until(seconds, asyncio.Event().wait())

    with output:
        run_async(main())


@asynccontextmanager
async def simulated(
    exchange: str,
    symbols: Sequence[Symbol],
    *,
    seed: int,
    rate: float,
    faults: str,
    host: str = "127.0.0.1",
    port: int = 0,
    authority: Path | None = None,
) -> AsyncGenerator[tuple[SimulatedExchange, str]]:
    """A simulated exchange on a real socket and its URL, for the length of a block.

    With `authority` it is served over TLS, and the file is written; see `sim.certificate`.
    """
    from fluxum.sim.serve import serve as serve_exchange  # a web server, for this command alone

    plan = FaultPlan(parse_faults(faults) if faults else (), Random(f"{seed} faults"))  # noqa: S311
    async with (
        SimulatedExchange(
            find_venue(exchange),
            symbols,
            seed=seed,
            clock=SystemClock(),
            rate_per_s=rate,
            faults=plan,
        ) as box,
        serve_exchange(
            box, host, port, tls=None if authority is None else certificate(host, authority)
        ) as url,
    ):
        yield box, url


def _open_account(box: SimulatedExchange, file: str, output: Output) -> None:
    """An account with some of each asset; only the file's owner can read its keys."""
    key, secret = "simulated-key", b64encode(b"a secret of a simulated account.").decode()
    passphrase = "simulated-passphrase"  # noqa: S105 - of an exchange in memory
    assets = {asset for one in box.instruments() for asset in (one.base, one.quote)}
    if box.venue.private is None:
        raise BadInput(f"accounts at {box.venue.name} are not supported yet")
    tier = list(box.venue.private.tiers)[-1]  # commands in a row are not rate limited
    money: dict[str, Decimal] = dict.fromkeys(sorted(assets), _MONEY)
    box.open_account(key, secret, money, tier=tier, passphrase=passphrase)
    path = Path(file)
    store_in_file(path, box.venue.name, Credentials(key, secret, passphrase))
    output.message(f"an account with {_MONEY} of each asset, its keys in {path}")
