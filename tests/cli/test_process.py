"""Commands as processes: which signal ends them, how, and what their exit status says.

The programs below wait in another process until they are ended; here nothing waits but for them.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from asyncs import run
from fluxum.cli.process import Ended, Signals, exit_code
from fluxum.errors import BadInput, FluxumError, LinkClosed, TapeError

HEAD = """
import asyncio, os, signal, sys, time
from fluxum.cli.process import exit_code, run_async
from fluxum.errors import FluxumError, LinkClosed

def say(text):
    os.write(1, text.encode() + b"\\n")

async def forever():
    try:
        say("begun")
        await asyncio.sleep(60)
    finally:
        say("closed")
"""


@contextmanager
def program(command: str, *before: str) -> Generator[subprocess.Popen[bytes]]:
    """`exit_code(command)` in another process, once it has said that it has begun."""
    # Tests that were started by `nohup` have the signal ignored, and children inherit that.
    reset = "" if before else "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
    script = f"{reset}{HEAD}\n{command}\nsys.exit(exit_code(command))"
    with subprocess.Popen(
        [*before, sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"begun\n"
            yield process
        finally:
            process.kill()


def end(process: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    out, err = process.communicate()
    return process.returncode, out.decode(), err.decode()


ON_A_LOOP = "def command(): run_async(forever())"
STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
signals = pytest.mark.parametrize("number", list(STATUS), ids=lambda number: number.name)


@signals
def test_work_on_a_loop_is_closed_and_the_status_names_the_signal(number: signal.Signals) -> None:
    with program(ON_A_LOOP) as process:
        process.send_signal(number)

        assert end(process) == (STATUS[number], "closed\n", "")


def test_work_without_a_loop_is_closed_as_well() -> None:
    command = """
def command():
    try:
        say("begun")
        time.sleep(60)
    finally:
        say("closed")
"""
    with program(command) as process:
        process.send_signal(signal.SIGTERM)

        assert end(process) == (143, "closed\n", "")


def test_what_an_interrupted_command_exits_with_is_its_signal() -> None:
    """As typer does with an interrupt, and with a question that is interrupted."""
    command = """
def command():
    try:
        say("begun")
        time.sleep(60)
    except KeyboardInterrupt:
        sys.exit(1)
"""
    with program(command) as process:
        process.send_signal(signal.SIGTERM)

        assert end(process) == (143, "", "")


def test_an_error_of_a_work_that_is_ended_is_told_and_changes_no_status() -> None:
    command = """
async def work():
    try:
        await forever()
    finally:
        raise LinkClosed("cut while it closed")

def command(): run_async(work())
"""
    with program(command) as process:
        process.send_signal(signal.SIGTERM)

        assert end(process) == (143, "closed\n", "fluxum: cut while it closed\n")


def test_what_is_behind_the_loop_is_not_interrupted_and_may_say_what_failed() -> None:
    command = """
def command():
    try:
        run_async(forever())
    finally:
        os.kill(os.getpid(), signal.SIGINT)  # within a moment: the same act
        say("flushed")
        raise FluxumError("data is lost")
"""
    with program(command) as process:
        process.send_signal(signal.SIGTERM)

        assert end(process) == (1, "closed\nflushed\n", "fluxum: data is lost\n")


def test_a_signal_while_a_command_closes_lets_it_close() -> None:
    command = """
async def soon():
    await asyncio.sleep(0)

def command():
    run_async(soon())
    os.kill(os.getpid(), signal.SIGTERM)
    say("begun")
"""
    with program(command) as process:
        assert end(process) == (0, "", "")


def test_a_second_signal_ends_what_does_not_close() -> None:
    command = """
async def stubborn():
    while True:
        try:
            say("begun")
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            asyncio.get_running_loop().call_later(0.4, say, "closing")

def command(): run_async(stubborn())
"""
    with program(command) as process:
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        assert process.stdout.readline() == b"closing\n"
        process.send_signal(signal.SIGINT)

        assert end(process) == (130, "", "")


def test_one_act_that_arrives_twice_is_no_second_signal() -> None:
    """As `timeout` sends it: to its child, and to its group."""
    command = """
async def slow():
    try:
        await forever()
    finally:
        await asyncio.sleep(0.1)
        say("flushed")

def command(): run_async(slow())
"""
    with program(command) as process:
        process.send_signal(signal.SIGTERM)
        os.killpg(process.pid, signal.SIGTERM)

        assert end(process) == (143, "closed\nflushed\n", "")


def test_ctrl_c_ends_what_a_shell_had_ignore_it_and_a_lost_terminal_not_what_nohup_runs() -> None:
    nohup = shutil.which("nohup")
    if nohup is None:
        pytest.skip("there is no nohup here")
    with program(ON_A_LOOP, nohup) as process:
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGINT)

        assert end(process)[0] == 130


@pytest.mark.parametrize(
    ("error", "status"),
    [(FluxumError, 1), (LinkClosed, 1), (OSError, 1), (BadInput, 2), (TapeError, 2)],
)
def test_errors_are_told_in_a_line_and_have_their_status(
    error: type[Exception], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    before = [signal.getsignal(number) for number in STATUS]

    def command() -> None:
        assert [signal.getsignal(number) for number in STATUS] != before
        raise error("this is wrong")

    assert exit_code(command) == status
    assert capsys.readouterr().err == "fluxum: this is wrong\n"
    assert [signal.getsignal(number) for number in STATUS] == before


def test_a_signal_that_came_before_the_loop_cancels_its_work_at_once() -> None:
    seen = Signals()
    seen.wait()
    seen.take(signal.SIGTERM, None)

    async def never() -> None:
        raise AssertionError("nothing may begin")

    with pytest.raises(asyncio.CancelledError):
        run(seen.ending(never()))
    assert seen.status == 143


def test_outside_a_loop_a_signal_is_raised_where_it_strikes() -> None:
    seen = Signals()

    with pytest.raises(Ended, match="SIGINT"):
        seen.take(signal.SIGINT, None)


def test_the_module_says_where_exit_codes_are_told() -> None:
    root = Path(__file__).parents[2]
    for document in ("docs/errors.md", "docs/using-cli.md", "docs/cli.md"):
        text = (root / document).read_text()
        for status in STATUS.values():
            assert str(status) in text, document
