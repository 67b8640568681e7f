"""One question to an exchange, answered over REST without opening a link.

    ticker = await fluxum.fetch_ticker("NAME", "BTC/USD")

Each function opens a session for its one question, so its calls are paced, repeated and refused
as a session's are, and count towards the same limits. For several questions to one exchange enter
a session without subscriptions (`async with fluxum.connect("NAME") as session`): it has the same
`fetch_*`, and opens no link either. `exchange` is a name, or a venue as of `connect`. All raise
BadInput for what makes no sense or the exchange has no call for, VenueRefused for a refusal, and
TransportError if the exchange cannot be reached.
"""

from fluxum.connect import connect
from fluxum.flow.opening import Opening
from fluxum.model.event import VenueStatus
from fluxum.model.instrument import Instrument
from fluxum.model.market import BookSnapshot, Candle, Ticker, Trade
from fluxum.runtime import Runtime
from fluxum.session.history import Instant
from fluxum.session.session import Session
from fluxum.venues.venue import Venue

__all__ = [
    "fetch_book",
    "fetch_candles",
    "fetch_instruments",
    "fetch_status",
    "fetch_ticker",
    "fetch_time",
    "fetch_trades",
]


async def fetch_time(
    exchange: str | Venue, *, endpoint: str | None = None, runtime: Runtime | None = None
) -> int:
    """The exchange's clock, in ns since the epoch."""
    async with _asked(exchange, endpoint, runtime) as session:
        return await session.fetch_time()


async def fetch_status(
    exchange: str | Venue, *, endpoint: str | None = None, runtime: Runtime | None = None
) -> VenueStatus:
    """The status of the exchange's engine."""
    async with _asked(exchange, endpoint, runtime) as session:
        return await session.fetch_status()


async def fetch_instruments(
    exchange: str | Venue, *, endpoint: str | None = None, runtime: Runtime | None = None
) -> tuple[Instrument, ...]:
    """Every market of the exchange."""
    async with _asked(exchange, endpoint, runtime) as session:
        return await session.fetch_instruments()


async def fetch_ticker(
    exchange: str | Venue,
    symbol: str,
    *,
    endpoint: str | None = None,
    runtime: Runtime | None = None,
) -> Ticker:
    """The last 24 hours of one market."""
    async with _asked(exchange, endpoint, runtime) as session:
        return await session.fetch_ticker(symbol)


async def fetch_book(
    exchange: str | Venue,
    symbol: str,
    depth: int = 10,
    *,
    endpoint: str | None = None,
    runtime: Runtime | None = None,
) -> BookSnapshot:
    """The best levels of one market at this moment; see `Session.fetch_book`."""
    async with _asked(exchange, endpoint, runtime) as session:
        return await session.fetch_book(symbol, depth)


async def fetch_trades(
    exchange: str | Venue,
    symbol: str,
    since: Instant | None = None,
    *,
    endpoint: str | None = None,
    runtime: Runtime | None = None,
) -> tuple[Trade, ...]:
    """Trades of one market, oldest first; see `Session.fetch_trades`."""
    async with _asked(exchange, endpoint, runtime) as session:
        return await session.fetch_trades(symbol, since)


async def fetch_candles(
    exchange: str | Venue,
    symbol: str,
    interval: int | str,
    since: Instant | None = None,
    until: Instant | None = None,
    *,
    endpoint: str | None = None,
    runtime: Runtime | None = None,
) -> tuple[Candle, ...]:
    """Candles of one market, oldest first; see `Session.fetch_candles`.

    `Session.candle_pages` gives long periods page by page.
    """
    async with _asked(exchange, endpoint, runtime) as session:
        return await session.fetch_candles(symbol, interval, since, until)


def _asked(
    exchange: str | Venue, endpoint: str | None, runtime: Runtime | None
) -> Opening[Session]:
    return connect(exchange, endpoint=endpoint, runtime=runtime)
