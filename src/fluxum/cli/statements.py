"""`fills` and `pnl`: what an account traded in a period, and what it gained."""

from collections.abc import Sequence
from typing import Annotated

import typer

from fluxum.cli.answers import write_rows
from fluxum.cli.asking import report_left_out
from fluxum.cli.ledger import Period, Where, opening_ledger
from fluxum.cli.lines import fees_text, money_text, number_text, when_text
from fluxum.cli.opening import account_config
from fluxum.cli.options import (
    Endpoint,
    Exchange,
    Format,
    FormatOption,
    Keys,
    Proxy,
    Since,
    Symbols,
    Tier,
    Until,
    parse_endpoint,
    parse_market,
    parse_period,
    parse_proxy,
)
from fluxum.cli.output import Output
from fluxum.cli.process import run_async
from fluxum.cli.table import Column, Table
from fluxum.errors import BadInput, FluxumError
from fluxum.ledger.ledger import Ledger
from fluxum.ledger.position import TrackedPosition
from fluxum.ledger.view import Position
from fluxum.model.account import Fill
from fluxum.session.account import Account
from fluxum.session.session import Session
from fluxum.venues.register import find_venue

__all__ = ["fills", "pnl", "write_fills", "write_pnl"]

_SINCE = "30d"
_HOUR_NS = 3600 * 1_000_000_000
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="The newest so many.")]


def fills(
    symbol: Symbols = "",
    exchange: Exchange = "",
    since: Since = _SINCE,
    until: Until = "",
    limit: Limit = None,
    keys: Keys = "",
    tier: Tier = "",
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """List the fills of an account in a period, oldest first, with their fees.

    Example: fluxum fills --since 7d --format csv
    """
    where, period = _asked(symbol, exchange, since, until, keys, tier, endpoint, proxy)
    with Output(form, [Fill]) as output:

        async def main() -> None:
            async with where.connect() as session:
                await write_fills(session.account, period, limit, output)

        run_async(main())


def pnl(
    symbol: Symbols = "",
    exchange: Exchange = "",
    since: Since = _SINCE,
    until: Until = "",
    keys: Keys = "",
    tier: Tier = "",
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show the profit and loss of a period, market by market, from the account's own history.

    What was held before is counted at its cost, if earlier fills give it. Open positions are
    marked by the best prices now, or with --until by the last candle before; `ledger` follows them.

    Example: fluxum pnl --since 2026-01-01 --until 2026-02-01
    """
    where, period = _asked(symbol, exchange, since, until, keys, tier, endpoint, proxy)
    with Output(form, [Position]) as output:

        async def main() -> None:
            async with where.connect() as session:
                await write_pnl(session, period, output)

        run_async(main())


async def write_fills(account: Account, period: Period, limit: int | None, output: Output) -> None:
    """Write the fills of a period, the newest `limit` of them."""
    found = [
        one
        for one in await account.history(period.since_ns)
        if (not period.symbols or one.symbol in period.symbols)
        and (period.until_ns is None or one.venue_ns <= period.until_ns)
    ]
    columns = [Column("TIME"), Column("SYMBOL"), Column("SIDE")]
    columns += [Column(one, is_number=True) for one in ("PRICE", "QUANTITY")]
    table = Table([*columns, Column("FEE")])
    write_rows(output, table, found if limit is None else found[-limit:], _fill_cells)
    if not found:
        output.message("no fills")


async def write_pnl(session: Session, period: Period, output: Output) -> None:
    """Write the position of each market of a period, and report the totals by quote asset."""
    venue = session.venue.name
    with session.events() as events:
        ledger = await opening_ledger(session.account, venue, period, output)
        for position in ledger.positions(venue):
            if position.quantity:
                await _mark(session, position, period, output)
        report_left_out(events, output)
    columns = [Column(one, is_number=True) for one in _PNL]
    table = Table([Column("SYMBOL"), *columns])
    found = [one.view() for one in ledger.positions(venue)]
    write_rows(output, table, found, _pnl_cells)
    for one in found:
        if one.cost_note:
            output.message(f"{one.symbol}: {one.cost_note}")
    if not found:
        output.message("no fills, so no profit and no loss")
    _report_totals(ledger, output)


async def _mark(
    session: Session, position: TrackedPosition, period: Period, output: Output
) -> None:
    """Mark a position where the period ends; without a price it stays unmarked, as reported."""
    try:
        if period.until_ns is None:
            ticker = await session.fetch_ticker(position.symbol)
            position.quoted(ticker.bid, ticker.ask)
            return
        since_ns = period.until_ns - 2 * _HOUR_NS
        candles = await session.fetch_candles(position.symbol, "1m", since_ns, period.until_ns)
        if not candles:
            raise BadInput("its candles do not go back that far")
        position.marked(candles[-1].close)
    except FluxumError as error:
        output.message(f"{position.symbol} is not marked: {error}")


def _report_totals(ledger: Ledger, output: Output) -> None:
    for totals in ledger.totals():
        total, fees = money_text(totals.total), money_text(totals.fees_quote)
        output.message(f"total in {totals.quote}: {total} after fees of {fees}")
    for symbol, count in ledger.uncounted.items():
        output.message(f"{symbol}: {count} fills of an inverse contract are not counted")


def _asked(
    symbol: str,
    exchange: str,
    since: str,
    until: str,
    keys: str,
    tier: str,
    endpoint: Sequence[str] | None,
    proxy: str | None,
) -> tuple[Where, Period]:
    """The account and the period that a command is about; raises BadInput."""
    name, symbols = parse_market(symbol, exchange)
    since_ns, until_ns = parse_period(since, until)
    private = find_venue(name).private
    if private is not None and private.queries().needs_symbol and not symbols:
        raise BadInput(f"{name} lists fills market by market: name the markets with --symbol")
    where = Where(
        exchange=name,
        account_config=account_config(name, keys, tier, symbols=symbols),
        endpoint=parse_endpoint(endpoint, name),
        proxy=parse_proxy(proxy),
    )
    return where, Period(symbols=tuple(symbols), since_ns=since_ns or 0, until_ns=until_ns)


_PNL = ("BOUGHT", "SOLD", "OPEN", "REALISED", "UNREALISED", "FEES", "TOTAL")


def _fill_cells(one: Fill) -> list[str]:
    when = when_text(one.venue_ns, one.received_ns)
    price, quantity = number_text(one.price), number_text(one.quantity)
    return [when, one.symbol, one.side.value, price, quantity, fees_text(one.fees)]


def _pnl_cells(one: Position) -> list[str]:
    profit = one.profit
    money = (profit.realised, profit.unrealised, one.fees_quote, profit.total)
    amounts = map(number_text, (one.bought, one.sold, one.quantity))
    return [one.symbol, *amounts, *map(money_text, money)]
