"""What a strategy's source must not do, each by its line."""

from pathlib import Path

import pytest

import fluxum.bot.strategies
from fluxum.bot.purity import impurities


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("import time", "import of time, which reads a clock"),
        ("from datetime import datetime", "import of datetime, which reads a clock"),
        ("import random", "import of random, which reads chance"),
        ("import os.path", "import of os.path, which reads files or the system"),
        ("from urllib.request import urlopen", "import of urllib.request, which reads a network"),
        ("import asyncio", "import of asyncio, which reads other tasks or threads"),
        ("x = open('prices.csv')", "open() reads a file"),
        ("x = pandas.Timestamp.now()", ".now() reads a clock: use view.now_ns"),
        ("x = hash('a')", "hash() differs from process to process"),
        (
            "def f():\n    global last\n    last = 1",
            "last: memory outside the strategy is not kept",
        ),
        ("for x in {1, 2}: pass", "the order of a set"),
        ("x = [one for one in set(y)]", "the order of a set"),
        ("x = list(frozenset(y) | z)", "the order of a set"),
        ("class A:\n    seen: set[int]", "a set has no order"),
    ],
)
def test_each_impurity_is_named_with_its_line(source: str, what: str) -> None:
    (found,) = impurities(source)

    assert what in found.what
    assert str(found).startswith(
        f"line {source.count(chr(10)) + 1 if 'seen' in source else found.line}: "
    )


@pytest.mark.parametrize(
    "source",
    [
        "from decimal import Decimal\nfrom fluxum.bot import Strategy",
        "for x in sorted({1, 2}): pass",
        "x = 1 in {1, 2}",
        "import math, statistics",
    ],
)
def test_what_is_pure_passes(source: str) -> None:
    assert impurities(source) == []


def test_shipped_strategies_are_short() -> None:
    folder = Path(fluxum.bot.strategies.__file__).parent
    for path in folder.glob("[a-z]*.py"):
        source = path.read_text()
        body = source[source.index("class ") :]
        assert len([line for line in body.splitlines() if line.strip()]) <= 40, path.name
