"""Every continuous recording, with the counts its own description states.

The figures are those of the README beside the recordings, counted by other people's code;
`make recordings` prints ours.
"""

import pytest

from fluxum.book.book import Book
from fluxum.book.fast import IS_COMPILED
from fluxum.book.ladder import Ladder
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.recognise import recognise
from fluxum.replay import Replay
from fluxum.venues import fast
from fluxum.verify import Report, verify
from recordings import recording
from venues.scanned import ScanningVenue, reading

COUNTS: dict[str, dict[str, object]] = {
    "binance/spot_3symbols_20210404": {"steps": 2685, "applied": 2656, "books": 3},
    "binance/spot_10symbols_20210405": {"steps": 4699, "applied": 4642, "books": 10},
    "binance/futures_usdm_5symbols_20210405": {"steps": 4418, "applied": 4395, "books": 5},
    "coinbase/advanced_trade_BTC-ETH_20260809": {"steps": 617, "book_messages": 452, "books": 2},
    "coinbase/exchange_6products_20210417": {
        "steps": 0,
        "applied": 6547,
        "books": 6,
        "checks_passed": 0,
        "unverified": 6547 + 6,
        "trade_steps": 77,
    },
    "gemini/v2_l2_10symbols_20260809": {
        "books": 10,
        "book_messages": 559,
        "checks_passed": 0,
        "unverified": 559,
        "trades": 812,
        "trades_backfilled": 810,
    },
    "gemini/v2_l2_10symbols_20210405": {
        "books": 10,
        "book_messages": 1758,
        "checks_passed": 0,
        "unverified": 1758,
        "trades": 522,
        "trades_backfilled": 500,
    },
    "bybit/v5_linear_4symbols_20260809": {"steps": 1594, "books": 4},
    "bybit/v5_linear_orderbook1_20250613": {"books": 4},
    "okx/v5_books_l2_tbt_10instruments_20220227": {
        "checks_passed": 3679,
        "books": 10,
        "generations": 20,
    },
    "okx/v5_books_3instruments_20220513": {"checks_passed": 290, "books": 3, "generations": 3},
    "kraken/v2_book10_BTC-USD_20260719": {"checks_passed": 1254, "books": 1},
    "kraken/v2_book10_BTC-USD_20260801_resync": {"checks_passed": 301, "generations": 5},
    "kraken/v2_book25_BTC-USD_20260802": {"checks_passed": 2052, "books": 1},
    "kraken/v2_trade_BTC-ETH-SOL_20260930": {"trades": 68},
}
KINDS: dict[str, dict[str, int]] = {
    "bybit/v5_linear_4symbols_20260809": {"trade": 102, "ticker": 758, "candle": 71},
    "okx/v5_books_l2_tbt_10instruments_20220227": {"trade": 19, "ticker": 19},
    "okx/v5_books_3instruments_20220513": {"trade": 74, "ticker": 28},
}


# Frames of books and of trades that are scanned: all but those that a stream begins with, and at
# OKX those of contracts.
SCANNED: dict[str, tuple[int, int]] = {
    "binance/futures_usdm_5symbols_20210405": (4395 - 5, 574 - 5),
    "coinbase/advanced_trade_BTC-ETH_20260809": (452 - 2, 40),
    "coinbase/exchange_6products_20210417": (6547, 77),
    "gemini/v2_l2_10symbols_20260809": (559 - 10, 2),
    "gemini/v2_l2_10symbols_20210405": (1758 - 10, 22),
    "bybit/v5_linear_4symbols_20260809": (1594, 102),
    "okx/v5_books_3instruments_20220513": (0, 71),
    "kraken/v2_book10_BTC-USD_20260719": (1254 - 1, 0),
    "kraken/v2_trade_BTC-ETH-SOL_20260930": (0, 15),
}


def count(report: Report, name: str) -> object:
    if name == "books":
        return len(report.generations)
    if name == "generations":
        return sum(report.generations.values())
    return getattr(report, name)


@pytest.mark.parametrize("name", COUNTS)
def test_a_recording_proves_what_its_description_says(name: str) -> None:
    path = recording(f"{name}.jsonl.gz")

    report = verify(path, recognise(path))

    assert report.is_proved, report
    assert (report.crossed, report.breaks, report.desyncs, report.rejected) == (0, 0, 0, 0)
    expected = COUNTS[name]
    assert {key: count(report, key) for key in expected} == expected
    kinds = KINDS.get(name, {})
    assert {key: report.kinds.get(key) for key in kinds} == kinds


@pytest.mark.skipif(not IS_COMPILED, reason="nothing was compiled: no C compiler here")
@pytest.mark.parametrize("name", [name for name in COUNTS if "trade_BTC-ETH-SOL" not in name])
def test_compiled_books_of_a_recording_are_those_of_plain_python(name: str) -> None:
    path = recording(f"{name}.jsonl.gz")
    replay = Replay(path, recognise(path))
    books: dict[Symbol, Book] = {}
    for moment in replay:
        for event in moment.events:
            if isinstance(event, BookSnapshot | BookUpdate):
                book = books.setdefault(event.symbol, Book("", event.symbol, ladder=Ladder))
                if isinstance(event, BookSnapshot):
                    book.replace(event)
                else:
                    book.apply(event)
        if moment.index % 100 == 0:
            assert_same(books, replay)
    assert_same(books, replay)
    assert books


def assert_same(books: dict[Symbol, Book], replay: Replay) -> None:
    for symbol, book in books.items():
        compiled = replay.processor.books.get(symbol)
        assert (list(compiled.bids), list(compiled.asks)) == (list(book.bids), list(book.asks))


def test_an_exchange_named_in_short_means_the_variant_whose_url_it_was() -> None:
    path = recording("gemini/v2_l2_10symbols_20260809.jsonl.gz")

    assert recognise(path) == "gemini-v2"
    assert verify(path, "gemini").venue == "gemini-v2"


def test_the_excerpt_of_the_present_wire_form_is_an_unbroken_chain() -> None:
    report = verify(recording("okx/v5_books_seqid_BTC-USDT_20260824_excerpt.jsonl.gz"), "okx")

    # Four updates and no snapshot: their numbers follow on, and no book is made of them.
    assert (report.frames, report.steps, report.breaks) == (4, 3, 0)
    assert report.applied == 0
    assert report.is_proved


@pytest.mark.skipif(not fast.IS_COMPILED, reason="nothing was compiled: no C compiler here")
@pytest.mark.parametrize("name", SCANNED)
def test_scanned_frames_of_a_recording_have_the_events_of_those_that_are_read(name: str) -> None:
    path = recording(f"{name}.jsonl.gz")
    venue = recognise(path)
    scanning, read = Replay(path, venue), Replay(path, venue)
    with_scanners = ScanningVenue(scanning.venue)
    scanning.venue, read.venue = with_scanners.venue, reading(read.venue)

    for one, other in zip(scanning, read, strict=True):
        assert repr(one.events) == repr(other.events), one.index

    assert (with_scanners.books, with_scanners.trades) == SCANNED[name]
