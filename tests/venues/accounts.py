"""An account at any simulated exchange, traded through the public API in virtual time."""

import asyncio
import base64
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial

from msgspec import Struct

import fluxum
from fluxum import Asset, Credentials, Fee, Order, Side, Symbol, TransportError
from fluxum.runtime import Reach
from fluxum.sim.account import SimulatedAccount
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import START_NS, SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.trader import Trader
from fluxum.transport.http import Http
from fluxum.transport.link import Dial, Link
from fluxum.venues.venue import Venue

__all__ = ["KEYS", "LOT", "Cable", "Traded", "play", "trading"]

SECRET = base64.b64encode(b"the-secret-of-tests, of 32 bytes").decode()
KEYS = Credentials("the-key", SECRET, "the passphrase of tests")
LOT = Decimal("0.01")


class Cable(SimulatedRuntime):
    """The way to an exchange. While it is cut no link is dialled and no call arrives."""

    is_cut = False

    @asynccontextmanager
    async def reach(self, venue: Venue) -> AsyncGenerator[Reach]:
        """Links and calls that break with the cable."""
        async with super().reach(venue) as reach:
            yield Reach(partial(self._dial, reach.dial), _Calls(self, reach.http))

    @asynccontextmanager
    async def _dial(
        self, dial: Dial, url: str, headers: Mapping[str, str] = {}, /
    ) -> AsyncGenerator[Link]:
        self.check()
        async with dial(url, headers) as link:
            yield link

    def check(self) -> None:
        """Raise TransportError while it is cut."""
        if self.is_cut:
            raise TransportError("the cable is cut")


class _Calls(Struct):
    cable: Cable
    http: Http

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        self.cable.check()
        return await self.http.call(method, url, headers, body)


class Traded(Struct):
    """A trader, the exchange and the account there, and the cable to it."""

    symbol: Symbol
    exchange: SimulatedExchange
    account: SimulatedAccount
    trader: Trader
    cable: Cable

    async def cut(self, duration_s: float) -> None:
        """No link and no call for so long."""
        self.cable.is_cut = True
        self.exchange.hangup_all()
        await asyncio.sleep(duration_s)
        self.cable.is_cut = False

    @property
    def bid(self) -> Decimal:
        """The best bid."""
        level = self.trader.book(self.symbol).bid
        assert level is not None
        return level.price

    def order(self, order: Order) -> Order:
        """An order as the trader knows it now."""
        known = self.trader.orders.order(order.client_order_id)
        assert known is not None
        return known

    def charged(self, asset: str) -> Decimal:
        """What the exchange charged in an asset."""
        fees: list[Fee] = [fee for fill in self.account.fills for fee in fill.fees or ()]
        return sum((fee.amount for fee in fees if fee.asset == asset), Decimal(0))

    def totals(self) -> dict[Asset, Decimal]:
        """What the exchange says is held."""
        return {one.asset: one.total for one in self.account.balances()}

    def take_bids(self) -> None:
        """Another client sells into the book."""
        self.exchange.change(
            self.symbol,
            lambda market, now_ns: market.take(
                "them", Side.SELL, Decimal(50), None, "market", now_ns
            ),
        )


@asynccontextmanager
async def trading(
    venue: Venue,
    symbol: Symbol | None = None,
    *,
    rate_per_s: float = 5.0,
    start_ns: int = START_NS,
) -> AsyncGenerator[Traded]:
    """Trade one market, by default the first of the exchange's sample symbols."""
    clock, market = SimulatedClock(start_ns=start_ns), symbol or venue.sample_symbols[0]
    exchange = SimulatedExchange(
        venue, [market], seed=7, clock=clock, rate_per_s=rate_per_s, resolution_ns=1_000_000
    )
    async with exchange:
        money: dict[str, Decimal] = {market.quote: Decimal(100_000), market.base: Decimal(1)}
        account = exchange.open_account(KEYS.key, KEYS.secret, money, passphrase=KEYS.passphrase)
        await asyncio.sleep(1)
        cable = Cable(exchange, clock=clock, seed=3)
        async with fluxum.trade(
            venue.name,
            [market],
            keys=KEYS,
            journal=fluxum.MemoryOrderJournal(),
            runtime=cable,
        ) as trader:
            yield Traded(market, exchange, account, trader, cable)


def play(story: Callable[[], Awaitable[None]]) -> None:
    """Live through a story in virtual time."""

    async def main() -> None:
        await story()

    run(main())
