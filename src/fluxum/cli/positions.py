"""`positions`: the positions in contracts, as the exchange reports them."""

from decimal import Context

from fluxum.cli.answers import write_rows
from fluxum.cli.asking import report_left_out
from fluxum.cli.configured import session_at
from fluxum.cli.lines import number_text
from fluxum.cli.opening import account_config
from fluxum.cli.options import (
    Endpoint,
    Exchange,
    Format,
    FormatOption,
    Keys,
    Proxy,
    Tier,
    parse_endpoint,
    parse_exchange,
    parse_proxy,
)
from fluxum.cli.output import Output
from fluxum.cli.process import run_async
from fluxum.cli.table import Column, Table
from fluxum.errors import BadInput
from fluxum.model.position import PositionUpdate
from fluxum.session.session import Session
from fluxum.venues.register import VENUES, find_venue
from fluxum.venues.venue import Venue

__all__ = ["positions", "write_positions"]

_NUMBERS = ("QUANTITY", "ENTRY", "MARK", "LIQ PRICE", "PROFIT")
_SHOWN = Context(prec=8)


def positions(
    exchange: Exchange = "",
    keys: Keys = "",
    tier: Tier = "",
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show the open positions in contracts, as the exchange reports them now.

    Quantities are in units of the base asset. PROFIT is what closing at the mark price would gain,
    before fees. The table has eight digits of each price; the other formats have all of them.

    Example: fluxum positions --format csv
    """
    name = parse_exchange(exchange)
    if not _lists_positions(find_venue(name)):
        known = ", ".join(one for one, venue in VENUES.items() if _lists_positions(venue))
        raise BadInput(f"an exchange with positions was expected ({known}), was {name!r}")
    url, through = parse_endpoint(endpoint, name), parse_proxy(proxy)
    entry = account_config(name, keys, tier)
    with Output(form, [PositionUpdate]) as output:

        async def main() -> None:
            opening = session_at(name, endpoint=url, proxy=through, account_config=entry)
            async with opening as session:
                await write_positions(session, output)

        run_async(main())


async def write_positions(session: Session, output: Output) -> None:
    """Write the open positions, by market; report rows that could not be read."""
    with session.events() as events:
        page = await session.account.positions()
        report_left_out(events, output)
    found = sorted(page, key=lambda one: (one.symbol, one.position_id))
    columns = [Column("SYMBOL"), Column("SIDE")]
    columns += [Column(one, is_number=True) for one in _NUMBERS]
    write_rows(output, Table([*columns, Column("MARGIN")]), found, _cells)
    if not found:
        output.message("no open positions")


def _lists_positions(venue: Venue) -> bool:
    return venue.private is not None and venue.private.queries().positions is not None


def _cells(one: PositionUpdate) -> list[str]:
    side = "" if one.side is None else one.side.value
    prices = (one.entry_price, one.mark_price, one.liquidation_price, one.unrealised)
    shown = [number_text(None if each is None else _SHOWN.plus(each)) for each in prices]
    mode = "-" if one.margin_mode is None else one.margin_mode.value
    return [one.symbol, side, number_text(one.quantity), *shown, mode]
