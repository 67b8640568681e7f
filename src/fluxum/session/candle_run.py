"""The candles of one stream: each is closed once, if necessary by the venue's clock.

Theory of operation. The intervals of a stream follow each other without end, and at most one of
them is running. An interval is over when the venue closes it, when a later one has begun, or when
the venue's clock is past its end by a margin. An interval without trades becomes a candle of volume
0 and trades 0, whose four prices are the close before it. A closed candle may still change: the new
one is a correction, and the empty candles that took their price from it are corrected as well.

After an outage the running candle may have changed unseen. So nothing is closed until the stream
itself continues where it was, or history has filled the gap (see `candles`).
"""

from decimal import Decimal

from msgspec import structs

from fluxum.model.interval import MONTH_S, interval_end
from fluxum.model.market import Candle

__all__ = ["MARGIN_NS", "CandleRun"]

MARGIN_NS = 3 * 1_000_000_000
"""How long after its end a candle may still change as if it ran: venues lag by a second or two."""

_CLOSED_KEPT = 200
# If more intervals than this have no candle, it is a gap and no quiet market.
_EMPTY_MAX = 100
_SECOND_NS = 1_000_000_000


class CandleRun:
    """Which interval of a stream is running, and which were closed lately.

    `is_broken` is true while the stream is interrupted and has not continued yet.
    """

    __slots__ = ("_closed", "_forgotten_ns", "_made", "is_broken", "running")

    def __init__(self) -> None:
        self.running: Candle | None = None
        self.is_broken = False
        self._closed: dict[int, Candle] = {}
        self._made: set[int] = set()  # those made for intervals without a message
        self._forgotten_ns = 0  # the end of the last closed candle that is not remembered any more

    @property
    def expected_ns(self) -> int | None:
        """The start of the first interval that is not closed; `None` before the first candle."""
        if self.running is not None:
            return self.running.start_ns
        last = self._last
        return None if last is None else last.end_ns

    @property
    def last_received_ns(self) -> int | None:
        """The start of the last interval for which the venue itself sent something."""
        if self.running is not None:
            return self.running.start_ns
        return next((start for start in reversed(self._closed) if start not in self._made), None)

    @property
    def due_ns(self) -> int | None:
        """When the running interval is over, by the venue's clock."""
        if self.running is not None:
            return self.running.end_ns + MARGIN_NS
        last = self._last
        return None if last is None else interval_end(last.end_ns, last.interval_s) + MARGIN_NS

    def start_at(self, venue_ns: int) -> int:
        """The start of the interval that contains an instant, counted from the expected one."""
        start_ns, last = self.expected_ns, self.running or self._last
        assert start_ns is not None, "a run without a candle has no intervals"
        assert last is not None, "a run without a candle has no intervals"
        interval_s = last.interval_s
        if interval_s % MONTH_S:
            elapsed_ns = max(0, venue_ns - start_ns)
            return start_ns + elapsed_ns - elapsed_ns % (interval_s * _SECOND_NS)
        while (end_ns := interval_end(start_ns, interval_s)) <= venue_ns:
            start_ns = end_ns
        return start_ns

    def leaves_hole(self, candle: Candle) -> bool:
        """Whether an interrupted stream continues later than where it was."""
        expected_ns = self.expected_ns
        return self.is_broken and expected_ns is not None and candle.start_ns > expected_ns

    def take(self, candle: Candle, venue_ns: int) -> tuple[list[Candle], Candle | None]:
        """The candles to publish first, and the candle to publish; `None` if it changes nothing."""
        known = self._closed.get(candle.start_ns)
        if known is not None:
            return [], self._correct(known, candle)
        if candle.start_ns < self._forgotten_ns:
            return [], None
        before: list[Candle] = []
        running = self.running
        is_over = candle.closed or (candle.backfilled and candle.end_ns + MARGIN_NS <= venue_ns)
        if running is not None and candle.start_ns == running.start_ns:
            if candle.backfilled and not is_over and _is_same(candle, running):
                return [], None
        elif self.expected_ns is not None and candle.start_ns > self.expected_ns:
            before = self._close_until(candle)
        is_late = running is not None and candle.start_ns < running.start_ns
        if is_over or is_late:
            candle = structs.replace(candle, closed=True)
            self._remember(candle)
            if self.running is not None and self.running.start_ns <= candle.start_ns:
                self.running = None
        else:
            self.running = candle
        return before, candle

    def advance(self, venue_ns: int, now_ns: int) -> list[Candle]:
        """The candles that are over by now, including those of intervals without trades."""
        published: list[Candle] = []
        while not self.is_broken and len(published) < _EMPTY_MAX:
            due_ns = self.due_ns
            if due_ns is None or venue_ns < due_ns:
                break
            published.append(self._close_next(now_ns))
        return published

    def follow_empty(self, made: Candle, now_ns: int) -> list[Candle]:
        """The empty candles that took their price from a changed candle, corrected."""
        published: list[Candle] = []
        while made.end_ns in self._made and made.end_ns in self._closed:
            empty = _empty_after(made, now_ns)
            if _is_same(empty, self._closed[made.end_ns]):
                break
            made = structs.replace(empty, is_correction=True, backfilled=True)
            self._closed[made.start_ns] = made
            published.append(made)
        return published

    def skip_to(self, start_ns: int) -> None:
        """Candles before an instant that are not closed are lost: continue from there."""
        self.is_broken = False
        if self.running is not None and self.running.start_ns < start_ns:
            self.running = None
        self._forgotten_ns = max(self._forgotten_ns, start_ns)
        self._closed.clear()
        self._made.clear()

    # Pieces

    @property
    def _last(self) -> Candle | None:
        return self._closed[next(reversed(self._closed))] if self._closed else None

    def _close_until(self, candle: Candle) -> list[Candle]:
        """Close all intervals before that of a candle; backfilled if the candle is."""
        published: list[Candle] = []
        while not self.is_broken and (expected_ns := self.expected_ns) is not None:
            if expected_ns >= candle.start_ns:
                break
            if len(published) >= _EMPTY_MAX:
                self.skip_to(candle.start_ns)
                break
            closed = self._close_next(candle.received_ns)
            published.append(
                structs.replace(closed, backfilled=closed.backfilled or candle.backfilled)
            )
        return published

    def _close_next(self, now_ns: int) -> Candle:
        running, self.running = self.running, None
        if running is not None:
            closed = structs.replace(running, closed=True, received_ns=now_ns)
        else:
            last = self._last
            assert last is not None, "a run without a candle has nothing to close"
            closed = _empty_after(last, now_ns)
            self._made.add(closed.start_ns)
        self._remember(closed)
        return closed

    def _correct(self, known: Candle, candle: Candle) -> Candle | None:
        if _is_same(known, candle):
            return None
        corrected = structs.replace(candle, closed=True, is_correction=True)
        self._closed[candle.start_ns] = corrected
        self._made.discard(candle.start_ns)
        return corrected

    def _remember(self, candle: Candle) -> None:
        last = self._last
        self._closed[candle.start_ns] = candle
        if last is not None and candle.start_ns < last.start_ns:  # history has earlier ones
            self._closed = dict(sorted(self._closed.items()))
        if len(self._closed) > _CLOSED_KEPT:
            oldest_ns = next(iter(self._closed))
            self._forgotten_ns = max(self._forgotten_ns, self._closed.pop(oldest_ns).end_ns)
            self._made.discard(oldest_ns)


def _empty_after(last: Candle, now_ns: int) -> Candle:
    return structs.replace(
        last,
        start_ns=last.end_ns,
        end_ns=interval_end(last.end_ns, last.interval_s),
        open=last.close,
        high=last.close,
        low=last.close,
        volume=Decimal(0),
        vwap=None,
        trades=0,
        closed=True,
        backfilled=False,
        is_correction=False,
        venue_ns=None,
        received_ns=now_ns,
    )


def _is_same(one: Candle, other: Candle) -> bool:
    """Whether two candles are equal; if one has no number of trades, that is no difference."""
    return (
        one.open == other.open
        and one.high == other.high
        and one.low == other.low
        and one.close == other.close
        and one.volume == other.volume
        and (one.trades is None or other.trades is None or one.trades == other.trades)
    )
