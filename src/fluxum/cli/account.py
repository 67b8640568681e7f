"""`balances` and `ledger`: what an account holds, what it earned, and the lines that explain it."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

import typer

from fluxum.cli.market import until
from fluxum.cli.options import (
    FIRST_EXCHANGE,
    Endpoint,
    Exchange,
    Format,
    FormatOption,
    Keys,
    Seconds,
    Since,
    Symbols,
    Tier,
    login,
    parse_exchanges,
    parse_instant,
    parse_symbols,
)
from fluxum.cli.output import Output, clock_text, event_record, event_text, number_text
from fluxum.cli.process import run_async
from fluxum.clock import SystemClock
from fluxum.connect import connect
from fluxum.errors import BadInput, FluxumError
from fluxum.ledger.audit import Audit, audit
from fluxum.ledger.view import PositionView
from fluxum.model.account import Balance, EntryKind, LedgerEntry
from fluxum.model.codec import plain
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Asset, Symbol
from fluxum.portfolio import Portfolio
from fluxum.session.session import Session
from fluxum.venues.private import EntryQuery

__all__ = ["NotClean", "balances", "ledger", "position_text"]

_READY_S = 60.0

Entries = Annotated[
    bool, typer.Option("--entries", help="List the account's lines instead of positions.")
]
AssetName = Annotated[str, typer.Option("--asset", help="Lines of this asset only.")]
Kind = Annotated[
    str,
    typer.Option(
        "--type", help=f"Lines of this kind only: {', '.join(one.value for one in EntryKind)}."
    ),
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="The newest so many lines.")]
Check = Annotated[
    bool, typer.Option("--audit", help="Prove that the lines add up to the balances; 1 if not.")
]


class NotClean(FluxumError):
    """The lines of an account do not add up to what is held."""


def balances(
    exchange: Exchange = FIRST_EXCHANGE,
    keys: Keys = "",
    tier: Tier = "",
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with every line that changes a balance.")
    ] = False,
    seconds: Seconds = None,
    endpoint: Endpoint = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show what an account holds of each asset, and how much of it open orders bind.

    Example: fluxum balances --format json
    """
    name = _one(exchange)
    output = Output(form)
    entry = login(name, keys, tier)

    async def main() -> None:
        async with connect(name, endpoint=endpoint, login=entry) as session:
            account = session.account
            if follow:
                session.subscribe(Subscription(Channel.BALANCE))
            for balance in await account.ask(account.questions.balances()):
                output.write(_balance_record(balance), _balance_text(balance))
            if follow:
                await until(seconds, _follow(session, output))

    try:
        run_async(main())
    finally:
        output.close()


def ledger(
    symbol: Symbols = "",
    exchange: Exchange = FIRST_EXCHANGE,
    keys: Keys = "",
    tier: Tier = "",
    since: Since = "",
    entries: Entries = False,
    asset: AssetName = "",
    kind: Kind = "",
    limit: Limit = None,
    check: Check = False,
    seconds: Seconds = None,
    endpoint: Endpoint = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show profit and loss per symbol as it happens, marked by books that are proved.

    Positions begin with the fills since --since; without, with those from now on. With --entries
    or --audit the account's own lines are read instead.

    Example: fluxum ledger --symbol BTC/USD --since 7d
    """
    name = _one(exchange)
    output = Output(form)
    since_ns = parse_instant(since, SystemClock().now_ns())
    if not (entries or check):
        symbols = parse_symbols(symbol)
        entry = login(name, keys, tier, since_ns)
        work = _positions(name, symbols, entry, endpoint, seconds, output)
    elif symbol:
        raise BadInput(f"lines are of assets, not of symbols: use --asset; was {symbol!r}")
    else:
        query = EntryQuery(
            asset=Asset(asset) if asset else None, kind=_kind(kind), since_ns=since_ns
        )
        work = _lines(name, login(name, keys, tier), query, limit, endpoint, output, check=check)
    try:
        run_async(work)
    finally:
        output.close()


async def _follow(session: Session, output: Output) -> None:
    async for event in session.account.account_events():
        if isinstance(event, LedgerEntry):
            output.write(event_record(event), event_text(event))
        else:
            output.say(event_text(event))


async def _positions(
    exchange: str,
    symbols: Sequence[Symbol],
    entry: Any,
    endpoint: str | None,
    seconds: float | None,
    output: Output,
) -> None:
    async with connect(exchange, symbols, endpoint=endpoint, login=entry) as session:
        session.subscribe(Subscription(Channel.EXECUTION))
        async with Portfolio(session) as portfolio:
            await session.wait_ready(_READY_S)

            async def tell() -> None:
                async for view in portfolio.positions():
                    if view.symbol in symbols:
                        output.write(plain(view), position_text(view))

            await until(seconds, tell())
            for totals in portfolio.ledger.totals():
                known = number_text(totals.total)
                output.say(f"total in {totals.quote}: {known} after fees of {totals.fees_quote:f}")


async def _lines(
    exchange: str,
    entry: Any,
    query: EntryQuery,
    limit: int | None,
    endpoint: str | None,
    output: Output,
    *,
    check: bool,
) -> None:
    async with connect(exchange, endpoint=endpoint, login=entry) as session:
        account = session.account
        lines = await account.entries(query, limit)
        if not check:
            for line in lines:
                output.write(event_record(line), event_text(line))
            return
        held = await account.ask(account.questions.balances())
        wanted = [one for one in held if query.asset in (None, one.asset)]
        found = audit(lines, wanted)
        _write_audit(found, output)
        if not found.is_clean:
            raise NotClean(f"{len(found.differences)} differences; see above")


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
        output.write(plain(line), text)


def _balance_record(balance: Balance) -> dict[str, Any]:
    return {**event_record(balance), "free": plain(balance.free)}


def _balance_text(balance: Balance) -> str:
    total, held = number_text(balance.total), number_text(balance.held)
    return (
        f"{balance.asset:<8} {total:>24} total {held:>20} held {number_text(balance.free):>24} free"
    )


def position_text(view: PositionView) -> str:
    """What is held, what it is worth and what it earned, in one line."""
    profit = view.profit
    return (
        f"{clock_text(view.updated_ns or 0)} {view.symbol:<10} {_short(view.quantity)} "
        f"at {_short(profit.average_price)} mark {_short(view.mark)} "
        f"realised {_signed(profit.realised)} unrealised {_signed(profit.unrealised)} "
        f"fees {_short(view.fees_quote)} total {_signed(profit.total)} {view.symbol.quote}"
    )


def _short(value: Decimal | None) -> str:
    """At most eight digits behind the point; the exact number is in the other formats."""
    if value is None:
        return "-"
    text = f"{value:.8f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _signed(value: Decimal | None) -> str:
    if value is None:
        return "unknown"
    return _short(value) if value < 0 else f"+{_short(value)}"


def _kind(text: str) -> EntryKind | None:
    if not text:
        return None
    try:
        return EntryKind(text)
    except ValueError:
        kinds = ", ".join(one.value for one in EntryKind)
        raise BadInput(f"a kind of line was expected ({kinds}), was {text!r}") from None


def _one(exchange: str) -> str:
    names = parse_exchanges(exchange)
    if len(names) != 1:
        raise BadInput(f"one exchange was expected, was {exchange!r}")
    return names[0]
