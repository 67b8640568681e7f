"""Accounts and sessions as the options of a command, and the configuration, have them."""

import sys
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from fluxum.cli.configured import account_at, config, session_at
from fluxum.cli.options import parse_endpoints, parse_proxy
from fluxum.connect import Recorder
from fluxum.credentials import find_credentials
from fluxum.errors import BadInput
from fluxum.logs import hide
from fluxum.model.account import Credentials
from fluxum.model.event import Channel
from fluxum.session.account_config import AccountConfig
from fluxum.session.session import Session
from fluxum.venues.register import VENUES, find_venue

__all__ = ["account_config", "credentials", "depth_offered", "opened"]


def account_config(
    exchange: str,
    keys: str,
    tier: str = "",
    since_ns: int | None = None,
    symbols: Iterable[str] = (),
) -> AccountConfig:
    """An account's keys and options; raises BadInput without keys or a private API.

    What the command line leaves out is as configured for the account at the exchange.
    """
    found = credentials(exchange, keys)
    entry = account_at(exchange)
    return AccountConfig(
        found,
        tier=tier or entry.tier,
        since_ns=since_ns,
        symbols=symbols,
        renew_s=entry.token.renew_s,
        retry_s=entry.token.retry_s,
        audit_s=entry.audit_s,
    )


def credentials(exchange: str, keys: str) -> Credentials:
    """An account's keys, which are masked in logs from now on; see `account_config`."""
    if find_venue(exchange).private is None:
        able = ", ".join(venue.name for venue in VENUES.values() if venue.private is not None)
        raise BadInput(f"accounts are supported at {able}; was {exchange!r}")
    found = find_credentials(exchange, keys or account_at(exchange).keys, stdin=sys.stdin)
    hide(found.key, found.secret, found.passphrase)
    return found


@asynccontextmanager
async def opened(
    exchanges: Sequence[str],
    symbols: Sequence[str],
    channels: Sequence[Channel],
    *,
    depth: int | None = None,
    interval_s: int | None = None,
    endpoint: Sequence[str] | None = None,
    proxy: str | None = None,
    recorder: Recorder | None = None,
    keys: str = "",
) -> AsyncGenerator[list[Session]]:
    """A session with each exchange, all with the same subscriptions, for the length of a block.

    If a channel needs a login, the keys are read from `keys`; see `account_config`.
    """
    endpoints = parse_endpoints(endpoint, exchanges)
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                session_at(
                    exchange,
                    symbols,
                    channels,
                    depth=depth_offered(exchange, depth),
                    interval_s=interval_s or config().venue_settings(exchange).interval,
                    endpoint=endpoints.get(exchange),
                    proxy=parse_proxy(proxy),
                    recorder=recorder,
                    account_config=account_config(exchange, keys)
                    if any(one in find_venue(exchange).needs_token for one in channels)
                    else None,
                )
            )
            for exchange in exchanges
        ]


def depth_offered(exchange: str, wanted: int | None) -> int | None:
    """As `Venue.depth_for`; without a wanted depth it is as configured."""
    configured = config().venue_settings(exchange).depth
    return find_venue(exchange).depth_for(configured if wanted is None else wanted)
