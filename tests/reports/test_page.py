"""The page: one file that loads nothing, well-formed, escaped, small, readable as text."""

import re
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from fluxum.report.page import report_page
from fluxum.report.report import make_report
from fluxum.report.run import ByWorld, EquityPoint, GapFact, NoteFact, RunFacts
from runs import BEGINS, SECOND, fill, header, order, point, run, synthetic

VOID = {"meta", "img", "source", "link", "br"}


class Page(HTMLParser):
    """The tags of a page, whether each is closed, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data)


def page_of(facts: RunFacts) -> str:
    return report_page(make_report(facts))


def test_every_tag_is_closed_and_every_table_has_headers() -> None:
    page = Page(page_of(synthetic()))

    assert page.open == []
    names = [tag for tag, _ in page.tags]
    assert names.count("table") == names.count("thead") >= 8
    assert {one.get("scope") for tag, one in page.tags if tag == "th" and one} == {"row", "col"}
    assert ("html", {"lang": "en"}) in page.tags


def test_it_loads_nothing_and_runs_nothing() -> None:
    text = page_of(synthetic())
    page = Page(text)

    assert not {"script", "iframe", "object", "form", "link"} & {tag for tag, _ in page.tags}
    assert "http:" not in text
    assert "https:" not in text
    links = [
        one[key] or "" for _, one in page.tags for key in ("src", "srcset", "href") if key in one
    ]
    assert len(links) > 8
    assert all(link.startswith(("#t", "data:image/svg+xml;base64,")) for link in links)
    assert "default-src 'none'" in text
    assert not [one for _, one in page.tags if any(key.startswith("on") for key in one)]


def test_every_link_of_the_contents_has_its_section() -> None:
    page = Page(page_of(synthetic()))

    wanted = {(one["href"] or "")[1:] for tag, one in page.tags if tag == "a"}
    there = {one.get("id") for tag, one in page.tags if tag == "h2"}

    assert wanted == there


def test_the_chart_has_a_text_for_who_does_not_see_it() -> None:
    page = Page(page_of(synthetic()))

    (image,) = [one for tag, one in page.tags if tag == "img"]

    assert "2 times without data" in (image["alt"] or "")


@pytest.mark.parametrize("bad", ["<img src=x onerror=alert(1)>", '"><script>1</script>', "&lt;'"])
def test_what_came_from_outside_is_text(bad: str) -> None:
    facts = RunFacts(
        header=header(strategy=bad, parameters={bad: bad}, latency=bad),
        orders=(order(bad, "buy", "1", fill(1, "100", "1")),),
        equity=(point(2, "10000"),),
        gaps=(GapFact(venue=bad, begins_ns=BEGINS, ends_ns=BEGINS + SECOND, reason=bad),),
        notes=(NoteFact(at_ns=BEGINS, name=bad, value=bad),),
    )

    page = Page(page_of(facts))

    assert page.open == []
    assert not {"script"} & {tag for tag, _ in page.tags}
    assert [one for tag, one in page.tags if tag == "img"] == [
        next(one for tag, one in page.tags if tag == "img")
    ]
    assert bad in page.texts


def test_no_number_is_without_what_it_assumes() -> None:
    """In the tables of money and ratios, each row has one, or is a part of the row above."""
    text = page_of(synthetic())

    for title in ("Profit, USD", "Ratios", "Time and exposure"):
        section = re.search(rf"<h2[^>]*>{title}</h2>.*?</section>", text, re.DOTALL)
        assert section is not None
        assert section[0].count('<tbody class="row">') == section[0].count('class="assumes"')


def test_the_same_run_gives_the_same_bytes() -> None:
    assert page_of(synthetic()) == page_of(synthetic())


def test_findings_are_alerts() -> None:
    page = Page(page_of(run(order("o", "buy", "1", fill(1, "100", "2")), ends_ns=None)))

    assert len([one for _, one in page.tags if one.get("role") == "alert"]) == 2


def test_a_run_without_anything_has_a_page() -> None:
    page = Page(page_of(RunFacts(header=header(ends_ns=BEGINS, provenance=None, world=None))))

    text = " ".join(page.texts)
    assert "unknown USD net in 0.0 s, by the venue's own fills." in text
    assert "Not defined: there are fewer than two returns." in text
    assert "Pessimistic" not in text


def test_a_long_run_has_a_page_of_less_than_a_mebibyte() -> None:
    """Small; 100,000 fills and as many values of equity were 0.43 MB."""
    facts = RunFacts(
        header=header(),
        orders=tuple(
            order(f"o{number}", "buy", "1", fill(number * 200, "100", "0.5"))
            for number in range(4_000)
        ),
        equity=tuple(
            EquityPoint(
                at_ns=BEGINS + number * 200 * SECOND,
                equity=ByWorld(
                    *(Decimal(10_000 + (number * step) % 1009) for step in (331, 557, 883))
                ),
                exposure=Decimal(number * 77 % 997),
            )
            for number in range(4_000)
        ),
        gaps=tuple(
            GapFact(venue="a", begins_ns=BEGINS + number * 800 * SECOND, ends_ns=None)
            for number in range(900)
        ),
    )

    text = page_of(facts)

    assert len(text.encode()) < 1024 * 1024
    assert "Chart of 290 columns: of the 4,001 values of equity and the 4,000 fills" in text
    assert "50 of 900 gaps" in text
