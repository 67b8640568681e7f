"""Recorders: what is offered is on the tape or counted as lost, and nothing is raised."""

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fluxum.errors import BadInput, TapeError
from fluxum.tape import TapeFrame, TapeReader, TapeWriter
from tape.clocks import StoppedClock

SECOND_NS = 10**9


@pytest.mark.parametrize("name", ["tape.jsonl", "tape.jsonl.gz"])
def test_frames_come_back_as_they_were(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with TapeWriter(path, "kraken", StoppedClock()) as tape:
        tape.add(b'{"price":1.10}', 1, sent=False)
        tape.add(b'{"method":"ping"}', 2, sent=True)
        tape.add(b"\xff\x00", 1, sent=False)
        tape.add_answer("https://host/x", b"\xff")
        tape.end(2)

    reader = TapeReader(path)

    assert reader.header is not None
    assert (reader.header.venue, reader.header.started_ns) == ("kraken", 9)
    assert list(reader) == list(reader)
    assert [(one.frame, one.link, one.sent, one.closed) for one in reader] == [
        (b'{"price":1.10}', 1, False, False),
        (b'{"method":"ping"}', 2, True, False),
        (b"\xff\x00", 1, False, False),
        (b"\xff", 0, False, False),
        (b"", 2, False, True),
    ]
    assert {one.ns for one in reader} == {9}
    is_gzip = path.read_bytes().startswith(b"\x1f\x8b")
    assert is_gzip == name.endswith(".gz")
    counts = tape.counts()
    assert (counts.offered, counts.written, counts.lost, counts.waiting) == (4, 4, 0, 0)
    assert tape.paths == [path]


def test_a_recorder_without_a_block_writes_when_it_is_closed(tmp_path: Path) -> None:
    tape = TapeWriter(tmp_path / "a.jsonl", "kraken", StoppedClock())
    tape.add(b"x", 1, sent=False)

    tape.close()

    assert [one.raw for one in TapeReader(tmp_path / "a.jsonl")] == ["x"]


def test_recording_that_cannot_begin_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="cannot write"):
        TapeWriter(tmp_path / "absent" / "tape.jsonl", "kraken", StoppedClock())
    (tmp_path / "a.jsonl").touch()
    with pytest.raises(TapeError, match="exists"):
        TapeWriter(tmp_path / "a.jsonl", "kraken", StoppedClock())
    for wrong in (0, -1):
        with pytest.raises(BadInput, match="a rotation above zero was expected"):
            TapeWriter(tmp_path, "kraken", StoppedClock(), rotate_bytes=wrong)
        with pytest.raises(BadInput, match="a rotation above zero was expected"):
            TapeWriter(tmp_path, "kraken", StoppedClock(), rotate_s=wrong)


def test_a_name_that_is_a_folder_is_a_place_for_tapes(tmp_path: Path) -> None:
    folder = tmp_path / "a.jsonl.gz"
    folder.mkdir()

    with TapeWriter(folder, "kraken", StoppedClock()) as tape:
        pass

    assert tape.paths == [folder / "kraken-19700101T000000Z.jsonl.gz"]


def test_appended_recordings_are_one_tape(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    for number in range(3):
        with TapeWriter(path, "kraken", StoppedClock(), append=True) as tape:
            tape.add(b"%d" % number, 1, sent=False)

    found = [one.raw for one in TapeReader(path) if not one.closed]
    assert found == ["0", "1", "2"]


def test_files_are_rotated_by_size(tmp_path: Path) -> None:
    tape = TapeWriter(tmp_path / "a.jsonl", "kraken", StoppedClock(), rotate_bytes=1000)
    for number in range(30):
        tape.add(b"%0100d" % number, 1, sent=False)
        tape.flush()
    tape.close()

    sizes = [one.stat().st_size for one in tape.paths]
    assert len(sizes) == 4
    assert all(1000 <= size < 1200 for size in sizes[:-1])
    first, *more = tape.paths
    assert [int(one.frame) for one in TapeReader(first, *more)] == list(range(30))


def test_files_are_rotated_by_time_to_the_frame(tmp_path: Path) -> None:
    clock = StoppedClock(3_599 * SECOND_NS)
    with TapeWriter(tmp_path, "kraken", clock, rotate_s=3600) as tape:
        for number in range(4):
            tape.add(b"%d" % number, 1, sent=False)
            clock.ns += SECOND_NS // 2

    assert [one.name for one in tape.paths] == [
        "kraken-19700101T005959Z.jsonl.gz",
        "kraken-19700101T010000Z.jsonl.gz",
    ]
    assert [one.raw for one in TapeReader(tape.paths[0])] == ["0", "1"]
    assert [one.raw for one in TapeReader(tape.paths[1])] == ["2", "3"]


@contextmanager
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    def write(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        yield


def test_a_full_disk_stops_the_recording_and_what_is_missing_is_on_the_tape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jsonl.gz"
    clock = StoppedClock()
    tape = TapeWriter(path, "kraken", clock)
    tape.add(b"1", 1, sent=False)
    tape.flush()

    with full_disk(monkeypatch):
        clock.ns = 20
        tape.add(b"2", 1, sent=False)
        tape.flush()
        clock.ns = 30
        tape.add(b"3", 1, sent=False)
        assert tape.trouble == f"cannot write {path}: No space left on device"
        assert tape.take_holes() == []
        tape.flush()
        tape.add_answer("https://host/x", b"4")
        tape.flush()

    clock.ns = 50
    tape.flush()
    tape.add(b"5", 1, sent=False)
    tape.flush()

    (hole,) = tape.take_holes()
    assert (hole.since_ns, hole.until_ns, hole.lost) == (20, 30, 3)
    assert tape.trouble == ""
    assert list(TapeReader(path)) == [
        TapeFrame(ns=9, raw="1"),
        TapeFrame(ns=50, link=0, lost=3, since_ns=20),
        TapeFrame(ns=50, raw="5"),
    ]
    tape.close()
    counts = tape.counts()
    assert (counts.offered, counts.written, counts.lost, counts.holes) == (5, 2, 3, 1)


def test_a_disk_that_is_full_to_the_end_is_told_in_the_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape = TapeWriter(tmp_path / "a.jsonl.gz", "kraken", StoppedClock())

    with full_disk(monkeypatch):
        tape.add(b"1", 1, sent=False)
        tape.close()

    counts = tape.counts()
    assert (counts.offered, counts.written, counts.lost, counts.holes) == (1, 0, 1, 1)
    assert list(TapeReader(tmp_path / "a.jsonl.gz")) == []


def test_a_disk_that_cannot_say_that_it_has_all_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    tape = TapeWriter(tmp_path / "a.jsonl.gz", "kraken", StoppedClock())
    tape.add(b"1", 1, sent=False)
    monkeypatch.setattr(os, "fsync", fail)
    tape.close()

    (hole,) = tape.take_holes()
    assert (hole.lost, tape.counts().written) == (0, 1)
    assert "Input/output error" in hole.reason


def test_lines_do_not_wait_until_the_file_before_them_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = StoppedClock()
    tape = TapeWriter(tmp_path, "kraken", clock, rotate_s=1)
    written: list[list[bytes]] = []

    def look(descriptor: int) -> None:
        written.append([one.frame for one in TapeReader(*tape.paths)])

    monkeypatch.setattr(os, "fsync", look)
    tape.add(b"1", 1, sent=False)
    clock.ns += SECOND_NS
    tape.add(b"2", 1, sent=False)
    tape.flush()
    tape.close()

    assert written == [[b"1", b"2"], [b"1", b"2"]]


def test_names_that_are_all_taken_stop_the_recording_and_not_the_caller(tmp_path: Path) -> None:
    tape = TapeWriter(tmp_path / "a.jsonl", "kraken", StoppedClock())
    (tmp_path / "a.jsonl").rename(tmp_path / "b.jsonl")  # writing goes on there
    tape.add(b"1", 1, sent=False)
    tape.flush()
    (tmp_path / "b.jsonl").unlink()
    (tmp_path / "a.jsonl").write_text("of somebody else")
    for _ in range(3):  # that its file is gone, and then that it cannot be begun anew
        tape.add(b"2", 1, sent=False)
        tape.flush()

    assert tape.trouble.startswith(f"{tmp_path / 'a.jsonl'} exists, and no tape is written over")
    tape.close()
    assert (tmp_path / "a.jsonl").read_text() == "of somebody else"
    assert tape.counts().lost == 3
