"""The conversation of an account's link: its channels `user` and `balance`, and REST commands.

https://docs.cdp.coinbase.com/exchange/websocket-feed/overview. Each request is signed. The first
one, for heartbeats, is the login; a list of all that is subscribed answers every request, so that
what changed is the difference to the last list. Markets and accounts are named in requests,
and open orders are not sent: these are listed first. The fees of a trade are in the list of fills,
which is looked up. Orders go over REST.
"""

from collections.abc import Sequence

from msgspec import Raw, Struct
from msgspec.json import decode

from fluxum.errors import RemoteProtocolError
from fluxum.model.account import Fill
from fluxum.model.event import Channel, Event
from fluxum.venues.account_link import (
    AccountDialect,
    AccountLink,
    Data,
    LoginAnswer,
    Message,
    Nothing,
    TopicAnswer,
)
from fluxum.venues.coinbase.exchange import native as public
from fluxum.venues.coinbase.exchange.private import native, normalize
from fluxum.venues.coinbase.exchange.private.commands import cancel_all_call, effects
from fluxum.venues.coinbase.exchange.private.orders import StreamedOrders
from fluxum.venues.coinbase.exchange.private.queries import (
    ACCOUNTS_CALL,
    FILLS_MAX,
    OPEN_CALL,
    PRODUCTS_CALL,
    fills_call,
    order_call,
)
from fluxum.venues.coinbase.symbols import EXCHANGE
from fluxum.venues.command_answers import CommandAnswer, OrderAnswer
from fluxum.venues.conversation import Auth, Fetch, Send
from fluxum.venues.requests import Request, RequestLimits
from fluxum.venues.rows import read_rows

__all__ = ["user_link"]

_USER, _BALANCE, _HEARTBEAT = "user", "balance", "heartbeat"
_OF_ORDERS = frozenset({"received", "open", "match", "done", "change", "activate"})
_CANCELS_MAX = 10
_HEARTBEATS = native.UserRequest("subscribe", [_HEARTBEAT], ["BTC-USD"])
_LOGIN = Send(native.encode(_HEARTBEATS), Auth.SIGNED)


def user_link() -> AccountLink:
    """The conversation of one link."""
    one = _UserLink()
    return AccountLink(
        AccountDialect(
            venue=EXCHANGE,
            login=_LOGIN,
            ping=_LOGIN,
            message=one.message,
            topics={Channel.EXECUTION: (_USER,), Channel.BALANCE: (_BALANCE,)},
            limits=RequestLimits(topics=1, in_flight=1),
            write=one.write,
            read=one.read,
            effects=effects,
            look_up=one.look_up,
            called=one.called,
            refused=_refused,
            preparations=(PRODUCTS_CALL, ACCOUNTS_CALL, OPEN_CALL),
            prepare=one.prepare,
        )
    )


class _Kind(Struct):
    id: str = ""


class _UserLink:
    def __init__(self) -> None:
        self._orders = StreamedOrders()
        self._products: list[str] = []
        self._accounts: list[str] = []
        self._listed: frozenset[str] | None = None  # None before the login
        self._asked: dict[str, bool] = {}  # fills of orders; whether to list them once more
        self._canceled: dict[str, int] = {}  # so far, by a cancel of all

    def prepare(self, fetch: Fetch, body: bytes) -> None:
        """The markets, the accounts and the open orders."""
        if fetch == PRODUCTS_CALL:
            self._products = [one.id for one in _products(body)]
        elif fetch == ACCOUNTS_CALL:
            self._accounts = [one.id for one in decode(body, type=list[native.AccountRow])]
        else:
            orders = read_rows(decode(body, type=list[Raw]), lambda row: normalize.order(row, 0))
            self._orders.learn(orders.items)

    def write(self, request: Request) -> Send:
        """A request for one channel; each is signed."""
        (topic,) = request.topics
        wire = native.UserRequest(request.op, [topic])
        if topic == _USER:
            wire.product_ids = self._products
        else:
            wire.account_ids = self._accounts
        return Send(native.encode(wire), Auth.SIGNED)

    def message(self, frame: bytes) -> Message:
        """What a frame is; those of other types are to be ignored."""
        kind = public.decode_outline(frame).type
        if kind in _OF_ORDERS:
            return Data(_USER, (Raw(frame),))
        match kind:
            case "balance":
                return Data(_BALANCE, (Raw(frame),))
            case "subscriptions":
                return self._answered(decode(frame, type=public.Subscriptions))
            case "error":
                error = decode(frame, type=public.ErrorFrame)
                text = f"{error.message}: {error.reason}" if error.reason else error.message
                is_login = self._listed is None
                return LoginAnswer(text) if is_login else TopicAnswer("subscribe", text)
            case _:
                return Nothing()

    def _answered(self, wire: public.Subscriptions) -> Message:
        listed, before = frozenset(one.name for one in wire.channels) - {_HEARTBEAT}, self._listed
        self._listed = listed
        if before is None:
            return LoginAnswer()
        if listed == before:
            return Nothing()
        return TopicAnswer("subscribe" if listed > before else "unsubscribe")

    def read(self, data: Data, row: Raw, received_ns: int) -> Sequence[Event]:
        """The events of a message, of a list of fills, or of an order that was looked up."""
        if data.topic == _BALANCE:
            return (normalize.balance(decode(row, type=native.BalanceFrame), received_ns),)
        if _is_frame(row):
            return self._orders.read(decode(row, type=native.UserFrame), received_ns)
        if not bytes(row).lstrip().startswith(b"["):
            return self._orders.looked_up(row, received_ns)
        fills = decode(row, type=list[Raw])
        events = [event for one in fills for event in self._orders.listed(one, received_ns)]
        ids = dict.fromkeys(one.order_id for one in events if isinstance(one, Fill))
        are_all = len(fills) < FILLS_MAX
        for name in ids:
            events += self._orders.agreed(name, received_ns, are_all=are_all)
        return events

    def look_up(self, data: Data) -> Fetch | None:
        """The fills of an order that has traded, or an order whose end is not clear.

        If an order trades while its fills are listed, they are listed once more.
        """
        if data.topic != _USER:
            return None
        if not _is_frame(data.rows[0]):
            again = [one for one, is_again in self._asked.items() if is_again]
            return None if not again else self._ask(again[0])
        wire = decode(data.rows[0], type=native.UserFrame)
        if self._orders.is_doubtful(wire):
            return order_call(wire.order_id)
        for order_id in self._orders.traded(wire):
            if order_id not in self._asked:
                return self._ask(order_id)
            self._asked[order_id] = True
        return None

    def _ask(self, order_id: str) -> Fetch:
        self._asked[order_id] = False
        return fills_call(order_id)

    def called(self, fetch: Fetch, body: bytes) -> CommandAnswer | Data:
        """The fills of an order, or the answer to a command."""
        if fetch.path.startswith("/fills"):
            order_id = fetch.path.partition("order_id=")[2].partition("&")[0]
            if not self._asked.get(order_id):
                self._asked.pop(order_id, None)
            return Data(_USER, (Raw(body),))
        if fetch.method == "GET":
            return Data(_USER, (Raw(body),))
        number = fetch.purpose
        if fetch.method == "POST":
            order = decode(body, type=native.OrderRow)
            if order.status == "rejected":
                return CommandAnswer(number, order.reject_reason or "rejected")
            return CommandAnswer(number, order=OrderAnswer(order.id))
        if fetch.path == "/orders":
            return self._canceled_all(number, len(native.decode_ids(body)))
        if number.endswith(".many"):
            return CommandAnswer(number, canceled=1)
        return CommandAnswer(number)

    def _canceled_all(self, number: str, count: int) -> CommandAnswer:
        """Best effort, by the venue: repeated until there was nothing to cancel."""
        base, _, rounds = number.partition(".")
        total = self._canceled.pop(base, 0) + count
        if not count or int(rounds or 0) >= _CANCELS_MAX:
            return CommandAnswer(number, canceled=total)
        self._canceled[base] = total
        return CommandAnswer(number, then=[cancel_all_call(f"{base}.{int(rounds or 0) + 1}")])


def _refused(fetch: Fetch, reason: str) -> CommandAnswer:
    """A call of a command was refused; of several to cancel one may be gone."""
    if fetch.purpose.endswith(".many") and "not found" in reason.lower():
        return CommandAnswer(fetch.purpose, canceled=0)
    return CommandAnswer(fetch.purpose, reason)


def _is_frame(row: Raw) -> bool:
    """Whether it is a message, which has its type; orders of a list have another one, and an id."""
    is_list = bytes(row).lstrip().startswith(b"[")
    return not is_list and not decode(row, type=_Kind).id


def _products(body: bytes) -> Sequence[public.Product]:
    rows = read_rows(public.decode_products(body), public.decode_product)
    if not rows.items:
        raise RemoteProtocolError("markets were expected, was none")
    return rows.items
