"""`ledger`: an account's profit and loss, and the entries that explain its balances."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Annotated

import typer
from msgspec import Struct

from fluxum.cli import market
from fluxum.cli.configured import session_at
from fluxum.cli.lines import money_text, number_text, time_text, when_text
from fluxum.cli.logs import log_frames
from fluxum.cli.opening import account_config
from fluxum.cli.options import (
    Endpoint,
    Exchange,
    Format,
    FormatOption,
    Keys,
    Proxy,
    Seconds,
    Since,
    Symbols,
    Tier,
    Until,
    parse_endpoint,
    parse_market,
    parse_period,
    parse_proxy,
    parse_symbols,
)
from fluxum.cli.output import Output, live_output
from fluxum.cli.process import run_async
from fluxum.clock import SystemClock
from fluxum.errors import BadInput, FluxumError, VenueRefused
from fluxum.flow.background import background
from fluxum.flow.opening import Opening
from fluxum.ledger.audit import Audit, AuditLine, audit
from fluxum.ledger.ledger import Ledger
from fluxum.ledger.opening import ledger_between
from fluxum.ledger.view import Position
from fluxum.model.account import Balance, EntryKind, Fill, LedgerEntry
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Asset, Symbol
from fluxum.portfolio import Portfolio
from fluxum.session.account import Account
from fluxum.session.account_config import AccountConfig
from fluxum.session.session import Session
from fluxum.venues.private import EntryQuery, FillQuery
from fluxum.venues.register import find_venue

__all__ = ["NotClean", "Period", "Where", "ledger", "opening_ledger", "position_text"]

_READY_S = 60.0
_OLDER_PAGES_MAX = 10

Entries = Annotated[
    bool, typer.Option("--entries", help="List the account's entries instead of positions.")
]
AssetName = Annotated[str, typer.Option("--asset", help="Entries of this asset only.")]
Kind = Annotated[
    str,
    typer.Option(
        "--type", help=f"Entries of this kind only: {', '.join(one.value for one in EntryKind)}."
    ),
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="The newest so many entries.")]
Check = Annotated[
    bool, typer.Option("--audit", help="Prove that the entries add up to the balances; 1 if not.")
]


class NotClean(FluxumError):
    """The entries of an account do not add up to its balances."""


def ledger(
    symbol: Symbols = "",
    exchange: Exchange = "",
    keys: Keys = "",
    tier: Tier = "",
    since: Since = "",
    until: Until = "",
    entries: Entries = False,
    asset: AssetName = "",
    kind: Kind = "",
    limit: Limit = None,
    check: Check = False,
    seconds: Seconds = None,
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show profit and loss per symbol as it happens, marked by books that are proved.

    Positions begin at --since, or now, with the balances at that time. The cost of these comes from
    earlier fills; if it cannot be found, it is reported as unknown. With --until, positions are
    those of a past period. With --entries or --audit, the account's entries are read instead.

    If the exchange lists no entries, they are made from fills, transfers and balances, and say so.
    What these do not explain is an entry of its own, and fails --audit. If the exchange lists fills
    market by market, --symbol names the markets.

    Example: fluxum ledger --symbol BTC/USD --since 7d
    """
    name, symbols = parse_market(symbol, exchange)
    url, through = parse_endpoint(endpoint, name), parse_proxy(proxy)
    since_ns, until_ns = _period(since, until)
    are_lines = entries or check
    if are_lines:
        _refuse_unsuited(name, symbol, until if check else "")
    elif not symbols:
        parse_symbols(symbol)  # raises what was expected
    query = EntryQuery(asset=asset or None, kind=_kind(kind), since_ns=since_ns, until_ns=until_ns)
    begins_ns = SystemClock().now_ns() if since_ns is None else since_ns
    entry = account_config(name, keys, tier, None if are_lines else begins_ns, symbols)
    where = Where(exchange=name, account_config=entry, endpoint=url, proxy=through)
    if are_lines:
        with Output(form, [AuditLine if check else LedgerEntry]) as output:
            run_async(_lines(where, query, limit, output, check=check))
        return
    with live_output(form, [Position]) as output:
        period = Period(symbols=tuple(symbols), since_ns=begins_ns, until_ns=until_ns)
        run_async(_positions(where, period, seconds, output))


class Where(Struct, frozen=True, kw_only=True):
    """The account to read, and how to reach it."""

    exchange: str
    account_config: AccountConfig
    endpoint: str | None
    proxy: str | None

    def connect(self, symbols: Sequence[Symbol] = ()) -> Opening[Session]:
        """A session with the account, and the books of some symbols."""
        return session_at(
            self.exchange,
            symbols,
            endpoint=self.endpoint,
            proxy=self.proxy,
            account_config=self.account_config,
        )


class Period(Struct, frozen=True, kw_only=True):
    """The symbols of the positions (none: all traded ones), and the period; `None` is open."""

    symbols: tuple[Symbol, ...]
    since_ns: int
    until_ns: int | None


async def _positions(where: Where, period: Period, seconds: float | None, output: Output) -> None:
    async with where.connect(period.symbols) as session, background(log_frames(session)):
        begun = await opening_ledger(session.account, where.exchange, period, output)
        if period.until_ns is not None:
            for symbol in period.symbols:
                position = begun.position(where.exchange, symbol)
                if position is not None:
                    output.write(position.view(), position_text(position.view()))
        else:
            async with Portfolio(session, begun) as portfolio:
                # Only now, so that no fill is missed between the history and the stream.
                session.subscribe(Subscription(Channel.EXECUTION))
                await session.wait_ready(_READY_S)
                work = _follow(portfolio, period.symbols, output)
                await market.until(seconds, market.attended(output, work))
        for totals in begun.totals():
            total, fees = money_text(totals.total), money_text(totals.fees_quote)
            output.message(f"total in {totals.quote}: {total} after fees of {fees}")


async def _follow(portfolio: Portfolio, symbols: Sequence[Symbol], output: Output) -> None:
    async for view in portfolio.positions():
        await output.room()
        if view.symbol in symbols:
            output.write(view, position_text(view))


async def opening_ledger(account: Account, venue: str, period: Period, output: Output) -> Ledger:
    """The positions of a period, with the balances when it began."""
    within = await account.history(period.since_ns or None)
    try:
        balances = await account.balances()
    except VenueRefused as error:
        output.message(f"what was held is taken from fills alone: {error}")
        held = None
    else:
        held = _held(balances, within)
    symbols = period.symbols or {one.symbol for one in within}
    bases = {one.base for one in symbols if not one.contract}
    is_older = period.since_ns > 0 and (held is None or any(held.get(one) for one in bases))
    older = await _older_fills(account, period, output) if is_older else []
    return ledger_between(
        venue,
        [*older, *within],
        period.since_ns,
        period.until_ns,
        symbols=period.symbols,
        held=held,
    )


def _held(balances: Iterable[Balance], fills: Iterable[Fill]) -> dict[Asset, Decimal]:
    """The balances now, less the changes of these fills: the rest was there before."""
    held = {one.asset: one.total for one in balances}
    for fill in fills:
        if fill.symbol.contract:
            continue
        asset = fill.symbol.base
        taken = sum((fee.amount for fee in fill.fees or () if fee.asset == asset), Decimal(0))
        held[asset] = held.get(asset, Decimal(0)) - (fill.signed_quantity - taken)
    return held


async def _older_fills(account: Account, period: Period, output: Output) -> list[Fill]:
    """The last fills before a period, which give the cost of the coins held then."""
    markets = period.symbols if account.queries.needs_symbol else (None,)
    return [
        fill
        for symbol in markets
        for fill in await _older_fills_of(account, symbol, period.since_ns, output)
    ]


async def _older_fills_of(
    account: Account, symbol: Symbol | None, since_ns: int, output: Output
) -> list[Fill]:
    """Those of one market, or of all where the exchange lists them together."""
    found: list[Fill] = []
    query = account.queries.fills(FillQuery(symbol=symbol, until_ns=since_ns))
    for _ in range(_OLDER_PAGES_MAX):
        page = await account.query(query)
        found += page.items
        if page.next is None:
            return found
        query = page.next
    first = time_text(found[-1].venue_ns if found else since_ns)
    output.message(f"fills before {first} are not read: what was bought then is of unknown cost")
    return found


async def _lines(
    where: Where, query: EntryQuery, limit: int | None, output: Output, *, check: bool
) -> None:
    async with where.connect() as session:
        account = session.account
        lines = await account.entries(query, limit)
        if account.queries.entries is None:
            output.message(_how_made(where.exchange, account))
        if not check:
            for line in lines:
                output.event(line)
            return
        held = await account.balances()
        wanted = [one for one in held if query.asset in (None, one.asset)]
        found = audit(lines, wanted)
        _write_audit(found, output)
        if not found.is_clean:
            raise NotClean(f"{len(found.differences)} differences; see above")


def _how_made(exchange: str, account: Account) -> str:
    """From what the entries of an exchange without any are made."""
    text = f"{exchange} lists no entries: these are made from fills, "
    if account.queries.transfers is None:
        return f"{text}and from balances, as it lists no transfers here"
    if account.transfers_refused:
        return f"{text}and from balances, as transfers were refused: {account.transfers_refused}"
    return f"{text}transfers and balances"


def _write_audit(found: Audit, output: Output) -> None:
    for line in found.lines:
        where = f"{line.asset} {line.wallet}".strip()
        verdict = "adds up" if line.is_clean else "DOES NOT ADD UP"
        text = (
            f"{where:<18} {line.entries} lines: {line.opening:f} + {line.change:f} = "
            f"{number_text(line.closing)} {verdict}"
        )
        for one in line.differences:
            text += (
                f"\n  between {one.after_id or 'the beginning'} and "
                f"{one.before_id or 'now'}: {one.amount:f} is missing"
            )
        output.write(line, text)


def position_text(view: Position) -> str:
    """A position's quantity, value and profit, in one line."""
    profit = view.profit
    return (
        f"{when_text(None, view.updated_ns or 0)} {view.symbol:<10} {_short(view.quantity)} "
        f"at {_short(profit.average_price)} mark {_short(view.mark)} "
        f"realised {_signed(profit.realised)} unrealised {_signed(profit.unrealised)} "
        f"fees {_short(view.fees_quote)} total {_signed(profit.total)} {view.symbol.quote}"
        + (f" ({view.cost_note})" if view.cost_note else "")
    )


def _short(value: Decimal | None) -> str:
    """At most eight decimals; the other formats have the exact number."""
    if value is None:
        return "-"
    text = f"{value:.8f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _signed(value: Decimal | None) -> str:
    if value is None:
        return "unknown"
    return _short(value) if value < 0 else f"+{_short(value)}"


def _refuse_unsuited(exchange: str, symbol: str, until: str) -> None:
    if symbol and _lists_entries(exchange):
        raise BadInput(f"lines are of assets, not of symbols: use --asset; was {symbol!r}")
    if until:
        raise BadInput(f"--audit compares with what is held now, so no --until; was {until!r}")


def _lists_entries(exchange: str) -> bool:
    private = find_venue(exchange).private
    return private is None or private.queries().entries is not None


def _period(since: str, until: str) -> tuple[int | None, int | None]:
    """The begin and end of a period, which begins with the account if only its end is given."""
    since_ns, until_ns = parse_period(since, until)
    return (0 if since_ns is None and until_ns is not None else since_ns), until_ns


def _kind(text: str) -> EntryKind | None:
    if not text:
        return None
    try:
        return EntryKind(text)
    except ValueError:
        kinds = ", ".join(one.value for one in EntryKind)
        raise BadInput(f"a kind of line was expected ({kinds}), was {text!r}") from None
