"""Tests of candles as venues list them over REST."""

from decimal import Decimal

import pytest

from fluxum.errors import RemoteProtocolError
from fluxum.model.instrument import Symbol
from fluxum.model.interval import MONTH_S
from fluxum.model.market import Candle
from fluxum.venues.candle_history import CandleSeries, candle_history
from fluxum.venues.conversation import Fetch
from fluxum.venues.queries import Page, RestQuery
from fluxum.venues.rows import Rows

MINUTE = 60 * 1_000_000_000


def candle(minute: int, close: str = "10") -> Candle:
    return Candle(
        venue="toy",
        symbol=Symbol("BTC/USD"),
        interval_s=60,
        start_ns=minute * MINUTE,
        end_ns=(minute + 1) * MINUTE,
        open=Decimal(10),
        high=Decimal(11),
        low=Decimal(9),
        close=Decimal(close),
        volume=Decimal(1),
        received_ns=7,
    )


def told(received_ns: int, *candles: Candle) -> list[tuple[int, str, bool]]:
    found = candle_history(Rows(candles), received_ns)
    assert all(one.backfilled for one in found)
    return [(one.start_ns // MINUTE, str(one.close), one.closed) for one in found]


def test_the_oldest_comes_first_and_the_newest_of_one_start_is_it() -> None:
    listed = (candle(3, "13"), candle(2, "12"), candle(2, "11"), candle(1, "10"))

    assert told(3 * MINUTE, *listed) == [(1, "10", True), (2, "12", True), (3, "13", False)]


def test_the_last_one_is_closed_once_no_clock_can_be_so_wrong() -> None:
    assert told(6 * MINUTE - 1, candle(3)) == [(3, "10", False)]
    assert told(6 * MINUTE, candle(3)) == [(3, "10", True)]


def test_nothing_listed_is_nothing() -> None:
    assert told(0) == []


# One series

NOW = 1_700_000_000 * 1_000_000_000 // MINUTE * MINUTE
SERIES = CandleSeries("toy", Symbol("BTC/USD"), 60)
VALUES = [Decimal(one) for one in (10, 12, 9, 11, 5)]


def test_a_candle_is_made_of_its_values_and_closed_once_it_has_ended() -> None:
    made = SERIES.candle(NOW, VALUES, NOW + MINUTE - 1, trades=3, vwap=Decimal("10.5"))

    assert (made.venue, made.symbol, made.interval_s) == ("toy", "BTC/USD", 60)
    assert (made.open, made.high, made.low, made.close, made.volume) == tuple(VALUES)
    assert (made.start_ns, made.end_ns) == (NOW, NOW + MINUTE)
    assert (made.trades, made.vwap) == (3, Decimal("10.5"))
    assert (made.closed, made.backfilled) == (False, True)
    assert SERIES.candle(NOW, VALUES, NOW + MINUTE).closed
    assert SERIES.candle(NOW, VALUES, NOW, closed=True).closed


@pytest.mark.parametrize("start_ns", [0, -1, 10**30])
def test_a_candle_without_a_possible_start_is_refused(start_ns: int) -> None:
    with pytest.raises(RemoteProtocolError, match="a time was expected"):
        SERIES.candle(start_ns, VALUES, NOW)


class History:
    """A venue that lists a candle each minute until `NOW`, the window's ends a little too wide."""

    def __init__(self) -> None:
        self.windows: list[tuple[int, int]] = []

    def query(self, start_ns: int, end_ns: int) -> RestQuery[Page[Candle]]:
        self.windows.append((start_ns, end_ns))

        def read(_body: bytes, received_ns: int) -> Page[Candle]:
            first = -(-start_ns // MINUTE) * MINUTE - MINUTE
            starts = range(first, min(end_ns + MINUTE, NOW), MINUTE)
            return Page(tuple(SERIES.candle(one, VALUES, received_ns) for one in starts))

        return RestQuery(Fetch("GET", f"/candles/{start_ns}/{end_ns}", "candles"), read)


def starts(query: RestQuery[Page[Candle]]) -> list[list[int]]:
    """How many minutes before `NOW` the candles of each page start."""
    pages: list[list[int]] = []
    following: RestQuery[Page[Candle]] | None = query
    while following is not None:
        page = following.read(b"", NOW)
        pages.append([(NOW - one.start_ns) // MINUTE for one in page.items])
        following = page.next
    return pages


def test_candles_since_an_instant_come_window_by_window_to_the_present() -> None:
    history = History()

    pages = starts(SERIES.since(history.query, 3, NOW - 7 * MINUTE, None))

    assert pages == [[7, 6, 5], [4, 3, 2], [1]]
    assert history.windows[0] == (NOW - 7 * MINUTE, NOW - 4 * MINUTE)
    assert len(history.windows) == 3


def test_candles_until_an_instant_end_with_it() -> None:
    history = History()

    pages = starts(SERIES.since(history.query, 3, NOW - 7 * MINUTE, NOW - 2 * MINUTE))

    assert pages == [[7, 6, 5], [4, 3]]
    assert history.windows[-1] == (NOW - 4 * MINUTE, NOW - 2 * MINUTE)


def test_a_window_of_months_is_as_short_as_februaries() -> None:
    history = History()
    months = CandleSeries("toy", Symbol("BTC/USD"), MONTH_S)

    months.since(history.query, 2, NOW - 10**17, None)

    [(start_ns, end_ns)] = history.windows
    assert end_ns - start_ns == 2 * 28 * 24 * 60 * MINUTE


def test_a_page_keeps_what_it_says_follows_itself() -> None:
    other = RestQuery(Fetch("GET", "/other", "candles"), lambda _body, _ns: Page[Candle](()))
    first = RestQuery(
        Fetch("GET", "/first", "candles"), lambda _body, _ns: Page[Candle]((), next=other)
    )

    page = SERIES.since(lambda _start, _end: first, 3, NOW - 7 * MINUTE, None).read(b"", NOW)

    assert page.next is other
