"""A market of one's own making for the servers of this folder: levels and trades put in by hand."""

from collections.abc import Sequence
from decimal import Decimal

from fluxum.book.level3 import Level3Book
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Candle, Level, Side, Ticker, Trade
from fluxum.sim.history import History
from fluxum.sim.instruments import listing
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.venue import BINANCE, BINANCE_USDM

BUY, SELL = Side.BUY, Side.SELL
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
# 2022-12-31T19:43:05Z, five seconds into a minute
START = 1_672_515_785_000_000_000


class Market:
    """One market; a bid at 99 and an ask at 101 rest there from the start, at update 1000."""

    def __init__(self, policy: Policy) -> None:
        venue = BINANCE_USDM if policy.is_futures else BINANCE
        self.symbol = venue.sample_symbols[0]
        self.instrument: Instrument = listing(venue, self.symbol, START).instrument
        self.moved = 1000
        self.status = "online"
        self._now_ns = START
        self._last = 0
        self._sides: dict[Side, dict[Decimal, Level]] = {BUY: {}, SELL: {}}
        self._history = History(self.instrument)
        self.put(BUY, "99", "1")
        self.put(SELL, "101", "1")
        self.moved = 1000

    def put(self, side: Side, price: str, quantity: str) -> None:
        level = Level(Decimal(price), Decimal(quantity))
        self._sides[side][level.price] = level
        self.moved += 1

    def take(self, side: Side, price: str) -> None:
        del self._sides[side][Decimal(price)]
        self.moved += 1

    def trade(self, side: Side, price: str, quantity: str, at_ns: int = START) -> None:
        self._last += 1
        self._now_ns = at_ns
        self.moved += 1
        self._history.add(
            Trade(
                venue=self.instrument.venue,
                symbol=self.symbol,
                side=side,
                price=Decimal(price),
                quantity=Decimal(quantity),
                trade_id=str(self._last),
                sequence=self._last,
                venue_ns=at_ns,
                received_ns=at_ns,
            )
        )

    # MarketView

    def instruments(self) -> Sequence[Instrument]:
        return [self.instrument]

    def book(self, symbol: Symbol) -> Level3Book:
        raise NotImplementedError(symbol)

    def levels(self, symbol: Symbol, side: Side, count: int) -> Sequence[Level]:
        assert symbol == self.symbol
        prices = sorted(self._sides[side], reverse=side is BUY)
        return [self._sides[side][price] for price in prices[:count]]

    def revision(self, symbol: Symbol) -> int:
        assert symbol == self.symbol
        return self.moved

    def trades(self, symbol: Symbol, count: int) -> Sequence[Trade]:
        assert symbol == self.symbol
        return self._history.trades(count)

    def ticker(self, symbol: Symbol) -> Ticker:
        bids, asks = self.levels(symbol, BUY, 1), self.levels(symbol, SELL, 1)
        return self._history.ticker(
            bids[0] if bids else None, asks[0] if asks else None, self._now_ns
        )

    def candles(self, symbol: Symbol, interval_s: int, count: int) -> Sequence[Candle]:
        assert symbol == self.symbol
        return self._history.candles(interval_s, count, self._now_ns)
