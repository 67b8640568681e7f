"""Journals as text: any bit flipped, any byte cut, and it is the truth or a typed error."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from msgspec import structs

from fluxum.errors import OrderJournalError
from fluxum.model.order import Amend, OrderStatus
from fluxum.orders.journal_lines import (
    FIRST,
    Changed,
    Changing,
    Ended,
    Header,
    Intent,
    JournalLine,
    Named,
    OrderJournalDamaged,
    Unfinished,
    apply,
    read_journal,
    seal,
    seal_lines,
)
from orders.gateways import VENUE, request

pytestmark = pytest.mark.slow


def story() -> list[Header | JournalLine]:
    """Thirty lines of a journal in use."""
    lines: list[Header | JournalLine] = [Header(fluxum_intents=2, venue=VENUE)]
    for number in range(8):
        wanted = request(client_order_id=f"o{number}")
        lines.append(Intent(request=wanted, deadline_ns=5, at_ns=1))
        lines.append(Named(f"o{number}", f"O-{number}"))
    for number in (1, 4, 7):
        amend = Amend(order_id=f"O-{number}", quantity=Decimal(2))
        lines.append(Changing(name=f"o{number}", command=amend, at_ns=9))
    lines += [Changed("o1"), Named("o4", "O-44")]
    lines += [Named("o7", f"O-7{number}") for number in range(4)]
    lines += [Ended(f"o{number}", OrderStatus.FILLED) for number in (0, 2, 3, 5)]
    assert len(lines) == 30
    return lines


STORY = story()
CONTENT, _ = seal_lines(FIRST, STORY)
PARTS = 3  # of the work, so that it can be shared
NAMES = {f"o{number}" for number in range(8)}


def truths() -> list[list[Unfinished]]:
    """What is unfinished after each line, and before the first."""
    kept: dict[str, Unfinished] = {}
    found: list[list[Unfinished]] = [[]]
    for line in STORY:
        if not isinstance(line, Header):
            apply(kept, line)
        found.append([structs.replace(one) for one in kept.values()])
    return found


TRUTHS = truths()


def read(content: bytes) -> tuple[list[Unfinished], bool] | OrderJournalDamaged:
    try:
        found = read_journal(content, "intents", VENUE)
    except OrderJournalDamaged as error:
        return error
    return list(found.unfinished.values()), found.chain.torn


def names(unfinished: Sequence[Unfinished]) -> set[str]:
    return {one.intent.request.client_order_id for one in unfinished}


def test_what_was_written_is_read() -> None:
    found = read_journal(CONTENT, "intents", VENUE)

    assert list(found.unfinished.values()) == TRUTHS[-1]
    assert names(TRUTHS[-1]) == {"o1", "o4", "o6", "o7"}
    assert (len(found.chain.lines), found.chain.size, found.chain.torn, found.is_old) == (
        30,
        len(CONTENT),
        False,
        False,
    )


@pytest.mark.parametrize("part", range(PARTS))
def test_any_flipped_bit_is_a_typed_error_that_names_its_line_and_what_the_others_tell(
    part: int,
) -> None:
    flipped = bytearray(CONTENT)
    for place in range(part, len(CONTENT), PARTS):
        number = CONTENT.count(b"\n", 0, place) + 1
        for bit in range(8):
            flipped[place] ^= 1 << bit
            found = read(bytes(flipped))
            flipped[place] ^= 1 << bit

            assert isinstance(found, OrderJournalDamaged), (place, bit)
            assert found.line == number
            assert f"intents:{number} is not what was written" in str(found)
            placed = STORY[number - 1 : number + 1]  # and the next, if it was a line's end
            lost = {one.request.client_order_id for one in placed if isinstance(one, Intent)}
            assert names(TRUTHS[-1]) - lost <= names(found.unfinished) <= NAMES


def test_cut_at_every_byte_it_tells_what_was_written_until_then() -> None:
    ends = [place + 1 for place in range(len(CONTENT)) if CONTENT[place : place + 1] == b"\n"]
    for length in range(len(CONTENT)):
        found = read(CONTENT[:length])

        whole = sum(end - 1 <= length for end in ends)  # a line may lack its end
        if whole:
            is_torn = length not in ends and length + 1 not in ends
            assert found == (TRUTHS[whole], is_torn)
        else:  # it does not even say of which venue it is
            assert isinstance(found, OrderJournalDamaged)
            assert found.line == 1


def test_lines_that_are_missing_moved_or_doubled_are_found() -> None:
    lines = CONTENT.splitlines(keepends=True)
    for index in range(len(lines) - 1):
        missing = lines[:index] + lines[index + 1 :]
        moved = [*lines[:index], lines[index + 1], lines[index], *lines[index + 2 :]]
        doubled = lines[: index + 1] + lines[index:]
        for changed in (missing, moved, doubled):
            found = read(b"".join(changed))

            assert isinstance(found, OrderJournalDamaged)
            assert found.line in {index + 1, index + 2}


def test_what_the_whole_lines_tell_is_in_the_message_and_in_the_error() -> None:
    lines = CONTENT.splitlines(keepends=True)
    lines[6] = lines[6].replace(b"O-2", b"O-3")  # the name of o2

    found = read(b"".join(lines))

    assert isinstance(found, OrderJournalDamaged)
    assert found.line == 7
    assert names(found.unfinished) == {"o1", "o4", "o6", "o7"}
    assert "29 lines are whole and tell of o1 (O-1), o4 (O-44), o6 (O-6)" in str(found)
    assert "ask the exchange what is open, then move the file away" in str(found)


def test_an_empty_journal_is_not_taken_for_a_new_one() -> None:
    found = read(b"")

    assert isinstance(found, OrderJournalDamaged)
    assert "intents is empty, which no journal ever is" in str(found)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"type":"header","fluxum_intents":2,"venue":"other"}', "journal of other; venue was"),
        (b'{"type":"header","fluxum_intents":3,"venue":"venue"}', "format 3; 2 was expected"),
        (b'{"type":"ended","name":"a","status":"filled"}', "intents:1 is not where"),
        (b'{"type":"of a later version"}', "intents:1 makes no sense"),
    ],
)
def test_a_journal_of_another_venue_or_format_or_none_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(OrderJournalError, match=message):
        read(seal(FIRST, body)[0])


# Format 1, as it was written by the version before.
OLD = (
    b'{"type":"header","fluxum_intents":1,"venue":"venue"}\n'
    b'{"type":"place","request":{"symbol":"BTC/USD","side":"buy","quantity":"0.5",'
    b'"order_type":"limit","limit_price":"100","client_order_id":"a"},"deadline_ns":5,"at_ns":1}\n'
    b'{"type":"named","name":"a","order_id":"O-1"}\n'
)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (OLD.replace(b"O-1", b"\xff-1"), 3),
        (OLD.replace(b'"a"', b"7", 1), 2),
        (OLD.replace(b"named", b"nomed"), 3),
        (OLD.replace(b'_intents":1', b'_intents":7'), 1),
        (OLD.replace(b"header", b"hea\nder"), 1),
        (OLD[:-1] + b"*", 3),
        (OLD + b"[" * 100_000, 4),
        (OLD + b'{"type":"named","name":' + b"[" * 100_000 + b"\n", 4),
    ],
    ids=["utf-8", "type", "kind", "format", "line end made", "line end lost", "deep", "deeper"],
)
def test_nonsense_in_a_journal_of_format_1_is_a_typed_error(content: bytes, line: int) -> None:
    found = read(content)

    assert isinstance(found, OrderJournalDamaged)
    assert found.line == line
