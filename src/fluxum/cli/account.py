"""`balances`: an account's balances, and what changes them."""

from contextlib import suppress
from decimal import Decimal
from itertools import islice
from typing import Annotated

import typer
from msgspec import Struct

from fluxum.cli.answers import write_rows
from fluxum.cli.asking import report_left_out
from fluxum.cli.configured import session_at
from fluxum.cli.hints import near
from fluxum.cli.lines import event_text, money_text, number_text
from fluxum.cli.market import attended, until
from fluxum.cli.opening import account_config
from fluxum.cli.options import (
    Endpoint,
    Exchange,
    Format,
    FormatOption,
    Keys,
    Proxy,
    Seconds,
    Tier,
    parse_endpoint,
    parse_exchange,
    parse_proxy,
)
from fluxum.cli.output import Output, live_output
from fluxum.cli.process import run_async
from fluxum.cli.records import HeldRecord, ValuedRecord
from fluxum.cli.table import Column, Table
from fluxum.errors import BadInput, VenueRefused
from fluxum.ledger.valuation import Routes, converted
from fluxum.model.account import Balance, LedgerEntry
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Asset, InstrumentStatus, Symbol
from fluxum.session.session import Session

__all__ = ["balances", "write_valued"]

_WITHOUT_PRICE = {InstrumentStatus.DELISTED, InstrumentStatus.MAINTENANCE}
_ROUTES_MAX = 5
Into = Annotated[
    str, typer.Option("--in", metavar="ASSET", help="Value every balance in this asset: USD, EUR.")
]


def balances(
    exchange: Exchange = "",
    keys: Keys = "",
    tier: Tier = "",
    into: Into = "",
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with every line that changes a balance.")
    ] = False,
    seconds: Seconds = None,
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show how much an account has of each asset, and how much of it open orders hold.

    With --in each balance is valued over the exchange's own markets, at the mid of their best
    prices; the path is shown. Without a path to that currency there is no value.

    Example: fluxum balances --in USD
    """
    name = parse_exchange(exchange)
    url, through = parse_endpoint(endpoint, name), parse_proxy(proxy)
    entry = account_config(name, keys, tier)
    if into and follow:
        raise BadInput(f"--follow shows changes without values: leave out --in {into}")

    async def main(output: Output) -> None:
        opening = session_at(name, endpoint=url, proxy=through, account_config=entry)
        async with opening as session:
            account = session.account
            if into:
                await write_valued(session, Asset(into), output)
                return
            if follow:
                session.subscribe(Subscription(Channel.BALANCE))
            for balance in await account.balances():
                output.write(HeldRecord.of(balance), _balance_text(balance))
            if follow:
                await until(seconds, attended(output, _follow(session, output)))

    kinds: list[type[Struct]] = [ValuedRecord if into else HeldRecord]
    if follow:
        kinds.append(LedgerEntry)
    with live_output(form, kinds) as output:
        run_async(main(output))


async def write_valued(session: Session, into: Asset, output: Output) -> None:
    """Write the balances with their values, the largest first, and report the total.

    Raises BadInput for an asset that no market of the venue has.
    """
    with session.events() as events:
        listed = await session.fetch_instruments()
        report_left_out(events, output)
    known = {asset for one in listed for asset in (one.base, one.quote)}
    if into not in known:
        what = f"an asset of {session.venue.name} was expected for --in"
        raise BadInput(f"{what}, was {into!r}{near(into, known)}")
    routes = Routes(one.symbol for one in listed if one.status not in _WITHOUT_PRICE)
    valuation = _Valuation(session, routes, into)
    records = [await valuation.record(one) for one in await session.account.balances()]
    records.sort(key=lambda one: -1 if one.value is None else one.value, reverse=True)
    columns = [Column("ASSET"), Column("TOTAL", is_number=True), Column("HELD", is_number=True)]
    table = Table([*columns, Column(into, is_number=True), Column("PATH")])
    write_rows(output, table, records, _valued_cells)
    values = [one.value for one in records if one.value is not None]
    total = money_text(sum(values, Decimal(0)))
    output.message(f"total {total} {into} in {len(values)} of {len(records)} balances")
    for one in records:
        if one.value is None:
            output.message(f"not valued: {money_text(one.total)} {one.asset}: {one.why}")


class _Valuation:
    """Values balances in one asset; each market's ticker is requested once."""

    def __init__(self, session: Session, routes: Routes, into: Asset) -> None:
        self._session = session
        self._routes = routes
        self._into = into
        self._prices: dict[Symbol, Decimal | None] = {}

    async def record(self, balance: Balance) -> ValuedRecord:
        """A balance with its value over the first route of which all markets have a price."""
        why = f"no market leads from {balance.asset} to {self._into}"
        for route in islice(self._routes.between(balance.asset, self._into), _ROUTES_MAX):
            prices = {leg.symbol: await self._price(leg.symbol) for leg in route}
            unpriced = [symbol for symbol, price in prices.items() if price is None]
            if unpriced:
                why = f"{', '.join(unpriced)} has no price"
                continue
            known = {symbol: price for symbol, price in prices.items() if price is not None}
            value = converted(balance.total, route, known)
            path = tuple(leg.symbol for leg in route)
            return ValuedRecord.valued(balance, self._into, value, path)
        return ValuedRecord.valued(balance, self._into, None, (), why)

    async def _price(self, symbol: Symbol) -> Decimal | None:
        """The mid of a market's best prices, else its last price; `None` if there is neither."""
        if symbol not in self._prices:
            self._prices[symbol] = None
            with suppress(VenueRefused):  # the venue has no ticker of it now
                ticker = await self._session.fetch_ticker(symbol)
                self._prices[symbol] = ticker.mid or ticker.last or None
        return self._prices[symbol]


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


def _valued_cells(one: ValuedRecord) -> list[str]:
    value = "-" if one.value is None else money_text(one.value)
    return [
        one.asset,
        number_text(one.total),
        number_text(one.held),
        value,
        " > ".join(one.path) or one.why,
    ]
