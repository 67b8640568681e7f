"""The SVG of a run: well-formed, escaped, bounded, with what it shows in words."""

import re
from xml.etree import ElementTree as ET

import pytest

from fluxum.report.chart import NARROW, WIDE, chart_text, run_chart, thinning_note
from fluxum.report.run import GapFact, RunFacts
from runs import BEGINS, SECOND, fill, header, order, point, run, synthetic

SVG = "{http://www.w3.org/2000/svg}"


def classes(svg: str) -> set[str | None]:
    return {one.get("class") for one in ET.fromstring(svg).iter()}


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_the_image_is_well_formed_and_has_all_parts(width: int) -> None:
    root = ET.fromstring(run_chart(synthetic(), width))

    assert (root.tag, root.get("width")) == (f"{SVG}svg", str(width))
    parts = {one.get("class") for one in root.iter()}
    assert {"line", "band", "fall", "held", "buy", "sell", "gap", "start"} <= parts
    texts = [one.text or "" for one in root.iter(f"{SVG}text")]
    assert {"buys", "sells", "Fills: 198", "Drawdown, USD", "Exposure, USD"} <= set(texts)


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_nothing_is_drawn_outside_the_image(width: int) -> None:
    svg = run_chart(synthetic(), width)
    height = float(ET.fromstring(svg).get("height") or 0)

    points = re.findall(r"(-?\d+\.\d+),(-?\d+\.\d+)", svg)

    assert len(points) > 300
    assert all(0 <= float(x) <= width and 0 <= float(y) <= height for x, y in points)


def test_a_value_is_where_its_axis_has_it() -> None:
    """The line ends at 10,050, half way between the ticks 10,000 and 10,100."""
    svg = run_chart(run(equity=(point(1, "10100"), point(2, "10050"))))
    ticks = {
        one.text: float(one.get("y") or 0) - 4 for one in ET.fromstring(svg).iter(f"{SVG}text")
    }

    line = re.search(r'class="line" d="M([^"]*)"', svg)

    assert line is not None
    last = float(line[1].split()[-1].split(",")[1])
    assert last == pytest.approx((ticks["10,000"] + ticks["10,100"]) / 2, abs=0.2)


def test_a_run_without_orders_or_equity_is_drawn_too() -> None:
    found = classes(run_chart(RunFacts(header=header())))

    assert "line" in found
    assert not {"band", "buy", "sell", "gap"} & found


def test_a_gap_of_a_moment_can_be_seen() -> None:
    facts = RunFacts(
        header=header(), gaps=(GapFact(venue="a", begins_ns=BEGINS, ends_ns=BEGINS + 1),)
    )

    (gap,) = [one for one in ET.fromstring(run_chart(facts)).iter() if one.get("class") == "gap"]

    assert float(gap.get("width") or 0) >= 1.5


def test_what_came_from_outside_is_escaped() -> None:
    svg = run_chart(run(strategy="<script>&\"'", equity=(point(1, "10000"),)))

    title = ET.fromstring(svg).find(f"{SVG}title")
    assert title is not None
    assert (title.text or "").startswith("<script>&\"'")
    assert "<script>" not in svg


def test_a_long_run_is_thinned_and_the_chart_says_so() -> None:
    many = tuple(fill(second % 800_000, "100", "0.001") for second in range(20_000))
    facts = run(
        order("o", "buy", "100", *many),
        equity=tuple(point(second * 10, f"{10_000 + second % 77}") for second in range(20_000)),
    )
    crowded = RunFacts(
        header=facts.header,
        orders=facts.orders,
        equity=facts.equity,
        gaps=tuple(
            GapFact(
                venue="a",
                begins_ns=BEGINS + second * 40 * SECOND,
                ends_ns=BEGINS + (second * 40 + 1) * SECOND,
            )
            for second in range(20_000)
        ),
    )

    assert len(run_chart(crowded)) < 150_000
    assert "of the 20,001 values of equity and the 20,000 fills" in thinning_note(crowded)
    assert thinning_note(run(equity=(point(1, "10000"),))) == ""


def test_the_chart_in_words() -> None:
    text = chart_text(run(equity=(point(1, "9990", "10010", "10020"),)))

    assert "to 10,010.00 at" in text
    assert "9,990.00 in the worst world and 10,020.00 in the best" in text
    assert "0 fills, 0 times without data" in text
