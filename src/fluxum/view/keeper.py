"""What a view remembers of events: the last trades, tickers, candles, gaps, and the log of losses.

Everything is bounded, and what no longer fits is counted. Pure: events and the time are handed in.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping

from fluxum.board import Board, Carries, Noted
from fluxum.book.consolidated import ConsolidatedBook
from fluxum.errors import BadInput
from fluxum.model.account import Balance
from fluxum.model.event import (
    CallFailed,
    ClockOffset,
    Event,
    FailedOver,
    Gap,
    HubEvent,
    LinkEvent,
    LinkReplaced,
    Loss,
    Refused,
    Resynced,
    State,
    StateChange,
    VenueFailed,
    VenueNotice,
    VenueRemoved,
    VenueReturned,
)
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Candle, Ticker, Trade
from fluxum.view.facts import LossView, Severity
from fluxum.view.words import hub_text, link_text, printable

__all__ = ["ViewKeeper"]

_SEVERITIES: dict[type, Severity] = {
    **dict.fromkeys((*Loss.__args__, VenueFailed, VenueRemoved, Refused), Severity.LOSS),
    **dict.fromkeys((Resynced, VenueReturned, LinkReplaced), Severity.RECOVERY),
    **dict.fromkeys((VenueNotice, ClockOffset, FailedOver, CallFailed), Severity.NOTICE),
}
_STATES = {
    State.READY: Severity.RECOVERY,
    State.RECONNECTING: Severity.NOTICE,
    State.FAILED: Severity.LOSS,
}


class ViewKeeper:
    """The memory of a view; give it every event for which `wants` is true, in order.

    `now_ns` is the clock of the ages; `carries` returns whether a venue's link of a name carries a
    subscription (see `Board`). The last `trades_kept` trades, `candles_kept` candles and
    `gaps_kept` gaps of each market are kept, and `losses_kept` lines of the log. Raises BadInput
    for less than one of any.
    """

    def __init__(
        self,
        now_ns: Callable[[], int],
        *,
        carries: Carries = lambda _venue, _link, _subscription: True,
        trades_kept: int = 50,
        candles_kept: int = 240,
        gaps_kept: int = 100,
        losses_kept: int = 500,
    ) -> None:
        for name, kept in (("gaps_kept", gaps_kept), ("losses_kept", losses_kept)):
            if kept < 1:
                raise BadInput(f"{name}: 1 or more was expected, was {kept}")
        self.now_ns = now_ns
        self._board = Board(
            now_ns, carries=carries, trades_kept=trades_kept, candles_kept=candles_kept
        )
        self._gaps_kept = gaps_kept
        self._gaps: dict[tuple[str, Symbol], deque[Gap]] = {}
        self._traded: Counter[tuple[str, Symbol]] = Counter()
        self._losses: deque[LossView] = deque(maxlen=losses_kept)
        self._reasons: dict[str, str] = {}
        self.losses_seen = 0
        """The number of the last line of the log."""
        self.counts: Counter[str] = Counter()
        """How many lines there were of each kind; together they are `losses_seen`."""
        self.consolidated: dict[Symbol, ConsolidatedBook] = {}
        """The books of all venues that views read, held so that each event of them comes once."""
        self.candles_changed = 0
        """A number that grows with every candle and every gap."""

    @staticmethod
    def wants(event: Event) -> bool:
        """Whether an event changes anything here; updates of books do not."""
        return Board.wants(event) or type(event) in _SEVERITIES or isinstance(event, StateChange)

    def take(self, event: Event) -> None:
        """Record an event."""
        self._board.take(event)
        match event:
            case Trade():
                self._traded[event.venue, event.symbol] += 1
            case Candle():
                self.candles_changed += 1
            case Gap():
                self._gap(event)
            case StateChange():
                self._reasons[event.venue] = printable(event.reason)
            case _:
                pass
        severity = _severity(event)
        if severity is not None:
            self._log(event, severity)

    # What is kept

    def losses(self, limit: int | None = None, after: int = 0) -> tuple[LossView, ...]:
        """The last lines of the log, oldest first, with numbers above `after`."""
        lines = [one for one in self._losses if one.number > after]
        return tuple(lines if limit is None else lines[max(0, len(lines) - limit) :])

    def trades(self, venue: str, symbol: Symbol, limit: int) -> tuple[Trade, ...]:
        """The last trades of a market, newest first."""
        return self._board.trades(venue, symbol)[::-1][:limit]

    def trades_seen(self, venue: str, symbol: Symbol) -> int:
        """How many trades of a market there were."""
        return self._traded[venue, symbol]

    def ticker(self, venue: str, symbol: Symbol) -> Noted[Ticker] | None:
        """The last ticker of a market."""
        return self._board.ticker(venue, symbol)

    def candles(
        self, venue: str, symbol: Symbol, interval_s: int, limit: int
    ) -> tuple[Candle, ...]:
        """The last candles of a market and interval, oldest first."""
        candles = self._board.candles(venue, symbol, interval_s)
        return candles[max(0, len(candles) - limit) :]

    def gaps(self, venue: str, symbol: Symbol) -> Iterable[Gap]:
        """The last gaps of the streams of a market, oldest first."""
        return self._gaps.get((venue, symbol), ())

    def balances(self, venue: str) -> Mapping[Asset, Noted[Balance]]:
        """The account's balance of each asset."""
        return self._board.balances(venue)

    def reason(self, venue: str) -> str:
        """Why the venue's state changed last."""
        return self._reasons.get(venue, "")

    # Pieces

    def _gap(self, event: Gap) -> None:
        symbol = event.subscription.symbol
        if symbol is None:
            return
        key = event.venue, symbol
        self._gaps.setdefault(key, deque(maxlen=self._gaps_kept)).append(event)
        self.candles_changed += 1

    def _log(self, event: Event, severity: Severity) -> None:
        self.losses_seen += 1
        kind = str(event.__struct_config__.tag)
        self.counts[kind] += 1
        self._losses.append(
            LossView(
                number=self.losses_seen,
                at_ns=event.received_ns,
                venue=event.venue,
                symbol=_symbol(event),
                kind=kind,
                severity=severity,
                text=_text(event),
            )
        )


def _severity(event: Event) -> Severity | None:
    if isinstance(event, StateChange):
        return _STATES.get(event.new)
    return _SEVERITIES.get(type(event))


def _text(event: Event) -> str:
    if isinstance(event, HubEvent):
        return printable(hub_text(event))
    assert isinstance(event, LinkEvent), "only links and hubs have lines in the log"
    return printable(link_text(event))


def _symbol(event: Event) -> Symbol | None:
    """The market that a line is about, if it is about one."""
    symbol: Symbol | None = getattr(event, "symbol", None)
    if symbol is not None:
        return symbol
    subscription = getattr(event, "subscription", None)
    return None if subscription is None else subscription.symbol
