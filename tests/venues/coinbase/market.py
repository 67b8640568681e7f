"""A market of one's own making, for the tests of the servers: an engine and what is put in."""

from collections.abc import Sequence
from decimal import Decimal
from random import Random

from fluxum.book.level3 import Level3Book
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Candle, Level, Side, Ticker, Trade
from fluxum.sim.accounts import SimulatedAccounts
from fluxum.sim.instruments import listing
from fluxum.sim.matching import MatchingEngine
from fluxum.venues.venue import Venue

__all__ = ["BTC", "NOW", "SECOND", "Market"]

BTC = Symbol("BTC/USD")
NOW = 1_786_309_548_228_568_000  # 2026-08-09T21:05:48.228568Z
SECOND = 1_000_000_000


class Market:
    """BTC/USD with a bid of 100.5, an ask of 101.5, one trade and one candle; an ExchangeView.

    Nobody has an account here.
    """

    status = "online"

    def __init__(self, venue: Venue) -> None:
        self.accounts = SimulatedAccounts(
            venue.name,
            {},
            Random(1),
            lambda _symbol, _act: NOW,
            lambda: NOW,
            lambda: None,
            lambda _fault: False,
        )
        self.instrument = listing(venue, BTC, 0).instrument
        self.engine = MatchingEngine(self.instrument)
        self.moves = 7
        self.made: list[Trade] = []
        self.put(Side.BUY, "100.5", "1.5")
        self.put(Side.SELL, "101.5", "2")
        self.trade(Side.BUY, "101.5", "0.25")

    def put(self, side: Side, price: str, quantity: str) -> None:
        name = f"{side.value} {price}"
        self.engine.limit(name, side, Decimal(price), Decimal(quantity), NOW)
        self.moves += 1

    def take(self, side: Side, price: str) -> None:
        assert self.engine.cancel(f"{side.value} {price}") is not None
        self.moves += 1

    def trade(self, side: Side, price: str, quantity: str) -> None:
        number = len(self.made) + 1
        self.made.append(
            Trade(
                venue=self.instrument.venue,
                symbol=BTC,
                side=side,
                price=Decimal(price),
                quantity=Decimal(quantity),
                trade_id=str(number),
                sequence=number,
                venue_ns=NOW,
                received_ns=NOW,
            )
        )
        self.moves += 1

    def instruments(self) -> Sequence[Instrument]:
        return [self.instrument]

    def book(self, symbol: Symbol) -> Level3Book:
        return self.engine.book

    def levels(self, symbol: Symbol, side: Side, count: int) -> Sequence[Level]:
        return self.engine.levels(side, count)

    def revision(self, symbol: Symbol) -> int:
        return self.moves

    def trades(self, symbol: Symbol, count: int) -> Sequence[Trade]:
        return self.made[-count:]

    def ticker(self, symbol: Symbol) -> Ticker:
        return Ticker(
            venue=self.instrument.venue,
            symbol=BTC,
            bid=Decimal("100.5"),
            bid_quantity=Decimal("1.5"),
            ask=Decimal("101.5"),
            ask_quantity=Decimal(2),
            last=Decimal("101.5"),
            volume=Decimal("0.25"),
            low=Decimal("101.5"),
            high=Decimal("101.5"),
            open=Decimal("101.5"),
            change=Decimal(0),
            change_percent=Decimal(0),
            received_ns=NOW,
        )

    def candles(self, symbol: Symbol, interval_s: int, count: int) -> Sequence[Candle]:
        start_ns = NOW // (interval_s * SECOND) * interval_s * SECOND
        return [
            Candle(
                venue=self.instrument.venue,
                symbol=BTC,
                interval_s=interval_s,
                start_ns=start_ns,
                end_ns=start_ns + interval_s * SECOND,
                open=Decimal("101.5"),
                high=Decimal("101.50"),
                low=Decimal("101.5"),
                close=Decimal("101.5"),
                volume=Decimal("0.25"),
                received_ns=NOW,
            )
        ]
