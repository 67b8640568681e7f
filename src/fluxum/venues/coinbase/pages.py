"""Candles and trades of Coinbase's REST halves, page by page.

Both list candles of a window of time, a few hundred at most
(https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/products/get-product-candles and
https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/public/get-public-product-candles),
newest first, and leave out those without a trade. Trades can be listed backwards only, so those
since an instant are collected until it is reached, and are one page then.
"""

from collections.abc import Callable, Sequence

from fluxum.errors import RemoteProtocolError
from fluxum.model.market import Candle, Trade
from fluxum.venues.candle_history import candle_history
from fluxum.venues.conversation import Fetch
from fluxum.venues.queries import Page, RestQuery
from fluxum.venues.rows import Rows

__all__ = ["CandleWindows", "TradePages"]

_SECOND = 1_000_000_000
# No market of either venue has a candle before 2011.
_FIRST_S = 1_293_840_000


class CandleWindows:
    """One market's candles of one interval, as pages of at most `count_max` of them.

    `call` makes the call for the candles that start between two seconds, both included; `read`
    reads the rows of an answer, in any order.
    """

    def __init__(
        self,
        call: Callable[[int, int], Fetch],
        read: Callable[[bytes, int], Rows[Candle]],
        interval_s: int,
        count_max: int,
    ) -> None:
        self._call = call
        self._read = read
        self._interval_s = interval_s
        self._span_s = interval_s * (count_max - 1)

    def asked(
        self, since_ns: int | None, until_ns: int | None, otherwise: RestQuery[Page[Candle]]
    ) -> RestQuery[Page[Candle]]:
        """The candles since an instant, or the last ones until one; `otherwise` for neither."""
        if since_ns is not None:
            return self._since(since_ns, until_ns)
        return otherwise if until_ns is None else self.last(until_ns)

    def last(self, until_ns: int) -> RestQuery[Page[Candle]]:
        """The last candles that start before an instant."""
        last_s = _floor(-(-until_ns // _SECOND) - 1, self._interval_s)
        return self._window(last_s - self._span_s, last_s, until_ns, is_followed=False)

    def _since(self, since_ns: int, until_ns: int | None) -> RestQuery[Page[Candle]]:
        """The candles that start at or after an instant, window by window."""
        first_s = max(-(-since_ns // _SECOND), _FIRST_S)
        start_s = -_floor(-first_s, self._interval_s)
        return self._window(start_s, start_s + self._span_s, until_ns, is_followed=True)

    def _window(
        self, start_s: int, end_s: int, until_ns: int | None, *, is_followed: bool
    ) -> RestQuery[Page[Candle]]:
        def read(body: bytes, received_ns: int) -> Page[Candle]:
            rows = self._read(body, received_ns)
            inside = [
                one
                for one in rows.items
                if start_s <= one.start_ns // _SECOND <= end_s
                and (until_ns is None or one.start_ns < until_ns)
            ]
            candles = candle_history(Rows(tuple(inside)), received_ns)
            next_s = end_s + self._interval_s
            goal_ns = received_ns if until_ns is None else until_ns
            if not is_followed or next_s * _SECOND >= goal_ns:
                return Page(candles, left_out=rows.left_out)
            following = self._window(next_s, next_s + self._span_s, until_ns, is_followed=True)
            return Page(candles, left_out=rows.left_out, next=following)

        return RestQuery(self._call(start_s, end_s), read)


class TradePages:
    """One market's trades since an instant, listed backwards page by page.

    `call` makes the call for the trades before one, or the last ones; `read` reads the rows of an
    answer, newest first. A page of fewer than `count_max` rows is the last one there is.
    """

    def __init__(
        self,
        call: Callable[[Trade | None], Fetch],
        read: Callable[[bytes, int], Rows[Trade]],
        count_max: int,
    ) -> None:
        self._call = call
        self._read = read
        self._count_max = count_max

    def asked(self, since_ns: int | None) -> RestQuery[Page[Trade]]:
        """The last trades, or all since an instant, on the last page."""
        return self._last() if since_ns is None else self._before(None, since_ns, ())

    def _last(self) -> RestQuery[Page[Trade]]:
        def read(body: bytes, received_ns: int) -> Page[Trade]:
            rows = self._read(body, received_ns)
            return Page(rows.items[::-1], left_out=rows.left_out)

        return RestQuery(self._call(None), read)

    def _before(
        self, oldest: Trade | None, since_ns: int, found: Sequence[Trade]
    ) -> RestQuery[Page[Trade]]:
        fetch = self._call(oldest)

        def read(body: bytes, received_ns: int) -> Page[Trade]:
            rows = self._read(body, received_ns)
            known = {one.trade_id for one in found}
            fresh = [one for one in rows.items if one.trade_id not in known]
            trades = [*found, *fresh]
            count = len(rows.items) + (0 if rows.left_out is None else rows.left_out.count)
            if count < self._count_max or (fresh and _is_before(fresh[-1], since_ns)):
                wanted = [one for one in reversed(trades) if not _is_before(one, since_ns)]
                return Page(tuple(wanted), left_out=rows.left_out)
            following = self._before(fresh[-1], since_ns, trades) if fresh else None
            if following is None or following.fetch == fetch:
                raise RemoteProtocolError(f"older trades were expected after {fetch.path}")
            return Page((), left_out=rows.left_out, next=following)

        return RestQuery(fetch, read)


def _is_before(trade: Trade, instant_ns: int) -> bool:
    return trade.venue_ns is not None and trade.venue_ns < instant_ns


def _floor(second: int, interval_s: int) -> int:
    return second // interval_s * interval_s
