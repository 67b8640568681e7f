"""A trader on paper: live market data, and an account that is only simulated.

    async with fluxum.paper("NAME", ["BTC/USD"], deposit={"USD": 10_000}) as trader:
        order = await trader.buy("BTC/USD", "0.02")
        print(order.average_price, trader.position("BTC/USD"))

It needs no keys, and nothing is sent to the exchange but subscriptions to market data.
"""

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager

from msgspec import Struct

from fluxum.connect import connect, venue_of
from fluxum.fill.fees import Fees
from fluxum.fill.latency import ConstantLatency, Latency
from fluxum.fill.queue import World
from fluxum.flow.opening import Opening
from fluxum.flow.pipe import ReaderPolicy
from fluxum.ledger.ledger import Ledger
from fluxum.model.event import Channel
from fluxum.model.input import Number, not_negative
from fluxum.orders.journal import MemoryOrderJournal
from fluxum.orders.risk import RiskLimits
from fluxum.paper.gateway import PaperGateway
from fluxum.paper.records import OrderRecord
from fluxum.paper.transit import PaperFaults
from fluxum.paper.venue import PaperVenue
from fluxum.runtime import LiveRuntime, Runtime
from fluxum.session.session import Session
from fluxum.trader import Trader, trader_of
from fluxum.venues.venue import Venue

__all__ = [
    "PAPER_FEES",
    "PAPER_LATENCY",
    "PaperTerms",
    "PaperTrader",
    "paper",
    "paper_gateway_of",
    "paper_trader_of",
]

PAPER_FEES = Fees.flat("0.0025", "0.004")
"""The fees of a paper account that is given no others: 0.25 % for makers, 0.4 % for takers."""
PAPER_LATENCY = ConstantLatency(50_000_000)
"""The latency of a paper account that is given no other: 50 ms there, 50 ms back."""
_READY_S = 60.0
_APART = 2


class PaperTrader(Trader):
    """A trader whose account is on paper; `paper` is its venue."""

    def __init__(self, trader: Trader, gateway: PaperGateway) -> None:
        super().__init__(trader.session, trader.orders, trader.portfolio, gateway)
        self.paper = gateway.venue

    def record(self, name: str) -> OrderRecord | None:
        """The fills of an order, by either of its ids, in all three histories."""
        order = self.orders.order(name)
        return self.paper.record(name if order is None else order.order_id)


class PaperTerms(Struct, frozen=True, kw_only=True):
    """What a paper account begins with, and how its orders are filled."""

    deposit: Mapping[str, Number]
    fills: World | str = World.EXPECTED
    fees: Fees = PAPER_FEES
    latency: Latency = PAPER_LATENCY
    faults: PaperFaults | None = None


def paper(
    exchange: str | Venue,
    symbols: Iterable[str],
    *,
    deposit: Mapping[str, Number],
    fills: World | str = World.EXPECTED,
    fees: Fees = PAPER_FEES,
    latency: Latency = PAPER_LATENCY,
    faults: PaperFaults | None = None,
    limits: RiskLimits | None = None,
    channels: Iterable[Channel | str] = (),
    ledger: Ledger | None = None,
    endpoint: str | None = None,
    runtime: Runtime | None = None,
    readers: ReaderPolicy | None = None,
    ready_s: float = _READY_S,
) -> Opening[PaperTrader]:
    """A trader on paper, ready: enter it, or await and close it.

    Books and trades of the `symbols` are subscribed, and the `channels`. The account begins with
    the `deposit` and follows one history of fills: `pessimistic`, `expected` or `optimistic`.
    `faults` make commands and answers get lost. The other arguments are those of `trade`; the
    journal is kept in memory. Raises BadInput, and TimeoutError with what is missing after
    `ready_s` seconds.
    """
    venue, world = venue_of(exchange), LiveRuntime() if runtime is None else runtime
    markets = tuple(symbols)
    wanted = (Channel.BOOK, Channel.TRADE, Channel.INSTRUMENT, *channels)
    terms = PaperTerms(deposit=deposit, fills=fills, fees=fees, latency=latency, faults=faults)

    @asynccontextmanager
    async def opened() -> AsyncGenerator[PaperTrader]:
        async with connect(
            venue,
            markets,
            wanted,
            endpoint=endpoint,
            runtime=world,
            readers=readers,
        ) as session:
            made = paper_trader_of(session, markets, world, terms, limits, ledger, ready_s)
            async with made as trader:
                yield trader

    return Opening(opened)


@asynccontextmanager
async def paper_trader_of(
    session: Session,
    symbols: Iterable[str],
    runtime: Runtime,
    terms: PaperTerms,
    limits: RiskLimits | None = None,
    ledger: Ledger | None = None,
    ready_s: float = _READY_S,
) -> AsyncGenerator[PaperTrader]:
    """Trade on paper over a session with books, trades and rules of markets; raises as `paper`."""
    await session.wait_ready(ready_s)
    gateway = await paper_gateway_of(session, symbols, runtime, terms, ready_s)
    journal = MemoryOrderJournal()
    async with (
        gateway,
        trader_of(session, journal, runtime, limits, ledger, ready_s, gateway) as trader,
    ):
        yield PaperTrader(trader, gateway)


async def paper_gateway_of(
    session: Session,
    symbols: Iterable[str],
    runtime: Runtime,
    terms: PaperTerms,
    ready_s: float = _READY_S,
) -> PaperGateway:
    """A paper account over a ready session, to be entered; raises as `paper`."""
    instruments = await session.wait_instruments(symbols, ready_s)
    now_ns = runtime.clock.now_ns()
    venue = PaperVenue(
        session.venue.name,
        instruments,
        deposit={asset: not_negative(amount, asset) for asset, amount in terms.deposit.items()},
        fees=terms.fees,
        latency=terms.latency,
        fills=terms.fills,
        faults=terms.faults,
        name=f"P{now_ns:x}-",
        apart=_APART,
        now_ns=now_ns,
    )
    return PaperGateway(session, venue, runtime.clock)
