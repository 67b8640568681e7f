"""Account and order commands as processes, against an account of a simulated exchange."""

import json
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

pytestmark = pytest.mark.network

FLUXUM = [sys.executable, "-m", "fluxum"]
TIMEOUT_S = 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trading")


@pytest.fixture(scope="module")
def endpoint(folder: Path) -> Iterator[str]:
    words = ("sim", "serve", "--port", "0", "--rate", "20", "--account", "keys.toml")
    with subprocess.Popen(
        [*FLUXUM, *words], stderr=subprocess.PIPE, text=True, cwd=folder
    ) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        while "Ctrl-C" not in said:
            said = process.stderr.readline()
        yield said.split(" at ")[1].split(",")[0]
        process.terminate()


def fluxum(folder: Path, endpoint: str, *words: str) -> subprocess.CompletedProcess[str]:
    where: tuple[str, ...] = ("--keys", "file:keys.toml", "--endpoint", endpoint)
    if words[0] == "order":
        where += ("--journal", "orders.jsonl")
    return subprocess.run(
        [*FLUXUM, *words, *where],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        cwd=folder,
        stdin=subprocess.DEVNULL,
    )


PLACE = ("order", "place", "-s", "BTC/USD", "--side", "buy", "-q", "0.01", "-p", "50000")


def test_an_order_is_placed_listed_amended_and_canceled(folder: Path, endpoint: str) -> None:
    placed = fluxum(folder, endpoint, *PLACE, "--yes", "--format", "json")
    assert placed.returncode == 0, placed.stderr
    (order,) = json.loads(placed.stdout)
    assert (order["symbol"], order["side"], order["status"]) == ("BTC/USD", "buy", "open")
    assert Decimal(order["limit_price"]) == 50000
    assert "buy 0.01 BTC/USD limit @ 50000 (500.00 USD), gtc" in placed.stderr

    listed = fluxum(folder, endpoint, "order", "list", "--format", "json")
    assert [one["order_id"] for one in json.loads(listed.stdout)] == [order["order_id"]]

    name = order["order_id"]
    amended = fluxum(folder, endpoint, "order", "amend", name, "-p", "51000", "--yes")
    assert amended.returncode == 0, amended.stderr
    held = fluxum(folder, endpoint, "balances", "--format", "json")
    (dollars,) = [one for one in json.loads(held.stdout) if one["asset"] == "USD"]
    assert float(dollars["held"]) == pytest.approx(510, rel=0.01)

    canceled = fluxum(folder, endpoint, "order", "cancel", name, "--yes")
    assert (canceled.returncode, "canceled" in canceled.stdout) == (0, True)
    assert fluxum(folder, endpoint, "order", "list", "--format", "json").stdout == "[]\n"


def test_an_order_at_the_market_is_told_when_it_is_filled(folder: Path, endpoint: str) -> None:
    done = fluxum(folder, endpoint, *PLACE[:8], "--type", "market", "--yes", "-f", "json")

    (order,) = json.loads(done.stdout)
    assert (order["status"], Decimal(order["filled"])) == ("filled", Decimal("0.01"))


def test_nothing_moves_without_a_yes(folder: Path, endpoint: str) -> None:
    done = fluxum(folder, endpoint, *PLACE)

    assert done.returncode == 2
    assert "so --yes was expected to buy 0.01 BTC/USD" in done.stderr
    assert fluxum(folder, endpoint, "order", "list", "--format", "json").stdout == "[]\n"


def test_an_order_can_be_checked_and_not_entered(folder: Path, endpoint: str) -> None:
    done = fluxum(folder, endpoint, *PLACE, "--validate")

    assert (done.returncode, done.stdout.startswith("valid: buy 0.01")) == (0, True)
    assert fluxum(folder, endpoint, "order", "list", "--format", "json").stdout == "[]\n"


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
        (("order", "amend", "O-NONE", "--yes"), 2, "was neither"),
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
    folder: Path, endpoint: str, words: tuple[str, ...], code: int, message: str
) -> None:
    done = fluxum(folder, endpoint, *words)

    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_lines_of_the_account_are_listed_and_add_up(folder: Path, endpoint: str) -> None:
    lines = fluxum(
        folder, endpoint, "ledger", "--entries", "--asset", "USD", "--type", "deposit", "-f", "json"
    )
    proved = fluxum(folder, endpoint, "ledger", "--audit")

    (deposit,) = json.loads(lines.stdout)
    assert (deposit["kind"], deposit["amount"]) == ("deposit", "100000.0000")
    assert proved.returncode == 0
    assert proved.stdout.count("adds up") == 4


def test_coins_of_before_are_no_short_and_a_period_ends_where_it_is_told_to(
    folder: Path, endpoint: str
) -> None:
    sold = fluxum(
        *(folder, endpoint, "order", "place", "-s", "BTC/USD", "--side", "sell", "-q", "0.005"),
        *("--type", "market", "--yes", "-f", "json"),
    )
    assert sold.returncode == 0, sold.stderr
    done = fluxum(
        folder, endpoint, "ledger", "-s", "BTC/USD", "--since", "1h", "--seconds", "2", "-f", "json"
    )
    before = fluxum(
        *(folder, endpoint, "ledger", "-s", "BTC/USD", "--since", "2h", "--until", "1h"),
        *("-f", "json"),
    )
    shown = fluxum(folder, endpoint, "ledger", "-s", "BTC/USD", "--since", "1h", "--seconds", "2")

    assert done.returncode == 0, done.stderr
    position = json.loads(done.stdout)[-1]
    held = Decimal(position["quantity"])
    assert held > 99_000  # the account was opened with 100,000
    assert Decimal(position["sold"]) >= Decimal("0.005")
    (older,) = json.loads(before.stdout)
    assert older["fills"] == 0
    assert Decimal(older["quantity"]) > 99_000
    assert "cost basis unknown for" in shown.stdout
    assert "00000000000" not in shown.stdout + shown.stderr


def test_the_demo_trades_through_a_cut_and_loses_no_fill(tmp_path: Path) -> None:
    done = subprocess.run(
        [*FLUXUM, "demo", "--trading", "--seconds", "4", "--format", "ndjson"],
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
