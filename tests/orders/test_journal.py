"""The journal: on disk before anything is sent, and readable after any crash."""

import json
import os
import stat
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxum.errors import BadInput, OrderJournalError
from fluxum.model.order import Amend, Edit, OrderStatus, OrderType, Trigger
from fluxum.orders.journal import FileOrderJournal, MemoryOrderJournal, OrderJournal
from fluxum.orders.journal_lines import (
    Changed,
    Changing,
    Ended,
    Intent,
    Named,
    OrderJournalDamaged,
    Unfinished,
    seal_lines,
)
from orders.gateways import BTC, VENUE, request

EDIT = Edit(order_id="O-1", symbol=BTC, limit_price=Decimal("0.00000001"), user_reference=7)


def intent(name: str = "mine") -> Intent:
    wanted = request(
        client_order_id=name,
        order_type=OrderType.STOP_LOSS_LIMIT,
        quantity=Decimal("0.00000001"),
        trigger=Trigger(Decimal("1E+2")),
    )
    return Intent(request=wanted, deadline_ns=5, at_ns=1, reference=9)


def names(journal: OrderJournal) -> list[str]:
    return [one.intent.request.client_order_id for one in journal.unfinished.values()]


def fill_in(journal: OrderJournal) -> None:
    journal.write([intent("a"), intent("b")])
    journal.write([Named("a", "O-1")])
    journal.write([Changing(name="a", command=EDIT, at_ns=3)])
    journal.write([Ended("b", OrderStatus.FILLED)])


EXPECTED = [Unfinished(intent=intent("a"), order_id="O-1", change=EDIT, changed_ns=3)]


def test_what_is_unfinished_is_read_back_exactly(tmp_path: Path) -> None:
    path = tmp_path / "intents"
    memory = MemoryOrderJournal()
    fill_in(memory)
    with FileOrderJournal(path, VENUE) as journal:
        fill_in(journal)
        assert list(journal.unfinished.values()) == EXPECTED

    with FileOrderJournal(path, VENUE) as again:
        assert list(again.unfinished.values()) == EXPECTED
    assert list(memory.unfinished.values()) == EXPECTED


def test_opening_compacts_to_what_is_unfinished(tmp_path: Path) -> None:
    path = tmp_path / "intents"
    with FileOrderJournal(path, VENUE) as journal:
        for number in range(100):
            journal.write([intent(str(number))])
            journal.write([Ended(str(number), OrderStatus.CANCELED)])
        fill_in(journal)
        assert journal.lines == 1 + 200 + 5

    with FileOrderJournal(path, VENUE) as again:
        assert again.lines == 4  # a header, the order, its name, its edit
        assert len(path.read_bytes().splitlines()) == 4


def test_a_journal_in_use_stays_bounded(tmp_path: Path) -> None:
    with FileOrderJournal(tmp_path / "intents", VENUE, lines_max=10) as journal:
        journal.write([intent("kept")])
        for number in range(100):
            journal.write([intent(str(number))])
            journal.write([Ended(str(number), OrderStatus.CANCELED)])
            assert journal.lines <= 11
        assert names(journal) == ["kept"]


def test_an_answered_edit_is_not_expected_any_more() -> None:
    journal = MemoryOrderJournal()
    fill_in(journal)

    journal.write([Named("a", "O-2")])

    (kept,) = journal.unfinished.values()
    assert (kept.order_id, kept.change) == ("O-2", None)


def test_a_new_name_says_nothing_of_an_amendment() -> None:
    journal = MemoryOrderJournal()
    journal.write([intent("a")])
    amend = Amend(order_id="O-1", quantity=Decimal(1), deadline_ns=9)

    journal.write([Changing(name="a", command=amend, at_ns=8)])
    journal.write([Named("a", "O-1")])

    (kept,) = journal.unfinished.values()
    assert (kept.change, kept.changed_ns) == (amend, 8)


def test_a_change_that_was_answered_is_read_back_as_such(tmp_path: Path) -> None:
    with FileOrderJournal(tmp_path / "intents", VENUE) as journal:
        fill_in(journal)
        journal.write([Changed("a")])
        journal.write([Changed("nobody")])

    for _ in range(2):  # as it was written, and compacted
        with FileOrderJournal(tmp_path / "intents", VENUE) as again:
            (kept,) = again.unfinished.values()
            assert (kept.change, kept.changed_ns) == (None, 3)


def test_intents_are_on_disk_when_the_call_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "intents"
    synced: list[int] = []
    real = os.fsync
    with FileOrderJournal(path, VENUE) as journal:

        def sync(number: int) -> None:
            synced.append(number)
            real(number)

        monkeypatch.setattr(os, "fsync", sync)
        journal.write([intent("a"), intent("b")])
        assert len(synced) == 1  # one for both
        assert path.read_bytes().count(b'"type":"place"') == 2
        journal.write([Changing(name="a", command=EDIT, at_ns=3)])
        assert len(synced) == 2
        journal.write([Named("a", "O-1")])
        assert len(synced) == 2  # that can be asked again
        assert b'"type":"named"' in path.read_bytes()


def test_without_sync_intents_are_written_and_the_system_chooses_when_they_are_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "intents"
    synced: list[int] = []
    with FileOrderJournal(path, VENUE, sync=False) as journal:
        monkeypatch.setattr(os, "fsync", synced.append)

        fill_in(journal)

        assert synced == []
        assert path.read_bytes().count(b'"type":"place"') == 2  # another process can read it
    with FileOrderJournal(path, VENUE) as again:
        assert list(again.unfinished.values()) == EXPECTED


def test_a_torn_last_line_is_told_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "intents"
    with FileOrderJournal(path, VENUE) as journal:
        journal.write([intent("a")])
    with path.open("ab") as file:
        file.write(b'{"check":"0123456789abcdef","type":"place","requ')

    with FileOrderJournal(path, VENUE) as again:
        assert (again.torn, names(again)) == (1, ["a"])
    with FileOrderJournal(path, VENUE) as third:
        assert third.torn == 0


@pytest.mark.parametrize(
    "nonsense", [b"{}", b"\x00\xff", b'{"type":"place"}', b'{"type":"ended","name":1}', b""]
)
def test_nonsense_in_the_middle_is_refused_with_its_line_and_what_is_known(
    tmp_path: Path, nonsense: bytes
) -> None:
    path = tmp_path / "intents"
    with FileOrderJournal(path, VENUE) as journal:
        journal.write([intent("a")])
        journal.write([intent("b")])
        journal.write([Named("b", "O-7")])
    lines = path.read_bytes().splitlines()
    lines[1] = nonsense
    damaged = b"\n".join(lines) + b"\n"
    path.write_bytes(damaged)

    with pytest.raises(OrderJournalDamaged, match=r"intents:2 is not what was written") as caught:
        FileOrderJournal(path, VENUE).__enter__()

    assert path.read_bytes() == damaged  # and left as it was
    assert caught.value.line == 2
    # The line behind it goes on from it, so that is not proved either; the next one is.
    assert "2 lines are whole and tell of no order, and there may be others" in str(caught.value)


def test_a_damaged_journal_is_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "intents"
    with FileOrderJournal(path, VENUE) as journal:
        journal.write([intent("a")])
        journal.write([intent("b")])
    content = path.read_bytes()

    for place in range(0, len(content), 7):
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(flipped)

        with pytest.raises(OrderJournalDamaged, match=f"{path}:"):
            FileOrderJournal(path, VENUE).__enter__()
        assert path.read_bytes() == flipped
    path.write_bytes(content)
    with FileOrderJournal(path, VENUE) as again:
        assert names(again) == ["a", "b"]


def test_a_journal_that_is_empty_or_nowhere_or_of_another_venue_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "intents"
    path.touch()
    with pytest.raises(OrderJournalDamaged, match="is empty, which no journal ever is"):
        FileOrderJournal(path, VENUE).__enter__()
    assert path.read_bytes() == b""
    with FileOrderJournal(tmp_path / "good", VENUE):
        pass
    with pytest.raises(OrderJournalError, match="journal of venue; other was expected"):
        FileOrderJournal(tmp_path / "good", "other").__enter__()
    with pytest.raises(OrderJournalError, match="cannot open"):
        FileOrderJournal(tmp_path / "nowhere" / "intents", VENUE).__enter__()


# Format 1, as it was written by the version before.
OLD = (
    b'{"type":"header","fluxum_intents":1,"venue":"venue"}\n'
    b'{"type":"place","request":{"symbol":"BTC/USD","side":"buy","quantity":"0.5",'
    b'"order_type":"limit","limit_price":"100","client_order_id":"a"},"deadline_ns":5,"at_ns":1}\n'
    b'{"type":"named","name":"a","order_id":"O-1"}\n'
)


@pytest.mark.parametrize("rest", [b"", b'{"type":"ended","na', b"\0\0"])
def test_a_journal_of_format_1_is_read_and_written_anew(tmp_path: Path, rest: bytes) -> None:
    path = tmp_path / "intents"
    path.write_bytes(OLD + rest)

    with FileOrderJournal(path, VENUE) as journal:
        (kept,) = journal.unfinished.values()
        assert (kept.intent.request.client_order_id, kept.order_id) == ("a", "O-1")
        assert journal.torn == bool(rest)

    assert path.read_bytes().count(b'{"check":"') == 3
    with FileOrderJournal(path, VENUE) as again:
        assert names(again) == ["a"]


def test_a_journal_with_several_names_is_one_file_and_has_one_owner(tmp_path: Path) -> None:
    path, other = tmp_path / "intents", tmp_path / "other"
    with FileOrderJournal(path, VENUE, lines_max=4) as journal:
        journal.write([intent("a")])
    other.hardlink_to(path)

    for number, name in enumerate((path, other, path)):
        with FileOrderJournal(name, VENUE, lines_max=4) as journal:
            for again in (path, other):
                with pytest.raises(OrderJournalError, match="held by another process"):
                    FileOrderJournal(again, VENUE).__enter__()
            for ended in range(10):
                journal.write([intent(f"{number}.{ended}")])
                journal.write([Ended(f"{number}.{ended}", OrderStatus.FILLED)])
            journal.write([intent(f"kept{number}")])
        with path.open("ab") as file:
            file.write(b'{"check":"half')

    assert path.samefile(other)
    other.unlink()
    with FileOrderJournal(path, VENUE) as last:
        assert (names(last), last.torn) == (["a", "kept0", "kept1", "kept2"], 1)
        assert last.lines == 5  # compacted, now that it can be


def test_a_whole_last_line_without_its_end_is_gone_on_from_in_place(tmp_path: Path) -> None:
    path, other = tmp_path / "intents", tmp_path / "other"
    with FileOrderJournal(path, VENUE) as journal:
        journal.write([intent("a")])
    path.write_bytes(path.read_bytes()[:-1])
    other.hardlink_to(path)

    for name in ("b", "c"):
        with FileOrderJournal(path, VENUE) as journal:
            journal.write([intent(name)])

    with FileOrderJournal(other, VENUE) as last:
        assert names(last) == ["a", "b", "c"]


def test_a_journal_of_format_1_with_several_names_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "intents"
    path.write_bytes(OLD)
    (tmp_path / "other").hardlink_to(path)

    with pytest.raises(OrderJournalError, match=r"format 1 with several names \(hard links\)"):
        FileOrderJournal(path, VENUE).__enter__()
    assert path.read_bytes() == OLD


def test_a_symbolic_link_stays_one_when_the_journal_is_compacted(tmp_path: Path) -> None:
    path, link = tmp_path / "intents", tmp_path / "link"
    link.symlink_to(path)
    with FileOrderJournal(link, VENUE, lines_max=4) as journal:
        for number in range(10):
            journal.write([intent(str(number))])
            journal.write([Ended(str(number), OrderStatus.FILLED)])
            with pytest.raises(OrderJournalError, match="held by another process"):
                FileOrderJournal(path, VENUE).__enter__()
        journal.write([intent("kept")])

    assert link.is_symlink()
    with FileOrderJournal(path, VENUE) as again:
        assert names(again) == ["kept"]


def test_a_journal_that_cannot_be_compacted_in_use_grows_and_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_names: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "intents"
    with FileOrderJournal(path, VENUE, lines_max=4) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", fail)
            patch.setattr(Path, "replace", fail)
            for number in range(10):
                journal.write([intent(str(number))])
                journal.write([Ended(str(number), OrderStatus.FILLED)])
        assert journal.lines == 21
        assert "grows: cannot write" in caplog.text
        for number in range(4):
            journal.write([intent(f"later{number}")])
        assert journal.lines < 10
    with FileOrderJournal(path, VENUE) as again:
        assert len(names(again)) == 4


def test_a_journal_has_one_owner_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "intents"
    with (
        FileOrderJournal(path, VENUE),
        pytest.raises(OrderJournalError, match="held by another process"),
    ):
        FileOrderJournal(path, VENUE).__enter__()

    with FileOrderJournal(path, VENUE) as again:
        assert names(again) == []


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "intents"
    with FileOrderJournal(path, VENUE):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_disk_that_is_full_stops_the_sending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(number: int) -> None:
        raise OSError(28, "No space left on device")

    with FileOrderJournal(tmp_path / "intents", VENUE) as journal:
        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(OrderJournalError, match="No space left"):
            journal.write([intent("a")])
        with pytest.raises(OrderJournalError, match="nothing may be sent"):
            journal.write([intent("b")])
        assert names(journal) == []


def test_a_journal_that_is_not_open_takes_nothing(tmp_path: Path) -> None:
    journal = FileOrderJournal(tmp_path / "intents", VENUE)

    with pytest.raises(OrderJournalError, match="is not open"):
        journal.write([intent("a")])
    with pytest.raises(BadInput, match="two lines"):
        FileOrderJournal(tmp_path / "intents", VENUE, lines_max=1)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("pncde")), max_size=30))
def test_the_file_and_the_memory_agree_after_any_story(story: list[tuple[str, str]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "intents"
        memory = MemoryOrderJournal()
        with FileOrderJournal(path, VENUE, lines_max=8) as journal:
            for number, (name, what) in enumerate(story):
                for kept in (memory, journal):
                    _tell(kept, name, what, number)
            assert journal.unfinished == memory.unfinished
        with FileOrderJournal(path, VENUE) as again:
            expected = {
                one.intent.request.client_order_id: one for one in memory.unfinished.values()
            }
            found = {one.intent.request.client_order_id: one for one in again.unfinished.values()}
            assert found == expected


def _tell(journal: OrderJournal, name: str, what: str, number: int) -> None:
    if what == "p":
        journal.write([intent(name)])
    elif what == "n":
        journal.write([Named(name, f"O-{number}")])
    elif what == "c":
        journal.write([Changing(name=name, command=EDIT, at_ns=number)])
    elif what == "d":
        journal.write([Changed(name)])
    else:
        journal.write([Ended(name, OrderStatus.FILLED)])


@pytest.mark.parametrize(("quantity", "written"), [("1E-8", "0.00000001"), ("1E+3", "1000")])
def test_numbers_are_written_without_exponents(quantity: str, written: str) -> None:
    intent = Intent(request=request(quantity=Decimal(quantity)), deadline_ns=5, at_ns=1)

    content, _ = seal_lines(b"", [intent])

    assert json.loads(content)["request"]["quantity"] == written


def test_a_name_like_an_exponent_is_written_as_it_is() -> None:
    content, _ = seal_lines(b"", [Named("E+1", "1E-8")])

    assert content.endswith(b'"type":"named","name":"E+1","order_id":"1E-8"}\n')
