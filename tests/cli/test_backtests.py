"""`bot prepare`, `bot backtest` and `bot sweep`: what they write, refuse, and exit with."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

import kraken_tape
from fluxum.cli.backtests import agreement
from fluxum.cli.main import app
from fluxum.cli.process import exit_code
from fluxum.report.run import ByWorld

MAKER = """
from decimal import Decimal
from fluxum.bot import Level, Market, Quote, Remembered, Strategy, Want
from fluxum.model.market import BookUpdate


class Maker(Strategy, kw_only=True):
    market: Market
    every: int = 50
    size: Decimal = Decimal("0.1")
    seen: Remembered[int] = 0

    def wants(self):
        return [Want(self.market, "book")]

    def on_event(self, event, view):
        if not isinstance(event, BookUpdate):
            return ()
        self.seen += 1
        book = view.book(self.market)
        if self.seen % self.every or not book.is_valid:
            return ()
        return [
            Quote(self.market, Level(book.bid.price, self.size), Level(book.ask.price, self.size))
        ]
"""


def run(*words: str | Path) -> int:
    try:
        return exit_code(lambda: app([str(word) for word in words]))
    except SystemExit as end:
        return int(end.code or 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    kraken_tape.write(tmp_path / "btc.jsonl.gz", 800, seed=4)
    (tmp_path / "maker.py").write_text(MAKER)
    (tmp_path / "maker.toml").write_text('market = "kraken:BTC/USD"\nsize = 0.25\n')
    assert run("bot", "prepare", tmp_path / "btc.jsonl.gz", "-o", tmp_path / "btc.cols") == 0
    return tmp_path


def strategy(folder: Path) -> list[str | Path]:
    return [f"{folder}/maker.py:Maker", "--tape", folder / "btc.cols", "-c", folder / "maker.toml"]


def test_prepare_says_what_is_proved_and_replaces_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("bot", "prepare", folder / "btc.jsonl.gz", "-o", folder / "again.cols") == 0
    said = capsys.readouterr().out
    assert said.startswith(f"proved {folder}/again.cols\n")
    assert "801 book messages, 801 proved, 0 failed" in said

    assert run("bot", "prepare", folder / "btc.jsonl.gz", "-o", folder / "btc.cols") == 2
    assert "is there already" in capsys.readouterr().err


def test_a_tape_with_a_gap_is_written_and_not_proved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cut.jsonl"
    with path.open("w") as file:
        file.write(kraken_tape.header())
        for link in (1, 2):
            for ns, text in kraken_tape.frames(20, seed=link):
                file.write(kraken_tape.line(ns + link * 10**9, text, link))
            file.write(
                f'{{"ns":{kraken_tape.START_NS + link * 15 * 10**8},"link":{link},"closed":true}}\n'
            )

    assert run("bot", "prepare", path, "-o", tmp_path / "cut.cols", "-f", "json") == 1

    (found,) = json.loads(capsys.readouterr().out)
    assert found["is_proved"] is False
    assert {gap["stream"] for gap in found["gaps"]} == {"book BTC/USD"}
    assert (tmp_path / "cut.cols").exists()


def test_backtest_writes_its_numbers_and_a_run_that_can_be_reported(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    words = (*strategy(folder), "--latency", "1ms,500us", "--fees", "0.0016/0.0026", "-f", "json")
    assert run("bot", "backtest", *words, "--deposit", "USD=100000", "-o", folder / "run") == 0
    said = capsys.readouterr()
    assert "the tape has no rules of markets" in said.err
    (found,) = json.loads(said.out)
    assert found["parameters"] == {
        "market": "kraken BTC/USD", "every": "50", "size": "0.25"
    }  # fmt: skip
    assert found["orders"] > 5
    assert len(found["hash"]) == 64
    assert found["is_proved"] is True

    assert run("bot", "backtest", *words, "--deposit", "USD=100000") == 0
    assert json.loads(capsys.readouterr().out)[0]["hash"] == found["hash"]
    assert run("bot", "report", folder / "run") == 0
    assert "Maker" in capsys.readouterr().out


def test_sweep_ranks_in_two_processes_a_strategy_that_is_a_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    words = (*strategy(folder), "--over", "every=40,80", "--folds", "2", "-f", "json")
    assert run("bot", "sweep", *words) == 0
    alone = capsys.readouterr().out
    assert run("bot", "sweep", *words, "--processes", "2") == 0
    assert capsys.readouterr().out == alone
    (found,) = json.loads(alone)
    assert found["trials"] == 2
    assert {one["parameters"]["every"] for one in found["variants"]} == {"40", "80"}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["-p", "evry=5"], "has no 'evry' (market, every, size); did you mean 'every'?"),
        (["-p", "size=abc"], "size"),
        (["--latency", "soon"], "--latency like 1ms or 2ms,500us was expected, was 'soon'"),
        (["--fees", "0.1"], "--fees [EXCHANGE:]MAKER/TAKER was expected, was '0.1'"),
        (["--deposit", "okx:USD=1"], "with one of kraken was expected, was 'okx:USD=1'"),
        (
            ["--deposit", "USD=-5"],
            "USD: a number that is not negative was expected, was -5",
        ),
        (["--currency", "XYZ"], "the quote asset of a market (USD) was expected, was 'XYZ'"),
        (["--deposit", "USD"], "--deposit [EXCHANGE:]ASSET=AMOUNT was expected, was 'USD'"),
    ],
)
def test_nonsense_is_refused_by_name(
    folder: Path, words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("bot", "backtest", *strategy(folder), *words) == 2
    assert reason in capsys.readouterr().err


def test_a_strategy_that_is_not_there_is_named_with_those_that_are(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tape = ("--tape", folder / "btc.cols")
    assert run("bot", "backtest", f"{folder}/maker.py:Make", *tape) == 2
    assert "was expected (Maker), was 'Make'" in capsys.readouterr().err
    assert run("bot", "backtest", f"{folder}/none.py:Maker", *tape) == 2
    assert "a file with a strategy was expected" in capsys.readouterr().err
    assert run("bot", "backtest", "maker", *tape) == 2
    assert "a file or module with a strategy was expected" in capsys.readouterr().err


def test_a_strategy_that_fails_is_exit_1_and_a_halt_is_exit_3(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = MAKER.replace("self.seen += 1", "raise ValueError('planted')")
    (folder / "broken.py").write_text(broken)
    words = ("--tape", str(folder / "btc.cols"), "-c", str(folder / "maker.toml"))
    assert run("bot", "backtest", f"{folder}/broken.py:Maker", *words) == 1
    assert "FAILED: ValueError: planted" in capsys.readouterr().out

    assert run("bot", "backtest", f"{folder}/maker.py:Maker", *words, "-p", "every=1") == 3
    assert "HALTED: more than 100 orders" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("profits", "said"),
    [
        (("1", "2", "3"), "agree in sign"),
        (("-1", "-2", "-3"), "agree in sign"),
        (("0", "0.0", "0"), "agree in sign"),
        (("-1", "2", "3"), "differ in sign"),
        (("0", "-0.10", "-0.22"), "differ in sign"),  # no fill in one of the worlds
        ((None, "2", "3"), "no price"),
    ],
)
def test_worlds_agree_if_each_has_a_profit_or_each_a_loss(
    profits: tuple[str | None, str, str], said: str
) -> None:
    worlds = ByWorld(*[None if one is None else Decimal(one) for one in profits])

    assert said in agreement(worlds)
