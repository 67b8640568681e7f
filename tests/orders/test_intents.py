"""The journal: on disk before anything is sent, and readable after any crash."""

import os
import stat
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxum.errors import BadInput, IntentsError
from fluxum.model.order import Amend, Edit, OrderStatus, OrderType, Trigger
from fluxum.orders.intents import FileIntents, Intent, Intents, MemoryIntents, Unfinished
from orders.doors import BTC, VENUE, request

EDIT = Edit(order_id="O-1", symbol=BTC, limit_price=Decimal("0.00000001"), user_reference=7)


def intent(name: str = "mine") -> Intent:
    wanted = request(
        client_order_id=name,
        order_type=OrderType.STOP_LOSS_LIMIT,
        quantity=Decimal("0.00000001"),
        trigger=Trigger(Decimal("1E+2")),
    )
    return Intent(request=wanted, deadline_ns=5, at_ns=1, reference=9)


def names(intents: Intents) -> list[str]:
    return [one.intent.request.client_order_id for one in intents.unfinished()]


def fill_in(intents: Intents) -> None:
    intents.place([intent("a"), intent("b")])
    intents.named("a", "O-1")
    intents.change("a", EDIT, 3)
    intents.ended("b", OrderStatus.FILLED)


EXPECTED = [Unfinished(intent=intent("a"), order_id="O-1", change=EDIT, changed_ns=3)]


def test_what_is_unfinished_is_read_back_exactly(tmp_path: Path) -> None:
    path = tmp_path / "intents"
    memory = MemoryIntents()
    fill_in(memory)
    with FileIntents(path, VENUE) as intents:
        fill_in(intents)
        assert intents.unfinished() == EXPECTED

    with FileIntents(path, VENUE) as again:
        assert again.unfinished() == EXPECTED
    assert memory.unfinished() == EXPECTED


def test_opening_compacts_to_what_is_unfinished(tmp_path: Path) -> None:
    path = tmp_path / "intents"
    with FileIntents(path, VENUE) as intents:
        for number in range(100):
            intents.place([intent(str(number))])
            intents.ended(str(number), OrderStatus.CANCELED)
        fill_in(intents)
        assert intents.lines == 1 + 200 + 5

    with FileIntents(path, VENUE) as again:
        assert again.lines == 4  # a header, the order, its name, its edit
        assert len(path.read_bytes().splitlines()) == 4


def test_a_journal_in_use_stays_bounded(tmp_path: Path) -> None:
    with FileIntents(tmp_path / "intents", VENUE, lines_max=10) as intents:
        intents.place([intent("kept")])
        for number in range(100):
            intents.place([intent(str(number))])
            intents.ended(str(number), OrderStatus.CANCELED)
            assert intents.lines <= 11
        assert names(intents) == ["kept"]


def test_an_answered_edit_is_not_expected_any_more() -> None:
    intents = MemoryIntents()
    fill_in(intents)

    intents.named("a", "O-2")

    (kept,) = intents.unfinished()
    assert (kept.order_id, kept.change) == ("O-2", None)


def test_a_new_name_says_nothing_of_an_amendment() -> None:
    intents = MemoryIntents()
    intents.place([intent("a")])
    amend = Amend(order_id="O-1", quantity=Decimal(1), deadline_ns=9)

    intents.change("a", amend, 8)
    intents.named("a", "O-1")

    (kept,) = intents.unfinished()
    assert (kept.change, kept.changed_ns) == (amend, 8)


def test_a_change_that_was_answered_is_read_back_as_such(tmp_path: Path) -> None:
    with FileIntents(tmp_path / "intents", VENUE) as intents:
        fill_in(intents)
        intents.changed("a")
        intents.changed("nobody")

    for _ in range(2):  # as it was written, and compacted
        with FileIntents(tmp_path / "intents", VENUE) as again:
            (kept,) = again.unfinished()
            assert (kept.change, kept.changed_ns) == (None, 3)


def test_intents_are_on_disk_when_the_call_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "intents"
    synced: list[int] = []
    real = os.fsync
    with FileIntents(path, VENUE) as intents:

        def sync(number: int) -> None:
            synced.append(number)
            real(number)

        monkeypatch.setattr(os, "fsync", sync)
        intents.place([intent("a"), intent("b")])
        assert len(synced) == 1  # one for both
        assert path.read_bytes().count(b'"type":"place"') == 2
        intents.change("a", EDIT, 3)
        assert len(synced) == 2
        intents.named("a", "O-1")
        assert len(synced) == 2  # that can be asked again
        assert b'"type":"named"' in path.read_bytes()


def test_a_torn_last_line_is_told_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "intents"
    with FileIntents(path, VENUE) as intents:
        intents.place([intent("a")])
    with path.open("ab") as file:
        file.write(b'{"type":"place","requ')

    with FileIntents(path, VENUE) as again:
        assert (again.torn, names(again)) == (1, ["a"])
    with FileIntents(path, VENUE) as third:
        assert third.torn == 0


@pytest.mark.parametrize(
    "nonsense", [b"{}", b"\x00\xff", b'{"type":"place"}', b'{"type":"ended","name":1}', b""]
)
def test_nonsense_in_the_middle_is_refused_with_its_line(tmp_path: Path, nonsense: bytes) -> None:
    path = tmp_path / "intents"
    with FileIntents(path, VENUE) as intents:
        intents.place([intent("a")])
        intents.place([intent("b")])
    lines = path.read_bytes().splitlines()
    lines[1] = nonsense
    damaged = b"\n".join(lines) + b"\n"
    path.write_bytes(damaged)

    with pytest.raises(IntentsError, match=r"intents:2"):
        FileIntents(path, VENUE).__enter__()

    assert path.read_bytes() == damaged  # and left as it was


def test_a_journal_of_another_venue_or_format_or_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "intents"
    with FileIntents(path, VENUE):
        pass
    with pytest.raises(IntentsError, match="journal of venue; other was expected"):
        FileIntents(path, "other").__enter__()
    path.write_bytes(b'{"type":"header","fluxum_intents":2,"venue":"venue"}\n')
    with pytest.raises(IntentsError, match="format 2; 1 was expected"):
        FileIntents(path, VENUE).__enter__()
    path.write_bytes(b'{"type":"ended","name":"a","status":"filled"}\n')
    with pytest.raises(IntentsError, match=":1 is not where"):
        FileIntents(path, VENUE).__enter__()
    with pytest.raises(IntentsError, match="cannot lock"):
        FileIntents(tmp_path / "nowhere" / "intents", VENUE).__enter__()


def test_a_journal_has_one_owner_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "intents"
    with FileIntents(path, VENUE), pytest.raises(IntentsError, match="held by another process"):
        FileIntents(path, VENUE).__enter__()

    with FileIntents(path, VENUE) as again:
        assert names(again) == []


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "intents"
    with FileIntents(path, VENUE):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_disk_that_is_full_stops_the_sending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(number: int) -> None:
        raise OSError(28, "No space left on device")

    with FileIntents(tmp_path / "intents", VENUE) as intents:
        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(IntentsError, match="No space left"):
            intents.place([intent("a")])
        with pytest.raises(IntentsError, match="nothing may be sent"):
            intents.place([intent("b")])
        assert names(intents) == []


def test_a_journal_that_is_not_open_takes_nothing(tmp_path: Path) -> None:
    intents = FileIntents(tmp_path / "intents", VENUE)

    with pytest.raises(IntentsError, match="is not open"):
        intents.place([intent("a")])
    with pytest.raises(BadInput, match="two lines"):
        FileIntents(tmp_path / "intents", VENUE, lines_max=1)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("pncde")), max_size=30))
def test_the_file_and_the_memory_agree_after_any_story(story: list[tuple[str, str]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "intents"
        memory = MemoryIntents()
        with FileIntents(path, VENUE, lines_max=8) as intents:
            for number, (name, what) in enumerate(story):
                for kept in (memory, intents):
                    _tell(kept, name, what, number)
            assert intents.unfinished() == memory.unfinished()
        with FileIntents(path, VENUE) as again:
            expected = {one.intent.request.client_order_id: one for one in memory.unfinished()}
            found = {one.intent.request.client_order_id: one for one in again.unfinished()}
            assert found == expected


def _tell(intents: Intents, name: str, what: str, number: int) -> None:
    if what == "p":
        intents.place([intent(name)])
    elif what == "n":
        intents.named(name, f"O-{number}")
    elif what == "c":
        intents.change(name, EDIT, number)
    elif what == "d":
        intents.changed(name)
    else:
        intents.ended(name, OrderStatus.FILLED)
