"""What every test can count on: no real network unless it is marked, and no examples on a clock."""

import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Generator, Iterator
from functools import lru_cache
from typing import NoReturn

import pytest
import typer.main
from hypothesis import HealthCheck, settings

from fluxum.runtime import forget_counts

# A busy machine is no reason to fail, and the same examples on every run none to doubt.
settings.register_profile(
    "fluxum",
    deadline=None,
    max_examples=25,
    stateful_step_count=20,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
# What `make quick` tries.
settings.register_profile("quick", parent=settings.get_profile("fluxum"), max_examples=15)
# What `make all` tries; oddrows.py knows these names as well.
settings.register_profile("all", parent=settings.get_profile("fluxum"), max_examples=50)
# By name, for what is to be tried longer: pytest --hypothesis-profile many -k odd
settings.register_profile("many", parent=settings.get_profile("fluxum"), max_examples=500)
settings.load_profile("fluxum")

# A shell has its background commands ignore SIGINT, and they their children: a test that ends a
# command by Ctrl-C would wait for ever for one that has not taken the signal yet.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _alone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse to sleep on the real clock, and to connect unless marked `network`.

    Each test counts its own attempts to connect: a hundred commands in one process would use up
    those of ten minutes.
    """

    def refuse(*arguments: object) -> NoReturn:
        raise AssertionError(f"a test touched the real world: {arguments}")

    # Nor do the settings of the user who runs the tests count.
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nonexistent")
    for name in [one for one in os.environ if one.startswith(("FLUXUM_CONFIG", "FLUXUM__"))]:
        monkeypatch.delenv(name)
    forget_counts()
    if request.node.get_closest_marker("network") is None:
        monkeypatch.setattr(time, "sleep", refuse)
        monkeypatch.setattr(socket.socket, "connect", refuse)
        monkeypatch.setattr(socket.socket, "bind", refuse)


@pytest.fixture(autouse=True, scope="session")
def _built_once() -> Iterator[None]:
    """The command line is built once: that takes longer than most commands."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", lru_cache(typer.main.get_command))
        yield


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """A command in this process begins a log: the next test begins without it."""
    root = logging.getLogger()
    loggers = [root, logging.getLogger("fluxum")]
    levels = [one.level for one in loggers]
    yield
    for one, level in zip(loggers, levels, strict=True):
        one.setLevel(level)
    for handler in list[logging.Handler](root.handlers):
        if type(handler.formatter).__module__ == "fluxum.logs":
            root.removeHandler(handler)
            handler.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits for processes comes first: at the end it would leave other workers idle."""
    items.sort(key=lambda item: item.get_closest_marker("network") is None)


def pytest_collection_finish() -> None:
    """Collected tests are no garbage, so the collector need not look at them again.

    Every simulated loop looks for garbage at its end, and for half of the time it looked at these.
    """
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    """Nor need it look at what the tests of a module leave behind, such as reports and caches."""
    done = yield
    if nextitem is None or nextitem.path != item.path:
        gc.collect()
        gc.freeze()
    return done


def pytest_sessionfinish() -> None:
    """Write what the conformance cards found, where that is wanted."""
    findings = sys.modules.get("findings")
    if findings is not None:
        findings.write()
