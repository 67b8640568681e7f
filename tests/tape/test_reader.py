"""Tapes as files: all that is whole is read again, and what makes no sense is refused by line."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import pytest

from fluxum.errors import TapeError
from fluxum.tape import TapeFrame, TapeHeader, TapeReader
from fluxum.tape.lines import encode_lines, frame_line
from fluxum.tape.members import member
from fluxum.verify import verify

HEADER = encode_lines([TapeHeader(fluxum_tape=1, venue="kraken", started_ns=5)])
LATER = encode_lines([TapeHeader(fluxum_tape=1, venue="kraken", started_ns=90)])


def lines(numbers: Sequence[int], link: int = 1) -> list[bytes]:
    return [
        encode_lines([frame_line(n, f'{{"n":{n}}}'.encode(), link, sent=False)]) for n in numbers
    ]


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def times(reader: TapeReader) -> list[int | None]:
    return [one.ns for one in reader]


def read_until_error(reader: TapeReader) -> tuple[list[int | None], str]:
    found: list[int | None] = []
    try:
        for one in reader:
            found.append(one.ns)
    except TapeError as error:
        return found, str(error)
    return found, ""


def test_a_bare_recording_keeps_exact_times_and_the_answers_to_calls(tmp_path: Path) -> None:
    path = tmp_path / "bare.jsonl"
    path.write_text(
        '{"ts": 1785552832.693693001, "raw": "{}"}\n'
        '{"ts": null, "raw": "x"}\n'
        '{"ts": 1, "url": "https://host/", "raw": "{}"}\n'
        "\n"
        '{"channel":"heartbeat"}\n'
        '{"channel":"no line end"}'
    )

    reader = TapeReader(path)

    assert reader.header is None
    assert list(reader) == [
        TapeFrame(ns=1785552832693693001, raw="{}"),
        TapeFrame(raw="x"),
        TapeFrame(ns=10**9, link=0, url="https://host/", raw="{}"),
        TapeFrame(raw='{"channel":"heartbeat"}'),
        TapeFrame(raw='{"channel":"no line end"}'),
    ]
    assert reader.torn == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"ts": null, "raw": "x"}\nnonsense\n', ":2 is no recorded frame"),
        (b'{"fluxum_tape": 2, "venue": "kraken", "started_ns": 0}\n', "format 2; 1 was expected"),
        (b'{"fluxum_tape": 1}\n', ":1 is no tape header"),
        (HEADER + b"[]\n", ":2 is no recorded"),
        (b"\xff\xfe\x00\n", ":1 is no recorded frame"),
        (HEADER + b'{"ns":1,"raw":"\xff"}\n', ":2 is no recorded frame"),
        (HEADER + b'{"ns":1,"raw64":"a"}\n', ":2 is no recorded frame"),
        (HEADER + b'{"ns":1,"raw64":"\\n!!!!"}\n', ":2 is no recorded frame"),
        (HEADER + b'{"ns":-1,"raw":"x"}\n', ":2 is no recorded frame: its time was"),
        (HEADER + b'{"ns":1' + b"0" * 30 + b',"raw":"x"}\n', "its time was 1.000e\\+30 ns"),
        (HEADER + b'{"x":' + b"[" * 100_000 + b"\n", ":2 is no recorded frame"),
        (HEADER[:-2] + b',"x":' + b"[" * 100_000 + b"\n", ":1 is no tape header"),
        (b'{"ts": 1e999999, "raw": "x"}\n', ":1 is no recorded frame: its time was"),
        (b'{"ts": "NaN", "raw": "x"}\n', "its time was NaN"),
        (lines([1])[0], ":1 is no recorded frame: it is of a tape, whose header is missing"),
        (
            HEADER + LATER.replace(b"kraken", b"okx"),
            ":2 is no tape header: it goes on with okx; kraken was expected",
        ),
        (HEADER + b"half a line\n" + lines([1])[0], ":2 is no recorded frame"),
        (gzip.compress(b"") + b"garbage", ":1 is cut off or damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_tape_is_refused_by_name_and_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = write(tmp_path / "bad.jsonl", content)

    with pytest.raises(TapeError, match=message) as caught:
        list(TapeReader(path))
    assert "bad.jsonl" in str(caught.value)


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "gzip"])
def test_cut_at_every_byte_every_whole_line_is_read_and_the_cut_is_counted(
    tmp_path: Path, is_packed: bool
) -> None:
    pieces = [HEADER + b"".join(lines(range(1, 9))), b"".join(lines(range(9, 20)))]
    whole = b"".join(map(member, pieces) if is_packed else pieces)
    ends = [sum(len(line) for line in lines(range(1, count + 1))) for count in range(20)]
    first = len(member(pieces[0]))
    path = tmp_path / "cut.jsonl.gz"

    for length in range(2, len(whole)):
        reader = TapeReader(write(path, whole[:length]))

        found = times(reader)
        assert found == list(range(1, len(found) + 1))
        if is_packed:
            assert len(found) >= (8 if length >= first else 0)
            assert reader.torn == (length != first)
        else:
            # A line of which only the end is missing is whole.
            assert len(found) == sum(len(HEADER) + end - 1 <= length for end in ends[1:])
            is_line_end = whole[length - 1 : length] == b"\n"
            assert reader.torn == (not is_line_end)


def test_what_comes_before_a_cut_of_a_large_member_is_read_and_the_cut_is_told(
    tmp_path: Path,
) -> None:
    bare = [f'{{"ts": null, "raw": "{number}"}}\n'.encode() for number in range(3000)]
    whole = gzip.compress(b"".join(bare[:2000])) + gzip.compress(b"".join(bare[2000:]))
    write(tmp_path / "whole.jsonl.gz", whole)
    cut = write(tmp_path / "cut.jsonl.gz", whole[:-20])

    assert [one.raw for one in TapeReader(tmp_path / "whole.jsonl.gz")] == [*map(str, range(3000))]
    report = verify(cut, "kraken")
    assert report.frames > 2000
    assert (report.torn, report.damage) == (1, "")
    assert not report.is_proved


def test_a_flipped_bit_costs_its_member_and_what_is_behind_it_and_names_the_line(
    tmp_path: Path,
) -> None:
    pieces = [HEADER, *(b"".join(lines(range(n, n + 10))) for n in range(0, 100, 10))]
    packed = list(map(member, pieces))
    before = b"".join(packed[:6])
    spoiled = bytearray(packed[6])
    path = tmp_path / "flipped.jsonl.gz"

    for place in range(20, len(spoiled) - 9):
        spoiled[place] ^= 1
        write(path, before + spoiled + b"".join(packed[7:]))
        spoiled[place] ^= 1

        found, error = read_until_error(TapeReader(path))

        assert found == list(range(50))
        assert f"{path}:52 is cut off or damaged, there or behind it" in error
        assert "the 51 lines in front of it are whole" in error


def test_of_a_file_of_another_program_lines_are_read_until_damage_is_found(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(HEADER + b"".join(lines(range(5000)))))
    packed[len(packed) // 2] ^= 8

    found, error = read_until_error(TapeReader(write(tmp_path / "old.jsonl.gz", bytes(packed))))

    assert found[:1500] == list(range(1500))
    assert "cut off or damaged" in error or "is no recorded frame" in error


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "gzip"])
def test_a_recording_that_goes_on_behind_a_crash_is_read_and_its_open_links_are_closed(
    tmp_path: Path, is_packed: bool
) -> None:
    begun = HEADER + b"".join([*lines([1], 1), *lines([2, 3], 2), *lines([4], 3)])
    begun += encode_lines([TapeFrame(ns=4, link=3, closed=True)])
    torn = lines([5], 2)[0][:-9]
    later = LATER + b"".join(lines([91], 1))
    path = tmp_path / "appended.jsonl.gz"
    if is_packed:
        write(path, member(begun) + member(torn * 9)[:40] + member(later))
    else:
        write(path, begun + torn + b"\n" + later)
    reader = TapeReader(path)

    assert [(one.ns, one.link, one.closed) for one in reader] == [
        (1, 1, False),
        (2, 2, False),
        (3, 2, False),
        (4, 3, False),
        (4, 3, True),
        (90, 1, True),
        (90, 2, True),
        (91, 1, False),
    ]
    assert reader.torn == 1
    assert reader.header is not None
    assert reader.header.started_ns == 5


def segment(number: int, recording_ns: int = 5) -> bytes:
    header = TapeHeader(
        fluxum_tape=1,
        venue="kraken",
        started_ns=number * 10,
        recording_ns=recording_ns,
        segment=number,
    )
    return encode_lines([header])


def test_files_that_one_recording_was_rotated_into_are_read_as_one(tmp_path: Path) -> None:
    first = write(tmp_path / "1.jsonl", segment(1) + b"".join(lines([1])))
    second = write(tmp_path / "2.jsonl.gz", member(segment(2) + b"".join(lines([21]))))
    fourth = write(tmp_path / "4.jsonl", segment(4) + b"".join(lines([41])))

    joined = TapeReader(first, second)
    assert times(joined) == [1, 21]
    assert joined.lines == 4
    with_a_hole = [(one.ns, one.closed) for one in TapeReader(first, second, fourth)]
    assert with_a_hole == [(1, False), (21, False), (40, True), (41, False)]
    both = write(tmp_path / "both.jsonl", first.read_bytes() + b"".join(lines([2])) + segment(2))
    assert times(TapeReader(both)) == [1, 2]


def test_damage_names_the_file_it_is_in(tmp_path: Path) -> None:
    first = write(tmp_path / "1.jsonl", segment(1))
    second = write(tmp_path / "2.jsonl", segment(2) + b"nonsense\n")

    with pytest.raises(TapeError, match=r"2\.jsonl:2 is no recorded frame"):
        list(TapeReader(first, second))


def test_a_very_long_line_is_read_and_one_without_end_is_refused(tmp_path: Path) -> None:
    text = "x" * 20_000_000
    path = tmp_path / "long.jsonl.gz"
    write(path, member(HEADER + encode_lines([frame_line(1, text.encode(), 1, sent=False)])))

    assert [one.raw for one in TapeReader(path)] == [text]

    write(path, member(HEADER) + member(b"x" * (1 << 27)) + member(b"x"))
    with pytest.raises(TapeError, match=":2 has more than 134,217,728 bytes"):
        list(TapeReader(path))


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="No such file"):
        TapeReader(tmp_path / "absent.jsonl")
    with pytest.raises(TapeError, match="Is a directory"):
        TapeReader(tmp_path)


def test_an_empty_file_has_no_frames(tmp_path: Path) -> None:
    reader = TapeReader(write(tmp_path / "empty.jsonl", b""))

    assert (list(reader), reader.header, reader.torn, reader.lines) == ([], None, 0, 0)


def test_two_frames_on_a_line_are_refused_although_another_line_is_empty(tmp_path: Path) -> None:
    first, second, third = lines([1, 2, 3])
    path = write(tmp_path / "t.jsonl", HEADER + first + b"\n" + second[:-1] + b" " + third)

    found, error = read_until_error(TapeReader(path))

    assert found == [1]
    assert "t.jsonl:4 is no recorded frame" in error


def test_an_object_over_two_lines_is_refused_although_another_line_has_two(tmp_path: Path) -> None:
    first, second, third = lines([1, 2, 3])
    halves = first.replace(b'"link"', b'\n"link"')
    path = write(tmp_path / "t.jsonl", HEADER + second[:-1] + third + halves)

    found, error = read_until_error(TapeReader(path))

    assert found == []
    assert "t.jsonl:2 is no recorded frame" in error


def test_batches_are_of_what_was_read_at_once(tmp_path: Path) -> None:
    content = [HEADER, *lines([6, 7]), LATER, *lines([91, 92], link=2)]
    path = write(tmp_path / "t.jsonl", b"".join(content))
    reader = TapeReader(path)

    found = [[(one.ns, one.closed) for one in batch] for batch in reader.batches()]

    assert [one for batch in found for one in batch] == [
        (6, False),
        (7, False),
        (90, True),
        (91, False),
        (92, False),
    ]
    assert (reader.lines, reader.recordings) == (6, 2)
    assert [(one.ns, one.closed) for one in reader] == [one for batch in found for one in batch]
