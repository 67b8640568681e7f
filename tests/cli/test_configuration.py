"""`config` and the options that all commands have for it; logs and tapes as configured."""

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from configured_worlds import QuietDials, World, shows

from fluxum.cli import record
from fluxum.cli.configured import (
    account_at,
    begin_config,
    config,
    configured_markets,
    session_at,
    venue_at,
)
from fluxum.cli.logs import LogForm, begin_logs
from fluxum.cli.main import app
from fluxum.cli.opening import depth_offered
from fluxum.cli.process import exit_code
from fluxum.errors import BadInput
from fluxum.sim.loop import run as run_simulated

FILE = """[venue.kraken]
symbols = ["BTC/USD"]
depth = 25
[account.main]
venue = "kraken"
tier = "pro"
[profile.deep.venue.kraken]
depth = 100
"""


def run(*words: str) -> int:
    try:
        return exit_code(lambda: app(list(words), prog_name="fluxum"))
    except SystemExit as ended:
        return int(ended.code or 0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "fluxum.toml"
    path.write_text(FILE)
    return path


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    begin_config("", "", None, is_anew=True)
    logging.getLogger().setLevel(logging.CRITICAL)  # as a process begins
    yield
    begin_config("", "", None, is_anew=True)
    logging.getLogger("fluxum.session.feed").setLevel(logging.NOTSET)


def shown(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    return {one["name"]: one for one in json.loads(capsys.readouterr().out)}


def test_show_has_effective_values_and_where_each_came_from(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLUXUM__READER__CAPACITY", "500")
    words = ["config", "show", "--config", str(path), "--profile", "deep", "--format", "json"]

    assert run(*words, "--set", "reader.overflow=conflate") == 0

    rows = shown(capsys)
    assert (rows["venue.kraken.depth"]["value"], rows["venue.kraken.depth"]["source"]) == (
        100,
        f"{path}:8",
    )
    assert rows["reader.capacity"]["source"] == "FLUXUM__READER__CAPACITY"
    assert rows["reader.overflow"]["source"] == "--set reader.overflow"
    assert rows["venue.kraken.link.silence_s"]["source"] == "venue"
    assert rows["network.tls_min"]["source"] == "default"


def test_show_written_leaves_the_defaults_out(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--config", str(path), "config", "show", "--written") == 0

    said = capsys.readouterr()
    assert [line.split()[0] for line in said.out.splitlines()] == [
        "venue.kraken.symbols",
        "venue.kraken.depth",
        "account.main.venue",
        "account.main.tier",
    ]
    assert f"{path}:3" in said.out
    assert str(path) in said.err


def test_init_writes_a_file_that_check_finds_right_and_replaces_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "folder" / "fluxum.toml"

    assert run("config", "init", str(new)) == 0
    assert run("config", "check", str(new)) == 0
    assert run("config", "init", str(new)) == 2
    assert "a file that does not exist was expected" in capsys.readouterr().err
    assert run("config", "init", "-x", "okx") == 0
    assert "[venue.okx.link]" in capsys.readouterr().out


def test_check_reports_every_fault_with_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("[reader]\ncapacity = 0\noverflw = 'x'\n")

    assert run("config", "check", str(bad)) == 2

    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 2)
    assert f"{bad}:2: reader.capacity" in said.err
    assert f"{bad}:3: reader.overflw" in said.err


def test_the_file_may_be_named_by_the_environment(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLUXUM_CONFIG", str(path))
    monkeypatch.setenv("FLUXUM_PROFILE", "deep")

    assert run("config", "show", "--format", "json") == 0

    assert shown(capsys)["venue.kraken.depth"]["value"] == 100


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--set", "reader.capacity"), "--set: NAME=VALUE was expected, was 'reader.capacity'"),
        (("--set", "reader.capacty=5"), "--set reader.capacty: reader.capacty: unknown setting"),
        (("--config", "/none.toml"), "/none.toml cannot be read"),
        (("--profile", "x"), "a profile was expected (there: none), was 'x'"),
    ],
)
@pytest.mark.parametrize("command", [("orderbook", "-s", "BTC/USD"), ("balances",)], ids=str)
def test_a_bad_configuration_ends_every_command_before_it_begins(
    command: tuple[str, ...],
    words: tuple[str, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(*command, *words) == 2
    assert message in capsys.readouterr().err


def test_commands_use_what_is_configured_unless_they_say_otherwise(path: Path) -> None:
    begin_config(str(path), "", ["venue.kraken.link.silence_s=33"])

    assert depth_offered("kraken", None) == 25
    assert depth_offered("kraken", 11) == 25
    assert depth_offered("kraken", 10) == 10
    assert configured_markets() == {"kraken": ["BTC/USD"]}
    assert account_at("kraken").tier == "pro"
    venue = venue_at("kraken", "ws://127.0.0.1:9")
    assert venue.limits.link_silence_s == 33
    assert venue.endpoints["public"] == "ws://127.0.0.1:9/v2"
    with pytest.raises(BadInput, match="--symbol: a symbol like BTC/USD"):
        configured_markets(["okx"])


def test_a_session_of_a_command_has_the_configured_limits_endpoint_and_queues() -> None:
    async def story() -> None:
        dials = QuietDials()
        async with session_at("kraken", ["BTC/USD"], runtime=World(dials)) as session:
            await asyncio.sleep(1)
            assert session.venue.limits.link_silence_s == 33
            assert dials.urls == ["ws://127.0.0.1:9/v2"]
            assert session.events().statistics().capacity == 7

    settings = ["link.silence_s=33", "endpoint=ws://127.0.0.1:9"]
    begin_config("", "", [*(f"venue.kraken.{one}" for one in settings), "reader.capacity=7"])

    run_simulated(story())


@shows("log.format")
@pytest.mark.parametrize(
    ("option", "begins"), [(None, '{"time":'), (LogForm.TEXT, "20")], ids=["set", "option"]
)
def test_lines_of_the_log_are_in_the_format_that_is_set(
    option: LogForm | None, begins: str, tmp_path: Path
) -> None:
    begin_logs(0, "", option)
    begin_config("", "", [f"log.file={tmp_path / 'fluxum.log'}", "log.format=json"])
    config()

    logging.getLogger("fluxum.session.session").error("that")

    assert (tmp_path / "fluxum.log").read_text().startswith(begins)


@shows("log.level", "log.file", "log.modules")
def test_the_log_is_as_configured(tmp_path: Path) -> None:
    log = tmp_path / "fluxum.log"
    modules = '{"fluxum.session.feed" = "debug"}'
    begin_config("", "", [f"log.file={log}", "log.level=error", f"log.modules={modules}"])
    config()

    logging.getLogger("fluxum.session.session").warning("not this")
    logging.getLogger("fluxum.session.session").error("that, with token=%s", "abcdefgh")
    logging.getLogger("fluxum.session.feed").debug("and this")

    text = log.read_text()
    assert "not this" not in text
    assert "ERROR fluxum.session.session that, with token=***" in text
    assert "DEBUG fluxum.session.feed and this" in text


class Stepping:
    """A clock that goes on by forty seconds each time it is read."""

    def __init__(self) -> None:
        self._now_ns = 1_800_000_000_000_000_000

    def now_ns(self) -> int:
        self._now_ns += 40_000_000_000
        return self._now_ns


def written(folder: Path, *settings: str) -> int:
    """How many files ten frames on a configured tape take."""
    begin_config("", "", [f"record.output={folder}/tape.jsonl", *settings], is_anew=True)
    with record._tape("", "kraken", Stepping()) as tape:
        for _ in range(10):
            tape.add(b'{"channel":"heartbeat"}', 0, sent=False)
            tape.flush()
    assert all(one.parent == folder for one in tape.paths)
    return len(tape.paths)


@shows("record.output", "record.rotate_bytes", "record.rotate_s")
def test_a_tape_is_written_as_configured(tmp_path: Path) -> None:
    for name in ("whole", "small", "short"):
        (tmp_path / name).mkdir()

    assert written(tmp_path / "whole") == 1
    assert written(tmp_path / "small", "record.rotate_bytes=200") > 1
    assert written(tmp_path / "short", "record.rotate_s=2m") == 4
