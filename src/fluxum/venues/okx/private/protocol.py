"""The account's link: its streams, and orders over the same link.

https://www.okx.com/docs-v5/en/#overview-websocket-login, #order-book-trading-trade-ws-order-channel
and #trading-account-websocket-account-channel. Before the login the markets are listed, as orders
need their numbers, and the kind of account is looked up, as it decides how orders are written.

The channel of orders has no snapshot, and each update has at most one fill; a message may come
twice. Those of balances and of positions have one, in pages: it is read row by row like any update,
as the session requests a snapshot over REST in any case, where a new one costs none of 480 requests
an hour.

The answer to an operation means that the venue took it; what became of it comes as an update, maybe
before. There is no operation that cancels all orders: those that are open are listed, and canceled
by twenties.

Orders that wait for a price go over REST, and their streams over another link, that of `business`
(#order-book-trading-algo-trading-ws-algo-orders-channel, -ws-advance-algo-orders-channel), which
has no snapshot either. What goes on for such an order is in the channel of orders, and names it:
so its end is published here, behind that.
"""

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial

from msgspec import Raw, structs
from msgspec.json import decode

from fluxum.errors import BadInput, VenueRefused
from fluxum.model.event import Channel, Event
from fluxum.model.order import (
    Amend,
    Cancel,
    CancelAll,
    CancelAllAfter,
    CancelBatch,
    Command,
    OrderRequest,
    OrderStatus,
    PlaceBatch,
)
from fluxum.venues.account_link import (
    AccountDialect,
    AccountLink,
    Data,
    Message,
)
from fluxum.venues.command_answers import CommandAnswer
from fluxum.venues.conversation import Auth, Effect, Fetch, Send
from fluxum.venues.okx import native as public
from fluxum.venues.okx.listing import LISTS, rows
from fluxum.venues.okx.normalize import VENUE
from fluxum.venues.okx.private import algos, commands, frames, native, normalize
from fluxum.venues.okx.private.commands import BATCH_MAX, Mode
from fluxum.venues.okx.private.markets import Markets
from fluxum.venues.okx.private.signing import TIME_HEADER, iso_time
from fluxum.venues.order_commands import Members, Operation, OrderCommands, deadline_ns
from fluxum.venues.queries import only
from fluxum.venues.requests import RequestLimits

__all__ = ["CONFIG", "account_link", "algo_link"]

CONFIG = Fetch("GET", "/api/v5/account/config", "kind of account", auth=Auth.SIGNED)
"""The call for the kind of account."""
_TRADE = "/api/v5/trade/"
_PENDING = f"{_TRADE}orders-pending?limit=100"
_ALGOS_PENDING = f"{_TRADE}orders-algo-pending"
_ALGO_LISTS = tuple(f"{_ALGOS_PENDING}?ordType={kind}&limit=100" for kind in algos.KINDS)
_CALLS = frozenset({algos.PLACE, algos.CANCEL, algos.AMEND})
# Operations that cancel several orders, with one count, and how many: those of algo orders are
# calls, which have the word behind their numbers.
_COUNTED = ".counted"
_CANCELED = ("batch-cancel-orders", BATCH_MAX)
_ALGOS_CANCELED = (f"{algos.CANCEL}{_COUNTED}", algos.CANCELS_MAX)
_SWITCH = f"{_TRADE}cancel-all-after"
_PENDING_MAX = 100
_MODES = frozenset({"1", "2", "3", "4"})
# An order of a cancel is none that OKX has: https://www.okx.com/docs-v5/en/#error-code-rest-api.
_NO_ORDER = ("51400 ", "51603 ")
_NAMED_MAX = 1000
_MILLISECOND, _SECOND = 1_000_000, 1_000_000_000
_MILLIS_FROM = 10**11
_SIGNED_NS = 30 * _SECOND  # how long a signature is good for: #overview-rest-authentication


def account_link() -> AccountLink:
    """The conversation of the account's link."""
    account = _Account()
    return AccountLink(
        AccountDialect(
            venue=VENUE,
            login=frames.LOGIN,
            ping=frames.PING,
            message=account.message,
            topics={
                Channel.EXECUTION: (frames.ORDERS,),
                Channel.BALANCE: (frames.ACCOUNT, frames.POSITIONS),
            },
            limits=RequestLimits(topics=1, in_flight=1),
            write=frames.write,
            read=account.read,
            effects=account.effects,
            called=account.called,
            preparations=(*LISTS, CONFIG),
            prepare=account.prepare,
        )
    )


def algo_link() -> AccountLink:
    """The conversation of the link that has the streams of orders that wait for a price."""
    markets = Markets()

    def read(_data: Data, row: Raw, received_ns: int) -> Sequence[Event]:
        wire = decode(row, type=native.WaitingRow)
        market = markets.named(wire.instId, wire.instType)
        if market is None or wire.ordType not in algos.LISTED:
            return ()
        order = normalize.waiting(market, wire, received_ns)
        goes_on = order.status is OrderStatus.EXPIRED and wire.went_on_as
        return () if goes_on else (order,)

    def prepare(_fetch: Fetch, body: bytes) -> None:
        markets.learn(rows(body))

    return AccountLink(
        AccountDialect(
            venue=VENUE,
            login=frames.LOGIN,
            ping=frames.PING,
            message=partial(frames.message, (frames.ALGOS, frames.ADVANCED_ALGOS)),
            topics={Channel.EXECUTION: (frames.ALGOS, frames.ADVANCED_ALGOS)},
            limits=RequestLimits(topics=1, in_flight=1),
            write=frames.write,
            read=read,
            preparations=LISTS,
            prepare=prepare,
        )
    )


class _Account:
    """What one link knows: the markets, and the kind of account."""

    def __init__(self) -> None:
        self._markets = Markets()
        self._mode = Mode()
        self._named: OrderedDict[str, Fetch] = OrderedDict()
        self._orders = OrderCommands(
            venue=VENUE,
            place=self._order,
            amend=self._amendment,
            cancel="cancel-order",
            named=partial(commands.named, self._markets),
            place_batch="batch-orders",
            cancel_batch=_CANCELED[0],
            batch_max=BATCH_MAX,
            cancels_max=BATCH_MAX,
            send=_send,
        )

    def prepare(self, fetch: Fetch, body: bytes) -> None:
        """Take a list of markets, or the kind of account; raises what `rows` does."""
        listed = rows(body)
        if fetch != CONFIG:
            self._markets.learn(listed)
            return
        config = only(listed, lambda row: decode(row, type=native.Config))
        if config.acctLv not in _MODES:
            raise VenueRefused(f"an account of level 1 to 4 was expected, was {config.acctLv!r}")
        self._mode = Mode(config.acctLv, is_hedged=config.posMode == "long_short_mode")

    def read(self, data: Data, row: Raw, received_ns: int) -> Sequence[Event]:
        """The events of a row of orders, of positions or of the account."""
        if data.topic == frames.ACCOUNT:
            details = decode(row, type=native.Wallet).details
            return [normalize.balance(one, received_ns) for one in details]
        if data.topic == frames.POSITIONS:
            held = decode(row, type=native.PositionRow)
            market = self._markets.named(held.instId, held.instType)
            return () if market is None else (normalize.position(market, held, received_ns),)
        wire = decode(row, type=native.OrderRow)
        market = self._markets.named(wire.instId, wire.instType)
        if market is None:
            return ()
        order = normalize.order(market, wire, received_ns)
        fill = normalize.fill(market, wire, received_ns)
        stopped = normalize.stopped(wire, order)
        return [one for one in (fill, order, stopped) if one is not None]

    # Commands

    def effects(self, command: Command, number: str) -> Sequence[Effect]:
        """The frames or calls of a command; raises BadInput for what OKX cannot do."""
        match command:
            case CancelAll():
                lists = enumerate((_PENDING, *_ALGO_LISTS))
                return [_call("GET", path, f"{number}.{at}") for at, path in lists]
            case Cancel() | CancelBatch():
                return self._cancels(command, number)
            case PlaceBatch(requests=requests) if any(one.trigger for one in requests):
                raise BadInput(f"{VENUE} places orders that wait for a price one by one")
            case CancelAllAfter(timeout_s=timeout_s):
                if timeout_s and not 10 <= timeout_s <= 120:
                    raise BadInput(f"a time-out of 10 to 120 s was expected, was {timeout_s}")
                return [_call("POST", _SWITCH, number, {"timeOut": str(timeout_s)})]
            case _:
                return self._orders.effects(command, number)

    def _order(self, request: OrderRequest) -> tuple[str, Members]:
        if request.order_type.is_triggered:
            return algos.order(self._markets, self._mode, request)
        return commands.order(self._markets, self._mode, request)

    def _amendment(self, command: Amend) -> tuple[str, Members]:
        waits = bool(algos.algo_number(command.order_id))
        if not command.order_id and command.becomes is not None:
            waits = command.becomes.order_type.is_triggered
        if waits:
            return algos.amendment(self._markets, command)
        return commands.amendment(self._markets, command)

    def _cancels(self, command: Cancel | CancelBatch, number: str) -> Sequence[Effect]:
        """Cancels of ordinary orders, and of those that wait; a name is first that of the former.

        If it is not, another call follows for the latter.
        """
        waiting = tuple(filter(algos.algo_number, command.order_ids))
        others = tuple(one for one in command.order_ids if one not in waiting)
        operations: list[Operation] = []
        if others or not waiting or command.client_order_ids:
            operations += self._orders.operations(structs.replace(command, order_ids=others))
        if waiting:
            ids = structs.replace(command, order_ids=waiting, client_order_ids=())
            rows = list(algos.named(self._markets, ids))
            op, most = (algos.CANCEL, 1) if isinstance(command, Cancel) else _ALGOS_CANCELED
            operations += [(op, rows[at : at + most]) for at in range(0, len(rows), most)]
        elif len(command.client_order_ids) == 1 and isinstance(command, Cancel) and not others:
            rows = list(algos.named(self._markets, command))
            self._named[number] = _algo_call(f"{number}.0", (algos.CANCEL, rows))
            if len(self._named) > _NAMED_MAX:
                self._named.popitem(last=False)
        return [_send(f"{number}.{at}", one, command) for at, one in enumerate(operations)]

    def message(self, frame: bytes) -> Message:
        """What a frame is; a cancel by a name that no ordinary order has goes on to the others."""
        message = frames.message((frames.ORDERS, frames.ACCOUNT, frames.POSITIONS), frame)
        if isinstance(message, CommandAnswer) and message.error.startswith(_NO_ORDER):
            again = self._named.pop(message.number, None)
            if again is not None:
                return CommandAnswer(message.number, then=[again])
        return message

    def called(self, fetch: Fetch, body: bytes) -> CommandAnswer:
        """The answer to a call: an operation, the orders that are to be canceled, or the switch."""
        number, path = fetch.purpose, fetch.path.partition("?")[0]
        if path.removeprefix(_TRADE) in _CALLS:
            op = _CANCELED[0] if number.endswith(_COUNTED) else ""
            return frames.answer(decode(body, type=native.Frame), number, op)
        try:
            listed = rows(body)
        except VenueRefused as error:
            return CommandAnswer(number, str(error))
        if fetch.path == _SWITCH:
            at = int(only(listed, lambda row: decode(row, type=native.Switch)).triggerTime)
            unit = _MILLISECOND if at > _MILLIS_FROM else _SECOND
            return CommandAnswer(number, triggers_ns=at * unit or None)
        if not listed:
            return CommandAnswer(number, canceled=0)
        named, last_id = self._open(listed, waits=path == _ALGOS_PENDING)
        op, most = _ALGOS_CANCELED if path == _ALGOS_PENDING else _CANCELED
        then: list[Effect] = [
            _send(f"{number}.{at}", (op, named[at : at + most]))
            for at in range(0, len(named), most)
        ]
        if len(listed) == _PENDING_MAX:
            first = fetch.path.partition("&after=")[0]
            then.append(_call("GET", f"{first}&after={last_id}", f"{number}.1"))
        return CommandAnswer(number, then=then)

    def _open(self, listed: Sequence[Raw], *, waits: bool) -> tuple[Sequence[Members], str]:
        """What names open orders in a cancel, and the id of the last one."""
        ids = [decode(row, type=native.RowId) for row in listed]
        if waits:
            return [{"instId": one.instId, "algoId": one.algoId} for one in ids], ids[-1].algoId
        market = self._markets.order_id
        return [{**market(one.instId), "ordId": one.ordId} for one in ids], ids[-1].ordId


def _call(method: str, path: str, number: str, body: object = None) -> Fetch:
    content = b"" if body is None else public.encode(body)
    return Fetch(method, path, number, body=content, auth=Auth.SIGNED, is_once=True)


def _algo_call(number: str, operation: Operation, ends_ns: int | None = None) -> Fetch:
    """The call of an operation; the time that it is signed with makes it end at a deadline."""
    op, word, _ = operation[0].partition(_COUNTED)
    body = operation[1] if op == algos.CANCEL else operation[1][0]
    call = _call("POST", f"{_TRADE}{op}", f"{number}{word}", body)
    if ends_ns is None:
        return call
    return structs.replace(call, headers={TIME_HEADER: iso_time(ends_ns - _SIGNED_NS)})


def _send(number: str, operation: Operation, command: Command | None = None) -> Effect:
    """`id` has letters and digits alone: `p` stands for a dot."""
    op, rows = operation
    ends_ns = None if command is None else deadline_ns(command)
    if op.removesuffix(_COUNTED) in _CALLS:
        return _algo_call(number, operation, ends_ns)
    message: dict[str, object] = {"id": number.replace(".", "p"), "op": op, "args": rows}
    if ends_ns is not None:
        message["expTime"] = str(ends_ns // _MILLISECOND)
    return Send(public.encode(message))
