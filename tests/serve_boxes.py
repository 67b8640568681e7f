"""Serves several simulated exchanges from one process, each with an account, until it is ended.

python serve_boxes.py KEYS NAME...     prints {"kraken": "ws://127.0.0.1:40001", ...}, then waits
"""

import asyncio
import json
import sys
from base64 import b64encode
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path

from fluxum.cli.simulator import simulated
from fluxum.credentials import store_in_file
from fluxum.model.account import Credentials
from fluxum.venues.register import find_venue

MONEY = Decimal(100_000)
KEYS = Credentials("key", b64encode(b"the secret of a simulated account").decode(), "passphrase")


async def main(keys: Path, names: list[str]) -> None:
    """Open each exchange and its account, print the URLs, wait."""
    urls: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        for seed, name in enumerate(names):
            venue = find_venue(name)
            box, urls[name] = await stack.enter_async_context(
                simulated(name, venue.sample_symbols, seed=seed, rate=40, faults="")
            )
            if venue.private is not None:
                assets = {asset for one in box.instruments() for asset in (one.base, one.quote)}
                tier = list(venue.private.tiers)[-1]
                money: dict[str, Decimal] = dict.fromkeys(sorted(assets), MONEY)
                box.open_account(
                    KEYS.key, KEYS.secret, money, tier=tier, passphrase=KEYS.passphrase
                )
                store_in_file(keys, name, KEYS)
        sys.stdout.write(f"{json.dumps(urls)}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
