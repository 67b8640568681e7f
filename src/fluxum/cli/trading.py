"""`order`: place, amend and cancel orders.

Every command that moves money shows what it will do, and asks for confirmation.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Annotated, Any

import typer
from msgspec import Struct, structs

from fluxum.cli.configured import account_at, config, runtime_at, venue_at
from fluxum.cli.lines import number_text, printable
from fluxum.cli.logs import log_frames
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
    parse_market,
    parse_proxy,
)
from fluxum.cli.order_form import (
    ClientOrderId,
    Display,
    Expires,
    Force,
    Kind,
    Market,
    PostOnly,
    Price,
    Quantity,
    ReduceOnly,
    SideName,
    Spend,
    TriggerBy,
    TriggerPrice,
    parse_conditions,
    parse_number,
    parse_request,
    request_text,
)
from fluxum.cli.output import Output
from fluxum.cli.process import run_async
from fluxum.config.venues import risk_limits
from fluxum.errors import BadInput, FluxumError, OutcomeUnknown
from fluxum.flow.background import background
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.order import (
    Amend,
    OrderRequest,
    OrderStatus,
    OrderType,
    TimeInForce,
    TriggerReference,
)
from fluxum.orders.desk import OrderDesk
from fluxum.orders.order import Order
from fluxum.orders.risk import RiskLimits
from fluxum.session.account_config import AccountConfig
from fluxum.trader import JOURNALS, trade

__all__ = [
    "NotConfirmed",
    "Where",
    "Yes",
    "amend",
    "cancel",
    "cancel_all",
    "confirm",
    "list_orders",
    "place",
]

_READY_S = 60.0
_SOON_S = 1.0
_RESTING = (TimeInForce.GTC, TimeInForce.GTD)
_LIVING = (
    OrderStatus.PENDING,
    OrderStatus.OPEN,
    OrderStatus.PARTIALLY_FILLED,
    OrderStatus.OTHER,
)

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
Timeout = Annotated[
    float, typer.Option("--timeout", min=0.5, max=60, help="Seconds to wait for the exchange.")
]
Journal = Annotated[
    str,
    typer.Option(
        "--journal", help=f"Where orders are written first; without: a file in {JOURNALS}."
    ),
]
Validate = Annotated[
    bool,
    typer.Option("--validate", help="Check the order, here and there; do not place it."),
]


class NotConfirmed(FluxumError):
    """The user did not confirm: nothing was done."""


NotionalMax = Annotated[
    str, typer.Option("--notional-max", help="Refuse an order that is worth more than this.")
]


def place(
    symbol: Market,
    side: SideName,
    quantity: Quantity = "",
    spend: Spend = "",
    price: Price = "",
    kind: Kind = OrderType.LIMIT.value,
    trigger: TriggerPrice = "",
    trigger_by: TriggerBy = TriggerReference.LAST.value,
    force: Force = "",
    expires: Expires = "",
    post_only: PostOnly = False,
    reduce_only: ReduceOnly = False,
    display: Display = "",
    client_id: ClientOrderId = "",
    notional_max: NotionalMax = "",
    exchange: Exchange = "",
    keys: Keys = "",
    tier: Tier = "",
    validate: Validate = False,
    yes: Yes = False,
    timeout: Timeout = 5.0,
    journal: Journal = "",
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Place an order. It is checked, written to the journal, sent once, and followed until known.

    Example: fluxum order place -s BTC/USD --side buy -q 0.01 -p 50000 --validate

    Or: fluxum order place -s BTC/USD --side buy --spend 100 --type market
    """
    name, markets = parse_market(symbol, exchange)
    if len(markets) != 1:
        raise BadInput(f"one symbol was expected, was {symbol!r}")
    request = structs.replace(
        parse_request(markets[0], side, kind, quantity, spend, price),
        post_only=post_only,
        reduce_only=reduce_only,
        client_order_id=client_id,
    )
    request = parse_conditions(request, trigger, trigger_by, force, expires, display)
    where = _where(name, keys, tier, endpoint, proxy, journal)
    limits = _limits(where, notional_max)
    what = f"{request_text(request)} at {name}"
    if not validate:
        confirm(what, yes=yes)
    act = _validating(request, what, timeout) if validate else _placing(request, timeout)
    _run(where, act, form, symbols=markets, limits=limits)


def amend(
    order: Annotated[str, typer.Argument(help="The order, by either of its ids.")],
    quantity: Annotated[str, typer.Option("--quantity", "-q", help="The new quantity.")] = "",
    price: Annotated[str, typer.Option("--price", "-p", help="The new price.")] = "",
    trigger: Annotated[str, typer.Option("--trigger", help="The new trigger price.")] = "",
    exchange: Exchange = "",
    keys: Keys = "",
    tier: Tier = "",
    yes: Yes = False,
    timeout: Timeout = 5.0,
    journal: Journal = "",
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Amend an order in place.

    Example: fluxum order amend OQCLML-BW3P3-BUCMWZ --price 51000
    """
    name = parse_exchange(exchange)
    where = _where(name, keys, tier, endpoint, proxy, journal)
    change = Amend(
        order_id=order,
        quantity=parse_number("a quantity", quantity) if quantity else None,
        limit_price=parse_number("a price", price) if price else None,
        trigger_price=parse_number("a trigger", trigger) if trigger else None,
    )
    given = {"quantity": quantity, "price": price, "trigger": trigger}
    parts = [f"{what} {text}" for what, text in given.items() if text]
    if not parts:
        raise BadInput(f"a new quantity, price or trigger was expected for {order!r}, was none")
    confirm(f"amend {order} at {name} to {', '.join(parts)}", yes=yes)

    async def act(desk: OrderDesk, output: Output) -> None:
        _write(await desk.amend(change, timeout_s=timeout), output)

    _run(where, act, form, changed=order)


def cancel(
    orders: Annotated[list[str], typer.Argument(help="Orders, each by either of its ids.")],
    exchange: Exchange = "",
    keys: Keys = "",
    tier: Tier = "",
    yes: Yes = False,
    timeout: Timeout = 5.0,
    journal: Journal = "",
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Cancel orders. Orders that have ended already are no error.

    Example: fluxum order cancel OQCLML-BW3P3-BUCMWZ
    """
    name = parse_exchange(exchange)
    where = _where(name, keys, tier, endpoint, proxy, journal)
    confirm(f"cancel {', '.join(orders)} at {name}", yes=yes)

    async def act(desk: OrderDesk, output: Output) -> None:
        for order in orders:
            _write(await desk.cancel(order, timeout_s=timeout), output)

    _run(where, act, form)


def cancel_all(
    exchange: Exchange = "",
    keys: Keys = "",
    tier: Tier = "",
    yes: Yes = False,
    timeout: Timeout = 5.0,
    journal: Journal = "",
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Cancel every open order of the account, whichever program placed it.

    Example: fluxum order cancel-all --yes
    """
    name = parse_exchange(exchange)
    where = _where(name, keys, tier, endpoint, proxy, journal)
    confirm(f"cancel every order at {name}", yes=yes)

    async def act(desk: OrderDesk, output: Output) -> None:
        count = await desk.cancel_all(timeout_s=timeout)
        orders = "order" if count == 1 else "orders"
        output.write({"type": "canceled", "count": count}, f"{count} {orders} canceled")

    _run(where, act, form)


def list_orders(
    symbol: Annotated[str, typer.Option("--symbol", "-s", help="Of this market only.")] = "",
    exchange: Exchange = "",
    keys: Keys = "",
    tier: Tier = "",
    journal: Journal = "",
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """List open orders, including those whose state is not known yet.

    Example: fluxum order list --format json
    """
    name, symbols = parse_market(symbol, exchange)
    where = _where(name, keys, tier, endpoint, proxy, journal)

    async def act(desk: OrderDesk, output: Output) -> None:
        for view in desk.open_orders():
            if not symbols or view.symbol in symbols:
                _show(view, output)

    _run(where, act, form)


# How a command is executed

Act = Callable[[OrderDesk, Output], Coroutine[Any, Any, None]]


class Where(Struct, frozen=True, kw_only=True):
    """The account to trade with, its limits, and how to reach it."""

    exchange: str
    account_config: AccountConfig
    limits: RiskLimits
    endpoint: str | None
    proxy: str | None
    journal: str | None


def _where(
    exchange: str,
    keys: str,
    tier: str,
    endpoint: Sequence[str] | None,
    proxy: str | None,
    journal: str,
) -> Where:
    entry = account_at(exchange)
    return Where(
        exchange=exchange,
        account_config=account_config(exchange, keys, tier),
        limits=risk_limits(entry.risk),
        endpoint=parse_endpoint(endpoint, exchange),
        proxy=parse_proxy(proxy),
        journal=journal or entry.journal,
    )


def _limits(where: Where, notional_max: str) -> RiskLimits:
    """The account's limits, with the greatest worth of this order."""
    if not notional_max:
        return where.limits
    return structs.replace(where.limits, notional_max=parse_number("a notional", notional_max))


def _run(
    where: Where,
    act: Act,
    form: Format,
    *,
    symbols: Sequence[Symbol] = (),
    changed: str = "",
    limits: RiskLimits | None = None,
) -> None:
    """Act at a desk that has the books of some markets, or of the order that is `changed`."""

    async def main(output: Output) -> None:
        async with (
            trade(
                venue_at(where.exchange, where.endpoint),
                symbols,
                keys=where.account_config,
                journal=where.journal,
                limits=limits or where.limits,
                runtime=runtime_at(where.proxy),
                readers=config().readers(),
            ) as trader,
            background(log_frames(trader.session)),
        ):
            known = trader.orders.order(changed)
            if known is not None:  # its price is compared with the market's
                trader.session.subscribe(Subscription(Channel.BOOK, known.symbol))
                await trader.session.wait_ready(_READY_S)
                await trader.session.wait_instruments([known.symbol], _READY_S)
            await act(trader.orders, output)

    with Output(form) as output:
        run_async(main(output))


def _validating(request: OrderRequest, what: str, timeout_s: float) -> Act:
    async def act(desk: OrderDesk, output: Output) -> None:
        warnings = await desk.validate(request, timeout_s=timeout_s)
        text = f"valid: {what}" + "".join(f"; {one}" for one in warnings)
        output.write({"type": "valid", "warnings": list(warnings)}, text)

    return act


def _placing(request: OrderRequest, timeout_s: float) -> Act:
    async def act(desk: OrderDesk, output: Output) -> None:
        _write(await _enter(desk, request, timeout_s), output)

    return act


async def _enter(desk: OrderDesk, request: OrderRequest, timeout_s: float) -> Order:
    """Place an order; returned when it rests or has ended, soon after it was accepted."""
    view = await desk.place(request, timeout_s=timeout_s)
    if request.order_type.is_triggered:  # it waits for its trigger price, perhaps for ever
        return view
    rests = request.order_type.has_limit and request.time_in_force in _RESTING
    passing = (OrderStatus.PENDING,) if rests else _LIVING
    name = view.client_order_id
    with suppress(TimeoutError), desk.updates() as updates:
        async with asyncio.timeout(_SOON_S):
            while (view := desk.order(name) or view).status in passing and await updates.wait():
                updates.drain()
    return view


def confirm(what: str, *, yes: bool) -> None:
    """Show what will be done, and return only if the user confirms."""
    sys.stderr.write(f"{what}\n")
    if yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():  # pyright: ignore[reportUnnecessaryComparison]
        raise BadInput(f"there is no terminal to ask at, so --yes was expected to {what}")
    sys.stderr.write("Do it? [y/N]: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise NotConfirmed(f"not confirmed, so nothing was done: {what}")


def _write(view: Order, output: Output) -> None:
    """Show an order; raises if its state is still unknown."""
    _show(view, output)
    if view.status is OrderStatus.UNKNOWN:
        name = view.client_order_id or view.order_id
        raise OutcomeUnknown(
            f"what became of {name} is unknown: look with `fluxum order list`", name
        )


def _show(view: Order, output: Output) -> None:
    output.write(view, printable(_view_text(view)))


def _view_text(view: Order) -> str:
    price = "" if view.limit_price is None else f" @ {number_text(view.limit_price)}"
    waits = "" if view.trigger_price is None else f" trigger {number_text(view.trigger_price)}"
    why = f" ({view.reason})" if view.reason else ""
    return (
        f"{view.order_id or '-':<20} {view.symbol} {view.side.value} {view.type_text} "
        f"{number_text(view.filled)} of {number_text(view.quantity)}{price}{waits} "
        f"{view.status_text}{why} {view.client_order_id}"
    ).rstrip()
