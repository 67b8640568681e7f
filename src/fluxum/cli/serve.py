"""`serve`: the web page of some markets, live or of a recording."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct

from fluxum import web
from fluxum.cli.configured import config, runtime_at, venue_at
from fluxum.cli.market import until
from fluxum.cli.opening import account_config
from fluxum.cli.options import (
    Depth,
    Endpoint,
    Exchanges,
    Format,
    Interval,
    Keys,
    Proxy,
    Seconds,
    Symbols,
    markets_of,
    parse_endpoints,
    parse_interval,
    parse_proxy,
)
from fluxum.cli.output import Output
from fluxum.cli.process import run_async
from fluxum.errors import BadInput
from fluxum.hub.hub import Hub
from fluxum.hub.opening import hub
from fluxum.hub.wanted import HubAccount, HubVenue
from fluxum.model.event import Channel
from fluxum.model.instrument import Symbol
from fluxum.orders.journal import MemoryOrderJournal
from fluxum.venues.register import find_venue
from fluxum.view import Playback
from fluxum.web import PORT, PlayedStage, read_token
from fluxum.web.guard import is_loopback

__all__ = ["CHANNELS", "PageOptions", "Wanted", "opened_hub", "serve", "show_page"]

CHANNELS = (Channel.BOOK, Channel.TRADE, Channel.TICKER, Channel.CANDLE)
_DEPTH = 10


class PageOptions(Struct, frozen=True):
    """Where a page is served, and until when; `None` takes the default."""

    host: str = "127.0.0.1"
    port: int = PORT
    token_file: str = ""
    names: tuple[str, ...] = ()
    seconds: float | None = None
    depth: int = _DEPTH

    def token(self) -> str | None:
        """The token in the file, if one was named; raises BadInput, also if one is needed."""
        if self.token_file:
            return read_token(Path(self.token_file).expanduser())
        if not is_loopback(self.host):
            raise BadInput(
                f"others can reach {self.host}, so --token-file was expected: a file of mode 600"
                " with 32 or more characters"
            )
        return None


Host = Annotated[
    str, typer.Option(help="Address to listen on; others than loopback need --token-file.")
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 finds a free one.")]
TokenFile = Annotated[
    str, typer.Option(help="Use the token in this file (mode 600) instead of a new one.")
]
Names = Annotated[
    list[str] | None,
    typer.Option("--name", help="A further name for the page, as of a reverse proxy."),
]
WithAccount = Annotated[
    bool, typer.Option("--account", help="Show positions and balances too, read only.")
]
Tapes = Annotated[
    list[str] | None,
    typer.Option(
        "--replay", metavar="TAPE", help="Play this recording; once more for each further file."
    ),
]
Speed = Annotated[float, typer.Option(min=0.01, max=1000, help="Speed of a recording.")]
MoreSymbols = Annotated[
    list[str] | None, typer.Argument(metavar="[SYMBOL]...", help="As of --symbol.")
]


def serve(
    symbols: MoreSymbols = None,
    symbol: Symbols = "",
    exchange: Exchanges = "",
    depth: Depth = None,
    interval: Interval = None,
    host: Host = "127.0.0.1",
    port: Port = PORT,
    token_file: TokenFile = "",
    name: Names = None,
    account: WithAccount = False,
    keys: Keys = "",
    replay: Tapes = None,
    speed: Speed = 1.0,
    seconds: Seconds = None,
    endpoint: Endpoint = None,
    proxy: Proxy = None,
) -> None:
    """Serve a web page: live books with proofs, candles with gaps, trades, links and losses.

    The URL has a token, new at each start, and is for this machine alone unless --host is given.
    There is no TLS: for other machines put a reverse proxy before it. Nothing can be ordered from
    the page. With --replay it has controls to pause, to wind and to change the speed.

    Example: fluxum serve BTC/USD ETH/USD

    Example: fluxum serve --replay btc.jsonl.gz --speed 10
    """
    names = tuple(name or ())
    page = PageOptions(host, port, token_file, names, seconds, depth or _DEPTH)
    wanted = Wanted([*(symbols or ()), symbol], exchange, page.depth)
    output = Output(Format.TABLE, is_live=True)
    if replay:
        work = _play(wanted, replay, speed, page, output)
    else:
        read = keys if account or keys else None
        work = _live(wanted.hub(endpoint, proxy, interval, read), page, output)
    with output:
        run_async(work)


class Wanted(Struct, frozen=True):
    """What the command line says about what is shown: `serve` and `watch` read it alike."""

    symbols: Sequence[str]
    exchange: str
    depth: int | None

    def hub(
        self,
        endpoint: Sequence[str] | None,
        proxy: str | None,
        interval: str | None,
        keys: str | None,
    ) -> AbstractAsyncContextManager[Hub]:
        """A hub of the markets, to be entered; with `keys` the accounts too. Raises BadInput."""
        markets = markets_of(self._text, self.exchange)
        return opened_hub(
            markets,
            parse_endpoints(endpoint, markets),
            proxy=parse_proxy(proxy),
            interval_s=parse_interval(interval),
            depth=self.depth or _DEPTH,
            keys=keys,
        )

    def playback(self, files: Sequence[str]) -> Playback:
        """A recording, which has its own markets; raises BadInput if others are named."""
        if self._text:
            raise BadInput(f"a recording has its own markets, was given {self._text} as well")
        first, *more = map(Path, files)
        return Playback(first, self.exchange or None, self.depth, more)

    @property
    def _text(self) -> str:
        return ",".join(filter(None, self.symbols))


def opened_hub(
    markets: Mapping[str, Sequence[Symbol]],
    endpoints: Mapping[str, str],
    *,
    proxy: str | None = None,
    interval_s: int | None = None,
    depth: int = _DEPTH,
    keys: str | None = None,
) -> AbstractAsyncContextManager[Hub]:
    """A hub of all that the page shows, to be entered; with `keys` the accounts, for reading.

    Raises BadInput at once.
    """
    channels = CHANNELS if keys is None else (*CHANNELS, Channel.BALANCE)
    venues = {
        venue: HubVenue(
            symbols=symbols,
            channels=[one for one in channels if one.is_private or one in find_venue(venue).routes],
            depth=depth,
            interval_s=interval_s or config().venue_settings(venue).interval,
            venue=venue_at(venue, endpoints.get(venue)),
        )
        for venue, symbols in markets.items()
    }
    accounts = {
        venue: HubAccount(keys=account_config(venue, keys), journal=MemoryOrderJournal())
        for venue in markets
        if keys is not None
    }
    return hub(venues, channels, accounts=accounts, runtime=runtime_at(proxy))


async def _live(
    opening: AbstractAsyncContextManager[Hub], options: PageOptions, output: Output
) -> None:
    token = options.token()
    async with opening as opened:
        await show_page(opened, options, output, token)


async def _play(
    wanted: Wanted, files: Sequence[str], speed: float, options: PageOptions, output: Output
) -> None:
    stage = PlayedStage(wanted.playback(files), speed)
    await show_page(stage, options, output, options.token())


async def show_page(
    source: Hub | PlayedStage, options: PageOptions, output: Output, token: str | None = None
) -> None:
    """Serve the page of a hub or a recording, and report its URL."""
    opening = web.serve(
        source,
        host=options.host,
        port=options.port,
        token=token,
        names=options.names,
        depth=options.depth,
    )
    async with opening as page:
        output.message(f"open {page.url} in a browser, Ctrl-C ends it")
        if not is_loopback(options.host):
            output.message("fluxum: there is no TLS: others on the way can read this page")
        await until(options.seconds, asyncio.Event().wait())
