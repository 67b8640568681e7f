"""Other people's clients at our simulated exchanges, with other URLs and nothing else changed.

    make peers                  makes their environment and prints the table
    python table.py PYTHON      with an environment that is there

Each client runs in a process of its own, in an environment of its own. A row that works today is in
`expected.json`; one that does not work any more fails the run.
"""

import asyncio
import json
import os
import sys
from base64 import b64encode
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fluxum.cli.simulator import simulated
from fluxum.venues.register import find_venue

HERE = Path(__file__).parent
EXPECTED = HERE / "expected.json"


def private_pem() -> str:
    """A new key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    form = PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


CLIENTS = {
    "ccxt": (
        "kraken",
        "binance",
        "binance-usdm",
        "bybit",
        "bybit-linear",
        "okx",
        "coinbase",
        "coinbase-exchange",
        "gemini",
        "gemini-v2",
    ),
    "cryptofeed": (
        "kraken",
        "binance",
        "binance-usdm",
        "bybit-linear",
        "okx",
        "coinbase-exchange",
        "gemini-v2",
    ),
    "kraken_sdk": ("kraken",),
    "unicorn": ("binance", "binance-usdm"),
    "python_binance": ("binance",),
    "pybit": ("bybit", "bybit-linear"),
    "python_okx": ("okx",),
    "coinbase_py": ("coinbase",),
    "gemini_api": ("gemini",),
}
"""Clients by the name of their script, with the exchanges each is tried at."""
OVER_TLS = frozenset({"coinbase_py", "cryptofeed", "python_okx"})
"""Clients that know no other scheme than https."""
TRUST = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "WEBSOCKET_CLIENT_CA_BUNDLE")
"""Where these look for the authority of a certificate."""
PASSPHRASE = "peer-passphrase"
KEYS = ("account-peer-key", b64encode(b"a secret of a simulated account").decode())
CLOUD_KEYS = ("organizations/peer/apiKeys/peer", private_pem())
"""A key on P-256, as clients of exchanges that want tokens expect it."""
_RUN_S = 180.0


def keys_at(venue: str) -> tuple[str, str]:
    """The keys of the account at a venue."""
    return CLOUD_KEYS if venue == "coinbase" else KEYS


async def rows_of(python: str, client: str, venue: str) -> list[dict[str, str]]:
    """What became of every call of a client at a venue."""
    symbols = find_venue(venue).sample_symbols[:3]
    with TemporaryDirectory() as folder:
        authority = Path(folder) / "ca.pem" if client in OVER_TLS else None
        async with simulated(venue, symbols, seed=1, rate=60.0, faults="", authority=authority) as (
            box,
            url,
        ):
            if box.venue.private is not None:
                money: dict[str, Decimal] = dict.fromkeys(("BTC", "USD", "USDT"), Decimal(100_000))
                tier = list(box.venue.private.tiers)[-1]
                box.open_account(*keys_at(venue), money, tier=tier, passphrase=PASSPHRASE)
            return await _run(python, client, venue, url, authority)


async def _run(
    python: str, client: str, venue: str, url: str, authority: Path | None
) -> list[dict[str, str]]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(HERE),
        **dict(zip(("PEER_KEY", "PEER_SECRET"), keys_at(venue), strict=True)),
        "PEER_PASSPHRASE": PASSPHRASE,
        **({} if authority is None else dict.fromkeys(TRUST, str(authority))),
    }
    if find_venue(venue).private is not None:
        environment["PEER_ACCOUNT"] = venue
    process = await asyncio.create_subprocess_exec(
        python,
        str(HERE / f"{client}_calls.py"),
        venue,
        url,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment,
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(), _RUN_S)
    except TimeoutError:
        process.kill()
        out = b""
    rows = [json.loads(line) for line in out.splitlines() if line.startswith(b'{"client"')]
    return rows or [
        {"client": client, "venue": venue, "call": "start", "failure": "printed nothing"}
    ]


async def main(python: str, clients: Sequence[str]) -> int:
    """Print the table; 1 when a row does not work that did."""
    rows: list[dict[str, str]] = []
    for client in clients or CLIENTS:
        for venue in CLIENTS[client]:
            rows += await rows_of(python, client, venue)
    known: list[str] = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else []
    lost: list[str] = []
    for row in rows:
        name = f"{row['client']} {row['venue']} {row['call']}"
        works = not row["failure"]
        sys.stdout.write(f"{name:<55} {'works' if works else row['failure'][:150]}\n")
        if name in known and not works:
            lost.append(name)
    sys.stdout.write(f"{sum(not row['failure'] for row in rows)} of {len(rows)} work\n")
    if lost:
        sys.stderr.write(f"worked before: {', '.join(lost)}\n")
    return bool(lost)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], sys.argv[2:])))
