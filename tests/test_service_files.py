"""The unit for systemd and the Dockerfile of a recording service: their words are real ones."""

import json
import re
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from fluxum.cli.main import app

FOLDER = Path(__file__).parents[1] / "docs" / "service"
UNIT = FOLDER / "fluxum-record@.service"


def unit() -> ConfigParser:
    parser = ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(UNIT.read_text())
    return parser


def options(words: list[str]) -> None:
    """Fail unless `record` has every option among the words."""
    command: Any = get_command(app)
    parameters: list[Any] = command.commands["record"].params
    known: set[str] = {name for parameter in parameters for name in parameter.opts}
    used = [word for word in words if word.startswith("-")]
    assert used
    assert set(used) <= known


def test_the_unit_starts_a_recorder_that_exists() -> None:
    program, command, *words = unit()["Service"]["ExecStart"].split()

    assert (program, command) == ("/opt/fluxum/bin/fluxum", "record")
    options(words)


def test_the_unit_takes_the_status_of_a_stop_for_success_and_of_bad_usage_for_good() -> None:
    service = unit()["Service"]

    assert service["SuccessExitStatus"] == "143"
    assert service["RestartPreventExitStatus"] == "2"
    assert service["Restart"] == "always"
    assert int(service["TimeoutStopSec"]) > 60  # how long the recorder waits for columns


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    text = UNIT.read_text().replace("/opt/fluxum/bin/fluxum", "/bin/true").replace("%i", "kraken")
    path = tmp_path / "fluxum-record.service"
    path.write_text(text)

    done = subprocess.run([analyze, "verify", path], capture_output=True, text=True, check=False)

    ours = [line for line in done.stderr.splitlines() if "fluxum-record" in line]
    assert ours == []


def test_the_image_starts_a_recorder_with_columns() -> None:
    text = (FOLDER / "Dockerfile").read_text()
    found = re.findall(r"^(?:ENTRYPOINT|CMD) (\[.*\])$", text, re.MULTILINE)
    words = [json.loads(one) for one in found]

    program, command, *more = [word for line in words for word in line]
    assert (program, command) == ("fluxum", "record")
    options(more)
    assert re.search(r"^STOPSIGNAL SIGTERM$", text, re.MULTILINE)
    assert re.search(r"^USER fluxum$", text, re.MULTILINE)
