"""The programs and notebooks of examples/: each runs as it is, at simulated exchanges."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
PROGRAMS = sorted(path.stem for path in EXAMPLES.glob("*.py"))
NOTEBOOKS = sorted(path.stem for path in EXAMPLES.glob("*.ipynb"))
ENDLESS = {"service": ("/metrics", "/health"), "web_app": ("/book/btc/usd", "/health")}
VENUES = ("kraken", "coinbase", "gemini", "binance", "bybit", "okx")
FORMAT: Any = nbformat
LINES_MAX = 60
ORDERS = ("--side buy -q 0.02", "--side sell -q 0.01")
TIMEOUT_S = 60
# What a program has to print, beside ending well.
SHOWN = {
    "arbitrage_view": r"before fees: (buy|no cross)",
    "backtest_and_report": r"1 bps: [1-9]\d* orders",
    "blocking_script": r"filled 0\.0010* at \d",
    "callbacks": r"broken: [1-9]\d* calls, [1-9]",
    "candles_to_csv": r"[1-9]\d* candles",
    "every_loss": r"sums close: True",
    "market_maker_on_paper": r"[1-9]\d* decisions, [1-9]\d* orders",
    "order_with_unknown_outcome": r"not sent, by our own limits",
    "price_alert": r"(?s)(BTC/USD [+-].*){3}",
    "profit_of_a_month": r"total in USD: -?\d",
    "record_to_dataframe": r"Trade [1-9]\d* rows",
    "replay_a_recording": r"the same: True",
    "service": r"frames: [1-9]",
    "six_venues": r"(?s)(1 of 1 books proved.*){6}sums close: True",
    "spread_monitor": r"valid, [1-9]\d* checks",
    "web_app": r"Running on",
}

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(2 * TIMEOUT_S)]


def test_there_are_enough_and_none_is_long() -> None:
    assert len(PROGRAMS) >= 12
    assert len(NOTEBOOKS) >= 2
    assert set(PROGRAMS) == set(SHOWN)
    listed = re.findall(r"\]\((.*?)\)", (EXAMPLES / "README.md").read_text())
    assert sorted(listed) == sorted(path.name for path in EXAMPLES.glob("*.[pi]*"))
    for name in PROGRAMS:
        text = (EXAMPLES / f"{name}.py").read_text()
        assert len(text.splitlines()) <= LINES_MAX, name
        assert text.startswith('"""'), name


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all of them run: the keys of the accounts are there."""
    return tmp_path_factory.mktemp("examples")


@pytest.fixture(scope="module")
def urls(folder: Path) -> Iterator[dict[str, str]]:
    """Six simulated exchanges in one process."""
    command: list[str | Path] = [
        sys.executable,
        HERE / "serve_boxes.py",
        folder / "keys.toml",
        *VENUES,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            urls = json.loads(process.stdout.readline())
            for words in ORDERS:  # so that the account has a history
                order = f"order place -s BTC/USD {words} --type market --yes --journal first.jsonl"
                where = f"--keys file:keys.toml --endpoint {urls['kraken']}"
                called = [sys.executable, "-m", "fluxum", *f"{order} {where}".split()]
                subprocess.run(called, cwd=folder, check=True, env=world(urls, folder))
            yield urls
        finally:
            process.terminate()


def world(urls: dict[str, str], folder: Path) -> dict[str, str]:
    return {**os.environ, "BOXED": json.dumps(urls), "XDG_STATE_HOME": str(folder)}


@pytest.mark.parametrize("name", [one for one in PROGRAMS if one not in ENDLESS])
def test_a_program_runs_and_shows_what_it_is_for(
    name: str, urls: dict[str, str], folder: Path
) -> None:
    done = subprocess.run(
        [sys.executable, HERE / "boxed.py", EXAMPLES / f"{name}.py"],
        cwd=folder,
        env=world(urls, folder),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    assert re.search(SHOWN[name], done.stdout), done.stdout


@pytest.mark.parametrize("name", ENDLESS)
def test_a_program_serves_until_it_is_ended(name: str, urls: dict[str, str], folder: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = folder / f"{name}.py"
    text = (EXAMPLES / program.name).read_text()
    program.write_text(re.sub(r"port=\d+", f"port={port}", text))
    command: list[str | Path] = [sys.executable, HERE / "boxed.py", program]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=folder, env=world(urls, folder)
    ) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        try:
            for path in ENDLESS[name]:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as got:
                    assert (got.status, bool(got.read())) == (200, True)
        finally:
            process.send_signal(signal.SIGINT)
        said += process.stdout.read()

    assert process.returncode == 0
    assert re.search(SHOWN[name], said)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs(
    name: str, urls: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOXED", json.dumps(urls))
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    notebook: Any = FORMAT.read(EXAMPLES / f"{name}.ipynb", as_version=4)
    boxing = "import json, os, boxed; boxed.box(json.loads(os.environ['BOXED']))"
    notebook.cells.insert(0, FORMAT.v4.new_code_cell(boxing))

    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=TIMEOUT_S, resources=resources).execute()

    shown = [cell["outputs"] for cell in notebook.cells if cell["cell_type"] == "code"]
    assert sum(bool(one) for one in shown) >= 3
