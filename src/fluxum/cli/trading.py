"""`order`: place, change and end orders.

Whatever moves money says what it will do, and asks first.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from decimal import Decimal, InvalidOperation
from enum import Enum
from pathlib import Path
from random import SystemRandom
from typing import Annotated, Any, TypeVar

import typer

from fluxum.cli.options import (
    FIRST_EXCHANGE,
    Endpoint,
    Exchange,
    Format,
    FormatOption,
    Keys,
    Tier,
    login,
    parse_exchanges,
    parse_symbols,
)
from fluxum.cli.output import Output, number_text
from fluxum.cli.process import run_async
from fluxum.connect import connect
from fluxum.errors import BadInput, OutcomeUnknown
from fluxum.model.codec import plain
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import Amend, OrderRequest, OrderStatus, OrderType, TimeInForce, Trigger
from fluxum.orders.desk import OrderDesk
from fluxum.orders.intents import FileIntents
from fluxum.orders.risk import RiskLimits
from fluxum.orders.view import OrderView

__all__ = ["amend", "cancel", "cancel_all", "list_orders", "place"]

_READY_S = 60.0
_SOON_S = 1.0
_RESTING = (TimeInForce.GTC, TimeInForce.GTD)
_LIVING = (
    OrderStatus.PENDING,
    OrderStatus.OPEN,
    OrderStatus.PARTIALLY_FILLED,
    OrderStatus.OTHER,
)
_STATE = Path("~/.local/state/fluxum")
Word = TypeVar("Word", bound=Enum)

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
Timeout = Annotated[
    float, typer.Option("--timeout", min=0.5, max=60, help="Seconds to wait for the exchange.")
]
Journal = Annotated[
    str,
    typer.Option(
        "--journal", help=f"Where orders are written down first; without: a file in {_STATE}."
    ),
]
Validate = Annotated[
    bool, typer.Option("--validate", help="Have it checked, here and there, and not entered.")
]


Market = Annotated[str, typer.Option("--symbol", "-s", help="The market, such as BTC/USD.")]
SideName = Annotated[str, typer.Option("--side", help="buy or sell.")]
Quantity = Annotated[str, typer.Option("--quantity", "-q", help="How much, in the base asset.")]
Price = Annotated[str, typer.Option("--price", "-p", help="The worst price, of limits.")]
_TYPES = [one.value for one in OrderType if one is not OrderType.OTHER]
Kind = Annotated[str, typer.Option("--type", help=f"One of {', '.join(_TYPES)}.")]
TriggerPrice = Annotated[
    str, typer.Option("--trigger", help="The price that a stop or a take-profit waits for.")
]
Force = Annotated[str, typer.Option("--time-in-force", help="gtc, ioc or fok.")]
PostOnly = Annotated[
    bool, typer.Option("--post-only", help="Refuse rather than take from the book.")
]
NotionalMax = Annotated[
    str, typer.Option("--notional-max", help="Refuse an order that is worth more than this.")
]


def place(
    symbol: Market,
    side: SideName,
    quantity: Quantity,
    price: Price = "",
    kind: Kind = OrderType.LIMIT.value,
    trigger: TriggerPrice = "",
    force: Force = TimeInForce.GTC.value,
    post_only: PostOnly = False,
    notional_max: NotionalMax = "",
    exchange: Exchange = FIRST_EXCHANGE,
    keys: Keys = "",
    tier: Tier = "",
    validate: Validate = False,
    yes: Yes = False,
    timeout: Timeout = 5.0,
    journal: Journal = "",
    endpoint: Endpoint = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Place an order. It is checked, written down, sent once, and followed until it is known.

    Example: fluxum order place -s BTC/USD --side buy -q 0.01 -p 50000 --validate
    """
    (market,) = _single("a symbol", parse_symbols(symbol))
    request = OrderRequest(
        symbol=market,
        side=_word(Side, "a side", side),
        order_type=_word(OrderType, "an order type", kind),
        quantity=_number("a quantity", quantity),
        limit_price=_number("a price", price) if price else None,
        trigger=Trigger(_number("a trigger", trigger)) if trigger else None,
        time_in_force=_word(TimeInForce, "a time in force", force),
        post_only=post_only,
    )
    limits = RiskLimits(notional_max=_number("a notional", notional_max) if notional_max else None)
    name = _one(exchange)
    what = f"{_request_text(request)} at {name}"
    if not validate:
        _confirm(what, yes=yes)

    async def act(desk: OrderDesk, output: Output) -> None:
        if validate:
            warnings = await desk.validate(request, timeout_s=timeout)
            text = f"valid: {what}" + "".join(f"; {one}" for one in warnings)
            output.write({"type": "valid", "warnings": list(warnings)}, text)
        else:
            _write(await _enter(desk, request, timeout), output)

    _run((name, keys, tier, endpoint, journal), act, form, market=market, limits=limits)


def amend(
    order: Annotated[str, typer.Argument(help="The order, by either of its ids.")],
    quantity: Annotated[str, typer.Option("--quantity", "-q", help="The new quantity.")] = "",
    price: Annotated[str, typer.Option("--price", "-p", help="The new price.")] = "",
    exchange: Exchange = FIRST_EXCHANGE,
    keys: Keys = "",
    tier: Tier = "",
    yes: Yes = False,
    timeout: Timeout = 5.0,
    journal: Journal = "",
    endpoint: Endpoint = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Change an order in place.

    Example: fluxum order amend OQCLML-BW3P3-BUCMWZ --price 51000
    """
    name = _one(exchange)
    change = Amend(
        order_id=order,
        quantity=_number("a quantity", quantity) if quantity else None,
        limit_price=_number("a price", price) if price else None,
    )
    if change.quantity is None and change.limit_price is None:
        raise BadInput(f"a new quantity or price was expected for {order!r}, was neither")
    parts = [f"quantity {quantity}" if quantity else "", f"price {price}" if price else ""]
    _confirm(f"amend {order} at {name} to {', '.join(filter(None, parts))}", yes=yes)

    async def act(desk: OrderDesk, output: Output) -> None:
        _write(await desk.amend(change, timeout_s=timeout), output)

    _run((name, keys, tier, endpoint, journal), act, form, changed=order)


def cancel(
    orders: Annotated[list[str], typer.Argument(help="Orders, each by either of its ids.")],
    exchange: Exchange = FIRST_EXCHANGE,
    keys: Keys = "",
    tier: Tier = "",
    yes: Yes = False,
    timeout: Timeout = 5.0,
    journal: Journal = "",
    endpoint: Endpoint = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """End orders. Orders that have ended already are no error.

    Example: fluxum order cancel OQCLML-BW3P3-BUCMWZ
    """
    name = _one(exchange)
    _confirm(f"cancel {', '.join(orders)} at {name}", yes=yes)

    async def act(desk: OrderDesk, output: Output) -> None:
        for order in orders:
            _write(await desk.cancel(order, timeout_s=timeout), output)

    _run((name, keys, tier, endpoint, journal), act, form)


def cancel_all(
    exchange: Exchange = FIRST_EXCHANGE,
    keys: Keys = "",
    tier: Tier = "",
    yes: Yes = False,
    timeout: Timeout = 5.0,
    journal: Journal = "",
    endpoint: Endpoint = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """End every open order of the account, whoever placed it.

    Example: fluxum order cancel-all --yes
    """
    name = _one(exchange)
    _confirm(f"cancel every order at {name}", yes=yes)

    async def act(desk: OrderDesk, output: Output) -> None:
        count = await desk.cancel_all(timeout_s=timeout)
        output.write({"type": "canceled", "count": count}, f"{count} orders canceled")

    _run((name, keys, tier, endpoint, journal), act, form)


def list_orders(
    symbol: Annotated[str, typer.Option("--symbol", "-s", help="Of this market only.")] = "",
    exchange: Exchange = FIRST_EXCHANGE,
    keys: Keys = "",
    tier: Tier = "",
    journal: Journal = "",
    endpoint: Endpoint = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """List open orders, those among them whose fate is not known yet included.

    Example: fluxum order list --format json
    """
    symbols = parse_symbols(symbol) if symbol else []

    async def act(desk: OrderDesk, output: Output) -> None:
        for view in desk.open_orders():
            if not symbols or view.symbol in symbols:
                _show(view, output)

    _run((_one(exchange), keys, tier, endpoint, journal), act, form)


# How a command is carried out

Act = Callable[[OrderDesk, Output], Coroutine[Any, Any, None]]
Where = tuple[str, str, str, str | None, str]


def _run(
    where: Where,
    act: Act,
    form: Format,
    *,
    market: Symbol | None = None,
    changed: str = "",
    limits: RiskLimits | None = None,
) -> None:
    output = Output(form)

    async def main() -> None:
        async with _desk(where, market, changed, limits) as desk:
            await act(desk, output)

    try:
        run_async(main())
    finally:
        output.close()


@asynccontextmanager
async def _desk(
    where: Where, market: Symbol | None, changed: str, limits: RiskLimits | None
) -> AsyncGenerator[OrderDesk]:
    """A desk that knows the account, the rules of all markets, and the book of one.

    That is the `market`, or the one of an order that is to be `changed`.
    """
    exchange, keys, tier, endpoint, journal = where
    path = _journal(exchange, journal)
    entry = login(exchange, keys, tier)
    symbols = [] if market is None else [market]
    with FileIntents(path, exchange) as intents:
        async with connect(exchange, symbols, endpoint=endpoint, login=entry) as session:
            wanted = (Channel.EXECUTION, Channel.INSTRUMENT)
            session.subscribe(*map(Subscription, wanted))
            await session.wait_ready(_READY_S)
            account = session.account
            async with OrderDesk(
                account, intents, random=SystemRandom(), terms=account.terms, limits=limits
            ) as desk:
                await desk.wait_settled(_READY_S)
                known = desk.order(changed)
                if known is not None:
                    session.subscribe(Subscription(Channel.BOOK, known.symbol))
                    await session.wait_ready(_READY_S)
                yield desk


async def _enter(desk: OrderDesk, request: OrderRequest, timeout_s: float) -> OrderView:
    """Place an order; it is returned when it rests or has ended, soon after it was taken."""
    view = await desk.place(request, timeout_s=timeout_s)
    if request.order_type.is_triggered:  # it waits for its price, and that may take for ever
        return view
    rests = request.order_type.has_limit and request.time_in_force in _RESTING
    passing = (OrderStatus.PENDING,) if rests else _LIVING
    name = view.client_order_id
    with suppress(TimeoutError), desk.changes() as changes:
        async with asyncio.timeout(_SOON_S):
            while (view := desk.order(name) or view).status in passing and await changes.wait():
                changes.drain()
    return view


def _journal(exchange: str, name: str) -> Path:
    if name:
        return Path(name).expanduser()
    folder = _STATE.expanduser()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"orders-{exchange}.jsonl"


def _confirm(what: str, *, yes: bool) -> None:
    """Say what will be done, and go on only if that is wanted."""
    sys.stderr.write(f"{what}\n")
    if yes:
        return
    if not sys.stdin.isatty():
        raise BadInput(f"nobody can be asked here, so --yes was expected to {what}")
    typer.confirm("Do it?", abort=True, err=True)


def _write(view: OrderView, output: Output) -> None:
    """Show an order; that nobody knows what became of it is no success."""
    _show(view, output)
    if view.status is OrderStatus.UNKNOWN:
        name = view.client_order_id or view.order_id
        raise OutcomeUnknown(
            f"nobody has said what became of {name}: look with `fluxum order list`", name
        )


def _show(view: OrderView, output: Output) -> None:
    output.write(plain(view), _view_text(view))


def _view_text(view: OrderView) -> str:
    price = "" if view.limit_price is None else f" @ {number_text(view.limit_price)}"
    why = f" ({view.reason})" if view.reason else ""
    return (
        f"{view.order_id or '-':<20} {view.symbol} {view.side.value} {view.type_text} "
        f"{number_text(view.filled)} of {number_text(view.quantity)}{price} "
        f"{view.status_text}{why} {view.client_order_id}"
    ).rstrip()


def _request_text(request: OrderRequest) -> str:
    price = "" if request.limit_price is None else f" @ {request.limit_price:f}"
    trigger = "" if request.trigger is None else f" when {request.trigger.price:f} is reached"
    cost = ""
    if request.limit_price is not None and request.quantity is not None:
        worth = request.limit_price * request.quantity
        cost = f" ({worth:f} {request.symbol.quote})"
    post = ", post-only" if request.post_only else ""
    return (
        f"{request.side.value} {number_text(request.quantity)} {request.symbol} "
        f"{request.order_type.value}{price}{cost}{trigger}, {request.time_in_force.value}{post}"
    )


def _number(what: str, text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value <= 0:
        raise BadInput(f"{what} above zero was expected, was {text!r}")
    return value


def _word(kind: type[Word], what: str, text: str) -> Word:
    try:
        return kind(text.lower().replace("-", "_"))
    except ValueError:
        known = ", ".join(str(one.value) for one in kind)
        raise BadInput(f"{what} was expected ({known}), was {text!r}") from None


def _one(exchange: str) -> str:
    return _single("an exchange", parse_exchanges(exchange))[0]


Item = TypeVar("Item")


def _single(what: str, items: list[Item]) -> list[Item]:
    if len(items) != 1:
        raise BadInput(f"one was expected, {what}; was {', '.join(map(str, items))}")
    return items
