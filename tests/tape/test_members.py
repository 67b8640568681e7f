"""Compressed text: damaged nowhere without a word, torn anywhere and still read."""

import gzip
import io
from collections.abc import Iterator

import pytest

from fluxum.tape.members import Damaged, member, texts

LINES = [f"line {number}: {number * 7919}\n".encode() for number in range(40)]
PIECES = [b"".join(LINES[begin : begin + 10]) for begin in range(0, 40, 10)]


MEMBERS = [member(piece) for piece in PIECES]
FILE = b"".join(MEMBERS)
ENDS = [sum(map(len, MEMBERS[:number])) for number in range(5)]


def read(content: bytes) -> tuple[bytes, int]:
    """All text, and how often it is torn."""
    found = list(texts(io.BytesIO(content)))
    return b"".join(piece for piece in found if piece is not None), found.count(None)


def until_damage(content: bytes) -> tuple[bytes, Damaged | None]:
    found: list[bytes] = []
    try:
        for piece in texts(io.BytesIO(content)):
            found.append(piece or b"")
    except Damaged as error:
        return b"".join(found), error
    return b"".join(found), None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        b"plain\ntext\n",
        b"\x1f but no gzip",
        FILE,
        gzip.compress(b"".join(PIECES)),
        b"".join(gzip.compress(piece, mtime=0) for piece in PIECES),
        FILE + b"\0" * 512,
        MEMBERS[0] + b"\0" * 512 + b"".join(MEMBERS[1:]),
    ],
    ids=["nothing", "x", "plain", "magic", "members", "gzip", "gzips", "padded", "in the middle"],
)
def test_the_text_is_what_was_written(content: bytes) -> None:
    text, torn = read(content)

    is_compressed = content.startswith(b"\x1f\x8b")
    assert text == (b"".join(PIECES) if is_compressed else content)
    assert torn == 0


def test_cut_at_every_byte_all_whole_members_are_read_and_a_part_of_the_torn_one() -> None:
    for length in range(len(FILE)):
        text, torn = read(FILE[:length])

        whole = sum(end <= length for end in ENDS[1:])
        if length < 2:
            continue  # nothing says that it was compressed
        assert text.startswith(b"".join(PIECES[:whole]))
        assert b"".join(PIECES).startswith(text)
        assert torn == (length not in ENDS)


def test_a_torn_member_gives_what_can_be_had() -> None:
    large = b"".join(f"{number * 7919}\n".encode() for number in range(5000))
    packed = member(large)

    text, torn = read(packed[: len(packed) // 2])

    assert large.startswith(text)
    assert len(text) > len(large) // 3
    assert torn == 1


def test_what_was_appended_behind_a_torn_member_is_read_wherever_it_was_torn() -> None:
    for length in range(10, len(MEMBERS[0])):  # its header at least
        text, torn = read(MEMBERS[0][:length] + b"".join(MEMBERS[1:]))

        assert text.endswith(b"".join(PIECES[1:]))
        assert PIECES[0].startswith(text.removesuffix(b"".join(PIECES[1:])))
        assert torn == 1


def flips(content: bytes) -> Iterator[tuple[int, bytes]]:
    for place in range(len(content)):
        for bit in range(8):
            flipped = bytearray(content)
            flipped[place] ^= 1 << bit
            yield place, bytes(flipped)


def test_no_flipped_bit_is_read_as_another_text() -> None:
    """Each is found, and all that stands before it read, or it is harmless, as in a time."""
    harmless: set[int] = set()
    for place, content in flips(FILE):
        if place < 2:
            continue  # it is no gzip file any more
        text, error = until_damage(content)
        spoiled = sum(end <= place for end in ENDS[1:])
        if place < 20 and text != b"".join(PIECES):
            # It does not look like ours any more, and the text of others is given as it comes: no
            # line of it makes sense, and a tape lacks its header.
            assert not text.startswith(LINES[0])
            continue
        if error is None:
            assert text == b"".join(PIECES), place
            within = place - ENDS[spoiled]
            harmless.add(within if within < 20 else within - len(MEMBERS[spoiled]))
        else:
            assert error.given == 0
            assert text == b"".join(PIECES[:spoiled]), place
    assert harmless <= {*range(20), -9}  # in headers, and where bits fill up the last byte


def test_the_text_of_others_is_given_until_damage_is_found() -> None:
    text = b"".join(f"{number * 7919}\n".encode() for number in range(50_000))
    packed = bytearray(gzip.compress(text))
    packed[len(packed) // 2] ^= 4

    given, error = until_damage(bytes(packed))

    assert error is not None
    assert error.given == len(given)
    assert given.startswith(text[: len(text) // 3])


def test_garbage_behind_the_last_member_is_damage() -> None:
    text, error = until_damage(FILE + b"garbage")

    assert text == b"".join(PIECES)
    assert error is not None


def test_of_a_member_too_large_to_be_held_the_text_is_given_and_may_be_wrong() -> None:
    line = b"0123456789" * 1000
    packed = bytearray(member(line * 4000))  # forty megabytes
    packed[-5] ^= 1  # its checksum

    text, error = until_damage(bytes(packed))

    assert error is not None
    assert error.given == len(text) > 1 << 24
