"""The files of a run: what was written comes back, and damage is named."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from fluxum.errors import RunFilesError
from fluxum.report.files import RunWriter, read_run
from fluxum.report.run import GapFact, NoteFact, RunFact, RunFacts
from runs import BEGINS, SECOND, header, order, point, run, synthetic


def save(folder: Path, facts: RunFacts) -> None:
    with RunWriter(folder, facts.header) as writer:
        written: tuple[RunFact, ...] = (*facts.orders, *facts.equity, *facts.gaps, *facts.notes)
        for fact in written:
            writer.write(fact)
        if facts.header.ends_ns is not None:
            writer.end(facts.header.ends_ns)


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    facts = synthetic(orders=50)

    save(tmp_path / "run", facts)

    assert read_run(tmp_path / "run") == facts


def test_numbers_are_exact_and_have_plain_digits(tmp_path: Path) -> None:
    tiny = order("o1", "buy", "1E-18", limit=Decimal("1.10"))

    save(tmp_path, RunFacts(header=header(), orders=(tiny,)))

    text = (tmp_path / "orders.jsonl").read_text()
    assert '"quantity":"0.000000000000000001"' in text
    assert '"limit":"1.10"' in text
    assert read_run(tmp_path).orders == (tiny,)


def test_a_later_line_of_an_order_replaces_the_earlier(tmp_path: Path) -> None:
    first, second, other = order("a", "buy", "1"), order("a", "buy", "2"), order("b", "buy", "1")

    save(tmp_path, RunFacts(header=header(), orders=(first, other, second)))

    assert read_run(tmp_path).orders == (second, other)


def test_a_crash_leaves_half_a_line_which_is_counted_and_removed_on_resuming(
    tmp_path: Path,
) -> None:
    with RunWriter(tmp_path, header(ends_ns=None)) as writer:
        writer.write(point(1, "10000"))
        writer.write(point(2, "10001"))
    path = tmp_path / "equity.jsonl"
    path.write_bytes(path.read_bytes()[:-7])

    found = read_run(tmp_path)

    assert (found.equity, found.torn) == ((point(1, "10000"),), 1)
    assert found.ends_ns == BEGINS + SECOND
    with RunWriter(tmp_path, header(), is_resumed=True) as writer:
        assert (writer.torn, writer.lines["equity.jsonl"]) == (1, 1)
        writer.write(point(3, "10002"))
        writer.end(BEGINS + 4 * SECOND)
    whole = read_run(tmp_path)
    assert whole.equity == (point(1, "10000"), point(3, "10002"))
    assert (whole.torn, whole.header.ends_ns) == (0, BEGINS + 4 * SECOND)


@pytest.mark.parametrize("length", range(0, 330, 11))
def test_a_crash_at_any_byte_loses_no_whole_line(tmp_path: Path, length: int) -> None:
    with RunWriter(tmp_path, header(ends_ns=None)) as writer:
        for second in range(5):
            writer.write(point(second, "10000"))
    path = tmp_path / "equity.jsonl"
    kept = path.read_bytes()[:length]
    path.write_bytes(kept)

    found = read_run(tmp_path)

    assert len(found.equity) == kept.count(b"\n")
    assert found.torn == (not kept.endswith(b"\n") and len(kept) > 0)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"nonsense\n", "malformed"),
        (b'{"type":"note","at_ns":1,"name":"a","value":"b"}\n', "equity"),
        (b'{"type":"equity","at_ns":1,"equity":{"pessimistic":"1","expected":"1"}}\n', "optimist"),
        (
            b'{"type":"equity","at_ns":1,"more":1,"equity":'
            b'{"pessimistic":"1","expected":"1","optimistic":"1"}}\n',
            "more",
        ),
        (
            b'{"type":"equity","at_ns":1,"equity":'
            b'{"pessimistic":"NaN","expected":"1","optimistic":"1"}}\n',
            "NaN",
        ),
        (
            b'{"type":"equity","at_ns":1,"equity":'
            b'{"pessimistic":"1E+999999","expected":"1","optimistic":"1"}}\n',
            "1E+999999",
        ),
    ],
)
def test_a_foreign_line_is_refused_by_file_and_line(tmp_path: Path, line: bytes, said: str) -> None:
    save(tmp_path, RunFacts(header=header(), equity=(point(1, "10000"), point(2, "10000"))))
    path = tmp_path / "equity.jsonl"
    first, _ = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + line)

    with pytest.raises(RunFilesError, match=r"equity\.jsonl, line 2") as caught:
        read_run(tmp_path)

    assert said in str(caught.value)


def test_equity_that_goes_back_in_time_is_refused(tmp_path: Path) -> None:
    save(tmp_path, RunFacts(header=header(), equity=(point(2, "1"), point(1, "1"))))

    with pytest.raises(RunFilesError, match=r"line 2: an instant from \d+ on was expected"):
        read_run(tmp_path)


def test_an_order_without_a_quantity_is_refused(tmp_path: Path) -> None:
    save(tmp_path, RunFacts(header=header(), orders=(order("o1", "buy", "0"),)))

    with pytest.raises(RunFilesError, match=r"orders\.jsonl, line 1: quantity"):
        read_run(tmp_path)


def test_a_missing_line_of_a_run_that_ended_is_noticed(tmp_path: Path) -> None:
    save(tmp_path, RunFacts(header=header(), equity=(point(1, "1"), point(2, "1"))))
    path = tmp_path / "equity.jsonl"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])

    with pytest.raises(RunFilesError, match="2 lines were expected, was 1"):
        read_run(tmp_path)


def test_half_a_line_of_a_run_that_ended_is_refused(tmp_path: Path) -> None:
    save(tmp_path, RunFacts(header=header(), equity=(point(1, "1"),)))
    path = tmp_path / "equity.jsonl"
    path.write_bytes(path.read_bytes()[:-5])

    with pytest.raises(RunFilesError, match=r"equity\.jsonl, line 1: it has no end"):
        read_run(tmp_path)


def test_a_folder_without_a_run_and_one_of_another_form_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFilesError, match="the folder of a run was expected"):
        read_run(tmp_path / "none")
    save(tmp_path, RunFacts(header=header()))
    path = tmp_path / "run.json"
    held = json.loads(path.read_text())
    path.write_text(json.dumps(held | {"fluxum_run": 9}))

    with pytest.raises(RunFilesError, match="form 1 was expected, was 9"):
        read_run(tmp_path)


def test_no_run_is_written_over_another(tmp_path: Path) -> None:
    save(tmp_path, RunFacts(header=header()))

    with pytest.raises(RunFilesError, match="has the files of a run already"):
        RunWriter(tmp_path, header())


def test_a_run_that_has_ended_goes_on_and_has_not_ended_then(tmp_path: Path) -> None:
    save(tmp_path, run(equity=(point(1, "1"),), halted="lunch"))

    with RunWriter(tmp_path, header(), is_resumed=True) as writer:
        writer.write(point(2, "2"))

    found = read_run(tmp_path)
    assert (found.header.ends_ns, found.header.halted) == (None, "")
    assert [one.equity.expected for one in found.equity] == [1, 2]


def test_two_processes_do_not_write_one_run(tmp_path: Path) -> None:
    with (
        RunWriter(tmp_path, header(ends_ns=None)),
        pytest.raises(RunFilesError, match="another process writes this run"),
    ):
        RunWriter(tmp_path, header(), is_resumed=True)

    with RunWriter(tmp_path, header(), is_resumed=True) as writer:
        writer.write(point(1, "1"))


def test_a_closed_run_takes_no_more(tmp_path: Path) -> None:
    writer = RunWriter(tmp_path, header())
    writer.end(BEGINS)

    with pytest.raises(RunFilesError, match="the run is closed"):
        writer.write(NoteFact(at_ns=BEGINS, name="late", value="1"))


def test_a_gap_without_an_end_comes_back_without_one(tmp_path: Path) -> None:
    gap = GapFact(venue="kraken", begins_ns=BEGINS)

    save(tmp_path, RunFacts(header=header(), gaps=(gap,)))

    assert read_run(tmp_path).gaps == (gap,)
