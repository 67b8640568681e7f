"""`ledger`: what an account earned, and the lines that explain what it holds."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated

import typer
from msgspec import Struct

from fluxum.cli.lines import money_text, number_text, when_text
from fluxum.cli.market import attended, until
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
    login,
    parse_endpoint,
    parse_instant,
    parse_market,
    parse_proxy,
    parse_symbols,
)
from fluxum.cli.output import Output, live_output
from fluxum.cli.process import run_async
from fluxum.clock import SystemClock
from fluxum.connect import connect
from fluxum.errors import BadInput, FluxumError
from fluxum.flow.opening import Opening
from fluxum.ledger.audit import Audit, AuditLine, audit
from fluxum.ledger.view import PositionView
from fluxum.model.account import EntryKind, LedgerEntry
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Asset, Symbol
from fluxum.portfolio import Portfolio
from fluxum.session.login import Login
from fluxum.session.session import Session
from fluxum.venues.private import EntryQuery

__all__ = ["NotClean", "Where", "ledger", "position_text"]

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


def ledger(
    symbol: Symbols = "",
    exchange: Exchange = "",
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
    proxy: Proxy = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show profit and loss per symbol as it happens, marked by books that are proved.

    Positions begin with the fills since --since; without, with those from now on. With --entries
    or --audit the account's own lines are read instead.

    Example: fluxum ledger --symbol BTC/USD --since 7d
    """
    name, symbols = parse_market(symbol, exchange)
    since_ns = parse_instant(since, SystemClock().now_ns())
    url = parse_endpoint(endpoint, name)
    if not (entries or check):
        if not symbols:
            parse_symbols(symbol)  # says what was expected
        entry = login(name, keys, tier, since_ns)
        where = Where(exchange=name, login=entry, endpoint=url, proxy=parse_proxy(proxy))
        with live_output(form, [PositionView]) as output:
            run_async(_positions(where, symbols, seconds, output))
        return
    if symbols:
        raise BadInput(f"lines are of assets, not of symbols: use --asset; was {symbol!r}")
    query = EntryQuery(asset=Asset(asset) if asset else None, kind=_kind(kind), since_ns=since_ns)
    where = Where(
        exchange=name, login=login(name, keys, tier), endpoint=url, proxy=parse_proxy(proxy)
    )
    with Output(form, [AuditLine if check else LedgerEntry]) as output:
        run_async(_lines(where, query, limit, output, check=check))


class Where(Struct, frozen=True, kw_only=True):
    """The account that is read, and the way to it."""

    exchange: str
    login: Login
    endpoint: str | None
    proxy: str | None

    def connect(self, symbols: Sequence[Symbol] = ()) -> Opening[Session]:
        """A session with the account, and the books of some symbols."""
        return connect(
            self.exchange, symbols, endpoint=self.endpoint, proxy=self.proxy, login=self.login
        )


async def _positions(
    where: Where, symbols: Sequence[Symbol], seconds: float | None, output: Output
) -> None:
    async with where.connect(symbols) as session:
        session.subscribe(Subscription(Channel.EXECUTION))
        async with Portfolio(session) as portfolio:
            await session.wait_ready(_READY_S)

            async def tell() -> None:
                async for view in portfolio.positions():
                    await output.room()
                    if view.symbol in symbols:
                        output.write(view, position_text(view))

            await until(seconds, attended(output, tell()))
            for totals in portfolio.ledger.totals():
                total, fees = money_text(totals.total), money_text(totals.fees_quote)
                output.say(f"total in {totals.quote}: {total} after fees of {fees}")


async def _lines(
    where: Where, query: EntryQuery, limit: int | None, output: Output, *, check: bool
) -> None:
    async with where.connect() as session:
        account = session.account
        lines = await account.entries(query, limit)
        if not check:
            for line in lines:
                output.event(line)
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
        output.write(line, text)


def position_text(view: PositionView) -> str:
    """What is held, what it is worth and what it earned, in one line."""
    profit = view.profit
    return (
        f"{when_text(view.updated_ns, 0)} {view.symbol:<10} {_short(view.quantity)} "
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
