"""The list of exchanges: each under its own name, brought in when it is asked for."""

import subprocess
import sys

import pytest

from fluxum.errors import BadInput
from fluxum.venues.register import VENUES, find_venue


def test_every_exchange_goes_by_its_own_name() -> None:
    assert [venue.name for venue in VENUES.values()] == list(VENUES)
    assert next(iter(VENUES)) == "kraken"
    assert find_venue("okx") is VENUES["okx"]


def test_an_exchange_nobody_knows_is_shown_beside_those_there_are() -> None:
    assert "mtgox" not in VENUES
    with pytest.raises(BadInput, match=r"expected \(binance, .*okx.*\), was 'mtgox'"):
        find_venue("mtgox")


def test_only_what_is_asked_for_is_brought_in() -> None:
    program = """
import sys
import fluxum.cli.main
from fluxum.venues.register import VENUES
VENUES["okx"]
print(*sorted({name.split(".")[2] for name in sys.modules if name.startswith("fluxum.venues.")}))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert "okx" in done.stdout.split()
    assert not {"kraken", "binance", "bybit", "coinbase", "gemini"} & set(done.stdout.split())
