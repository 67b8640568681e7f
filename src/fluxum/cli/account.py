"""`balances`: an account's balances, and what changes them."""

from typing import Annotated

import typer

from fluxum.cli.configured import runtime_of, venue_at
from fluxum.cli.lines import event_text, number_text
from fluxum.cli.market import attended, until
from fluxum.cli.options import (
    Endpoint,
    Exchange,
    Format,
    FormatOption,
    Keys,
    Proxy,
    Seconds,
    Tier,
    account_config,
    parse_endpoint,
    parse_exchange,
    parse_proxy,
)
from fluxum.cli.output import Output, live_output
from fluxum.cli.process import run_async
from fluxum.cli.records import HeldRecord
from fluxum.connect import connect
from fluxum.model.account import Balance, LedgerEntry
from fluxum.model.event import Channel, Subscription
from fluxum.session.session import Session

__all__ = ["balances"]


def balances(
    exchange: Exchange = "",
    keys: Keys = "",
    tier: Tier = "",
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with every line that changes a balance.")
    ] = False,
    seconds: Seconds = None,
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show how much an account has of each asset, and how much of it open orders hold.

    Example: fluxum balances --format json
    """
    name = parse_exchange(exchange)
    url, through = parse_endpoint(endpoint, name), parse_proxy(proxy)
    entry = account_config(name, keys, tier)

    async def main(output: Output) -> None:
        venue, runtime = venue_at(name, url), runtime_of(name, through)
        async with connect(venue, account_config=entry, runtime=runtime) as session:
            account = session.account
            if follow:
                session.subscribe(Subscription(Channel.BALANCE))
            for balance in await account.balances():
                output.write(HeldRecord.of(balance), _balance_text(balance))
            if follow:
                await until(seconds, attended(output, _follow(session, output)))

    with live_output(form, [HeldRecord, LedgerEntry] if follow else [HeldRecord]) as output:
        run_async(main(output))


async def _follow(session: Session, output: Output) -> None:
    async for event in session.account.account_events():
        await output.room()
        if isinstance(event, LedgerEntry):
            output.event(event)
        else:
            output.message(event_text(event))


def _balance_text(balance: Balance) -> str:
    total, held = number_text(balance.total), number_text(balance.held)
    return (
        f"{balance.asset:<6}{total:>18} total {held:>16} held {number_text(balance.free):>18} free"
    )
