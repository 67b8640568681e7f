"""Real frames through the whole house, with the counts their collection states."""

import gzip
import json

import pytest

from fluxum.book.book import Book
from fluxum.book.keeper import BookKeeper
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.venues.okx.checksum import DEPTH_PROVED, book_checksum
from fluxum.venues.okx.protocol import OkxProtocol
from fluxum.verify import Report, verify
from recordings import recording


def report(name: str) -> Report:
    return verify(recording(f"okx/{name}.jsonl.gz"), "okx")


def test_ten_instruments_with_a_second_snapshot_each() -> None:
    result = report("v5_books_l2_tbt_10instruments_20220227")

    assert result.is_proved, result
    assert (result.frames, result.checks_passed, result.checks_failed) == (3777, 3679, 0)
    assert sorted(result.generations.values()) == [2] * 10
    assert (result.kinds["trade"], result.kinds["ticker"]) == (19, 19)
    assert (result.trades, result.unverified, result.crossed) == (19, 0, 0)
    assert "BTC/USD:220325-40000-C-CONTRACTS" in result.generations  # no list has their size


def test_a_future_a_spot_market_and_a_perpetual() -> None:
    result = report("v5_books_3instruments_20220513")

    assert result.is_proved, result
    assert (result.frames, result.checks_passed, result.checks_failed) == (410, 290, 0)
    assert result.generations == {
        "BTC/USD:220527-CONTRACTS": 1,
        "BTC/USDT": 1,
        "UNI/USD:PERP-CONTRACTS": 1,
    }
    assert (result.kinds["trade"], result.kinds["ticker"], result.trades) == (74, 28, 74)


def test_four_updates_without_a_snapshot_are_one_chain_and_applied_to_nothing() -> None:
    result = report("v5_books_seqid_BTC-USDT_20260824_excerpt")

    assert (result.frames, result.steps, result.breaks) == (4, 3, 0)
    assert (result.applied, result.rejected, result.desyncs) == (0, 0, 0)


@pytest.mark.parametrize(("side", "levels"), [("bids", 355), ("asks", 400)])
def test_no_book_of_400_levels_ever_has_more_although_nothing_is_cut(
    side: str, levels: int
) -> None:
    """So keeping 400 levels, as we do, drops none that the venue still counts."""
    held: dict[str, dict[str, str]] = {}
    most = 0
    path = recording("okx/v5_books_l2_tbt_10instruments_20220227.jsonl.gz")
    with gzip.open(path, "rt") as lines:
        for line in lines:
            message = json.loads(json.loads(line)["raw"])
            if "action" not in message:
                continue
            name = message["arg"]["instId"]
            if message["action"] == "snapshot":
                held[name] = {}
            for price, size, *_ in message["data"][0][side]:
                held[name][price] = size
                if size == "0":
                    del held[name][price]
            most = max(most, len(held[name]))

    assert most == levels


def test_the_published_sequence_of_2022_is_proved_frame_by_frame() -> None:
    """A snapshot and 92 updates of `UNI-USD-SWAP`, each with its checksum."""
    protocol = OkxProtocol()
    protocol.follow_passively()
    keeper = BookKeeper("okx", Book, book_checksum, DEPTH_PROVED)
    for line in recording("../protocols/okx_book_sequence.jsonl").read_text().splitlines():
        for event in protocol.receive(line.encode(), 1):
            if isinstance(event, BookSnapshot):
                keeper.snapshot(event)
            elif isinstance(event, BookUpdate):
                keeper.update(event)

    assert (keeper.passed, keeper.failed, keeper.unverified) == (93, 0, 0)
