"""Recordings through the live code: what they prove, and what they must not."""

import gzip
import json
from pathlib import Path

import pytest

from fluxum.book.book import Book
from fluxum.book.proof import BookStatus
from fluxum.errors import BadInput, TapeError
from fluxum.model.event import Desync, Gap, LeftOut, Rejected, Resynced
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.replay import Replay, verify
from fluxum.venues.kraken.checksum import book_checksum
from fluxum.venues.kraken.protocol import KrakenProtocol
from recordings import recording


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
    report = verify(recording(name), "kraken")

    assert report.frames == frames
    assert report.book_messages == report.checks_passed == proved
    assert report.generations == {"BTC/USD": generations}
    assert report.failures == []
    assert report.is_proved


def test_recorded_trades_are_whole() -> None:
    report = verify(recording("kraken/v2_trade_BTC-ETH-SOL_20260930.jsonl.gz"), "kraken")

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
    protocol.overhear()
    book = Book("kraken", Symbol("BTC/USD"))  # of no depth: nothing is cut
    passed = failed = 0

    with gzip.open(recording(name)) as file:
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
    with gzip.open(recording("kraken/v2_book10_BTC-USD_20260719.jsonl.gz"), "rt") as file:
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

    status = {str(book.symbol): book.proof().status for book in replay.intake.books}
    assert status == {
        "BTC/USDT": BookStatus.UNVERIFIED,
        "ETH/USDT": BookStatus.UNVERIFIED,
        "SOL/USDT": BookStatus.VALID,
    }
    assert [type(event) for event in events[3:]] == [LeftOut, BookUpdate, Rejected]
