"""The last ticker, trades, candles and balances of each venue, each with its age and validity.

A fact is valid from its receipt until the link that carried its stream is lost, or the stream
fails, is silent for too long or ends. It stays readable, marked with the reason, until newer data
of its stream comes. The hub's board, the last values of a client and the trades of the live screen
are this. Pure: the events, and the time, are handed in.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.model.account import Balance, Balances, LedgerEntry
from fluxum.model.event import (
    Channel,
    DataStale,
    Desync,
    Dropped,
    Event,
    Gap,
    LinkLost,
    Refused,
    Rejected,
    Subscription,
    Unsubscribed,
    VenueFailed,
)
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Candle, Ticker, Trade

__all__ = ["Board", "Noted"]

T = TypeVar("T")
_Key = tuple[str, Channel, Symbol | None, int | None]
_GAPS_KEPT = 1_000
Carries = Callable[[str, str, Subscription], bool]


class Noted(Struct, Generic[T], frozen=True):
    """A fact, the time since its receipt, and why it is not valid any more (empty if it is)."""

    value: T
    age_ns: int
    reason: str

    @property
    def is_valid(self) -> bool:
        """Whether nothing has happened since that puts the fact in question."""
        return not self.reason


class _Slot:
    """The facts of one stream, the newest last, and the reason why they are not valid."""

    __slots__ = ("facts", "reason", "received_ns")

    def __init__(self, kept: int) -> None:
        self.facts: deque[Any] = deque(maxlen=kept)
        self.received_ns = 0
        self.reason = ""

    def put(self, fact: Any, received_ns: int) -> None:
        self.facts.append(fact)
        self.received_ns = received_ns
        self.reason = ""


class Board:
    """The last facts of every stream, updated event by event.

    `carries` returns whether a venue's link of a name carries a subscription; without it, a lost
    link withdraws all of its venue. `waiting` returns events that have come meanwhile: they are
    taken before each read. The last `trades_kept` trades of each market are kept, and the last
    `candles_kept` candles of each market and interval.
    """

    def __init__(
        self,
        now_ns: Callable[[], int],
        *,
        carries: Carries = lambda _venue, _link, _subscription: True,
        waiting: Callable[[], Iterable[Event]] = lambda: (),
        trades_kept: int = 100,
        candles_kept: int = 100,
    ) -> None:
        for name, kept in (("trades_kept", trades_kept), ("candles_kept", candles_kept)):
            if kept < 1:
                raise BadInput(f"{name}: 1 or more was expected, was {kept}")
        self._now_ns = now_ns
        self._carries = carries
        self._waiting = waiting
        self._trades_kept = trades_kept
        self._candles_kept = candles_kept
        self._gaps: dict[tuple[str, Subscription], deque[Gap]] = {}
        self._slots: dict[_Key, _Slot] = {}
        self._balances: dict[str, dict[Asset, _Slot]] = {}

    @staticmethod
    def wants(event: Event) -> bool:
        """Whether an event changes anything here."""
        return type(event) in _WANTED

    def take(self, event: Event) -> None:
        """Record an event."""
        match event:
            case Ticker():
                self._put(event, Channel.TICKER, None, 1)
            case Trade():
                self._put(event, Channel.TRADE, None, self._trades_kept)
            case Candle():
                self._candle(event)
            case Balance():
                self._balance(event)
            case LedgerEntry():
                self._entry(event)
            case Balances():
                self._balances[event.venue] = {}
                for one in event.balances:
                    self._balance(one)
            case Gap():
                key = event.venue, event.subscription
                self._gaps.setdefault(key, deque(maxlen=_GAPS_KEPT)).append(event)
            case Unsubscribed():
                self.forget(event.venue, event.subscription)
            case _:
                self._lose(event)

    def forget(self, venue: str, ended: Subscription) -> None:
        """Drop what a subscription brought; an `Unsubscribed` does that as well."""
        for key in [
            key for key in self._slots if key[0] == venue and _is_same(_subscription(key), ended)
        ]:
            del self._slots[key]
        self._gaps.pop((venue, ended), None)
        if ended.channel is Channel.BALANCE:
            self._balances.pop(venue, None)

    # What is noted; `None` if there never was such a fact

    def ticker(self, venue: str, symbol: str) -> Noted[Ticker] | None:
        """The last ticker of a market."""
        return self._last((venue, Channel.TICKER, Symbol(symbol), None))

    def trade(self, venue: str, symbol: str) -> Noted[Trade] | None:
        """The last trade of a market."""
        return self._last((venue, Channel.TRADE, Symbol(symbol), None))

    def trades(self, venue: str, symbol: str) -> tuple[Trade, ...]:
        """The last trades of a market, oldest first; how valid they are is that of the last."""
        self._catch_up()
        slot = self._slots.get((venue, Channel.TRADE, Symbol(symbol), None))
        return () if slot is None else tuple(slot.facts)

    def latest_trades(self, limit: int) -> tuple[Trade, ...]:
        """The last trades of all markets together, oldest first."""
        self._catch_up()
        every = [
            trade
            for (_, channel, _, _), slot in self._slots.items()
            if channel is Channel.TRADE
            for trade in slot.facts
        ]
        return tuple(sorted(every, key=lambda trade: trade.received_ns)[-limit:])

    def candles(self, venue: str, symbol: str, interval_s: int) -> tuple[Candle, ...]:
        """The last candles of a market and interval, oldest first, each start once.

        How valid they are is that of the last.
        """
        self._catch_up()
        slot = self._slots.get((venue, Channel.CANDLE, Symbol(symbol), interval_s))
        return () if slot is None else tuple(slot.facts)

    def gaps(self, venue: str, subscription: Subscription, since_ns: int) -> int:
        """How many gaps of a stream ended after an instant; the last 1,000 are known."""
        self._catch_up()
        known = self._gaps.get((venue, subscription), ())
        return sum(one.until_ns > since_ns for one in known)

    def candle(self, venue: str, symbol: str, interval_s: int) -> Noted[Candle] | None:
        """The newest candle of a market and interval; it may be running."""
        return self._last((venue, Channel.CANDLE, Symbol(symbol), interval_s))

    def balances(self, venue: str) -> Mapping[Asset, Noted[Balance]]:
        """The account's balance of each asset."""
        self._catch_up()
        now_ns = self._now_ns()
        slots = self._balances.get(venue, {})
        return {asset: _noted(slot, now_ns) for asset, slot in slots.items()}

    def balance(self, venue: str, asset: str) -> Noted[Balance] | None:
        """The account's balance of one asset."""
        return self.balances(venue).get(Asset(asset))

    # Pieces

    def _catch_up(self) -> None:
        for event in self._waiting():
            self.take(event)

    def _last(self, key: _Key) -> Noted[Any] | None:
        self._catch_up()
        slot = self._slots.get(key)
        return None if slot is None else _noted(slot, self._now_ns())

    def _lose(self, event: Event) -> None:
        """Withdraw the streams that an event puts in question."""
        match event:
            case LinkLost():
                reason = f"link lost: {event.reason}"
                self._withdraw(
                    event.venue, reason, lambda one: self._carries(event.venue, event.link, one)
                )
            case Dropped():
                reason = f"{event.count} events were lost before this board had them"
                self._withdraw(event.venue, reason)
            case VenueFailed():
                self._withdraw(event.venue, f"the venue failed: {event.reason}")
            case DataStale():
                reason = f"silent for {event.silent_s:.0f} s"
                self._withdraw(event.venue, reason, _among(event.subscription))
            case Desync():
                self._withdraw(event.venue, f"desynced: {event.reason}", _among(event.subscription))
            case Refused() if event.subscription is not None:
                self._withdraw(event.venue, f"refused: {event.message}", _among(event.subscription))
            case Rejected() if event.subscriptions is not None:
                reason = f"a frame could not be read: {event.reason}"
                self._withdraw(event.venue, reason, _among(*event.subscriptions))
            case _:
                pass

    def _put(
        self, fact: Ticker | Trade | Candle, channel: Channel, apart: int | None, kept: int
    ) -> None:
        key = fact.venue, channel, fact.symbol, apart
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slots[key] = _Slot(kept)
        slot.put(fact, fact.received_ns)

    def _candle(self, candle: Candle) -> None:
        """Keep a candle in its place; one older than the newest proves nothing about the stream."""
        slot = self._slots.get((candle.venue, Channel.CANDLE, candle.symbol, candle.interval_s))
        if slot is None or candle.start_ns > slot.facts[-1].start_ns:
            self._put(candle, Channel.CANDLE, candle.interval_s, self._candles_kept)
            return
        if candle.start_ns == slot.facts[-1].start_ns:
            slot.facts.pop()
            self._put(candle, Channel.CANDLE, candle.interval_s, self._candles_kept)
            return
        by_start = {one.start_ns: one for one in (*slot.facts, candle)}
        slot.facts = deque((by_start[one] for one in sorted(by_start)), maxlen=self._candles_kept)

    def _balance(self, balance: Balance) -> None:
        slots = self._balances.setdefault(balance.venue, {})
        slots.setdefault(balance.asset, _Slot(1)).put(balance, balance.received_ns)

    def _entry(self, entry: LedgerEntry) -> None:
        """Take the balance that an entry leads to; one of the past says nothing about now."""
        if entry.balance is None or entry.backfilled:
            return
        self._balance(
            Balance(
                venue=entry.venue,
                asset=entry.asset,
                total=entry.balance,
                venue_ns=entry.venue_ns,
                received_ns=entry.received_ns,
            )
        )

    def _withdraw(
        self,
        venue: str,
        reason: str,
        is_of: Callable[[Subscription], bool] = lambda _subscription: True,
    ) -> None:
        for subscription, slot in self._streams(venue):
            if is_of(subscription):
                slot.reason = reason

    def _streams(self, venue: str) -> Iterator[tuple[Subscription, _Slot]]:
        for key, slot in self._slots.items():
            if key[0] == venue:
                yield _subscription(key), slot
        for slot in self._balances.get(venue, {}).values():
            yield Subscription(Channel.BALANCE), slot


def _subscription(key: _Key) -> Subscription:
    return Subscription(key[1], key[2], None, key[3])


def _among(*named: Subscription) -> Callable[[Subscription], bool]:
    return lambda one: any(_is_same(one, other) for other in named)


def _is_same(one: Subscription, other: Subscription) -> bool:
    """Whether they are of one stream, whatever depth was subscribed."""
    return (one.channel, one.symbol, one.interval_s) == (
        other.channel,
        other.symbol,
        other.interval_s,
    )


def _noted(slot: _Slot, now_ns: int) -> Noted[Any]:
    return Noted(slot.facts[-1], now_ns - slot.received_ns, slot.reason)


_WANTED: frozenset[type] = frozenset(
    (
        Gap,
        Ticker,
        Trade,
        Candle,
        Balance,
        Balances,
        LedgerEntry,
        LinkLost,
        VenueFailed,
        DataStale,
        Desync,
        Dropped,
        Refused,
        Rejected,
        Unsubscribed,
    )
)
