"""Account and order commands against an account of a simulated exchange."""

import json
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from commands import Commands, Done, commands, exchange_at

pytestmark = pytest.mark.network

TIMEOUT_S = 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trading")


@pytest.fixture(scope="module")
def endpoint(folder: Path) -> Iterator[str]:
    with exchange_at(folder, "keys.toml") as url:
        yield url


class Account:
    """Runs commands with the keys of the account."""

    def __init__(self, endpoint: str, run: Commands) -> None:
        self._endpoint = endpoint
        self._run = run

    def __call__(self, *words: str) -> Done:
        where: tuple[str, ...] = ("--keys", "file:keys.toml", "--endpoint", self._endpoint)
        if words[0] == "order":
            where += ("--journal", "orders.jsonl")
        return self._run(*words, *where)


@pytest.fixture
def fluxum(
    folder: Path,
    endpoint: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Account]:
    monkeypatch.chdir(folder)
    with commands(capfd, monkeypatch) as run:
        yield Account(endpoint, run)


PLACE = ("order", "place", "-s", "BTC/USD", "--side", "buy", "-q", "0.01", "-p", "50000")


def test_an_order_is_placed_listed_amended_and_canceled(fluxum: Account) -> None:
    placed = fluxum(*PLACE, "--yes", "--format", "json")
    assert placed.status == 0, placed.err
    (order,) = json.loads(placed.out)
    assert (order["symbol"], order["side"], order["status"]) == ("BTC/USD", "buy", "open")
    assert Decimal(order["limit_price"]) == 50000
    assert "buy 0.01 BTC/USD limit @ 50000 (500.00 USD), gtc" in placed.err

    listed = fluxum("order", "list", "--format", "json")
    assert [one["order_id"] for one in json.loads(listed.out)] == [order["order_id"]]

    name = order["order_id"]
    amended = fluxum("order", "amend", name, "-p", "51000", "--yes")
    assert amended.status == 0, amended.err
    held = fluxum("balances", "--format", "json")
    (dollars,) = [one for one in json.loads(held.out) if one["asset"] == "USD"]
    assert float(dollars["held"]) == pytest.approx(510, rel=0.01)

    canceled = fluxum("order", "cancel", name, "--yes")
    assert (canceled.status, "canceled" in canceled.out) == (0, True)
    assert fluxum("order", "list", "--format", "json").out == "[]\n"


def test_an_order_at_the_market_is_told_when_it_is_filled(fluxum: Account) -> None:
    done = fluxum(*PLACE[:8], "--type", "market", "--yes", "-f", "json")

    (order,) = json.loads(done.out)
    assert (order["status"], Decimal(order["filled"])) == ("filled", Decimal("0.01"))


def test_an_amount_is_spent_at_the_market(fluxum: Account) -> None:
    done = fluxum(*PLACE[:6], "--spend", "100", "--type", "market", "--yes", "-f", "json")
    assert done.status == 0, done.err

    (order,) = json.loads(done.out)
    assert order["status"] == "filled"
    assert Decimal(99) < Decimal(order["cost"]) <= 100


def test_an_order_has_a_name_of_its_own_an_end_and_a_part_that_shows(fluxum: Account) -> None:
    done = fluxum(*PLACE, "--expires", "1h", "--client-id", "mine-1", "--yes", "-f", "json")
    (order,) = json.loads(done.out)
    assert (order["client_order_id"], order["status"]) == ("mine-1", "open")
    assert "gtd until" in done.err
    done = fluxum(*PLACE, "--type", "iceberg", "--display", "0.002", "--yes", "-f", "json")
    (order,) = json.loads(done.out)
    assert (order["order_type"], order["status"]) == ("iceberg", "open")
    assert fluxum("order", "cancel-all", "--yes").out == "2 orders canceled\n"


def test_the_trigger_of_a_stop_is_moved(fluxum: Account) -> None:
    stop = ("--type", "stop_loss", "--trigger")
    sell = ("order", "place", "-s", "BTC/USD", "--side", "sell", "-q", "0.01", "--yes")
    placed = fluxum(*sell, *stop, "20000", "-f", "json")
    (order,) = json.loads(placed.out)
    moved = fluxum("order", "amend", order["order_id"], "--trigger", "21000", "-y", "-f", "json")
    assert moved.status == 0, moved.err
    (order,) = json.loads(moved.out)
    assert Decimal(order["trigger_price"]) == 21000
    assert " trigger 21000" in fluxum("order", "list").out
    assert fluxum("order", "cancel-all", "--yes").out == "1 order canceled\n"


def test_nothing_moves_without_a_yes(fluxum: Account) -> None:
    done = fluxum(*PLACE)

    assert done.status == 2
    assert "so --yes was expected to buy 0.01 BTC/USD" in done.err
    assert fluxum("order", "list", "--format", "json").out == "[]\n"


def test_an_order_can_be_checked_and_not_entered(fluxum: Account) -> None:
    done = fluxum(*PLACE, "--validate")

    assert (done.status, done.out.startswith("valid: buy 0.01")) == (0, True)
    assert fluxum("order", "list", "--format", "json").out == "[]\n"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ((*PLACE[:7], "0.000001", *PLACE[8:], "--yes"), 2, "0.000001"),
        ((*PLACE[:9], "50000.001", "--yes"), 2, "50000.001"),
        ((*PLACE[:7], "1000000", *PLACE[8:], "--yes"), 1, "EOrder:Insufficient funds"),
        ((*PLACE, "--notional-max", "100", "--yes"), 1, "100"),
        ((*PLACE[:5], "sideways", *PLACE[6:], "--yes"), 2, "was 'sideways'"),
        ((*PLACE[:7], "much", *PLACE[8:], "--yes"), 2, "was 'much'"),
        (("order", "cancel", "O-NONE", "--yes"), 1, "EOrder:Invalid order"),
        (("order", "amend", "O-NONE", "--yes"), 2, "was none"),
        (("ledger", "--entries", "-s", "BTC/USD"), 2, "use --asset"),
        (("ledger", "--entries", "--type", "gift"), 2, "was 'gift'"),
        (("ledger", "--entries", "--since", "soon"), 2, "was 'soon"),
        (("ledger", "--entries", "--since", "1h", "--until", "2h"), 2, "was '2h'"),
        (("ledger", "--audit", "--until", "1h"), 2, "was '1h'"),
        (("ledger", "--since", "0001-01-01", "--entries"), 2, "was '0001-01-01'"),
        ((*PLACE[:7], "1e9999999999", *PLACE[8:], "--yes"), 2, "was '1e9999999999'"),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_what_makes_no_sense_is_shown_and_refused(
    fluxum: Account, words: tuple[str, ...], code: int, message: str
) -> None:
    done = fluxum(*words)

    assert done.status == code, done.err
    assert message in done.err
    assert "Traceback" not in done.err


def test_lines_of_the_account_are_listed_and_add_up(fluxum: Account) -> None:
    lines = fluxum("ledger", "--entries", "--asset", "USD", "--type", "deposit", "-f", "json")
    proved = fluxum("ledger", "--audit")

    (deposit,) = json.loads(lines.out)
    assert (deposit["kind"], deposit["amount"]) == ("deposit", "100000.0000")
    assert proved.status == 0
    assert proved.out.count("adds up") == 4


def test_coins_of_before_are_no_short_and_a_period_ends_where_it_is_told_to(
    fluxum: Account,
) -> None:
    sold = fluxum(
        *("order", "place", "-s", "BTC/USD", "--side", "sell", "-q", "0.005"),
        *("--type", "market", "--yes", "-f", "json"),
    )
    assert sold.status == 0, sold.err
    done = fluxum("ledger", "-s", "BTC/USD", "--since", "1h", "--seconds", "2", "-f", "json")
    before = fluxum(
        *("ledger", "-s", "BTC/USD", "--since", "2h", "--until", "1h"),
        *("-f", "json"),
    )
    shown = fluxum("ledger", "-s", "BTC/USD", "--since", "1h", "--seconds", "2")

    assert done.status == 0, done.err
    position = json.loads(done.out)[-1]
    held = Decimal(position["quantity"])
    assert held > 99_000  # the account was opened with 100,000
    assert Decimal(position["sold"]) >= Decimal("0.005")
    (older,) = json.loads(before.out)
    assert older["fills"] == 0
    assert Decimal(older["quantity"]) > 99_000
    assert "cost basis unknown for" in shown.out
    assert "00000000000" not in shown.out + shown.err


def test_the_demo_trades_through_a_cut_and_loses_no_fill(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "fluxum",
            "demo",
            "--trading",
            "--seconds",
            "4",
            "--format",
            "ndjson",
        ],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        cwd=tmp_path,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    summary = json.loads(done.stdout.splitlines()[-1])
    assert (summary["agrees"], summary["sums_close"]) == (True, True)
    assert summary["fills"] > 0
    assert "link lost" in done.stderr
