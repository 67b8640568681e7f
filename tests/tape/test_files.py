"""The files a recorder writes: never over another, whole pieces, and names that do not collide."""

import errno
import os
import stat
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from fluxum.errors import BadInput, TapeError
from fluxum.tape import TapeReader
from fluxum.tape.files import TapeFiles, TapeNames
from fluxum.tape.lines import encode_lines, frame_line

NOON_NS = 1_785_585_600_000_000_000  # 2026-08-01T12:00:00Z


def frame(number: int) -> bytes:
    return encode_lines([frame_line(number, b"%d" % number, 1, sent=False)])


def files(path: Path, *, append: bool = False, is_rotated: bool = False) -> TapeFiles:
    names = TapeNames(path, "kraken", many=is_rotated)
    return TapeFiles(names, "kraken", NOON_NS, append=append, is_rotated=is_rotated)


def raws(path: Path) -> list[str | None]:
    return [one.raw for one in TapeReader(path) if not one.closed]


@pytest.mark.parametrize(
    ("given", "many", "names"),
    [
        ("a.jsonl.gz", False, ["a.jsonl.gz"]),
        ("{exchange}.jsonl", False, ["kraken.jsonl"]),
        (
            "a-{time}.jsonl",
            False,
            [
                "a-20260801T120000Z.jsonl",
                "a-20260801T120000Z-2.jsonl",
                "a-20260801T120000Z-3.jsonl",
            ],
        ),
        ("a.jsonl.gz", True, ["a-20260801T120000Z.jsonl.gz", "a-20260801T120000Z-2.jsonl.gz"]),
        ("a", True, ["a-20260801T120000Z", "a-20260801T120000Z-2"]),
        ("{time}.gz", True, ["20260801T120000Z.gz", "20260801T120000Z-2.gz"]),
        (".", False, ["kraken-20260801T120000Z.jsonl.gz"]),
    ],
)
def test_names_carry_the_time_where_it_is_wanted_or_needed(
    tmp_path: Path, given: str, many: bool, names: list[str]
) -> None:
    found = TapeNames(tmp_path / given, "kraken", many=many)

    first = islice(found.paths(NOON_NS + 999_999_999), len(names))
    assert [one.relative_to(tmp_path).as_posix() for one in first] == names


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_tape_that_exists_is_not_written_over(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"precious")
    link = tmp_path / f"link-{name}"
    link.symlink_to(tmp_path / "nowhere")

    for taken in (path, link):
        with pytest.raises(TapeError, match="exists, and no tape is written over: append to it"):
            files(taken)
    assert path.read_bytes() == b"precious"
    assert not (tmp_path / "nowhere").exists()


def test_a_name_with_a_time_that_exists_gets_a_number(tmp_path: Path) -> None:
    for _ in range(3):
        files(tmp_path).rotate()

    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "kraken-20260801T120000Z-2.jsonl.gz",
        "kraken-20260801T120000Z-3.jsonl.gz",
        "kraken-20260801T120000Z.jsonl.gz",
    ]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_what_is_written_can_be_read_before_the_file_is_closed(tmp_path: Path, name: str) -> None:
    writer = files(tmp_path / name)
    assert TapeReader(tmp_path / name).header is not None

    writer.write(frame(1) + frame(2), 1)

    assert raws(tmp_path / name) == ["1", "2"]
    writer.rotate()


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_appending_goes_on_behind_what_is_there_even_if_it_is_torn(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    writer = files(path, append=True)  # there is none yet
    writer.write(frame(1), 1)
    first = path.stat().st_size
    writer.write(frame(2), 2)
    writer.close()
    whole = path.read_bytes()

    for length in range(first, len(whole) + 1):
        path.write_bytes(whole[:length])
        writer = files(path, append=True)
        writer.write(frame(3), 3)
        writer.close()

        assert path.read_bytes().startswith(whole[:length])
        found = raws(path)
        assert found in (["1", "3"], ["1", "2", "3"])
        assert length < len(whole) or found == ["1", "2", "3"]


def test_appending_keeps_to_how_the_file_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    files(path).close()
    named_otherwise = path.rename(tmp_path / "b.jsonl.gz")

    writer = files(named_otherwise, append=True)
    writer.write(frame(1), 1)
    writer.close()

    assert named_otherwise.read_bytes().count(b"\n") == 3
    assert raws(named_otherwise) == ["1"]


def test_an_empty_file_can_be_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.touch()

    writer = files(path, append=True)
    writer.write(frame(1), 1)
    writer.close()

    assert raws(path) == ["1"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"hello\n", "is no recorded frame"),
        (b'{"ts":1,"raw":"x"}\n', "is no tape; one of kraken was expected"),
        (b'{"fluxum_tape":1,"venue":"okx","started_ns":1}\n', "is a tape of okx"),
        (b'{"fluxum_tape":7,"venue":"kraken","started_ns":1}\n', "format 7"),
    ],
)
def test_only_a_tape_of_the_same_venue_is_appended_to(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)

    with pytest.raises(TapeError, match=message):
        files(path, append=True)
    assert path.read_bytes() == content


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    for odd in (pipe, Path("/dev/full"), Path("/dev/null")):
        with pytest.raises(TapeError, match="no regular file"):
            files(odd, append=True)
        with pytest.raises(TapeError, match="exists"):
            files(odd)
    with pytest.raises(TapeError, match=r"cannot write .*No such file"):
        files(tmp_path / "absent" / "a.jsonl")
    with pytest.raises(TapeError, match=r"cannot write .*Not a directory"):
        files(pipe / "a.jsonl")
    with pytest.raises(TapeError, match=r"cannot write .*too long"):
        files(tmp_path / ("n" * 300))
    with pytest.raises(BadInput, match="one tape is appended to"):
        files(tmp_path, append=True)
    with pytest.raises(BadInput, match="one tape is appended to"):
        files(tmp_path / "a.jsonl", append=True, is_rotated=True)
    if os.geteuid():  # nothing is forbidden to root
        tmp_path.chmod(0o500)
        with pytest.raises(TapeError, match=r"cannot write .*Permission denied"):
            files(tmp_path / "a.jsonl")
        tmp_path.chmod(0o700)


def test_a_tape_has_one_recorder(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    writer = files(path)
    link = tmp_path / "link.jsonl.gz"
    link.hardlink_to(path)

    for name in (path, link):
        with pytest.raises(TapeError, match="is being recorded to by another process"):
            files(name, append=True)
    writer.close()
    files(path, append=True).close()


def test_rotated_files_say_which_recording_they_are_of_and_which_part(tmp_path: Path) -> None:
    writer = files(tmp_path / "a.jsonl", is_rotated=True)
    writer.write(frame(1), NOON_NS)
    writer.rotate()
    writer.rotate()  # there is nothing to end
    writer.write(frame(2), NOON_NS + 5 * 10**9)
    writer.rotate()
    writer.write(frame(3), NOON_NS)  # the clock went back
    writer.close()

    assert [one.name for one in writer.paths] == [
        "a-20260801T120000Z.jsonl",
        "a-20260801T120005Z.jsonl",
        "a-20260801T120000Z-2.jsonl",
    ]
    headers = [TapeReader(one).header for one in writer.paths]
    assert [one and (one.segment, one.recording_ns) for one in headers] == [
        (1, NOON_NS),
        (2, NOON_NS),
        (3, NOON_NS),
    ]
    first, *more = writer.paths
    assert [one.raw for one in TapeReader(first, *more)] == ["1", "2", "3"]


Write = Callable[[int, bytes | memoryview], int]


def full_after(bytes_left: int) -> Write:
    """`os.write` to a disk on which there is so much room."""
    real = os.write

    def write(descriptor: int, data: bytes | memoryview) -> int:
        nonlocal bytes_left
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return real(descriptor, data)
        if not bytes_left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = real(descriptor, bytes(data[: min(bytes_left, 7)]))
        bytes_left -= written
        return written

    return write


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_piece_for_which_there_is_no_room_leaves_nothing_behind(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    writer = files(path)
    writer.write(frame(1), 1)
    before = path.read_bytes()

    for room in (0, 7, 14):
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full_after(room))
            with pytest.raises(OSError, match="No space left"):
                writer.write(frame(2), 2)
        assert path.read_bytes() == before
    writer.write(frame(3), 3)
    writer.close()

    assert raws(path) == ["1", "3"]


@pytest.mark.parametrize("room", [0, 10])
def test_a_tape_that_cannot_even_begin_leaves_no_file(
    tmp_path: Path, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", full_after(room))

    with pytest.raises(TapeError, match=r"cannot write .*No space left"):
        files(tmp_path / "a.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_a_segment_that_cannot_begin_is_begun_later_with_its_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = files(tmp_path, is_rotated=True)
    writer.rotate()
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full_after(10))
        with pytest.raises(OSError, match="No space left"):
            writer.write(frame(1), NOON_NS)

    writer.write(frame(2), NOON_NS)
    writer.close()

    header = TapeReader(writer.paths[-1]).header
    assert header is not None
    assert header.segment == 2
    assert raws(writer.paths[-1]) == ["2"]


def test_segments_that_could_not_begin_are_not_counted(tmp_path: Path) -> None:
    folder = tmp_path / "tapes"
    folder.mkdir()
    writer = files(folder, is_rotated=True)
    writer.rotate()
    folder.rename(tmp_path / "away")
    for _ in range(3):
        with pytest.raises(OSError, match="No such file"):
            writer.write(frame(1), NOON_NS)
    folder.mkdir()

    writer.write(frame(2), NOON_NS)
    writer.close()

    header = TapeReader(writer.paths[-1]).header
    assert header is not None
    assert header.segment == 2


def test_a_tape_that_was_removed_is_missed_and_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    writer = files(path)
    path.unlink()

    with pytest.raises(OSError, match="the file was removed"):
        writer.write(frame(1), 1)
    writer.write(frame(2), 2)
    writer.close()

    assert raws(path) == ["2"]
