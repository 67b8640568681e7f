"""`demo --trading`: orders at a simulated exchange; the link is cut, and no fill is lost."""

import asyncio
from base64 import b64encode
from decimal import Decimal
from random import Random

from fluxum.cli.ledger import position_text
from fluxum.cli.lines import event_text, money_text
from fluxum.cli.market import attended, until
from fluxum.cli.output import Output
from fluxum.cli.simulator import simulated
from fluxum.connect import connect
from fluxum.errors import BadInput, FluxumError
from fluxum.flow.background import background
from fluxum.model.account import Credentials
from fluxum.model.codec import plain
from fluxum.model.event import Channel, Subscription
from fluxum.model.market import Side
from fluxum.model.order import OrderRequest, OrderType
from fluxum.orders.desk import OrderDesk
from fluxum.orders.journal import MemoryOrderJournal
from fluxum.portfolio import Portfolio
from fluxum.session.account_config import AccountConfig
from fluxum.session.session import Session
from fluxum.sim.account import SimulatedAccount
from fluxum.venues.venue import Venue

__all__ = ["DemoDisagrees", "trade"]

_MOVES_PER_S = 40.0
_HANGUP_AT = 0.5
_PAUSE_S = 0.4
_TIMEOUT_S = 30.0
_MONEY = Decimal(1_000_000)
_KEYS = Credentials("demo-key", b64encode(b"the demo's secret").decode(), "demo-passphrase")


class DemoDisagrees(FluxumError):
    """The followed state differs from the exchange's: this must never happen."""


async def trade(venue: Venue, seconds: float, seed: int, output: Output) -> None:
    """Trade for so long, show each position as it moves, and prove the end."""
    if venue.private is None:
        raise BadInput(f"accounts at {venue.name} are not supported yet")
    random = Random(seed)  # noqa: S311 - no security depends on it
    symbols, faults = venue.sample_symbols[:2], f"hangup@{seconds * _HANGUP_AT:.2f}s"
    async with simulated(venue.name, symbols, seed=seed, rate=_MOVES_PER_S, faults=faults) as (
        box,
        url,
    ):
        assets = {str(asset) for one in box.instruments() for asset in (one.base, one.quote)}
        tier = list(venue.private.tiers)[-1]
        money = dict.fromkeys(sorted(assets), _MONEY)
        account = box.open_account(
            _KEYS.key, _KEYS.secret, money, tier=tier, passphrase=_KEYS.passphrase
        )
        entry = AccountConfig(_KEYS, tier=tier)
        async with connect(venue.name, symbols, endpoint=url, account_config=entry) as session:
            session.subscribe(*map(Subscription, (Channel.EXECUTION, Channel.INSTRUMENT)))
            await session.wait_ready(_TIMEOUT_S)
            await session.wait_instruments(symbols, _TIMEOUT_S)
            names = Random(random.random())  # noqa: S311
            desk = OrderDesk(
                session.account, MemoryOrderJournal(), random=names, rules=session.account.rules
            )
            async with Portfolio(session) as portfolio, desk:
                async with background(
                    _follow(session, output), _show(portfolio, output), _play(session, desk, random)
                ):
                    await until(seconds, attended(output, asyncio.Event().wait()))
                await _finish(session, desk)
                _summarise(portfolio, desk, account, output)


async def _play(session: Session, desk: OrderDesk, random: Random) -> None:
    """Buy and sell a little, at the market or near it; refusals do not matter."""
    symbols = sorted({one.symbol for one in session.subscriptions if one.symbol is not None})
    while True:
        await asyncio.sleep(random.uniform(0, 2 * _PAUSE_S))
        symbol, side = random.choice(symbols), random.choice((Side.BUY, Side.SELL))
        quantity = Decimal(random.randint(1, 40)) / 100
        request = OrderRequest(
            symbol=symbol, side=side, order_type=OrderType.MARKET, quantity=quantity
        )
        book = session.book(symbol)
        best = book.bid if side is Side.BUY else book.ask
        if random.random() < 0.4 and best is not None:
            request = OrderRequest(
                symbol=symbol, side=side, quantity=quantity, limit_price=best.price
            )
        try:
            await desk.place(request)
        except FluxumError:
            continue


async def _show(portfolio: Portfolio, output: Output) -> None:
    async for view in portfolio.positions():
        await output.room()
        output.write(view, position_text(view))
        await asyncio.sleep(_PAUSE_S / 4)  # the latest of each is enough for the user


async def _follow(session: Session, output: Output) -> None:
    async for event in session.account.account_events():
        output.message(event_text(event))


async def _finish(session: Session, desk: OrderDesk) -> None:
    """Cancel all orders, and wait until no state is uncertain."""
    await session.wait_ready(_TIMEOUT_S)
    await desk.wait_reconciled(_TIMEOUT_S)
    await desk.cancel_all()
    while desk.open_orders():  # noqa: ASYNC110 - every end is a separate event
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.2)


def _summarise(
    portfolio: Portfolio, desk: OrderDesk, account: SimulatedAccount, output: Output
) -> None:
    """Compare positions with the exchange's own fills; raises DemoDisagrees."""
    statistics = desk.statistics()
    sums: dict[str, Decimal] = {}
    for fill in account.fills:
        sums[fill.symbol] = sums.get(fill.symbol, Decimal(0)) + fill.signed_quantity
    held = {one.symbol: one.quantity for one in portfolio.ledger.positions() if one.quantity}
    agrees = held == {symbol: quantity for symbol, quantity in sums.items() if quantity}
    totals = portfolio.ledger.totals()
    record = {
        "type": "summary",
        "fills": len(account.fills),
        "agrees": agrees,
        "sums_close": statistics.sums_close,
        "totals": [plain(one) for one in totals],
        "desk": plain(statistics),
    }
    lines = [f"{len(account.fills)} fills, each in the ledger once"]
    for one in totals:
        total, fees = money_text(one.total), money_text(one.fees_quote)
        lines.append(f"total in {one.quote}: {total} after fees of {fees}")
    output.write(record, "\n".join(lines))
    if not (agrees and statistics.sums_close):
        raise DemoDisagrees("what was followed is not what the exchange says")
