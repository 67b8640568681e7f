"""Simulated halves of the exchanges."""

import subprocess
import sys

PROGRAM = """
import sys
for extra in ("jwt", "cryptography"):
    sys.modules[extra] = None
from fluxum.sim.sides import find_side
from fluxum.venues.register import VENUES
for name in VENUES:
    find_side(name)
"""


def test_every_exchange_is_simulated_without_extras() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=False)

    assert (done.returncode, done.stderr) == (0, b"")
