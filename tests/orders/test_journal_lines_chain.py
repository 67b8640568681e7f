"""Lines that prove themselves: whatever is done to them is found, or is what a crash does."""

import json
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxum.orders.journal_lines import FIRST, is_half, read_chain, seal

BODIES = [
    json.dumps({"type": "place", "name": f"order-{n}", "text": 'a "quote" {['}).encode()
    for n in range(8)
]


def sealed(bodies: list[bytes]) -> list[bytes]:
    lines: list[bytes] = []
    check = FIRST
    for body in bodies:
        line, check = seal(check, body)
        lines.append(line)
    return lines


LINES = sealed(BODIES)
WHOLE = b"".join(LINES)


def bodies(content: bytes) -> list[bytes]:
    return [line.body for line in read_chain(content).lines]


def test_a_line_is_json_with_its_checksum() -> None:
    line, check = seal(FIRST, b'{"type":"ended","name":"a"}')

    assert json.loads(line) == {"check": check.decode(), "type": "ended", "name": "a"}
    # BLAKE2b of 8 bytes, by `printf '"type":"ended","name":"a"}' | b2sum -l 64`.
    assert check == b"d1aa98c805dcd886"
    assert line.endswith(b"}\n")


def test_what_was_written_is_read() -> None:
    chain = read_chain(WHOLE)

    assert [(one.number, one.body) for one in chain.lines] == list(enumerate(BODIES, 1))
    assert (chain.damaged, chain.torn, chain.lacks_end) == ([], False, False)
    assert chain.size == len(WHOLE)
    assert seal(chain.check, b"{}")[0] == seal(read_chain(WHOLE).check, b"{}")[0]
    goes_on, _ = seal(chain.check, BODIES[0])
    assert bodies(WHOLE + goes_on) == [*BODIES, BODIES[0]]


def test_cut_at_every_byte_the_lines_before_the_cut_are_read_and_half_a_line_is_counted() -> None:
    ends = [sum(map(len, LINES[:count])) for count in range(len(LINES) + 1)]
    for length in range(len(WHOLE)):
        chain = read_chain(WHOLE[:length])

        # A line of which only the end is missing is whole.
        count = sum(end - 1 <= length for end in ends[1:])
        assert [one.body for one in chain.lines] == BODIES[:count]
        assert chain.damaged == []
        assert chain.lacks_end == (length + 1 in ends[1:])
        assert chain.torn == (length not in ends and not chain.lacks_end)
        assert chain.size == (ends[count] - chain.lacks_end)


def test_every_flipped_bit_is_found_and_what_else_is_read_is_what_was_written() -> None:
    for place in range(len(WHOLE)):
        for bit in range(8):
            flipped = bytearray(WHOLE)
            flipped[place] ^= 1 << bit

            chain = read_chain(bytes(flipped))

            number = WHOLE[:place].count(b"\n") + 1
            assert chain.damaged
            assert chain.damaged[0] == number
            assert not chain.torn
            found = [one.body for one in chain.lines]
            is_line_end = WHOLE[place : place + 1] == b"\n"
            lost = BODIES[number - 1 : number + is_line_end]
            assert found == [body for body in BODIES if body not in lost]


def test_lines_in_another_order_are_found() -> None:
    for order in permutations(range(4)):
        chain = read_chain(b"".join(LINES[index] for index in order))

        assert bool(chain.damaged) == (order != (0, 1, 2, 3))


@pytest.mark.parametrize("index", range(len(LINES)))
def test_a_line_that_is_missing_or_doubled_or_foreign_is_found(index: int) -> None:
    missing = read_chain(b"".join(LINES[:index] + LINES[index + 1 :]))
    doubled = read_chain(b"".join(LINES[: index + 1] + LINES[index:]))
    foreign = read_chain(b"".join([*LINES[:index], sealed([b'{"x":1}'])[0], *LINES[index:]]))
    empty = read_chain(b"".join([*LINES[:index], b"\n", *LINES[index:]]))

    is_last = index == len(LINES) - 1
    assert missing.damaged == ([] if is_last else [index + 1])
    assert doubled.damaged == [index + 2]
    assert foreign.damaged[0] == index + (1 if index else 2)
    assert empty.damaged == [index + 1]
    assert [one.body for one in empty.lines] == BODIES


@given(
    st.lists(st.tuples(st.integers(0, len(WHOLE) - 2), st.integers(0, 255)), min_size=2, max_size=9)
)
def test_many_changed_bytes_are_found(changes: list[tuple[int, int]]) -> None:
    content = bytearray(WHOLE)
    for place, value in changes:
        content[place] = value

    chain = read_chain(bytes(content))

    assert bool(chain.damaged) == (bytes(content) != WHOLE)
    assert all(one.body in BODIES for one in chain.lines)


@given(st.binary(max_size=300))
def test_of_anything_nothing_is_read(content: bytes) -> None:
    assert read_chain(content).lines == []


@pytest.mark.parametrize("zeros", [1, 512])
def test_zeros_at_the_end_are_what_a_crash_leaves(zeros: int) -> None:
    chain = read_chain(WHOLE + b"\0" * zeros)
    assert (chain.torn, chain.damaged, len(chain.lines)) == (True, [], len(BODIES))

    half = read_chain(WHOLE + LINES[0][:9] + b"\0" * zeros)
    assert (half.torn, half.damaged, half.size) == (True, [], len(WHOLE))


@pytest.mark.parametrize(
    "rest", [b"x", b"garbage", LINES[0][:-1] + b"*", b'{"a":1}', b"}", b"\xff"]
)
def test_a_last_line_that_is_not_half_of_one_is_damage(rest: bytes) -> None:
    assert read_chain(WHOLE + rest).damaged == [len(LINES) + 1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", True),
        (b"{", True),
        (b'{"a":[{}', True),
        (b'{"a":"}', True),
        (b'{"a":"\\"}', True),
        (b"{}", False),
        (b'{"a":"\\\\"}', False),
        (b"{}x", False),
        (b"1", False),
    ],
)
def test_half_of_an_object_does_not_close(text: bytes, expected: bool) -> None:
    assert is_half(text) is expected
