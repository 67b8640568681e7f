"""Bad words on the command line: a clear error that shows them, and exit status 2."""

import json
from pathlib import Path

import pytest
from typer.models import CommandInfo

from fluxum.cli.main import app
from fluxum.cli.process import exit_code
from fluxum.cli.support import read_support
from fluxum.model.event import Channel
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
        (("orderbook", "-s", "BTC/USD", "-x", "krakn"), "was 'krakn'; did you mean 'kraken'?"),
        (("orderbook", "-s", "krakn:BTC/USD"), "was 'krakn'; did you mean 'kraken'?"),
        (("orderbook", "-s", "btcusd"), "was 'btcusd'; did you mean 'BTC/USD'?"),
        (("stream", "trdes", "-s", "BTC/USD"), "was 'trdes'; did you mean 'trade'?"),
        (("stream", "trade", "-s", "BTC/USD", "--kind", "trad"), "did you mean 'trade'?"),
        (
            ("orderbook", "-s", "kraken:BTC/USD,okx:BTC/USDT", "--endpoint", "ws://localhost:1"),
            "EXCHANGE=URL was expected (such as kraken=ws://localhost:1)",
        ),
        (("kraken", "stream", "trade", "-s", "okx:BTC/USDT"), "a symbol was expected for kraken"),
        (("demo", "-f", "csv"), "CSV is one table"),
        (("serve", "BTC/USD", "--host", "0.0.0.0"), "so --token-file was expected"),
        (("serve", "BTC/USD", "--token-file", "no"), "the token file no cannot be read"),
        (("serve", "BTC/USD", "--replay", "a.jsonl"), "a recording has its own markets"),
        (("serve", "BTCUSD"), "a symbol like BTC/USD was expected, was 'BTCUSD'"),
        (("orderbook", "-s", "BTC/USD", "--depth", "2000"), "at most 1000 levels a side, was 2000"),
        (("stream", "gossip", "-s", "BTC/USD"), "a channel was expected (book, level3, ticker"),
        (("stream", "level3", "-s", "BTC/USD"), "no keys for kraken: set FLUXUM_KRAKEN_KEY"),
        (("stream", "trade,book", "-s", "BTC/USD", "-f", "csv"), "was 'trade,book'"),
        (("stream", "trade"), "a symbol like BTC/USD was expected, or a comma list"),
        (("stream", "ohlc", "-s", "BTC/USD", "--interval", "2m"), "was 120"),
        (("ticker", "-s", "BTCUSD"), "a symbol like BTC/USD was expected, was 'BTCUSD'"),
        (("ticker", "-s", ""), "a symbol like BTC/USD was expected"),
        (("ticker", "-s", "BTC/USD", "--timeout", "0"), "--timeout"),
        (("book", "-s", "BTC/USD", "--depth", "501"), "1 to 500 levels were expected, was 501"),
        (("trades", "-s", "BTC/USD", "--since", "noon"), "was 'noon'"),
        (("trades", "-s", "BTC/USD", "--limit", "0"), "--limit"),
        (
            ("trades", "-s", "BTC/USD", "--since", "2026-01-02", "--until", "2026-01-01"),
            "a time after --since 2026-01-02 was expected for --until, was '2026-01-01'",
        ),
        (("candles", "-s", "BTC/USD", "--interval", "2m"), "seconds was expected, was 120"),
        (("candles", "-s", "BTC/USD", "--interval", "0"), "was '0'"),
        (("candles", "-s", "BTC/USD", "--until", "1h"), "--since was expected with --until"),
        (("fills", "--since", "2026-01-02", "--until", "2026-01-01"), "was '2026-01-01'"),
        (("fills", "--limit", "0"), "--limit"),
        (("stream", "ticker"), "a symbol like BTC/USD was expected"),
        (("pnl", "-s", "BTCUSD"), "was 'BTCUSD'"),
        (("pnl", "-x", "gemini-v2"), "accounts are supported at"),
        (
            ("positions", "-x", "kraken"),
            "positions was expected (binance-usdm, bybit-linear, okx), was 'kraken'",
        ),
        (("pnl", "-s", "kraken:BTC/USD,okx:BTC/USDT"), "one exchange was expected"),
        (("time", "-x", "gemini"), "gemini has no call for its time"),
        (("status", "-x", "gemini,coinbase"), "coinbase has no call for the status"),
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
        (("ticker", "kraken"), "'kraken' was not expected; did you mean --exchange kraken?"),
        (("kraken", "ticker", "BTC/USD"), "did you mean --symbol BTC/USD?"),
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


MAKER = (
    "fluxum.bot.strategies.maker:Maker",
    *("-p", "market=kraken:BTC/USD", "-p", "size=1", "-p", "held_max=1"),
)
COMMANDS: dict[str, tuple[str, ...]] = {
    "demo": (),
    "orderbook": ("-s", "BTC/USD"),
    "stream": ("trade", "-s", "BTC/USD"),
    "session": ("-s", "BTC/USD"),
    "ticker": ("-s", "BTC/USD"),
    "book": ("-s", "BTC/USD"),
    "trades": ("-s", "BTC/USD"),
    "candles": ("-s", "BTC/USD"),
    "instruments": (),
    "time": (),
    "status": (),
    "balances": (),
    "positions": ("-x", "okx"),
    "ledger": ("--entries",),
    "fills": (),
    "pnl": (),
    "serve": ("-s", "BTC/USD"),
    "watch": ("BTC/USD",),
    "publish": ("-s", "BTC/USD", "--to", "nats://127.0.0.1:1"),
    "subscribe": ("nats://127.0.0.1:1", "--count", "1"),
    "sink check": ("nats://127.0.0.1:1",),
    "record": ("tape.jsonl", "-s", "BTC/USD"),
    "replay": ("tape.jsonl",),
    "verify": ("tape.jsonl",),
    "doctor": (),
    "setup": (),
    "support": (),
    "config show": (),
    "config init": (),
    "config check": ("fluxum.toml",),
    "completion": ("bash",),
    "sim serve": (),
    "sim record": ("tape.jsonl",),
    "columns build": ("tape.jsonl", "-o", "columns"),
    "columns check": ("columns",),
    "columns compact": ("columns",),
    "columns sql": ("columns", "SELECT 1"),
    "bot new": ("maker.py",),
    "bot check": MAKER,
    "bot prepare": ("tape.jsonl", "-o", "tape.cols"),
    "bot backtest": (*MAKER, "--tape", "tape.cols"),
    "bot sweep": (*MAKER, "--tape", "tape.cols", "--over", "lean_bps=1,2"),
    "bot paper": (*MAKER, "--deposit", "USD=100"),
    "bot run": (*MAKER, "--yes"),
    "bot report": ("run",),
    "bot compare": ("run",),
    "bot halt": ("run", "--reason", "a reason"),
    "bot resume": ("run", "--reason", "a reason", "--yes"),
    "order place": ("-s", "BTC/USD", "--side", "buy", "-q", "1", "-p", "1", "--yes"),
    "order amend": ("O1", "-p", "1", "--yes"),
    "order cancel": ("O1", "--yes"),
    "order cancel-all": ("--yes",),
    "order list": (),
}
"""Every command, with words that make sense."""
PRIVATE = (
    "balances",
    "positions",
    "ledger",
    "fills",
    "pnl",
    "order place",
    "order amend",
    "order cancel",
    "order list",
)
QUESTIONS = ("ticker", "book", "trades", "candles", "instruments", "time", "status")
PUBLIC = ("orderbook", "stream", "session", *QUESTIONS)
VENUE_COMMANDS = (*PUBLIC, *PRIVATE, "order cancel-all", "record")


def test_every_command_is_here() -> None:
    names = [name_of(one) for one in app.registered_commands]
    for group in app.registered_groups:
        assert group.typer_instance is not None
        names += [
            f"{group.name} {name_of(one)}" for one in group.typer_instance.registered_commands
        ]

    assert set(names) == set(COMMANDS)


def name_of(command: CommandInfo) -> str:
    assert command.callback is not None
    return command.name or str(command.callback.__name__)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("width", ["60", "80"])
def test_every_command_has_help_with_an_example_and_nothing_cut(
    command: str, width: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", width)

    assert run(*command.split(), "--help") == 0

    text = capsys.readouterr().out
    assert f"Example: fluxum {command.split()[0]}" in " ".join(text.split())
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= int(width)


@pytest.mark.parametrize("words", [(), ("kraken",), ("order",), ("sim",)], ids=" ".join)
def test_no_summary_of_a_command_is_cut(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    run(*words, "--help")

    assert "..." not in capsys.readouterr().out.replace("[ARGS]...", "")


def test_a_paragraph_of_help_is_not_broken_where_the_source_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "78")
    run("stream", "--help")

    lines = capsys.readouterr().out.splitlines()
    at = next(number for number, line in enumerate(lines) if "With --format ndjson" in line)
    paragraph = lines[at : lines.index("", at)]
    assert min(map(len, paragraph[:-1])) > 60


@pytest.mark.parametrize("command", VENUE_COMMANDS)
def test_what_a_command_can_do_an_exchange_can_do_as_a_group(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("kraken", *command.split(), "--help") == 0

    text = capsys.readouterr().out
    assert f"fluxum kraken {command}" in " ".join(text.split())
    assert "--exchange" not in text


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--bogus",), "--bogus"),
        (("--format", "xml"), "xml"),
        (("--exchange", "krakn"), "krakn"),
        (("--endpoint", "nowhere"), "nowhere"),
        (("--endpoint", "krakn=ws://localhost"), "krakn=ws://localhost"),
        (("--proxy", "nonsense"), "nonsense"),
        (("--log-file", "/dev/null/nowhere"), "/dev/null/nowhere"),
        (("--seconds", "nan"), "nan"),
        (("--verbose=yes",), "--verbose"),
    ],
    ids=str,
)
def test_no_command_fails_but_with_a_message_and_its_code(
    command: str,
    more: tuple[str, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KRAKEN_KEY", "KRAKEN_SECRET", "OKX_KEY", "OKX_SECRET", "OKX_PASSPHRASE"):
        monkeypatch.setenv(f"FLUXUM_{name}", "word")
    if command in {"replay", "verify", "bot prepare", "columns build"}:
        Path("tape.jsonl").write_text('{"ts": null, "raw": "{\\"channel\\":\\"heartbeat\\"}"}\n')

    code = run(*command.split(), *COMMANDS[command], *more)

    said = capsys.readouterr()
    assert code == 2
    assert message in said.err or f"No such option: {more[0]}" in said.err or message == "nan"
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    "words",
    [(), ("order",), ("sim",), ("kraken",), ("kraken", "order"), ("order", "plce")],
    ids=" ".join,
)
def test_a_group_without_a_command_shows_its_help(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == 2
    said = capsys.readouterr()
    assert "Usage: fluxum" in said.out + said.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_a_shell_gets_a_script_that_asks_for_words(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("completion", shell) == 0
    script = capsys.readouterr().out
    assert "_FLUXUM_COMPLETE" in script
    assert f"complete_{shell}" in script


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("fluxum ord", {"orderbook", "order"}),
        ("fluxum kraken bal", {"balances"}),
        ("fluxum order cancel", {"cancel", "cancel-all"}),
        ("fluxum stream --exch", {"--exchange"}),
        ("fluxum stream -x gem", {"gemini", "gemini-v2"}),
        ("fluxum stream -x kraken,gem", {"kraken,gemini", "kraken,gemini-v2"}),
        ("fluxum stream tra", {"trade"}),
        ("fluxum stream book,tra", {"book,trade"}),
        ("fluxum stream trade --kind book_", {"book_snapshot", "book_update"}),
    ],
)
def test_words_are_completed(
    line: str,
    words: set[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("_FLUXUM_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - 1))

    run()

    assert set(capsys.readouterr().out.split()) == words


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
        venue = VENUES[name]
        private = {Channel.EXECUTION, Channel.BALANCE} if venue.private else set[Channel]()
        offered = {
            one.value for one in venue.routes if one not in venue.needs_token or one in private
        }
        cards = 21 if private else 14
        assert len(finding.passed) + len(finding.passed_over) == cards, name
        assert set(finding.channels) == offered
    assert run("support") == 0
    assert found.date in capsys.readouterr().out
    assert run("support", "--format", "ndjson") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["venue"] for line in lines] == list(VENUES)
