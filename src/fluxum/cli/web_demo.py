"""`demo --web`: the page over two simulated exchanges, with repeated faults and an account."""

import asyncio
from base64 import b64encode
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from decimal import Decimal

from fluxum.cli.output import Output
from fluxum.cli.serve import CHANNELS, PageOptions, show_page
from fluxum.cli.simulator import simulated
from fluxum.errors import BadInput, FluxumError
from fluxum.flow.background import background
from fluxum.hub.hub import Hub
from fluxum.hub.opening import hub
from fluxum.hub.wanted import HubAccount, HubVenue
from fluxum.model.account import Credentials
from fluxum.model.event import Channel
from fluxum.model.instrument import Symbol
from fluxum.orders.journal import MemoryOrderJournal
from fluxum.runtime import LiveRuntime
from fluxum.session.account_config import AccountConfig
from fluxum.sim.exchange import SimulatedExchange
from fluxum.venues.register import VENUES
from fluxum.venues.venue import Venue

__all__ = ["show_on_page"]

_MOVES_PER_S = 30.0
_FIRST_FAULT_S, _FAULTS_EVERY_S, _FAULTS = 8, 24, 150
_MONEY = Decimal(1_000_000)
_ORDER_EVERY_S = 6.0
_KEYS = Credentials("demo-key", b64encode(b"the demo's secret").decode(), "demo-passphrase")


async def show_on_page(venue: Venue, page: PageOptions, seed: int, output: Output) -> None:
    """Serve the page until its time is up; the second exchange is the next with the same market."""
    symbols = venue.sample_symbols[:2]
    others = [
        one
        for one in VENUES.values()
        if one is not venue and symbols[0] in one.sample_symbols and one.checks != venue.checks
    ]
    async with AsyncExitStack() as stack:
        markets: dict[str, Sequence[Symbol]] = {venue.name: symbols}
        markets |= {one.name: symbols[:1] for one in others[:1]}
        urls: dict[str, str] = {}
        account: dict[str, HubAccount] = {}
        for number, (name, wanted) in enumerate(markets.items()):
            box, urls[name] = await stack.enter_async_context(
                simulated(
                    name, wanted, seed=seed + number, rate=_MOVES_PER_S, faults=_faults(number)
                )
            )
            if name == venue.name and venue.private is not None:
                account[name] = _account(box, venue)
        opened = await stack.enter_async_context(
            hub(
                {name: HubVenue(symbols=wanted) for name, wanted in markets.items()},
                (*CHANNELS, Channel.BALANCE),
                accounts=account,
                endpoints=urls,
                runtime=LiveRuntime(),
            )
        )
        async with background(_trade(opened, venue.name, symbols[0])):
            await show_page(opened, page, output)


def _faults(number: int) -> str:
    """Corrupt frames, so that a book is withdrawn, then a cut; at each exchange at other times."""
    starts = range(
        _FIRST_FAULT_S + number * 11, _FAULTS_EVERY_S * _FAULTS, _FAULTS_EVERY_S + number * 9
    )
    corrupt = (f"corrupt@{at}s,corrupt@{at}.01s,corrupt@{at}.02s" for at in starts)
    return ",".join([*corrupt, *(f"hangup@{at + 9}s" for at in starts)])


def _account(box: SimulatedExchange, venue: Venue) -> HubAccount:
    assert venue.private is not None, "an account needs a private API"
    tier = list(venue.private.tiers)[-1]
    assets = {asset for one in box.instruments() for asset in (one.base, one.quote)}
    money: dict[str, Decimal] = dict.fromkeys(sorted(assets), _MONEY)
    box.open_account(_KEYS.key, _KEYS.secret, money, tier=tier, passphrase=_KEYS.passphrase)
    return HubAccount(keys=AccountConfig(_KEYS, tier=tier), journal=MemoryOrderJournal())


async def _trade(opened: Hub, venue: str, symbol: Symbol) -> None:
    """Buy and sell a little, so that there are positions; a link may be down meanwhile."""
    quantities = ("0.02", "0.03", "-0.01", "-0.02")
    number = 0
    while True:
        await asyncio.sleep(_ORDER_EVERY_S if number else 1.0)
        with suppress(BadInput, FluxumError, TimeoutError):
            trader, quantity = opened.trader(venue), quantities[number % len(quantities)]
            if quantity.startswith("-"):
                await trader.sell(symbol, quantity[1:])
            else:
                await trader.buy(symbol, quantity)
            number += 1
