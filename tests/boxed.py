"""Runs a program as it is, with simulated exchanges in place of the real ones.

python boxed.py PROGRAM     BOXED={"kraken": "ws://127.0.0.1:8765"}
"""

import json
import os
import runpy
import sys
from collections.abc import Mapping

from msgspec.structs import replace

from fluxum.connect import endpoints_at
from fluxum.venues.register import VENUES
from fluxum.venues.venue import Venue


def box(urls: Mapping[str, str]) -> None:
    """Give the register's exchanges the endpoints of simulated ones."""
    real = type(VENUES).__getitem__

    def boxed(self: Mapping[str, Venue], name: str) -> Venue:
        venue = real(self, name)
        return replace(venue, endpoints=endpoints_at(venue, urls[name])) if name in urls else venue

    type(VENUES).__getitem__ = boxed  # type: ignore[method-assign]


def main() -> None:
    """Run the program in the box."""
    box(json.loads(os.environ["BOXED"]))
    runpy.run_path(sys.argv[1], run_name="__main__")


if __name__ == "__main__":
    main()
