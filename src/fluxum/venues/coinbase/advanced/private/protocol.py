"""The conversation of an account's link: one stream of orders, and REST calls for all else.

https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels#user-channel.
Every frame of the link is numbered, and a list of all subscriptions answers each request. Orders
come as wholes; their fills are listed over REST when what is filled has grown (`orders`). Balances
have no stream: they are listed after each change of an order and with each ping, at most once a
second, which is when a heartbeat comes. Commands are REST calls.
"""

from collections import deque
from collections.abc import Collection, Iterable, Sequence

from msgspec import Raw, structs
from msgspec.json import decode

from fluxum.errors import RemoteProtocolError
from fluxum.model.account import Balance
from fluxum.model.event import Channel, Event, Refused, Subscribed, Subscription
from fluxum.model.instrument import Asset
from fluxum.model.order import CancelAll, Command
from fluxum.venues.coinbase.advanced import native as public
from fluxum.venues.coinbase.advanced.numbering import Numbering, Step
from fluxum.venues.coinbase.advanced.private import native, normalize
from fluxum.venues.coinbase.advanced.private.answers import CallAnswers
from fluxum.venues.coinbase.advanced.private.commands import order_commands
from fluxum.venues.coinbase.advanced.private.orders import StreamedOrders
from fluxum.venues.coinbase.advanced.private.queries import accounts_call, open_orders_call
from fluxum.venues.coinbase.instants import read_instant
from fluxum.venues.coinbase.symbols import ADVANCED
from fluxum.venues.command_answers import CommandAnswer, CommandAnswers
from fluxum.venues.conversation import (
    UNREADABLE,
    Auth,
    Effect,
    Fetch,
    Send,
    SequenceCounts,
    UnreadableStream,
)
from fluxum.venues.reading import Reading, missed
from fluxum.venues.requests import Request, RequestLimits
from fluxum.venues.rows import LeftOutRows, read_rows
from fluxum.venues.subscriptions import Subscriptions

__all__ = ["AdvancedAccount"]

_USER, _HEARTBEATS = "user", "heartbeats"
_EXECUTIONS, _BALANCES = Subscription(Channel.EXECUTION), Subscription(Channel.BALANCE)
_UNAUTHENTICATED = "authentication failure"


class AdvancedAccount:
    """One link of an account; see AccountProtocol for what each call promises."""

    def __init__(self) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self._numbering = Numbering()
        self._subscriptions = Subscriptions(
            ADVANCED,
            self.outbox,
            RequestLimits(topics=1, in_flight=1),
            _write,
            extra={_HEARTBEATS},
        )
        self._commands = CommandAnswers(ADVANCED)
        self._answers = CallAnswers()
        self._orders = StreamedOrders()
        self._order_commands = order_commands(self._orders.order_id_of)
        self._balances: dict[Asset, Balance] | None = None  # as they were listed last
        self._follows_balances = False
        self._is_listing = False
        self._is_stale = False
        self._heartbeats: int | None = None  # since the last ping; None until they are requested
        self._has_repeated = False

    # Requests

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue requests for the stream of orders, behind heartbeats, and a list of balances."""
        streams = set(wanted)
        if streams and self._heartbeats is None:
            self._request_heartbeats()
        if _EXECUTIONS in streams and self._subscriptions.open(_USER, _EXECUTIONS):
            self._subscriptions.request("subscribe", [_USER])
        if _BALANCES in streams:
            self._follows_balances = self._is_stale = True
            self._list_balances()

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue the request that ends the stream of orders."""
        ending = set(unwanted)
        self._follows_balances &= _BALANCES not in ending
        self._subscriptions.unsubscribe(ending)

    def resync(self, subscription: Subscription) -> None:
        """Queue an end and a new beginning of the stream of orders."""
        if subscription == _EXECUTIONS:
            self._subscriptions.resubscribe(_USER)

    def command(self, command_id: int, command: Command, now_ns: int) -> None:  # noqa: ARG002
        """Queue the calls of a command; raises BadInput for one that the venue cannot do."""
        number = str(command_id)
        fetches: Sequence[Effect] = [open_orders_call(number)]
        if not isinstance(command, CancelAll):
            fetches = self._order_commands.effects(command, number)
        self.outbox.extend(fetches)
        self._commands.expect(command_id, command_id, command, len(fetches))
        self._orders.note(command)

    def ping(self) -> None:
        """Request heartbeats again, if there was none since the last ping; list balances soon."""
        if not self._heartbeats:
            self._request_heartbeats()
        self._heartbeats = 0
        self._is_stale = True
        self._subscriptions.pinged()

    def unanswered(self) -> Collection[Subscription]:
        """The stream of orders, while its request has no answer."""
        return self._subscriptions.unanswered()

    def follow_passively(self, depth: int | None = None) -> None:  # noqa: ARG002 - there are no books
        """Accept the orders that another client's link was sent, from any number on."""
        self._subscriptions.is_passive = True
        self._numbering.is_tape = True

    def follow_request(self, frame: bytes) -> None:
        """Nothing: the data name their stream themselves."""

    def _request_heartbeats(self) -> None:
        self._heartbeats = 0
        self._subscriptions.request("subscribe", [_HEARTBEATS])

    def _list_balances(self) -> None:
        if self._follows_balances and self._is_stale and not self._is_listing:
            self._is_stale, self._is_listing = False, True
            self.outbox.append(accounts_call())

    def _list_fills(self) -> None:
        fetch = self._orders.call()
        if fetch is not None:
            self.outbox.append(fetch)

    # Frames

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The events of a frame; raises RemoteProtocolError for one that makes no sense."""
        try:
            envelope = public.decode_envelope(frame)
        except UNREADABLE as error:
            return self._failed(frame, str(error), received_ns)
        number = envelope.sequence_num
        step = self._numbering.judge(number)
        events = self._lose(number, received_ns) if step is Step.BREAK else []
        self._numbering.take(number, step)
        if step is Step.AGAIN:
            return ()
        self.sequence.steps += step is Step.ON or step is Step.LATE
        self.sequence.breaks += step is Step.BREAK
        try:
            events += self._read(envelope.channel, frame, number, received_ns)
        except UNREADABLE as error:
            streams = (_EXECUTIONS,) if envelope.channel == _USER else ()
            if not events:  # else the stream begins anew in any case
                raise UnreadableStream(str(error), streams) from error
        finally:
            self._list_fills()
        return events

    def _read(self, channel: str, frame: bytes, number: int, received_ns: int) -> Sequence[Event]:
        match channel:
            case "user":
                return self._user(decode(frame, type=native.UserFrame), number, received_ns)
            case "subscriptions":
                return self._listed(public.decode_frame(frame), received_ns)
            case "heartbeats":
                self._heartbeats = (self._heartbeats or 0) + 1
                self._orders.is_waiting = False
                self._list_balances()
                return ()
            case _:
                return ()

    def _user(self, wire: native.UserFrame, number: int, received_ns: int) -> Sequence[Event]:
        """The orders of a frame; a row that cannot be read may have been any."""
        stream = self._subscriptions.owner(_USER, lambda _topic: _EXECUTIONS)
        if stream is None:
            return ()
        venue_ns = read_instant(wire.timestamp)
        self._orders.begun_ns = self._orders.begun_ns or venue_ns
        reading = Reading(ADVANCED, received_ns)
        reading.events += self._subscriptions.data(_USER, received_ns)
        for event in wire.events:
            is_snapshot = event.type == "snapshot"

            def read(row: Raw, *, is_snapshot: bool = is_snapshot) -> Sequence[Event]:
                order = decode(row, type=native.UserOrder)
                if order.product_type != "SPOT":
                    return ()
                update = self._orders.take(
                    order, number, venue_ns, received_ns, is_snapshot=is_snapshot
                )
                return () if update is None else (update,)

            reading.rows(event.orders, read, lambda _row: (stream,))
        self._is_stale |= bool(reading.events)
        if not reading.has_left_out or self._subscriptions.is_passive:
            return reading.finish()
        return [
            *reading.finish(),
            missed(ADVANCED, _EXECUTIONS, "a row could not be read", received_ns),
        ]

    def _listed(self, wire: public.Frame, received_ns: int) -> Sequence[Event]:
        """A list of what is subscribed answers the requests that it agrees with, in their order."""
        assert isinstance(wire, public.SubscriptionsFrame), wire
        listing = {name for event in wire.events for name in event.subscriptions}
        events: list[Event] = []
        for request in self._subscriptions.requests():
            (topic,) = request.topics
            if (topic in listing) is not (request.op == "subscribe"):
                break
            events += self._subscriptions.accepted(request, received_ns)
        return events

    def _lose(self, number: int, received_ns: int) -> list[Event]:
        """Frames are missing, which may have had orders."""
        self._is_stale = True
        expected = self._numbering.expected
        self._subscriptions.doubt()
        if _USER not in self._subscriptions.by_topic:
            return []
        lost = missed(
            ADVANCED,
            _EXECUTIONS,
            f"frame {expected} of the link was expected, was {number}",
            received_ns,
        )
        return [structs.replace(lost, expected=expected, computed=number)]

    def _failed(self, frame: bytes, reason: str, received_ns: int) -> Sequence[Event]:
        """A request failed. A token may have come too late: it is requested once more."""
        try:
            error = public.decode_error(frame)
        except UNREADABLE:
            raise RemoteProtocolError(reason) from None
        request = self._subscriptions.oldest("subscribe")
        if request is not None and error.message == _UNAUTHENTICATED and not self._has_repeated:
            self._has_repeated = True
            self._subscriptions.repeat(request)
            return ()
        text = f"{error.message}: {error.reason}" if error.reason else error.message
        blamed = () if request is None else request.topics
        return self._subscriptions.refused(request, text, received_ns, blamed)

    # Answers to calls

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """The answer to a command, or to a list; raises RemoteProtocolError for no sense."""
        try:
            if fetch.is_once:
                answer = self._answers.read(fetch, body)
                return self._commands.settle(answer, self.outbox, received_ns)
            if fetch.subscription == _BALANCES:
                return self._accounts(body, received_ns)
            rows, following = self._orders.answered(body, received_ns)
        except UNREADABLE as error:
            raise RemoteProtocolError(str(error)) from error
        if following is not None:
            self.outbox.append(following)
        self._list_fills()
        return [*_left_out(rows.left_out, _EXECUTIONS, received_ns), *rows.items]

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:
        """The venue refused a command, or a list, which is requested again later."""
        if fetch.is_once:
            answer = CommandAnswer(fetch.purpose, reason)
            return self._commands.settle(answer, self.outbox, received_ns)
        if fetch.subscription != _BALANCES:
            self._orders.failed()
            return ()
        self._is_listing, self._is_stale = False, True
        if self._balances is not None:
            return ()
        refused = Refused(
            venue=ADVANCED, subscription=_BALANCES, message=reason, received_ns=received_ns
        )
        return (refused,)

    def _accounts(self, body: bytes, received_ns: int) -> Sequence[Event]:
        """The balances that changed since the last list; the first one acknowledges the stream."""
        answer = decode(body, type=native.Accounts)
        rows = read_rows(
            answer.accounts,
            lambda row: normalize.balance(row, received_ns),
        )
        events: list[Event] = []
        if answer.has_next and answer.cursor:
            self.outbox.append(accounts_call(answer.cursor))
        else:
            self._is_listing = False
        if self._balances is None:
            self._balances = {}
            events.append(
                Subscribed(venue=ADVANCED, subscription=_BALANCES, received_ns=received_ns)
            )
        for one in rows.items:
            known = self._balances.get(one.asset)
            self._balances[one.asset] = one
            if known is None or (known.total, known.held) != (one.total, one.held):
                events.append(one)
        return [*_left_out(rows.left_out, _BALANCES, received_ns), *events]


def _left_out(
    rows: LeftOutRows | None, subscription: Subscription, received_ns: int
) -> Sequence[Event]:
    return () if rows is None else (rows.event(ADVANCED, subscription, received_ns),)


def _write(request: Request) -> Send:
    (topic,) = request.topics
    auth = Auth.SIGNED if topic == _USER else Auth.NONE
    return Send(public.encode(public.Request(request.op, topic)), auth)
