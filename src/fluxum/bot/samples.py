"""A made-up market for checks and tests of strategies: what they want, by a seeded walk.

Books have five levels a side, a trade follows some of their changes, candles close with the trades.
A symbol that is wanted at several venues has one price, with a difference that comes and goes.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from random import Random

from fluxum.bot.market import Market
from fluxum.bot.strategy import Every, Want
from fluxum.model.event import Channel, Event
from fluxum.model.instrument import Instrument, InstrumentStatus
from fluxum.model.levels import Level
from fluxum.model.market import BookSnapshot, Candle, Side, Ticker, Trade

__all__ = ["SAMPLE_START_NS", "sample_events", "sample_instrument"]

SAMPLE_START_NS = 1_767_225_600_000_000_000
_SECOND_NS = 1_000_000_000
_STEP_NS = 400_000_000
_START = Decimal(50_000)
_TICK = Decimal("0.1")


def sample_instrument(market: Market) -> Instrument:
    """The rules of a made-up market: ticks of 0.1, lots of 0.0001."""
    return Instrument(
        venue=market.venue,
        symbol=market.symbol,
        venue_symbol=str(market.symbol),
        base=market.symbol.base,
        quote=market.symbol.quote,
        status=InstrumentStatus.ONLINE,
        tick=_TICK,
        lot=Decimal("0.0001"),
        price_precision=1,
        quantity_precision=4,
        quantity_min=Decimal("0.0001"),
        received_ns=SAMPLE_START_NS,
    )


def sample_events(wants: Iterable[Want | Every], count: int, seed: int = 1) -> list[Event]:
    """So many events of the wanted markets, in the order of their receipt."""
    every = [one for one in wants if isinstance(one, Want)]
    return [event for event, _ in zip(_walk(every, Random(seed)), range(count), strict=False)]  # noqa: S311 - no security depends on it


def _walk(wants: list[Want], random: Random) -> Iterator[Event]:
    markets = list(dict.fromkeys(one.market for one in wants))
    makers = {one: _Maker(one, wants) for one in markets}
    price, now_ns = _START, SAMPLE_START_NS
    while markets:
        now_ns += random.randint(1, 2 * _STEP_NS)
        price = max(price + _TICK * random.randint(-80, 80), _START / 2)
        market = random.choice(markets)
        apart = _TICK * random.randint(-400, 400) if len(markets) > 1 else Decimal(0)
        yield from makers[market].at(price + apart, now_ns, random)


class _Maker:
    """Events of one market."""

    def __init__(self, market: Market, wants: list[Want]) -> None:
        mine = [one for one in wants if one.market == market]
        self._market = market
        self._channels = {one.channel for one in mine}
        spans = [one.interval_s or 60 for one in mine if one.channel is Channel.CANDLE]
        self._spans = list(dict.fromkeys(spans))
        self._running: dict[int, list[Decimal]] = {}
        self._starts: dict[int, int] = {}
        self._sequence = 0

    def at(self, price: Decimal, now_ns: int, random: Random) -> Iterator[Event]:
        """What happens as the market comes to a price."""
        venue, symbol = self._market.venue, self._market.symbol
        self._sequence += 1
        for span in self._spans:
            yield from self._candles(span, price, now_ns)
        spread = _TICK * random.randint(2, 30)
        sizes = [Decimal(random.randint(1, 500)) / 100 for _ in range(10)]
        if Channel.BOOK in self._channels:
            yield BookSnapshot(
                venue=venue,
                symbol=symbol,
                bids=tuple(Level(price - _TICK * 5 * at, sizes[at]) for at in range(5)),
                asks=tuple(
                    Level(price + spread + _TICK * 5 * at, sizes[5 + at]) for at in range(5)
                ),
                venue_ns=now_ns,
                received_ns=now_ns,
                sequence=self._sequence,
            )
        if Channel.TICKER in self._channels:
            yield Ticker(
                venue=venue, symbol=symbol, bid=price, ask=price + spread, received_ns=now_ns
            )
        if Channel.TRADE in self._channels and random.random() < 0.5:
            side = random.choice((Side.BUY, Side.SELL))
            yield Trade(
                venue=venue,
                symbol=symbol,
                side=side,
                price=price if side is Side.SELL else price + spread,
                quantity=sizes[0],
                trade_id=str(self._sequence),
                venue_ns=now_ns,
                received_ns=now_ns,
            )

    def _candles(self, span: int, price: Decimal, now_ns: int) -> Iterator[Event]:
        """The candle that has ended by now, if one has; empty ones are left out."""
        length_ns = span * _SECOND_NS
        start_ns = now_ns // length_ns * length_ns
        begun_ns = self._starts.get(span)
        if begun_ns is not None and begun_ns != start_ns:
            prices = self._running[span]
            yield Candle(
                venue=self._market.venue,
                symbol=self._market.symbol,
                interval_s=span,
                start_ns=begun_ns,
                end_ns=begun_ns + length_ns,
                open=prices[0],
                high=max(prices),
                low=min(prices),
                close=prices[-1],
                volume=Decimal(len(prices)),
                trades=len(prices),
                closed=True,
                received_ns=now_ns,
            )
        if begun_ns != start_ns:
            self._starts[span], self._running[span] = start_ns, []
        self._running[span].append(price)
