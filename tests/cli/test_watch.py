"""`fluxum watch` before its screen: what it needs, and what makes no sense. The rest is network."""

import sys
from collections.abc import Generator

import pytest

from commands import Commands, commands
from fluxum.cli.watch import can_show


@pytest.fixture
def fluxum(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Generator[Commands]:
    with commands(capfd, monkeypatch) as ready:
        yield ready


def test_without_a_terminal_it_says_what_writes_to_a_pipe(fluxum: Commands) -> None:
    done = fluxum("watch", "BTC/USD")

    assert (done.status, done.out) == (2, "")
    assert "a terminal of 40x10 or more was expected" in done.err
    assert "`fluxum stream`" in done.err
    assert not can_show()


def test_without_textual_it_names_the_extra(
    fluxum: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "textual", None)

    done = fluxum("watch", "BTC/USD")

    assert done.status == 2
    assert "pip install 'fluxum[tui]'" in done.err
    assert not can_show()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["BTCUSD"], "was 'BTCUSD'"),
        (["-x", "krakn", "BTC/USD"], "was 'krakn'"),
        (["--replay", "a.jsonl", "BTC/USD"], "a recording has its own markets"),
        (["BTC/USD", "--interval", "0"], "was '0'"),
        (["BTC/USD", "--endpoint", "okx=ws://127.0.0.1:1"], "an endpoint of kraken was expected"),
        ([], "a symbol like BTC/USD was expected"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_opened(
    fluxum: Commands, words: list[str], expected: str
) -> None:
    done = fluxum("watch", *words)

    assert (done.status, done.out) == (2, "")
    assert expected in done.err
