"""`setup`: asks for keys, tries them, and stores them where commands find them."""

import asyncio
import sys
from collections.abc import Iterator
from getpass import getpass
from pathlib import Path
from typing import Annotated

import typer

from fluxum.cli.configured import runtime_of, venue_at
from fluxum.cli.options import (
    FIRST_EXCHANGE,
    Endpoint,
    Exchange,
    Proxy,
    parse_endpoint,
    parse_exchange,
    parse_proxy,
)
from fluxum.cli.process import run_async
from fluxum.connect import connect
from fluxum.credentials import DEFAULT_FILE, has_keys, store_in_file, store_in_keyring
from fluxum.errors import BadInput, CircuitOpen, TransportError
from fluxum.logs import hide
from fluxum.model.account import Credentials
from fluxum.session.account_config import AccountConfig
from fluxum.venues.register import VENUES, find_venue
from fluxum.venues.venue import Venue

__all__ = ["setup"]

_TEST_S = 15.0


def setup(
    exchange: Exchange = FIRST_EXCHANGE,
    name: Annotated[
        str, typer.Option("--name", help="A name of your own, for a second account there.")
    ] = "",
    store: Annotated[
        str,
        typer.Option("--store", help=f"`keyring`, or a file; without: {DEFAULT_FILE}."),
    ] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace keys that are there already.")
    ] = False,
    test: Annotated[
        bool, typer.Option("--test/--no-test", help="Try the keys by reading the balances once.")
    ] = True,
    endpoint: Endpoint = None,
    proxy: Proxy = None,
) -> None:
    """Ask for the keys of an account, try them by one query, and store them.

    Nothing that is typed is shown. Without a terminal they are lines of stdin: key, secret and, if
    there is one, passphrase. Keys that the exchange refuses are not stored. A file is readable by
    its owner only.

    Example: fluxum setup --store keyring
    """
    venue = parse_exchange(exchange)
    if find_venue(venue).private is None:
        able = ", ".join(one.name for one in VENUES.values() if one.private is not None)
        raise BadInput(f"accounts are supported at {able}; was {venue!r}")
    there = venue_at(venue, parse_endpoint(endpoint, venue))
    through = parse_proxy(proxy)
    entry = name or venue
    is_ring = store == "keyring"
    path = Path(store or DEFAULT_FILE).expanduser()
    place = "keyring" if is_ring else f"file:{path}"
    source = f"keyring:{entry}" if is_ring else f"file:{path}#{entry}"
    if not replace and has_keys(source):
        raise BadInput(f"{entry} has keys in {place} already; replace them with --replace")
    keys = _asked(venue)
    hide(keys.key, keys.secret, keys.passphrase)
    result = run_async(_tried(there, keys, through)) if test else "not tried"
    if is_ring:
        store_in_keyring(entry, keys)
    else:
        store_in_file(path, entry, keys)
    typer.echo(f"the keys are stored in {place} and {result}", err=True)
    if source.partition("#")[0] != f"file:{DEFAULT_FILE.expanduser()}" or name:
        typer.echo(f'use them with --keys {source}, or keys = "{source}"', err=True)


def _asked(venue: str) -> Credentials:
    """The keys as they are typed, or as they come out of a pipe."""
    key, secret, passphrase = (part.strip() for part in _parts(venue))
    if not key or not secret:
        raise BadInput("a key and a secret were expected, one is missing; nothing is stored")
    return Credentials(key, secret, passphrase)


def _parts(venue: str) -> Iterator[str]:
    if sys.stdin.isatty():
        yield getpass(f"Key of {venue}: ")
        yield getpass("Secret: ")
        yield getpass("Passphrase, or nothing: ")
        return
    for _ in range(3):
        yield sys.stdin.readline()


async def _tried(venue: Venue, keys: Credentials, proxy: str | None) -> str:
    """What one query with the keys gave; raises VenueRefused if the exchange refuses them."""
    account = AccountConfig(keys)
    runtime = runtime_of(venue.name, proxy)
    try:
        async with (
            asyncio.timeout(_TEST_S),
            connect(venue, account_config=account, runtime=runtime) as session,
        ):
            held = await session.account.balances()
    except (TransportError, CircuitOpen, TimeoutError) as error:
        why = str(error) or f"no answer in {_TEST_S:g} s"
        return f"could not be tried: {why}"
    return f"accepted by {venue.name}: {len(list(held))} balances were read"
