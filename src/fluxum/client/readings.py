"""A client's answers at one moment, made of its session and its last values."""

from collections.abc import Iterable
from typing import TypeVar

from msgspec import Struct

from fluxum.client.answers import (
    BalanceStreamingStatus,
    ClientStatistics,
    ConnectionStatus,
    Latest,
    Recent,
)
from fluxum.client.connection import ClientConnection
from fluxum.client.tokens import ClientTokens
from fluxum.errors import BadInput, NotSubscribed
from fluxum.model.account import Balance
from fluxum.model.event import Channel, Subscription
from fluxum.model.input import counted
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Candle, Ticker, Trade
from fluxum.session.books import BookReading

__all__ = ["Readings"]

T = TypeVar("T")
_WAITING = "waiting for its first data"
_LEVELS = 10


class Readings:
    """Answers about one connection. Each takes the session's waiting events first."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._venue = connection.options.venue.name

    # Last values

    def ticker(self, symbol: str) -> Latest[Ticker]:
        """The last ticker of a market; raises NotSubscribed."""
        one = self._find(Channel.TICKER, symbol)
        noted = self._connection.board.ticker(self._venue, symbol)
        ticker = None if noted is None else noted.value
        return self._latest(one, ticker, None if ticker is None else ticker.received_ns)

    def book(self, symbol: str, depth: int) -> Latest[BookReading]:
        """A book now; raises NotSubscribed."""
        one = self._find(Channel.BOOK, symbol)
        reading = self._read(Symbol(symbol), counted(depth, "depth"))
        is_live = bool(reading.snapshot.bids or reading.snapshot.asks)
        latest = self._latest(one, reading if is_live else None, reading.proof.updated_ns)
        if is_live or not latest.reason:
            return latest
        return Latest(value=None, last=None, age_s=latest.age_s, reason=reading.proof.reason)

    def books(self, symbols: Iterable[Symbol]) -> list[BookReading]:
        """The books of these markets now, those left out that are not subscribed any more."""
        subscribed = {one.symbol: one.depth for one in self._connection.find(Channel.BOOK)}
        return [self._read(one, subscribed[one] or _LEVELS) for one in symbols if one in subscribed]

    def trades(self, symbol: str, limit: int) -> Recent[Trade]:
        """The last trades of a market; raises NotSubscribed."""
        one = self._find(Channel.TRADE, symbol)
        items = self._connection.board.trades(self._venue, symbol)[-counted(limit, "limit") :]
        return self._recent(one, items, [item.received_ns for item in items])

    def candles(self, symbol: str, limit: int, interval_s: int | None) -> Recent[Candle]:
        """The last candles of a market; raises NotSubscribed, BadInput if the interval is open."""
        self._find(Channel.CANDLE, symbol)
        held = [
            one
            for one in self._connection.find(Channel.CANDLE, symbol)
            if interval_s in (None, one.interval_s)
        ]
        if not held:
            raise NotSubscribed(f"candles of {symbol} of {interval_s} s are not subscribed")
        if len(held) > 1:
            several = ", ".join(f"{one.interval_s} s" for one in held)
            raise BadInput(f"the interval of one subscription was expected ({several}), was none")
        known = self._connection.board.candles(self._venue, symbol, held[0].interval_s or 0)
        items = known[-counted(limit, "limit") :]
        return self._recent(held[0], items, [item.received_ns for item in items])

    def balance(self, asset: Asset) -> Latest[Balance]:
        """The balance of an asset; raises NotSubscribed."""
        one = self._find(Channel.BALANCE)
        balance = self._connection.session.account.following.balances.get(asset)
        latest = self._latest(one, balance, None if balance is None else balance.received_ns)
        if balance is None and latest.reason == _WAITING:
            reason = f"the account has no balance of {asset}"
            return Latest(value=None, last=None, age_s=None, reason=reason)
        return latest

    def balances(self) -> dict[Asset, Latest[Balance]]:
        """The balances by asset; raises NotSubscribed."""
        self._find(Channel.BALANCE)
        held = self._connection.session.account.following.balances
        return {asset: self.balance(asset) for asset in sorted(held)}

    # Status

    def is_connected(self) -> bool:
        """Whether there are links now."""
        self._connection.catch_up()
        return self._connection.is_open and self._connection.dispatch.is_up

    def is_private_connected(self) -> bool:
        """Whether every subscription to the account is followed now."""
        self._connection.catch_up()
        private = [*self._private()]
        return bool(private) and not any(map(self._connection.reason, private))

    def is_authenticated(self) -> bool:
        """Whether the venue has accepted the keys."""
        self._connection.catch_up()
        return self._connection.is_open and self._connection.dispatch.is_authenticated

    def connection_status(self) -> ConnectionStatus:
        """The state of the connection now."""
        connection = self._connection
        is_connected = self.is_connected()
        session = connection.session if connection.is_open else None
        counts = None if session is None else session.statistics()
        uptime_s = connection.uptime_s
        frames = 0 if counts is None else counts.frames
        return ConnectionStatus(
            exchange=connection.options.venue.name,
            is_running=session is not None,
            is_connected=is_connected,
            is_private_connected=self.is_private_connected(),
            is_authenticated=self.is_authenticated(),
            state="closed" if session is None else session.state.value,
            reason="" if session is None else "; ".join(dict.fromkeys(map(str, session.missing()))),
            uptime_s=uptime_s,
            links=0 if counts is None else counts.links,
            reconnects=0 if counts is None else counts.reconnects,
            messages=frames,
            message_rate=frames / uptime_s if uptime_s else 0.0,
            active_subscriptions=() if session is None else tuple(map(str, session.subscriptions)),
        )

    def balance_status(self, tokens: ClientTokens) -> BalanceStreamingStatus:
        """Whether balances are streamed now."""
        connection = self._connection
        connection.catch_up()
        subscribed = connection.find(Channel.BALANCE)
        if not subscribed:
            has_keys = connection.is_open and connection.options.keys is not None
            return BalanceStreamingStatus(
                is_subscribed=False,
                is_streaming=False,
                is_token_available=tokens.is_available if has_keys else None,
                reason="balances are not subscribed",
                assets=0,
                age_s=None,
            )
        reason = connection.reason(subscribed[0])
        held = connection.session.account.following.balances.values()
        newest_ns = max((one.received_ns for one in held), default=None)
        return BalanceStreamingStatus(
            is_subscribed=True,
            is_streaming=not reason,
            is_token_available=tokens.is_available,
            reason=reason,
            assets=len(held),
            age_s=None if newest_ns is None else self._age_s(newest_ns),
        )

    def statistics(self) -> ClientStatistics:
        """All counts at this moment."""
        connection = self._connection
        connection.catch_up()
        uptime_s = connection.uptime_s
        events = {_kind(kind): count for kind, count in connection.dispatch.counts.items()}
        return ClientStatistics(
            session=connection.session.statistics() if connection.is_open else None,
            uptime_s=uptime_s,
            events=events,
            rates={kind: count / uptime_s if uptime_s else 0.0 for kind, count in events.items()},
            errors=connection.callbacks.errors,
            dropped=connection.dispatch.dropped,
            callbacks=connection.callbacks.statistics(),
        )

    # Pieces

    def _find(self, channel: Channel, symbol: str | None = None) -> Subscription:
        """The subscription of a channel, once all events that wait are taken."""
        self._connection.catch_up()
        market = None if symbol is None else Symbol(symbol)
        found = self._connection.find(channel, market)
        if not found:
            active = self._connection.session.subscriptions if self._connection.is_open else ()
            what = channel.value if market is None else f"{channel.value} {market}"
            known = ", ".join(map(str, active)) or "nothing"
            raise NotSubscribed(f"'{what}' is not subscribed; subscribed: {known}")
        return found[0]

    def _private(self) -> Iterable[Subscription]:
        if self._connection.is_open:
            for one in self._connection.session.subscriptions:
                if one.channel.is_private:
                    yield one

    def _read(self, symbol: Symbol, depth: int) -> BookReading:
        book = self._connection.session.book(symbol)
        return BookReading(book.snapshot(depth), book.proof())

    def _latest(self, one: Subscription, last: T | None, received_ns: int | None) -> Latest[T]:
        reason = self._connection.reason(one)
        if not reason and last is None:
            reason = _WAITING
        return Latest(
            value=None if reason else last,
            last=last,
            age_s=None if last is None or received_ns is None else self._age_s(received_ns),
            reason=reason,
        )

    def _recent(self, one: Subscription, items: tuple[T, ...], received_ns: list[int]) -> Recent[T]:
        reason = self._connection.reason(one)
        gaps = self._connection.board.gaps(self._venue, one, received_ns[0]) if received_ns else 0
        return Recent(
            items=items,
            age_s=self._age_s(received_ns[-1]) if received_ns else None,
            is_valid=not reason,
            reason=reason,
            gaps=gaps,
        )

    def _age_s(self, received_ns: int) -> float:
        return (self._connection.runtime.clock.now_ns() - received_ns) / 1e9


def _kind(event: type[Struct]) -> str:
    return str(event.__struct_config__.tag)
