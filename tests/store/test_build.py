"""Columns of recordings: every event is there, exactly, once; what is missing is said."""

import os
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fluxum.errors import BadInput, TapeError
from fluxum.model.event import Event, Gap, LinkLost
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Ticker, Trade
from fluxum.replay import Replay
from fluxum.store import parts
from fluxum.store.arrow import parquet
from fluxum.store.buffers import Buffer
from fluxum.store.build import build
from fluxum.store.check import check
from fluxum.store.manifest import manifests
from fluxum.tape import TapeHeader
from fluxum.tape.lines import encode_lines, frame_line
from fluxum.verify import verify
from store.taped import taped

pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'fluxum[frames]'")

BOOK = (BookSnapshot, BookUpdate)
FAULTS = "corrupt@20s,hangup@40s"


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event]]:
    """Two markets for 130 s with a failed check and a lost link; what was published live."""
    path = tmp_path_factory.mktemp("tape") / "live.jsonl.gz"
    return path, taped(path, 130, faults=FAULTS)


@pytest.fixture(scope="module")
def columns(tape: tuple[Path, list[Event]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("columns")
    build([tape[0]], folder)
    return folder


def rows(folder: Path, table: str, symbol: str = "") -> list[dict[str, Any]]:
    """The rows of a table in the order of their numbers, with venue and symbol from the folders."""
    read = parquet().read_table(folder / table).to_pylist()
    found: list[dict[str, Any]] = [one for one in read if not symbol or one["symbol"] == symbol]
    is_split = table not in {"gap", "coverage"}
    return sorted(found, key=lambda one: (is_split and one["symbol"], one.get("n", 0)))


def replayed(path: Path, *kinds: type[Event]) -> list[Event]:
    return [event for moment in Replay(path) for event in moment.events if type(event) in kinds]


def by_market(events: list[Any]) -> list[Any]:
    return sorted(events, key=lambda event: event.symbol)


def test_every_trade_is_a_row_with_every_field_exact(
    tape: tuple[Path, list[Event]], columns: Path
) -> None:
    found = [
        Trade(
            venue=row["venue"],
            symbol=Symbol(row["symbol"]),
            side=next(side for side in type(first.side) if side.value == row["side"]),
            price=row["price"],
            quantity=row["quantity"],
            trade_id=row["trade_id"],
            sequence=row["sequence"],
            order_type=row["order_type"],
            backfilled=row["backfilled"],
            venue_ns=row["venue_ns"],
            received_ns=row["received_ns"],
        )
        for first in [next(one for one in tape[1] if isinstance(one, Trade))]
        for row in rows(columns, "trade")
    ]

    assert found == by_market(replayed(tape[0], Trade))
    assert len(found) > 100


def test_every_level_of_every_message_is_a_row_in_its_order(
    tape: tuple[Path, list[Event]], columns: Path
) -> None:
    messages = [one for one in replayed(tape[0], BookSnapshot, BookUpdate) if isinstance(one, BOOK)]
    expected = [
        (event.symbol, type(event).__name__, side, level.price, level.quantity, event.checksum)
        for event in sorted(messages, key=lambda one: one.symbol)
        for side, levels in (("bid", event.bids), ("ask", event.asks))
        for level in levels
    ]
    kinds = {"snapshot": "BookSnapshot", "update": "BookUpdate"}

    found = [
        (
            one["symbol"],
            kinds[one["kind"]],
            *map(one.get, ("side", "price", "quantity", "checksum")),
        )
        for one in rows(columns, "book_level")
    ]

    assert found == expected
    assert len(found) > 1000


def test_generations_and_proofs_are_those_of_the_replay(
    tape: tuple[Path, list[Event]], columns: Path
) -> None:
    report = verify(tape[0])

    last = {one["symbol"]: one["generation"] for one in rows(columns, "book_level")}
    messages = {(one["symbol"], one["n"]) for one in rows(columns, "book_level") if one["proved"]}

    assert last == report.generations
    assert max(last.values()) == 3
    assert len(messages) == report.checks_passed


@pytest.mark.parametrize("kind", [Ticker, Candle])
def test_every_ticker_and_candle_is_a_row(
    tape: tuple[Path, list[Event]], columns: Path, kind: type[Ticker | Candle]
) -> None:
    names = [one for one in kind.__struct_fields__ if one != "venue"]
    expected = [
        [getattr(event, name) for name in names] for event in by_market(replayed(tape[0], kind))
    ]

    found = [[row[name] for name in names] for row in rows(columns, kind.__name__.lower())]

    assert len(expected) > 20
    assert found == expected


def test_rows_are_what_the_live_session_published(
    tape: tuple[Path, list[Event]], columns: Path
) -> None:
    """The live session reads its own stream; only its end differs, as the tape goes on a moment."""
    live = [event for event in tape[1] if isinstance(event, Trade)]
    sums = Decimal(0)
    for one in live:
        sums += one.price * one.quantity

    ids = {(one.symbol, one.trade_id) for one in live}
    found = [one for one in rows(columns, "trade") if (one["symbol"], one["trade_id"]) in ids]

    assert len(found) == len(live) > 100
    assert sum((one["price"] * one["quantity"] for one in found), Decimal(0)) == sums


def test_numbers_have_no_holes_and_lead_to_the_frame(
    tape: tuple[Path, list[Event]], columns: Path
) -> None:
    places = {
        (str(event.symbol), event.trade_id): moment.index
        for moment in Replay(tape[0])
        for event in moment.events
        if isinstance(event, Trade)
    }

    for symbol in ("BTC/USD", "ETH/USD"):
        found = rows(columns, "trade", symbol)
        assert [one["n"] for one in found] == list(range(1, len(found) + 1))
        assert all(places[symbol, one["trade_id"]] == one["frame"] for one in found)


def test_losses_are_rows_of_gap(tape: tuple[Path, list[Event]], columns: Path) -> None:
    found = rows(columns, "gap")
    gaps = [event for event in replayed(tape[0], Gap) if isinstance(event, Gap)]

    lost = [event for event in tape[1] if isinstance(event, LinkLost)]
    assert len(lost) == 1  # by a fault; then the session ended, and its link with it
    assert Counter(one["kind"] for one in found)["link_lost"] == len(lost) + 1
    assert Counter(one["kind"] for one in found)["desync"] == 1
    assert [
        (one["channel"], one["symbol"], one["cause"], one["since_ns"], one["until_ns"])
        for one in found
        if one["kind"] == "gap"
    ] == [
        (
            gap.subscription.channel.value,
            gap.subscription.symbol,
            gap.cause.value,
            gap.since_ns,
            gap.until_ns,
        )
        for gap in gaps
    ]
    assert len(gaps) >= 4


def test_the_sums_close_against_the_replay(tape: tuple[Path, list[Event]], columns: Path) -> None:
    (manifest,) = manifests(columns)
    counts = Counter(
        str(event.__struct_config__.tag) for moment in Replay(tape[0]) for event in moment.events
    )
    coverage = rows(columns, "coverage")

    assert manifest.sums_close
    assert manifest.events == counts.total() == sum(one["events"] for one in coverage)
    assert manifest.tables["trade"].events == counts["trade"]
    assert manifest.tables["book_level"].events == counts["book_snapshot"] + counts["book_update"]
    assert manifest.elsewhere["subscribed"] == counts["subscribed"]
    assert manifest.frames == verify(tape[0]).frames == sum(one["frames"] for one in coverage)
    assert not manifest.proved
    assert check(columns, [[tape[0]]]).faults == []


def test_every_minute_is_covered(columns: Path) -> None:
    minutes = {one["minute_ns"] for one in rows(columns, "coverage")}

    assert {one % 60_000_000_000 for one in minutes} == {0}
    assert max(minutes) - min(minutes) == (len(minutes) - 1) * 60_000_000_000
    assert len(minutes) == 3


def test_files_say_where_they_came_from(tape: tuple[Path, list[Event]], columns: Path) -> None:
    (manifest,) = manifests(columns)

    for file in manifest.files:
        metadata = parquet().read_metadata(columns / file.path).metadata
        assert metadata[b"fluxum_schema"] == b"1"
        assert metadata[b"fluxum_frames"] == str(manifest.frames).encode()
        assert metadata[b"fluxum_proved"] == b"false"
        assert manifest.tapes[0].sha256.encode() in metadata[b"fluxum_tapes"]
        assert tape[0].name.encode() in metadata[b"fluxum_tapes"]


def test_gap_and_coverage_are_written_when_nothing_happened(tmp_path: Path) -> None:
    path = tmp_path / "quiet.jsonl"
    path.write_bytes(trade(1, "100.5") + b"\n")  # bare: of a tape the end of its links is known

    manifest = build([path], tmp_path / "out", "kraken")

    assert {file.table for file in manifest.files} == {"gap", "coverage", "trade"}
    assert rows(tmp_path / "out", "gap") == []
    assert manifest.proved
    (schema,) = {
        str(parquet().read_schema(tmp_path / "out" / one.path).field("cause").type)
        for one in manifest.files
        if one.table == "gap"
    }
    assert schema == "dictionary<values=string, indices=int32, ordered=0>"


def trade(number: int, price: str, symbol: str = "BTC/USD", day: int = 1) -> bytes:
    return (
        f'{{"channel":"trade","type":"update","data":[{{"symbol":"{symbol}","side":"buy",'
        f'"price":{price},"qty":0.5,"ord_type":"limit","trade_id":{number},'
        f'"timestamp":"2026-08-{day:02}T12:00:00.000000Z"}}]}}'
    ).encode()


NS = 1_785_585_600_000_000_000  # 2026-08-01T12:00:00Z


def handmade(path: Path, *frames: bytes, step_ns: int = 1_000_000, started_ns: int = NS) -> Path:
    header = TapeHeader(fluxum_tape=1, venue="kraken", started_ns=started_ns)
    lines = [
        frame_line(NS + number * step_ns, frame, 1, sent=False)
        for number, frame in enumerate(frames)
    ]
    path.write_bytes(encode_lines([header, *lines]))
    return path


@pytest.mark.parametrize("price", ["0.0000000000001", "123456789012345678901234567"])
def test_what_does_not_fit_is_left_out_counted_and_a_gap(tmp_path: Path, price: str) -> None:
    path = handmade(tmp_path / "a.jsonl", trade(1, "100.5"), trade(2, price), trade(3, "7"))

    manifest = build([path], tmp_path / "out")

    gap, _ = rows(tmp_path / "out", "gap")
    assert [one["n"] for one in rows(tmp_path / "out", "trade")] == [1, 3]
    assert (manifest.unfit, manifest.tables["trade"].events, manifest.sums_close) == (1, 2, True)
    assert (gap["kind"], gap["symbol"], gap["missing"]) == ("unfit", "BTC/USD", 1)
    assert gap["detail"].startswith(f"price {Decimal(price)} does not fit")
    assert check(tmp_path / "out", [[path]]).faults == []


def test_a_market_of_which_nothing_fits_has_no_file(tmp_path: Path) -> None:
    path = handmade(tmp_path / "a.jsonl", trade(1, "1E-13"), trade(2, "7", "ETH/USD"))

    manifest = build([path], tmp_path / "out")

    found = [path.parents[1].name for path in (tmp_path / "out" / "trade").rglob("*.parquet")]
    assert found == ["symbol=ETH%2FUSD"]
    assert (manifest.unfit, manifest.sums_close) == (1, True)
    assert check(tmp_path / "out", [[path]]).faults == []


def test_columns_are_encoded_by_what_they_hold(columns: Path) -> None:
    def of(table: str) -> dict[str, set[str]]:
        file = next((columns / table).rglob("*.parquet"))
        group = parquet().read_metadata(file).row_group(0)
        found = [group.column(at) for at in range(group.num_columns)]
        assert {one.compression for one in found} == {"ZSTD"}
        return {one.path_in_schema: set(one.encodings) for one in found}

    trades, levels = of("trade"), of("book_level")

    assert "DELTA_BYTE_ARRAY" in trades["trade_id"]
    assert "DELTA_BINARY_PACKED" in trades["received_ns"] & levels["n"]
    assert "RLE_DICTIONARY" in levels["price"] & levels["side"] & levels["orders"]
    assert "RLE_DICTIONARY" not in trades["price"] | trades["quantity"] | levels["checksum"]


def test_rows_that_wait_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With 3 rows for a group and 4 in all: a group of A, then all five, then the rest."""
    monkeypatch.setattr(parts, "GROUP_ROWS", 3)
    monkeypatch.setattr(parts, "_WAITING_ROWS", 4)
    monkeypatch.setattr("fluxum.store.build.SETTLED_ROWS", 0)
    frames = [trade(at, "7", f"{name}/USD") for at, name in enumerate("AAABCBCDBA", 1)]

    build([handmade(tmp_path / "a.jsonl", *frames)], tmp_path / "out")

    groups: dict[str, list[int]] = {}
    for file in sorted((tmp_path / "out" / "trade").rglob("*.parquet")):
        meta = parquet().read_metadata(file)
        sizes = [meta.row_group(at).num_rows for at in range(meta.num_row_groups)]
        groups[file.parents[1].name[-7:-6]] = sizes
    assert groups == {"A": [3, 1], "B": [2, 1], "C": [2], "D": [1]}


def test_rows_are_the_same_without_a_compiler(
    tape: tuple[Path, list[Event]],
    columns: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parts, "TableBuffer", Buffer)

    manifest = build([tape[0]], tmp_path)

    assert len(manifest.files) > 5
    for file in manifest.files:
        ours, theirs = (
            parquet().read_table(folder / file.path).to_pylist() for folder in (tmp_path, columns)
        )
        assert ours == theirs, file.path


def test_a_gap_that_nothing_ended_is_a_row(tmp_path: Path) -> None:
    header = TapeHeader(fluxum_tape=1, venue="kraken", started_ns=NS)
    path = tmp_path / "cut.jsonl"
    line = frame_line(NS, trade(1, "100.5"), 1, sent=False)
    closed = b'{"ns":%d,"link":1,"closed":true}\n' % (NS + 5)
    other = frame_line(NS + 9, b'{"channel":"heartbeat"}', 2, sent=False)
    path.write_bytes(encode_lines([header, line]) + closed + encode_lines([other]))

    build([path], tmp_path / "out")

    found = rows(tmp_path / "out", "gap")
    assert [(one["kind"], one["cause"], one["until_ns"]) for one in found] == [
        ("link_lost", None, NS + 5),
        ("open", "link_lost", None),
    ]


def test_a_recorder_that_was_killed_leaves_a_gap_of_every_stream(tmp_path: Path) -> None:
    frames = (trade(1, "100.5"), trade(1, "7", "ETH/USD"))

    build([handmade(tmp_path / "a.jsonl", *frames)], tmp_path / "out")

    found = rows(tmp_path / "out", "gap")
    names = ("kind", "channel", "symbol", "cause", "since_ns", "until_ns")
    assert [tuple(one[name] for name in names) for one in found] == [
        ("open", "trade", symbol, "recorder", NS + 1_000_000, None)
        for symbol in ("BTC/USD", "ETH/USD")
    ]
    assert found[0]["detail"].endswith("its recorder was killed")


def test_a_damaged_tape_gives_what_comes_before_the_damage(tmp_path: Path) -> None:
    path = handmade(tmp_path / "a.jsonl", trade(1, "100.5"), trade(2, "7"))
    path.write_bytes(path.read_bytes() + b"nonsense\n" + path.read_bytes().splitlines(True)[1])

    manifest = build([path], tmp_path / "out")

    assert len(rows(tmp_path / "out", "trade")) == 2
    assert f"{path}:4 is no recorded frame" in manifest.damage
    assert not manifest.proved


def test_markets_of_any_name_and_scale_are_read_together(tmp_path: Path) -> None:
    names = {"BTC/USD": "65000.1", "ELON/USD": "0.000000123456", "1INCH/USD": "0.25"}
    frames = [trade(at, price, name) for at, (name, price) in enumerate(names.items(), 1)]

    build([handmade(tmp_path / "a.jsonl", *frames)], tmp_path / "out")

    found = {one["symbol"]: one["price"] for one in rows(tmp_path / "out", "trade")}
    assert found == {name: Decimal(price) for name, price in names.items()}


# Files


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "lock"
    }


def test_nothing_is_written_twice_or_over_anything(tmp_path: Path) -> None:
    path, out = handmade(tmp_path / "a.jsonl", trade(1, "100.5")), tmp_path / "out"
    build([path], out)
    before = files(out)

    with pytest.raises(BadInput, match=r"has the columns of .*a\.jsonl already"):
        build([path], out)

    assert files(out) == before


def test_the_same_recording_gives_the_same_bytes(tmp_path: Path) -> None:
    path = handmade(tmp_path / "a.jsonl", trade(1, "100.5"), trade(2, "7", "ETH/USD"))

    build([path], tmp_path / "one")
    build([path], tmp_path / "two")

    assert files(tmp_path / "one") == files(tmp_path / "two")


class Killed(BaseException):
    """What a test ends a build with, at once."""


def killed_after(renames: int, patch: pytest.MonkeyPatch) -> None:
    """End a build before its next rename, and leave all as it is, as a killed process does."""
    rename = Path.rename
    left = iter(range(renames))

    def nothing(_: parts.Parts) -> None:
        return

    def stopping(path: Path, target: Path) -> Path:
        if next(left, None) is None:
            raise Killed
        return rename(path, target)

    patch.setattr(Path, "rename", stopping)
    patch.setattr(parts.Parts, "close", nothing)


@pytest.mark.parametrize("renames", range(4))
def test_a_build_that_was_killed_is_told_and_made_again(
    tmp_path: Path, renames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = handmade(tmp_path / "other.jsonl", trade(9, "1"), started_ns=NS - 1)
    path, out = handmade(tmp_path / "a.jsonl", trade(1, "100.5")), tmp_path / "out"
    build([other], out)
    with monkeypatch.context() as patch:
        killed_after(renames, patch)
        with pytest.raises(Killed):
            build([path], out)

    assert len(check(out).faults) == renames
    assert len(manifests(out)) == 1
    build([path], out)

    assert check(out, [[path], [other]]).faults == []
    assert len(rows(out, "trade")) == 2
    assert not list((out / "_fluxum").glob("*.building"))


def test_a_build_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, out = handmade(tmp_path / "a.jsonl", trade(1, "100.5")), tmp_path / "out"

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        build([path], out)

    assert files(out) == {}


def test_two_processes_do_not_build_in_one_folder(tmp_path: Path) -> None:
    from fluxum.lock import hold

    path, out = handmade(tmp_path / "a.jsonl", trade(1, "100.5")), tmp_path / "out"
    (out / "_fluxum").mkdir(parents=True)
    with (out / "_fluxum" / "lock").open("w") as lock:
        assert hold(lock.fileno())
        with pytest.raises(BadInput, match="another process is building columns"):
            build([path], out)


def test_files_and_rows_in_memory_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "_OPEN_FILES", 4)
    monkeypatch.setattr(parts, "_WAITING_ROWS", 5)
    monkeypatch.setattr(parts, "GROUP_ROWS", 3)
    names = ("BTC/USD", "ETH/USD", "SOL/USD")
    frames = [trade(number // 3 + 1, str(number), names[number % 3]) for number in range(60)]
    path = handmade(tmp_path / "a.jsonl", *frames, step_ns=7_200_000_000_000)

    manifest = build([path], tmp_path / "out")

    assert len(manifest.files) > 3 * 5
    assert [one["price"] for one in rows(tmp_path / "out", "trade", "ETH/USD")] == list(
        range(1, 60, 3)
    )
    assert check(tmp_path / "out", [[path]]).faults == []


def test_nothing_to_read_is_an_error_and_makes_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()

    with pytest.raises(TapeError):
        build([tmp_path / "empty.jsonl"], tmp_path / "out")
    with pytest.raises(TapeError, match="cannot read"):
        build([tmp_path / "none.jsonl"], tmp_path / "out")

    assert not (tmp_path / "out").exists()
