"""The account's link: its login, and the streams of orders, executions and the wallet.

https://bybit-exchange.github.io/docs/v5/websocket/private/order, /execution, /wallet. No stream
begins with a snapshot. Orders and executions are two topics, and one stream of Fluxum: the topic of
executions is requested for the sake of the other. The wallet is that of all categories.

A row that cannot be read may have been a fill, so that the stream is looked up anew.
"""

from collections import deque
from collections.abc import Collection, Iterable, Sequence

from msgspec import Raw

from fluxum.errors import BadInput, LocalProtocolError, RemoteProtocolError
from fluxum.model.event import Channel, Desync, Event, Subscription
from fluxum.model.order import Command
from fluxum.venues.bybit.category import Category
from fluxum.venues.bybit.normalize import instant
from fluxum.venues.bybit.private import native, normalize
from fluxum.venues.bybit.private.login import Login
from fluxum.venues.conversation import UNREADABLE, Effect, Fetch, Send, SequenceCounts
from fluxum.venues.reading import Reading
from fluxum.venues.subscriptions import Request, RequestLimits, Subscriptions

__all__ = ["BybitAccountProtocol"]

_PING = Send(b'{"op":"ping"}')
_WALLET = "wallet"


class BybitAccountProtocol:
    """An account's streams of one category; see AccountProtocol for what each call promises."""

    def __init__(self, category: Category) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self._category = category
        self._orders, self._executions = f"order.{category.name}", f"execution.{category.name}"
        self._login = Login(category.venue, self.outbox)
        self._subscriptions = Subscriptions(
            category.venue,
            self.outbox,
            RequestLimits(topics=10, in_flight=1),
            _write,
            extra={self._executions},
        )

    # Requests

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue requests for streams, behind the login of the link."""
        if not self._login.is_done:
            self._login.want(wanted)
            return
        topics: list[str] = []
        for subscription in wanted:
            topic = self._topic(subscription)
            if self._subscriptions.open(topic, subscription):
                topics += self._with_executions(topic)
        self._subscriptions.request("subscribe", topics)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue requests that end streams."""
        ending = list(unwanted)
        self._login.drop(ending)
        is_of_orders = any(one.channel is Channel.EXECUTION for one in ending)
        extra = [self._executions] if is_of_orders and self._login.is_done else []
        self._subscriptions.unsubscribe(ending, extra)

    def resync(self, subscription: Subscription) -> None:
        """Queue an end and a new beginning of one stream; snapshots are the session's."""
        topic = self._subscriptions.topic(subscription)
        if topic is not None:
            self._subscriptions.resubscribe(topic)

    def command(self, command_id: int, command: Command, now_ns: int) -> None:  # noqa: ARG002
        """Orders have a link of their own."""
        raise BadInput(f"commands go over the link of orders, was {type(command).__name__}")

    def ping(self) -> None:
        """Queue a ping."""
        self.outbox.append(_PING)
        self._subscriptions.pinged()

    def unanswered(self) -> Collection[Subscription]:
        """The streams that wait for the login, or for their acknowledgement."""
        return [*self._login.waiting, *self._subscriptions.unanswered()]

    def follow_passively(self, depth: int | None = None) -> None:  # noqa: ARG002 - there are no books
        """Accept the streams of an account that another client requested."""
        self._subscriptions.is_passive = True

    def follow_request(self, frame: bytes) -> None:
        """Nothing can be learned from a request that the data do not say."""

    # Frames

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The events of a frame; raises RemoteProtocolError when it makes no sense."""
        try:
            message = native.decode_frame(frame)
        except UNREADABLE as error:
            raise RemoteProtocolError(str(error)) from error
        if message.topic is not None:
            return self._data(message.topic, message, received_ns)
        match message.op:
            case "auth" if message.success:
                self.subscribe(self._login.accepted())
                return ()
            case "auth":
                return self._login.refused("", message.ret_msg, received_ns)
            case "ping" | "pong":
                return ()
            case "subscribe" | "unsubscribe":
                return self._answer(message.op, message, received_ns)
            case _:
                raise RemoteProtocolError(f"an answer to nothing we say, was {frame[:80]!r}")

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:  # noqa: ARG002
        """The link itself needs no REST call."""
        raise LocalProtocolError(f"no call was asked for, was {fetch.path!r}")

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:  # noqa: ARG002
        """No call was asked for."""
        raise LocalProtocolError(f"no call was asked for, was {fetch.path!r}")

    def _answer(self, op: str, message: native.Frame, received_ns: int) -> Sequence[Event]:
        request = self._subscriptions.oldest(op)
        if message.success or op == "unsubscribe":
            return self._subscriptions.accepted(request, received_ns)
        return self._subscriptions.refused(
            request,
            message.ret_msg or "refused without a reason",
            received_ns,
            () if request is None else request.topics,
        )

    def _data(self, topic: str, frame: native.Frame, received_ns: int) -> Sequence[Event]:
        name = self._orders if topic == self._executions else topic
        subscription = self._subscriptions.owner(name, self._parse)
        if subscription is None:
            return ()
        reading = Reading(self._category.venue, received_ns)
        reading.events += self._subscriptions.data(name, received_ns)

        def read(row: Raw) -> Sequence[Event]:
            if topic == _WALLET:
                return self._balances(row, frame.creationTime, received_ns)
            return self._row(topic, row, received_ns)

        reading.rows(frame.data, read, lambda _row: (subscription,))
        if not reading.has_left_out or self._subscriptions.is_passive:
            return reading.finish()
        return [*reading.finish(), self._desync(subscription, received_ns)]

    def _row(self, topic: str, row: Raw, received_ns: int) -> Sequence[Event]:
        if topic == self._orders:
            order = native.decode_order(row)
            if not normalize.is_of(self._category, order):
                return ()
            return (normalize.order(self._category, order, received_ns),)
        execution = native.decode_execution(row)
        if not normalize.is_of(self._category, execution):
            return ()
        fill = normalize.fill(self._category, execution, received_ns)
        return () if fill is None else (fill,)

    def _balances(self, row: Raw, created_ms: int | None, received_ns: int) -> Sequence[Event]:
        venue_ns = instant(created_ms)
        return [
            normalize.balance(self._category, native.decode_coin(coin), venue_ns, received_ns)
            for coin in native.decode_wallet(row).coin
        ]

    def _desync(self, subscription: Subscription, received_ns: int) -> Event:
        return Desync(
            venue=self._category.venue,
            subscription=subscription,
            generation=0,
            reason="a row could not be read",
            received_ns=received_ns,
        )

    # Topics

    def _topic(self, subscription: Subscription) -> str:
        return _WALLET if subscription.channel is Channel.BALANCE else self._orders

    def _with_executions(self, topic: str) -> Sequence[str]:
        return (topic, self._executions) if topic == self._orders else (topic,)

    def _parse(self, topic: str) -> Subscription | None:
        """The stream of a topic on a tape; None for a topic of another category."""
        channels = {self._orders: Channel.EXECUTION, _WALLET: Channel.BALANCE}
        channel = channels.get(topic)
        return None if channel is None else Subscription(channel)


def _write(request: Request) -> Send:
    message = {"req_id": str(request.number), "op": request.op, "args": tuple(request.streams)}
    return Send(native.encode(message))
