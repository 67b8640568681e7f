"""Lines of tapes: what is written is what was on the wire."""

import msgspec
import pytest

from fluxum.tape.lines import (
    TapeFrame,
    TapeHeader,
    answer_line,
    encode_lines,
    frame_line,
    is_header,
)


@pytest.mark.parametrize("frame", [b'{"price":1.10}', b"", b"\xff\x00", "\u20ac\n".encode()])
def test_a_frame_comes_back_byte_for_byte(frame: bytes) -> None:
    line = encode_lines([frame_line(9, frame, 2, sent=True)])

    read = msgspec.json.decode(line, type=TapeFrame)
    assert line.count(b"\n") == 1
    assert (read.frame, read.ns, read.link, read.sent, read.url) == (frame, 9, 2, True, "")


@pytest.mark.parametrize("body", [b'{"price":1.10}', b"\xff\x00"])
def test_an_answer_comes_back_byte_for_byte(body: bytes) -> None:
    read = msgspec.json.decode(
        encode_lines([answer_line(9, "https://host/x", body)]), type=TapeFrame
    )

    assert (read.frame, read.link, read.url) == (body, 0, "https://host/x")


def test_a_header_says_nothing_of_segments_where_there_is_one() -> None:
    header = TapeHeader(fluxum_tape=1, venue="kraken", started_ns=5)

    assert encode_lines([header]) == b'{"fluxum_tape":1,"venue":"kraken","started_ns":5}\n'
    assert is_header(encode_lines([header]))
    assert not is_header(encode_lines([frame_line(1, encode_lines([header]), 1, sent=False)]))


def header(venue: str, recording_ns: int, segment: int) -> TapeHeader:
    return TapeHeader(
        fluxum_tape=1, venue=venue, started_ns=1, recording_ns=recording_ns, segment=segment
    )


def test_a_segment_follows_the_one_before_it_alone() -> None:
    third = header("kraken", 7, 3)

    assert third.follows(header("kraken", 7, 2))
    for other in (("kraken", 7, 3), ("kraken", 7, 1), ("kraken", 8, 2), ("okx", 7, 2)):
        assert not third.follows(header(*other))
    assert not header("kraken", 0, 2).follows(header("kraken", 0, 1))
