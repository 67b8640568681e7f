"""Candles of one market as facts, and lists of them: in order, each once, closed where sure."""

from collections.abc import Callable, Iterable
from decimal import Decimal

from msgspec import Struct, structs

from fluxum.model.instant import plausible_ns
from fluxum.model.instrument import Symbol
from fluxum.model.interval import interval_end, interval_least_s
from fluxum.model.market import Candle
from fluxum.venues.queries import Page, RestQuery, require_instant
from fluxum.venues.rows import Rows

__all__ = ["CandleSeries", "candle_history", "starting_within"]

_SECOND = 1_000_000_000
# How far this machine's clock may be ahead of the venue's: until then a last candle may run.
_MARGIN_NS = 120 * _SECOND


class CandleSeries(Struct, frozen=True):
    """The candles of one market and interval."""

    venue: str
    symbol: Symbol
    interval_s: int

    def candle(
        self,
        start_ns: int,
        values: Iterable[Decimal],
        received_ns: int,
        *,
        closed: bool | None = None,
        trades: int | None = None,
        vwap: Decimal | None = None,
        venue_ns: int | None = None,
        backfilled: bool = True,
    ) -> Candle:
        """One candle, given its open, high, low, close and volume.

        If `closed` is `None`, it is closed if its interval had ended when it was received. Raises
        RemoteProtocolError for a start that no exchange can mean.
        """
        require_instant(plausible_ns(start_ns), start_ns)
        end_ns = interval_end(start_ns, self.interval_s)
        opened, high, low, close, volume = values
        return Candle(
            venue=self.venue,
            symbol=self.symbol,
            interval_s=self.interval_s,
            start_ns=start_ns,
            end_ns=end_ns,
            open=opened,
            high=high,
            low=low,
            close=close,
            volume=volume,
            vwap=vwap,
            trades=trades,
            closed=end_ns <= received_ns if closed is None else closed,
            backfilled=backfilled,
            venue_ns=venue_ns,
            received_ns=received_ns,
        )

    def since(
        self,
        query: Callable[[int, int], RestQuery[Page[Candle]]],
        count_max: int,
        since_ns: int,
        until_ns: int | None,
    ) -> RestQuery[Page[Candle]]:
        """The candles since an instant, window by window, to `until_ns` or the present.

        `query` makes the query of the candles that start at or after one instant and before
        another; its page is oldest first. A window has `count_max` candles at most; candles
        outside it are left out. A page that has a `next` of its own keeps it.
        """
        end_ns = since_ns + count_max * interval_least_s(self.interval_s) * _SECOND
        if until_ns is not None:
            end_ns = min(end_ns, until_ns)
        window = query(since_ns, end_ns)

        def read(body: bytes, received_ns: int) -> Page[Candle]:
            page = window.read(body, received_ns)
            items = tuple([one for one in page.items if since_ns <= one.start_ns < end_ns])
            following = page.next
            if following is None and end_ns <= received_ns and end_ns != until_ns:
                following = self.since(query, count_max, end_ns, until_ns)
            return structs.replace(page, items=items, next=following)

        return RestQuery(window.fetch, read)


def starting_within(since_ns: int | None, until_ns: int | None) -> Callable[[Candle], bool]:
    """Whether a candle starts at or after one instant and before another; `None` is no bound."""
    return lambda one: (
        (since_ns is None or since_ns <= one.start_ns)
        and (until_ns is None or one.start_ns < until_ns)
    )


def candle_history(listed: Rows[Candle], received_ns: int) -> tuple[Candle, ...]:
    """Candles of a list with the newest first, oldest first: of two of one start the newer one.

    A candle is closed if a later one is listed, or its end is so long ago that no clock can be
    wrong by as much.
    """
    by_start = {one.start_ns: one for one in reversed(listed.items)}
    ordered = [by_start[start_ns] for start_ns in sorted(by_start)]
    return tuple(
        structs.replace(
            one,
            closed=one is not ordered[-1] or one.end_ns + _MARGIN_NS <= received_ns,
            backfilled=True,
        )
        for one in ordered
    )
