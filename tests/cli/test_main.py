"""Bad words on the command line: a clear error that shows them, and exit status 2."""

import json
from pathlib import Path

import pytest

from fluxum.cli.main import app
from fluxum.cli.process import exit_code
from fluxum.cli.support import read_support
from fluxum.venues.register import VENUES


def run(*words: str) -> int:
    try:
        return exit_code(lambda: app(list(words), prog_name="fluxum"))
    except SystemExit as end:
        return int(end.code or 0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("orderbook", "-s", "BTCUSD"), "a symbol like BTC/USD was expected, was 'BTCUSD'"),
        (("orderbook", "-s", "BTC/USD,"), "was 'BTC/USD,'"),
        (("orderbook", "-s", "BTC/USD", "-x", "mtgox"), "an exchange was expected ("),
        (("orderbook", "-s", "BTC/USD", "--depth", "2000"), "at most 1000 levels a side, was 2000"),
        (("stream", "gossip", "-s", "BTC/USD"), "a channel was expected (book, level3, ticker"),
        (("stream", "level3", "-s", "BTC/USD"), "no keys for kraken: set FLUXUM_KRAKEN_KEY"),
        (("stream", "trade,book", "-s", "BTC/USD", "-f", "csv"), "was 'trade,book'"),
        (("stream", "trade"), "a symbol like BTC/USD was expected, or a comma list"),
        (("stream", "ohlc", "-s", "BTC/USD", "--interval", "2m"), "was 120"),
        (("stream", "ohlc", "-s", "BTC/USD", "--interval", "soon"), "was 'soon'"),
        (("stream", "ohlc", "-s", "BTC/USD", "--interval", "1M"), "was 2592000"),
        (("sim", "serve", "--faults", "corrupt@noon"), "corrupt@noon"),
        (("record", "t.jsonl", "-s", "BTC/USD", "-x", "kraken,kraken2"), "was 'kraken2'"),
        (("orderbook", "-s", "BTC/USD", "--endpoint", "nowhere"), "was 'nowhere'"),
        (("orderbook", "-s", "BTC/USD", "--depth", "0"), "--depth"),
        (("orderbook", "-s", "BTC/USD", "--format", "xml"), "xml"),
        (("orderbook",), "--symbol"),
        (("verify", "absent.jsonl", "-x", "kraken"), "cannot read absent.jsonl: No such file"),
        (("replay", "absent.jsonl", "-x", "kraken"), "cannot read absent.jsonl"),
        (("no-such-command",), "no-such-command"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_bad_words_are_shown_and_refused(
    words: tuple[str, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)

    code = run(*words)

    said = capsys.readouterr()
    assert code == 2
    assert message in said.err
    assert not said.out or said.out == "[]\n"
    assert "Traceback" not in said.err


def test_verify_goes_on_after_a_file_it_cannot_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = tmp_path / "good.jsonl"
    good.write_text('{"ts": null, "raw": "{\\"channel\\":\\"heartbeat\\"}"}\n')

    code = run("verify", str(tmp_path / "absent"), str(good), "-x", "kraken", "--format", "json")

    said = capsys.readouterr()
    assert code == 2
    assert "absent" in said.err
    assert '"frames":1' in said.out


@pytest.mark.parametrize(("frame", "code"), [("heartbeat", 0), ("unheard_of", 1)])
def test_verify_says_by_its_status_whether_all_is_proved(
    tmp_path: Path, frame: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tape.jsonl"
    path.write_text('{"ts": null, "raw": "{\\"channel\\":\\"' + frame + '\\"}"}\n')

    assert run("verify", str(path), "-x", "kraken") == code
    assert capsys.readouterr().out.startswith("proved" if code == 0 else "FAILED")


def test_every_command_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        ("demo",),
        ("orderbook",),
        ("stream",),
        ("session",),
        ("record",),
        ("replay",),
        ("verify",),
        ("balances",),
        ("ledger",),
        ("sim", "serve"),
        ("kraken", "orderbook"),
        ("kraken", "ledger"),
    ):
        assert run(*words, "--help") == 0
        assert "Example: fluxum" in capsys.readouterr().out


@pytest.mark.parametrize(("typo", "meant"), [("krakn", "kraken"), ("ordrbook", "orderbook")])
def test_a_slip_of_the_pen_is_told_what_may_be_meant(
    capsys: pytest.CaptureFixture[str], typo: str, meant: str
) -> None:
    assert run(typo) == 2
    assert f"Did you mean '{meant}'" in capsys.readouterr().err


def test_support_shows_every_exchange_with_the_date_it_was_seen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = read_support()

    assert list(found.venues) == list(VENUES), "run `make support`"
    for name, finding in found.venues.items():
        offered = {one.value for one in VENUES[name].routes if one not in VENUES[name].needs_token}
        assert len(finding.passed) + len(finding.passed_over) == 14, name
        assert set(finding.channels) == offered
    assert run("support") == 0
    assert found.date in capsys.readouterr().out
    assert run("support", "--format", "ndjson") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["venue"] for line in lines] == list(VENUES)
