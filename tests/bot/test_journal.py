"""A run resumes from any byte of its journal, and a changed journal is found."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import Raw, structs

from bot.bots import ONE, START_NS
from bot.box import Box, books, moves, run
from bot.examples import Quotes
from fluxum.bot import BotEvent
from fluxum.bot.engine import Engine
from fluxum.bot.engine_state import Step, encode
from fluxum.bot.journal import BotJournal, RunHead, input_of, read_lines
from fluxum.errors import OrderJournalError

MOVES = moves(40)


def head(**changes: object) -> RunHead:
    known = RunHead(
        strategy="Quotes",
        parameters=Raw(encode(Quotes())),
        limits=Raw(b"{}"),
        seed=7,
        markets=(ONE,),
        mode="paper",
        begun_ns=START_NS,
    )
    return structs.replace(known, **changes)


def finished(path: Path) -> tuple[Engine, list[BotEvent]]:
    """A run with a journal: the engine at its end, and every event in its order."""
    with BotJournal(path, head()) as journal:
        bot = Engine(Quotes(), books(), seed=7, keep=journal.keep)
        return bot, list(run(bot, Box(), MOVES))


def test_a_run_resumes_after_any_byte_of_its_journal_and_ends_the_same(tmp_path: Path) -> None:
    whole = tmp_path / "whole.jsonl"
    bot, events = finished(whole)
    content = whole.read_bytes()
    lines = content.splitlines(keepends=True)
    # After which event each line was written: the engine writes at most one line for each.
    written: list[int] = []
    steps: list[Step] = []
    counting = Engine(Quotes(), books(), seed=7, keep=steps.append)
    for at, event in enumerate(events):
        counting.step(event)
        written += [at] * (len(steps) - len(written))
    assert len(written) == len(lines) - 1
    assert bot.decisions > 30

    part = tmp_path / "part.jsonl"
    ends = [sum(map(len, lines[: at + 1])) for at in range(len(lines))]
    for kept in range(0, len(ends), 9):
        torn = 0 if kept + 1 == len(ends) else (kept * 37) % len(lines[kept + 1])
        part.write_bytes(content[: ends[kept] + torn])
        part.chmod(0o600)
        with BotJournal(part, head()) as journal:
            assert journal.torn == torn
            resumed = journal.resumed(Quotes)
            shelf = books()
            done = written[kept - 1] + 1 if kept else 0
            for event in events[:done]:
                shelf.take(event)  # what a session's first snapshots are in a real restart
            again = Engine(
                Quotes() if resumed is None else resumed.strategy,
                shelf,
                seed=7,
                state=None if resumed is None else resumed.state,
                keep=journal.keep,
            )
            for event in events[done:]:
                again.step(event)
        assert (again.hash, again.decisions) == (bot.hash, bot.decisions), kept
        assert again.strategy == bot.strategy
        assert part.read_bytes() == content


def test_a_line_that_was_changed_left_out_or_added_is_found(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    finished(path)
    lines = path.read_bytes().splitlines(keepends=True)
    changed = lines[5].replace(b'"side":"buy"', b'"side":"sell"', 1)
    assert changed != lines[5]

    for wrong, number in (
        ([*lines[:5], changed, *lines[6:]], 6),
        ([*lines[:5], *lines[6:]], 6),
        ([*lines[:5], lines[4], *lines[5:]], 6),
    ):
        path.write_bytes(b"".join(wrong))
        with pytest.raises(OrderJournalError, match=f"line {number} is not what was written"):
            read_lines(path)


def test_a_journal_of_another_run_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    finished(path)

    with pytest.raises(OrderJournalError, match=r"is of another run .Quotes, seed 7"):
        BotJournal(path, head(seed=8)).__enter__()
    with (
        BotJournal(path, head(begun_ns=START_NS + 1)) as journal,
        pytest.raises(OrderJournalError, match="another process"),
    ):
        BotJournal(path, journal.head).__enter__()


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text('{"venue": "one"}\n')

    with pytest.raises(OrderJournalError, match=r"is no journal of a bot: RunHead: .*missing"):
        read_lines(path)


def test_a_journal_has_what_the_engine_received_beside_market_data(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    _, events = finished(path)

    _, lines = read_lines(path)

    inputs = [event for line in lines if (event := input_of(line)) is not None]
    assert inputs == [event for event in events if event not in MOVES]


def test_a_step_that_cannot_be_written_is_an_error_before_its_commands_are_sent(
    tmp_path: Path,
) -> None:
    path = tmp_path / "run.jsonl"
    with BotJournal(path, head()) as journal:
        path.unlink()
        with pytest.raises(OrderJournalError):
            journal.keep(Step(received=1))


PROGRAM = """
from bot.box import Box, books, moves, run
from bot.examples import Quotes
from fluxum.bot.engine import Engine
bot = Engine(Quotes(), books(), seed=7)
for _ in run(bot, Box(), moves(40)): pass
print(bot.hash)
"""


@pytest.mark.parametrize("seed", ["0", "12345"])
def test_every_process_and_hash_seed_decides_alike(seed: str) -> None:
    bot = Engine(Quotes(), books(), seed=7)
    for _ in run(bot, Box(), MOVES):
        pass
    paths = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == bot.hash
