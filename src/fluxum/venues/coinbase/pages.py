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
from fluxum.venues.candle_history import CandleSeries, candle_history
from fluxum.venues.conversation import Fetch
from fluxum.venues.queries import Page, RestQuery, page_of
from fluxum.venues.rows import Rows

__all__ = ["CandleWindows", "TradePages"]

_SECOND = 1_000_000_000
# No market of either venue has a candle before 2011.
_FIRST_NS = 1_293_840_000 * _SECOND


class CandleWindows:
    """One market's candles of one interval, as pages of at most `count_max` of them.

    `call` makes the call for the candles that start between two seconds, both included; `read`
    reads the rows of an answer, newest first.
    """

    def __init__(
        self,
        series: CandleSeries,
        call: Callable[[int, int], Fetch],
        read: Callable[[bytes, int], Rows[Candle]],
        count_max: int,
    ) -> None:
        self._series = series
        self._call = call
        self._read = read
        self._count_max = count_max
        self._step_ns = series.interval_s * _SECOND

    def query(
        self, since_ns: int | None, until_ns: int | None, otherwise: RestQuery[Page[Candle]]
    ) -> RestQuery[Page[Candle]]:
        """The candles since an instant, or the last ones until one; `otherwise` for neither."""
        if since_ns is not None:
            first_ns = -(-max(since_ns, _FIRST_NS) // self._step_ns) * self._step_ns
            return self._series.since(self._window, self._count_max, first_ns, until_ns)
        return otherwise if until_ns is None else self.last(until_ns)

    def last(self, until_ns: int) -> RestQuery[Page[Candle]]:
        """The last candles that start before an instant."""
        end_ns = -(-until_ns // self._step_ns) * self._step_ns
        return self._window(end_ns - self._count_max * self._step_ns, end_ns)

    def _window(self, start_ns: int, end_ns: int) -> RestQuery[Page[Candle]]:
        """The candles from one start on, before an instant."""
        last_ns = (end_ns - 1) // self._step_ns * self._step_ns

        def read(body: bytes, received_ns: int) -> Page[Candle]:
            rows = self._read(body, received_ns).where(
                lambda one: start_ns <= one.start_ns <= last_ns
            )
            return Page(candle_history(rows, received_ns), left_out=rows.left_out)

        return RestQuery(self._call(start_ns // _SECOND, last_ns // _SECOND), read)


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

    def query(self, since_ns: int | None) -> RestQuery[Page[Trade]]:
        """The last trades, or all since an instant, on the last page."""
        if since_ns is not None:
            return self._before(None, since_ns, ())
        return RestQuery(
            self._call(None), lambda body, ns: page_of(self._read(body, ns).reversed())
        )

    def _before(
        self, oldest: Trade | None, since_ns: int, found: Sequence[Trade]
    ) -> RestQuery[Page[Trade]]:
        fetch = self._call(oldest)

        def read(body: bytes, received_ns: int) -> Page[Trade]:
            rows = self._read(body, received_ns)
            known = {one.trade_id for one in found}
            fresh = [one for one in rows.items if one.trade_id not in known]
            trades = [*found, *fresh]
            is_last = page_of(rows).rows < self._count_max
            if is_last or (fresh and _is_before(fresh[-1], since_ns)):
                wanted = [one for one in reversed(trades) if not _is_before(one, since_ns)]
                return Page(tuple(wanted), left_out=rows.left_out)
            following = self._before(fresh[-1], since_ns, trades) if fresh else None
            if following is None or following.fetch == fetch:
                raise RemoteProtocolError(f"older trades were expected after {fetch.path}")
            return Page((), left_out=rows.left_out, next=following)

        return RestQuery(fetch, read)


def _is_before(trade: Trade, instant_ns: int) -> bool:
    return trade.venue_ns is not None and trade.venue_ns < instant_ns
