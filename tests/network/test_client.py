"""The client in a thread: a script, a notebook and signals, against a served exchange."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.network

FLUXUM = [sys.executable, "-m", "fluxum"]
TIMEOUT_S = 40


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("client")
    words = ("sim", "serve", "--port", "0", "--rate", "50", "--account", "keys.toml")
    with subprocess.Popen(
        [*FLUXUM, *words], stderr=subprocess.PIPE, text=True, cwd=folder
    ) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        while "Ctrl-C" not in said:
            said = process.stderr.readline()
        yield f"{said.split(' at ')[1].split(',')[0]} {folder / 'keys.toml'}"
        process.terminate()


SCRIPT = """
import sys, threading
import fluxum

endpoint, keys = sys.argv[1:3]
seen = threading.Event()
client = fluxum.Client(
    "kraken", keys=f"file:{keys}", endpoint=endpoint, journal=fluxum.MemoryOrderJournal()
).in_thread()

def ticker(tickers):
    assert client.get_ticker("BTC/USD").last is not None   # from a callback's own thread
    seen.set()

def endless(tickers):
    threading.Event().wait()

client.register_callback("ticker", endless)
client.register_callback("ticker", ticker)
"""
WHOLE = (
    SCRIPT
    + """
with client:
    assert client.subscribe_ticker("BTC/USD") and client.subscribe_orderbook(["BTC/USD"])
    assert seen.wait(10)
    order = client.add_order({"symbol": "BTC/USD", "side": "buy", "type": "market", "qty": "0.01"})
    print(order.is_ours, client.get_orderbook("BTC/USD").is_valid, client.is_connected())
print(client.is_running, [one.name for one in threading.enumerate()][1:])
"""
)
LEFT_OPEN = """
import asyncio, sys, threading
import fluxum

client = fluxum.Client("kraken", endpoint=sys.argv[1]).in_thread()
client.connect()
client.subscribe_ticker("BTC/USD")
client.register_callback("disconnected", lambda: print("disconnected", flush=True))
print("ready", flush=True)
"""
WAITING = {
    "by itself": "threading.Event().wait()",
    "in the client": "client._thread.call(asyncio.sleep(60))",
}


def script(endpoint: str, text: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", text, *endpoint.split()],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_plain_script_uses_the_client(endpoint: str) -> None:
    out, err = script(endpoint, WHOLE).communicate(timeout=TIMEOUT_S)

    assert (out, err) == ("True True True\nFalse ['fluxum ticker callback']\n", "")


def test_a_client_that_is_left_open_is_closed_at_exit(endpoint: str) -> None:
    process = script(endpoint, LEFT_OPEN)
    out, err = process.communicate(timeout=TIMEOUT_S)

    assert (process.returncode, out, err) == (0, "ready\ndisconnected\n", "")


@pytest.mark.parametrize(
    ("number", "where"), [(signal.SIGTERM, "by itself"), (signal.SIGINT, "in the client")]
)
def test_a_signal_ends_a_script_that_waits(
    endpoint: str, number: signal.Signals, where: str
) -> None:
    process = script(endpoint, LEFT_OPEN + WAITING[where])
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=TIMEOUT_S)

    assert out == "disconnected\n"
    if number is signal.SIGTERM:
        assert (process.returncode, err) == (143, "")
    else:
        assert err.rstrip().endswith("KeyboardInterrupt")


def test_a_notebook_uses_the_client_in_a_thread_and_awaits_it(
    endpoint: str, tmp_path: Path
) -> None:
    where = endpoint.split()[0]
    cells = [
        f"import asyncio, fluxum\nassert asyncio.get_running_loop()\nWHERE = {where!r}",
        "client = fluxum.Client('kraken', endpoint=WHERE).in_thread()\nclient.connect()",
        "client.subscribe_ticker('BTC/USD')",
        "client.get_ticker('BTC/USD').is_valid",
        "client.disconnect()\nclient.is_running",
        "other = fluxum.Client('kraken', endpoint=WHERE)\nawait other.connect()",
        "await other.subscribe_ticker('BTC/USD'), other.get_ticker('BTC/USD').is_valid",
        "await other.disconnect()\nother.is_connected()",
    ]
    notebook: Any = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]
    notebook.cells = [nbformat.v4.new_code_cell(one) for one in cells]  # type: ignore[no-untyped-call]

    NotebookClient(
        notebook, timeout=TIMEOUT_S, resources={"metadata": {"path": tmp_path}}
    ).execute()

    outputs = [
        one.outputs[-1].get("data", {}).get("text/plain") for one in notebook.cells if one.outputs
    ]
    assert outputs == ["True", "True", "True", "False", "True", "(True, True)", "False"]


PAGE = (Path(__file__).parents[2] / "docs" / "from-other-clients.md").read_text()


def test_the_programs_of_the_page_run(endpoint: str) -> None:
    where = endpoint.split()[0]
    programs = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    running = [script(endpoint, one.replace("ws://127.0.0.1:8765", where)) for one in programs]
    outs = [one.communicate(timeout=TIMEOUT_S) for one in running]

    assert [err for _, err in outs] == ["", ""]
    assert "ETH/USD" in outs[0][0]
    assert outs[1][0].endswith("BookStatus.VALID\n")
