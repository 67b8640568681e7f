"""Recordings through the live code: what they prove, and what they must not."""

import asyncio
import gzip
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from worlds import Wire

from fluxum.book.book import Book
from fluxum.book.proof import BookStatus
from fluxum.errors import BadInput, TapeError
from fluxum.model.event import (
    Channel,
    Desync,
    Event,
    Gap,
    LeftOut,
    LinkLost,
    Rejected,
    Resynced,
    Subscription,
    Unsubscribed,
)
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Candle
from fluxum.replay import Moment, PassedUpdates, Replay
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.faults import FaultPlan, parse_faults
from fluxum.sim.loop import SimulatedClock, run
from fluxum.tape import TapeWriter, recording, recording_calls
from fluxum.venues.fast import IS_COMPILED
from fluxum.venues.kraken.checksum import book_checksum
from fluxum.venues.kraken.protocol import KrakenProtocol
from fluxum.venues.kraken.venue import KRAKEN
from fluxum.verify import verify
from recordings import recording as recorded
from store.taped import taped as taped_live


@pytest.mark.parametrize(
    ("name", "frames", "proved", "generations"),
    [
        ("kraken/v2_book10_BTC-USD_20260719.jsonl.gz", 1376, 1254, 1),
        ("kraken/v2_book10_BTC-USD_20260801_resync.jsonl.gz", 377, 301, 5),
        ("kraken/v2_book25_BTC-USD_20260802.jsonl.gz", 2104, 2052, 1),
        ("kraken/v2_doc_checksum_example.jsonl.gz", 1, 1, 1),
        ("../protocols/kraken_book_sequence.jsonl", 510, 510, 1),
    ],
)
def test_every_recorded_checksum_is_met(
    name: str, frames: int, proved: int, generations: int
) -> None:
    report = verify(recorded(name), "kraken")

    assert report.frames == frames
    assert report.book_messages == report.checks_passed == proved
    assert report.generations == {"BTC/USD": generations}
    assert report.failures == []
    assert report.is_proved


def test_recorded_trades_are_whole() -> None:
    report = verify(recorded("kraken/v2_trade_BTC-ETH-SOL_20260930.jsonl.gz"), "kraken")

    # 56 + 6 + 6 trades, three acknowledgements and a status.
    assert (report.events, report.gaps, report.rejected) == (72, 0, 0)
    assert report.is_proved


@pytest.mark.parametrize(
    ("name", "matches"),
    [
        ("kraken/v2_book10_BTC-USD_20260719.jsonl.gz", 208),
        ("kraken/v2_book25_BTC-USD_20260802.jsonl.gz", 220),
    ],
)
def test_without_truncation_the_check_fails(name: str, matches: int) -> None:
    """The numbers are those of the recordings' own table."""
    protocol = KrakenProtocol()
    protocol.follow_passively()
    book = Book("kraken", Symbol("BTC/USD"))  # of no depth: nothing is cut
    passed = failed = 0

    with gzip.open(recorded(name)) as file:
        for line in file:
            for event in protocol.receive(json.loads(line)["raw"].encode(), 0):
                if isinstance(event, BookSnapshot):
                    for ladder, levels in ((book.bids, event.bids), (book.asks, event.asks)):
                        for level in levels:
                            ladder.put(level)
                elif isinstance(event, BookUpdate):
                    book.apply(event)
                else:
                    continue
                if book_checksum(book) == event.checksum:
                    passed += 1
                else:
                    failed += 1

    assert passed == matches
    assert failed > 1000


# Small tapes by hand: one bid and one ask. The checksums are CRC32 of the digits beside them,
# computed with another program.

CRC = {2: 2472366930, 3: 3831129028, 4: 2050946663}  # of "1001992", "1001993", "1001994"


def snapshot(quantity: int) -> str:
    levels = f'"bids":[{{"price":99,"qty":{quantity}}}],"asks":[{{"price":100,"qty":1}}]'
    return book("snapshot", levels, CRC[quantity])


def update(quantity: int, checksum: int | None = None) -> str:
    levels = f'"bids":[{{"price":99,"qty":{quantity}}}],"asks":[]'
    return book("update", levels, CRC[quantity] if checksum is None else checksum)


def book(kind: str, levels: str, checksum: int) -> str:
    data = f'{{"symbol":"BTC/USD",{levels},"checksum":{checksum}}}'
    return f'{{"channel":"book","type":"{kind}","data":[{data}]}}'


def bare(path: Path, *frames: str) -> Path:
    path.write_text("".join(json.dumps({"ts": None, "raw": frame}) + "\n" for frame in frames))
    return path


def test_after_a_failed_check_nothing_counts_until_the_next_snapshot(tmp_path: Path) -> None:
    path = bare(
        tmp_path / "broken.jsonl",
        snapshot(2),
        update(3, checksum=1),
        update(4),
        update(3),
        snapshot(2),
        update(4),
    )

    report = verify(path, "kraken")

    assert (report.checks_passed, report.checks_failed, report.unverified) == (3, 1, 2)
    assert (report.desyncs, report.gaps) == (1, 0)
    assert report.generations == {"BTC/USD": 2}
    assert [(one.frame, one.symbol) for one in report.failures] == [(1, "BTC/USD")]
    assert str(CRC[3]) in report.failures[0].reason
    assert not report.is_proved
    told = [event for moment in Replay(path, "kraken") for event in moment.events]
    assert [type(event) for event in told] == [
        BookSnapshot,
        Desync,
        Gap,
        Resynced,
        BookSnapshot,
        BookUpdate,
    ]


def test_one_changed_digit_is_found_at_its_frame(tmp_path: Path) -> None:
    with gzip.open(recorded("kraken/v2_book10_BTC-USD_20260719.jsonl.gz"), "rt") as file:
        lines = file.readlines()
    index = next(n for n, line in enumerate(lines) if n > 700 and '\\"update\\"' in line)
    before = lines[index]
    lines[index] = before.replace('\\"price\\":64', '\\"price\\":63', 1)
    assert lines[index] != before
    path = tmp_path / "changed.jsonl"
    path.write_text("".join(lines))

    report = verify(path, "kraken")

    assert [one.frame for one in report.failures] == [index]
    assert report.checks_passed + report.checks_failed + report.unverified == 1254
    assert report.unverified == 1254 - report.checks_passed - 1 > 0


def test_nonsense_on_a_tape_is_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    path = bare(tmp_path / "nonsense.jsonl", snapshot(2), "proxy restarting", update(3))

    report = verify(path, "kraken")

    assert (report.frames, report.rejected, report.checks_passed) == (3, 1, 2)
    assert not report.is_proved


def test_depth_comes_from_the_neighbouring_description(tmp_path: Path) -> None:
    path = bare(tmp_path / "deep.jsonl", snapshot(2))
    request = '{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":100}}'
    (tmp_path / "deep.meta.json").write_text(json.dumps({"sent": [{"raw": request}]}))

    (moment,) = Replay(path, "kraken")

    (event,) = moment.events
    assert isinstance(event, BookSnapshot)
    assert event.depth == 100


def test_a_bare_recording_needs_its_exchange_named(tmp_path: Path) -> None:
    path = bare(tmp_path / "bare.jsonl", snapshot(2))

    with pytest.raises(BadInput, match="does not say of which exchange"):
        verify(path)
    with pytest.raises(BadInput, match=r"kraken.*was 'krakn'"):
        verify(path, "krakn")


def test_a_description_that_is_none_is_refused(tmp_path: Path) -> None:
    path = bare(tmp_path / "odd.jsonl", snapshot(2))
    (tmp_path / "odd.meta.json").write_text("[]")

    with pytest.raises(TapeError, match=r"odd\.meta\.json"):
        verify(path, "kraken")


# Candles close by the time of the tape, as they do in a session.


def ohlc(second: int, *rows: tuple[int, float, int], kind: str = "update") -> dict[str, Any]:
    """A frame of one-minute candles: minute, close and trades of each."""
    data = [
        {
            "symbol": "ADA/USD",
            "open": 1,
            "high": 2,
            "low": 1,
            "close": close,
            "trades": trades,
            "volume": 1,
            "vwap": 1,
            "interval_begin": f"2026-01-01T00:{minute:02d}:00.000000000Z",
            "interval": 1,
            "timestamp": f"2026-01-01T00:{minute:02d}:59.000000Z",
        }
        for minute, close, trades in rows
    ]
    next_instant = f"2026-01-01T00:{second // 60:02d}:{second % 60:02d}.000000000Z"
    return {"channel": "ohlc", "type": kind, "timestamp": next_instant, "data": data}


def taped(path: Path, *lines: tuple[int, int, dict[str, Any] | str | None]) -> Replay:
    """A tape of frames by second and link; text is the URL of a call, `None` the end of a link."""
    start_ns = 1_767_225_600 * 10**9
    rows: list[dict[str, Any]] = [{"fluxum_tape": 1, "venue": "kraken", "started_ns": start_ns}]
    for second, link, content in lines:
        row: dict[str, Any] = {"ns": start_ns + second * 10**9, "link": link}
        row |= {"closed": True} if content is None else {"raw": json.dumps(content), "sent": False}
        rows.append(row)
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return Replay(path)


def candle_text(event: Event) -> str:
    if isinstance(event, Gap):
        return f"gap {event.repair.value}"
    assert isinstance(event, Candle)
    words = ["closed"] * event.closed + ["late"] * event.backfilled
    words += ["corrected"] * event.is_correction
    minute = (event.start_ns // 10**9 - 1_767_225_600) // 60
    return " ".join([str(minute), *words, f"{event.close.normalize():f}"])


def test_candles_of_a_tape_close_once_by_its_time_and_say_when_they_are_corrected(
    tmp_path: Path,
) -> None:
    replay = taped(
        tmp_path / "quiet.jsonl",
        (5, 1, ohlc(5, (0, 1.1, 1), kind="snapshot")),
        (50, 1, ohlc(50, (0, 1.2, 5))),
        (330, 1, ohlc(330, (5, 1.3, 1))),  # nothing traded for four minutes
        (331, 1, ohlc(331, (0, 1.25, 6))),
        (332, 1, ohlc(332, (5, 1.4, 2))),
        (340, 1, None),
        (345, 2, ohlc(345, (0, 1.25, 6), (5, 1.4, 2), kind="snapshot")),
        (361, 2, ohlc(361, (6, 1.5, 1))),
    )

    told = [
        candle_text(event)
        for moment in replay
        for event in moment.events
        if isinstance(event, Candle | Gap)
    ]

    empty = ["1 closed 1.2", "2 closed 1.2", "3 closed 1.2", "4 closed 1.2"]
    assert [text.replace(" late", "") for text in told[:2]] == ["0 1.1", "0 1.2"]
    assert told[2:8] == ["0 closed 1.2", *empty, "5 1.3"]
    assert told[8] == "0 closed corrected 1.25"
    assert told[9:13] == [f"{minute} closed late corrected 1.25" for minute in range(1, 5)]
    assert [text.replace(" late", "") for text in told[13:]] == [
        "5 1.4",
        "gap snapshot",
        *(["5 1.4"] if len(told) == 18 else []),  # a repeated one is no news if it is marked
        "5 closed 1.4",
        "6 1.5",
    ]
    sums = replay.processor.counts
    assert sums.received + sums.own == replay.processor.bus.published + sums.withheld


def test_candles_that_a_tape_missed_are_lost_unless_its_history_is_on_it(tmp_path: Path) -> None:
    replay = taped(
        tmp_path / "cut.jsonl",
        (50, 1, ohlc(50, (0, 1.2, 5))),
        (55, 1, None),
        (130, 2, ohlc(130, (2, 1.3, 1))),
        (140, 2, ohlc(140, (2, 1.4, 2))),
        (200, 2, ohlc(200, (3, 1.5, 2))),
    )

    told = [
        candle_text(event)
        for moment in replay
        for event in moment.events
        if isinstance(event, Candle | Gap)
    ]

    # They are waited for as long as a session would.
    assert told == ["0 1.2", "gap lost", "2 1.4", "2 closed 1.4", "3 1.5"]


def test_a_tape_of_an_outage_tells_the_candles_that_its_session_told(tmp_path: Path) -> None:
    candles = Subscription(Channel.CANDLE, KRAKEN.sample_symbols[0], interval_s=60)
    path = tmp_path / "outage.jsonl"
    told: list[str] = []

    async def main() -> None:
        clock = SimulatedClock()
        plan = FaultPlan(parse_faults("hangup@119.4s,refuse@119.4s+3s"), Random(7))
        wire = Wire(lambda one: None if b'"ohlc","type":"snapshot"' in one else one)
        symbols = KRAKEN.sample_symbols[:1]
        exchange = SimulatedExchange(KRAKEN, symbols, seed=7, clock=clock, faults=plan)
        async with exchange:
            with TapeWriter(path, "kraken", clock) as tape:
                session = Session(
                    KRAKEN,
                    dial=recording(wire.wrap(exchange.dial), tape),
                    clock=clock,
                    random=Random(7),
                    http=recording_calls(exchange, tape),
                )
                events = session.events(capacity=100_000)
                async with session:
                    session.subscribe(candles)
                    await asyncio.sleep(298)
                told.extend(
                    candle_text(one) for one in events.drain() if isinstance(one, Candle | Gap)
                )

    run(main())
    replayed = [
        candle_text(event)
        for moment in Replay(path)
        for event in moment.events
        if isinstance(event, Candle | Gap)
    ]

    assert "gap backfilled" in told
    assert [text for text in told if "late" in text]
    assert replayed == told


def test_what_cannot_be_read_on_a_tape_harms_the_stream_it_names(tmp_path: Path) -> None:
    head = '{"arg":{"channel":"books","instId":"%s"},"action":"%s","data":[{"asks":[],"bids":[%s],'
    tail = '"ts":"1767225600000","checksum":0,"prevSeqId":%d,"seqId":%d}]}'
    frames = [
        head % ("BTC-USDT", "snapshot", '["1","2","0","1"]') + tail % (-1, 10),
        head % ("ETH-USDT", "snapshot", '["1","2","0","1"]') + tail % (-1, 10),
        head % ("SOL-USDT", "snapshot", '["1","2","0","1"]') + tail % (-1, 10),
        head % ("BTC-USDT", "update", '["1","x","0","1"]') + tail % (10, 11),
        head % ("ETH-USDT", "update", "") + '"ts":"1767225600000","prevSeqId":10,"seqId":"x"}]}',
    ]
    path = tmp_path / "odd.jsonl"
    path.write_text("".join(frame + "\n" for frame in frames))
    replay = Replay(path, "okx")

    events = [event for moment in replay for event in moment.events]

    status = {str(book.symbol): book.proof().status for book in replay.processor.books}
    assert status == {
        "BTC/USDT": BookStatus.UNVERIFIED,
        "ETH/USDT": BookStatus.UNVERIFIED,
        "SOL/USDT": BookStatus.VALID,
    }
    assert [type(event) for event in events[3:]] == [LeftOut, BookUpdate, Rejected]


def test_what_happens_behind_the_last_frame_is_among_the_events(tmp_path: Path) -> None:
    """The user unsubscribes two seconds before the tape ends: no later frame can bring that."""
    path = tmp_path / "end.jsonl"
    book = Subscription(Channel.BOOK, KRAKEN.sample_symbols[0], depth=10)

    async def main() -> None:
        clock = SimulatedClock()
        async with SimulatedExchange(
            KRAKEN, KRAKEN.sample_symbols[:1], seed=7, clock=clock
        ) as exchange:
            with TapeWriter(path, "kraken", clock) as tape:
                session = Session(
                    KRAKEN, dial=recording(exchange.dial, tape), clock=clock, random=Random(7)
                )
                async with session:
                    session.subscribe(book)
                    await session.wait_ready(20)
                    session.unsubscribe(book)
                    await asyncio.sleep(2)

    run(main())
    ways: tuple[list[Event], list[Event]] = (
        [event for moment in Replay(path) for event in moment.events],
        [event for moment in Replay(path).moments() for event in moment.events],
    )

    for events in ways:
        ended = [event.subscription for event in events if isinstance(event, Unsubscribed)]
        assert ended == [book]
        assert sum(isinstance(event, LinkLost) for event in events) == 1


@pytest.mark.parametrize("venue", ["kraken", "binance", "bybit", "coinbase", "gemini", "okx"])
def test_updates_that_come_together_are_those_of_single_frames(venue: str, tmp_path: Path) -> None:
    path = tmp_path / "tape.jsonl.gz"
    taped_live(path, 90, venue=venue, faults="corrupt@20s,drop@40s,corrupt@55s,hangup@70s")
    single, together = Replay(path), Replay(path)

    expected = [one for moment in single for one in told(single, moment)]
    stretches = [told(together, one) for one in together.stretches()]

    assert [one for stretch in stretches for one in stretch] == expected
    assert together.statistics() == single.statistics()
    assert (together.book_messages, together.rejected) == (single.book_messages, single.rejected)
    if IS_COMPILED and venue != "gemini":  # whose books are not scanned
        assert max(map(len, stretches)) > 2


def told(replay: Replay, moment: Moment | PassedUpdates) -> list[tuple[int, Event, bool]]:
    """Events with the place of their frame, and whether their book was proved then."""
    if isinstance(moment, PassedUpdates):
        return [(at, one, True) for at, one in enumerate(moment.updates, moment.index)]
    books = replay.processor.books
    return [
        (
            moment.index,
            one,
            isinstance(one, BookUpdate | BookSnapshot)
            and books.get(one.symbol).evidence.status is BookStatus.VALID,
        )
        for one in moment.events
    ]
