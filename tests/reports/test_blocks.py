"""The chart of characters: its size, its parts, and plain ASCII without blocks."""

import pytest

from fluxum.report.blocks import run_blocks
from fluxum.report.run import RunFacts
from runs import BEGINS, SECOND, fill, header, order, point, run, synthetic


@pytest.mark.parametrize(("width", "height"), [(80, 20), (80, 24), (120, 40), (40, 13)])
def test_it_fits(width: int, height: int) -> None:
    lines = run_blocks(synthetic(), width, height)

    assert len(lines) == height
    assert max(map(len, lines)) <= width


def test_without_blocks_it_is_ascii() -> None:
    text = "\n".join(run_blocks(synthetic(), 80, 20, has_blocks=False))

    assert text.isascii()
    assert {"^", "v", "#", "=", ":"} <= set(text)


def test_fills_gaps_and_falls_are_where_they_happened() -> None:
    """A hundred columns of one second each: a buy in the 10th, a fall from the 50th on."""
    facts = RunFacts(
        header=header(ends_ns=BEGINS + 100 * SECOND),
        orders=(order("o", "buy", "1", fill(10, "100", "1")),),
        equity=(point(50, "9000"),),
    )

    lines = run_blocks(facts, 109, 16)

    buys = next(line for line in lines if line.lstrip().startswith("buys"))
    assert buys.index("▲") == 9 + 10
    drawdown = next(line for line in lines if line.lstrip().startswith("drawdown"))
    assert drawdown.index("█") == 9 + 50
    assert any("1,000.00 " in line and "█" * 50 in line for line in lines)
    assert not any("▼" in line or "▒" in line for line in lines)


def test_a_run_without_anything_is_a_flat_line() -> None:
    lines = run_blocks(RunFacts(header=header()), 80, 20)

    assert any("━" * 60 in line for line in lines)
    assert "band" not in lines[0]


def test_a_band_is_drawn_where_the_worlds_differ() -> None:
    facts = run(equity=(point(100, "9900", "10000", "10100"),))

    assert sum("░" in line for line in run_blocks(facts, 80, 24)) > 5
