"""One private link's conversation with Kraken: the account's streams, commands and their answers.

There is no login: each request carries a token, for which a placeholder stands here. State changes
come on `executions`, maybe before the answer to the command that caused them
(https://docs.kraken.com/api/docs/websocket-v2/executions). A row of an update that cannot be read
may have been a fill or a line: the channel begins anew, at most once a minute, so that its snapshot
and the account's history repair what was missed.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from decimal import Decimal
from typing import Any

from msgspec import UNSET, MsgspecError, Raw, Struct

from fluxum.errors import LocalProtocolError, RemoteProtocolError
from fluxum.model.account import Balance, Balances, LedgerEntry
from fluxum.model.event import (
    Desync,
    Event,
    Refused,
    Subscribed,
    Subscription,
    Unsubscribed,
    VenueNotice,
)
from fluxum.model.order import Command, Place, TradingCount
from fluxum.venues.conversation import Auth, UnreadableStream, VenueTime
from fluxum.venues.kraken.native import Heartbeat, Kind, StatusFrame
from fluxum.venues.kraken.normalize import VENUE, status_notice, venue_time
from fluxum.venues.kraken.private import native, normalize
from fluxum.venues.kraken.private.answers import Answers
from fluxum.venues.kraken.private.channels import NAMES, AccountChannel, Numbering
from fluxum.venues.kraken.private.commands import answers_of, limit_frame, wire_of
from fluxum.venues.kraken.private.executions import Executions
from fluxum.venues.rows import read_rows
from fluxum.venues.venue import Effect, Fetch, Hangup, Reauthenticate, Send, SequenceCounts

__all__ = ["KrakenPrivateProtocol"]

_UNREADABLE = (MsgspecError, UnicodeDecodeError, RecursionError)
_STALE_TOKEN = ("ESession:Invalid session", "EAPI:Invalid token", "Token(s) not found")
_METHOD = b'{"method"'
_ADD_ORDER = b'{"method":"add_order"'
_TOKEN = Auth.TOKEN  # to look up a member costs a call
_MENDED_EVERY_NS = 60 * 1_000_000_000


class _Request(Struct):
    """`native.Request` as it is written: with the Struct of its parameters, in one go."""

    method: str
    params: object
    req_id: int


class KrakenPrivateProtocol:
    """Kraken v2 private data and trading; see AccountProtocol for what each call promises."""

    def __init__(self) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self.venue_time: VenueTime | None = None
        self._channels: dict[str, AccountChannel] = {}
        self._answers = Answers()
        self._orders = Executions()
        self._status = ""
        self._is_overhearing = False
        self._handlers: dict[type, Callable[[Any, int], Sequence[Event]]] = {
            native.ExecutionsFrame: self._executions,
            native.BalancesFrame: self._balances,
            Heartbeat: self._heartbeat,
            StatusFrame: self._venue_status,
        }

    # What is sent

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue a request for each channel."""
        for subscription in wanted:
            channel = AccountChannel(subscription, self.sequence)
            self._channels[channel.name] = channel
            self._ask("subscribe", channel, quiet=False)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue requests that end channels."""
        for subscription in unwanted:
            channel = self._channels.get(NAMES[subscription.channel])
            if channel is not None and not channel.is_ending:
                channel.is_ending = True
                self._ask("unsubscribe", channel, quiet=False)

    def resync(self, subscription: Subscription) -> None:
        """Queue an end and a new beginning of one channel: Kraken answers with a snapshot."""
        channel = self._channels.get(NAMES[subscription.channel])
        if channel is None or channel.is_ending or channel.is_coming:
            return
        channel.is_awaited = channel.is_coming = True
        self._ask("unsubscribe", channel, quiet=True)
        self._ask("subscribe", channel, quiet=True)

    def command(self, command_id: int, command: Command, now_ns: int) -> None:  # noqa: ARG002
        """Queue a command; raises BadInput for one Kraken cannot be asked."""
        frame, answers = None, 1
        if type(command) is Place:
            frame = limit_frame(command, self._answers.upcoming)
        else:
            answers = answers_of(command)
        if frame is None:
            method, params = wire_of(command)
            frame = native.encode(_Request(method, params, self._answers.upcoming))
        self._answers.begin(command_id, command, answers)
        self.outbox.append(Send(frame, _TOKEN))

    def ping(self) -> None:
        """Queue a ping; it needs no token."""
        self.outbox.append(Send(native.encode(native.Request("ping", req_id=self._answers.next()))))

    def unanswered(self) -> Collection[Subscription]:
        """The channels that were neither accepted nor refused, or whose snapshot is missing."""
        return [
            one.subscription
            for one in self._channels.values()
            if one.is_coming and not one.is_ending
        ]

    def follow_passively(self, depth: int | None = None) -> None:  # noqa: ARG002 - there are no books
        """Accept an account's streams that another asked for."""
        self._is_overhearing = self._orders.is_overhearing = True

    def follow_request(self, frame: bytes) -> None:
        """Nothing: the answer to another client's request contains all of it."""

    # What is received

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The events of a frame; raises RemoteProtocolError when it makes no sense."""
        if frame.startswith(_METHOD):  # an answer, which is not decoded as data first
            if frame.startswith(_ADD_ORDER):
                events = self._answers.entered(frame, received_ns)
                if events is not None:
                    return events
            return self._receive_response(frame, received_ns)
        try:
            message = native.decode_frame(frame)
        except _UNREADABLE as error:
            return self._receive_response(frame, received_ns, str(error))
        return self._handlers[type(message)](message, received_ns)

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:  # noqa: ARG002
        """The link itself needs no REST call."""
        raise LocalProtocolError(f"no call was asked for, was {fetch.path!r}")

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:  # noqa: ARG002
        """No call was asked for."""
        raise LocalProtocolError(f"no call was asked for, was {fetch.path!r}")

    # Data

    def _executions(
        self, frame: native.ExecutionsFrame | native.RowsOutline, received_ns: int
    ) -> Sequence[Event]:
        channel, trouble = self._numbered("executions", frame.type, frame.sequence, received_ns)
        if channel is None:
            return trouble
        is_snapshot = frame.type == "snapshot"
        read = self._orders.snapshot if is_snapshot else self._orders.update
        events = [
            *self._accept(channel, received_ns),
            *read(frame.data, channel.subscription, received_ns),
        ]
        channel.is_whole = self._orders.is_whole
        self._mend(channel, received_ns)
        return events

    def _balances(self, frame: native.BalancesFrame, received_ns: int) -> Sequence[Event]:
        channel, trouble = self._numbered("balances", frame.type, frame.sequence, received_ns)
        if channel is None:
            return trouble
        events: list[Event] = self._accept(channel, received_ns)
        try:
            rows = native.decode_raw_rows(frame.data)
        except _UNREADABLE as error:
            raise UnreadableStream(str(error), (channel.subscription,)) from error
        if frame.type == "snapshot":
            held = read_rows(rows, lambda raw: _holding(raw, received_ns))
            left_out = held.left_out
            channel.is_whole = True
            data: Sequence[Event] = (
                Balances(venue=VENUE, balances=held.items, received_ns=received_ns),
            )
        else:
            lines = read_rows(rows, lambda raw: _line(raw, received_ns))
            left_out, data = lines.left_out, lines.items
            channel.is_whole = channel.is_whole and left_out is None
        if left_out is not None:
            events.append(left_out.event(VENUE, channel.subscription, received_ns))
        self._mend(channel, received_ns)
        return [*events, *data]

    def _mend(self, channel: AccountChannel, received_ns: int) -> None:
        """Have a channel begin anew of which a row was left out, if that is not too soon."""
        if channel.is_whole or self._is_overhearing or received_ns < channel.mended_ns:
            return
        channel.mended_ns = received_ns + _MENDED_EVERY_NS
        self.resync(channel.subscription)

    def _numbered(
        self, name: str, kind: Kind, number: int, received_ns: int
    ) -> tuple[AccountChannel | None, Sequence[Event]]:
        """The channel if its message is the next one, else None and the events of the break."""
        channel = self._channels.get(name)
        if channel is None:
            if not self._is_overhearing:
                raise UnreadableStream(f"{name} was not asked for", ())
            channel = self._adopt(name, kind, number)
        if channel.is_ending:
            return None, ()
        expected = channel.expected
        numbering = channel.take(kind, number)
        if numbering is Numbering.NEXT:
            return channel, ()
        if numbering is Numbering.HOLE:
            return None, (
                Desync(
                    venue=VENUE,
                    subscription=channel.subscription,
                    generation=0,
                    reason=f"message {expected} of {name} was expected, was {number}",
                    expected=expected,
                    computed=number,
                    received_ns=received_ns,
                ),
            )
        return None, ()

    def _adopt(self, name: str, kind: Kind, number: int) -> AccountChannel:
        """Follow another client's channel from its first message on."""
        (which,) = (one for one, known in NAMES.items() if known == name)
        channel = AccountChannel(Subscription(which), self.sequence)
        channel.is_answered = True
        channel.is_coming = False
        channel.is_awaited = kind == "snapshot"
        channel.expected = number
        self._channels[name] = channel
        return channel

    def _accept(self, channel: AccountChannel, received_ns: int) -> list[Event]:
        """A snapshot answers a subscribe as well as an acknowledgement does."""
        if channel.is_answered:
            return []
        channel.is_answered = True
        return [Subscribed(venue=VENUE, subscription=channel.subscription, received_ns=received_ns)]

    def _heartbeat(self, frame: Heartbeat, received_ns: int) -> Sequence[Event]:  # noqa: ARG002
        for channel in self._channels.values():
            self._mend(channel, received_ns)
        return ()

    def _venue_status(self, frame: StatusFrame, received_ns: int) -> Sequence[Event]:
        (wire,) = frame.data
        if wire.system == self._status:  # repeated about every second
            return ()
        self._status = wire.system
        return (status_notice(wire.system, "", received_ns),)

    # Answers

    def _receive_response(
        self, frame: bytes, received_ns: int, reason: str = ""
    ) -> Sequence[Event]:
        """The events of an answer; `reason` is why the frame is not data."""
        try:
            response = native.decode_response(frame)
        except _UNREADABLE as error:
            return self._receive_odd(frame, received_ns, reason or str(error))
        if response.method == "pong":  # the time of one kind of answer is enough
            self.venue_time = venue_time(response.time_out, received_ns) or self.venue_time
            return ()
        try:
            if response.method in {"subscribe", "unsubscribe"}:
                return self._subscription_answer(response, received_ns)
            if response.success is not True and self._is_stale(response.error):
                again = self._answers.again(response.req_id)
                if again is not None:
                    number, method, params = again
                    self.outbox.append(Reauthenticate(response.error or ""))
                    self._send(number, method, params)
                    return ()
            return self._answers.settle(response, received_ns)
        except _UNREADABLE as error:
            raise RemoteProtocolError(str(error)) from error

    def _receive_odd(self, frame: bytes, received_ns: int, reason: str) -> Sequence[Event]:
        """A frame with an odd row, one that harms the channel it names, or a complaint.

        `{"Error":"Exceeded msg rate"}` has neither method nor number.
        """
        try:
            outline = native.decode_outline(frame)
        except _UNREADABLE:
            if not frame.startswith(b'{"Error"'):
                raise RemoteProtocolError(reason) from None
            message = frame[:200].decode("utf-8", "replace")
            return (VenueNotice(venue=VENUE, message=message, received_ns=received_ns),)
        if outline.method is None and outline.channel == "executions":
            try:
                return self._executions(native.decode_rows_outline(frame), received_ns)
            except _UNREADABLE as error:
                reason = str(error)
        channel = None if outline.method is not None else self._channels.get(outline.channel)
        raise UnreadableStream(reason, () if channel is None else (channel.subscription,))

    def _subscription_answer(self, response: native.Response, received_ns: int) -> Sequence[Event]:
        asked = self._answers.subscription(response.req_id)
        if asked is None:
            if self._is_overhearing:
                return ()
            return (Refused(venue=VENUE, message=response.error or "", received_ns=received_ns),)
        name, method, is_quiet = asked
        channel = self._channels.get(name)
        if channel is None:
            return ()
        if response.success is not True:
            return self._subscription_refused(
                response, channel, method, received_ns, quiet=is_quiet
            )
        if method == "unsubscribe":
            return () if is_quiet else self._end(channel, received_ns)
        channel.is_renewed = False
        events = self._accept(channel, received_ns)
        raw = b"{}" if response.result is UNSET else response.result
        result = native.decode_subscribe_result(raw)
        if result.maxratecount is not None:
            allowed = Decimal(result.maxratecount)
            events.append(TradingCount(venue=VENUE, allowed=allowed, received_ns=received_ns))
        return events

    def _subscription_refused(
        self,
        response: native.Response,
        channel: AccountChannel,
        method: str,
        received_ns: int,
        *,
        quiet: bool,
    ) -> Sequence[Event]:
        if method == "unsubscribe":  # of a resync: the subscribe after it decides
            return self._end(channel, received_ns) if channel.is_ending else ()
        reason = response.error or "no reason was given"
        if self._is_stale(reason) and not channel.is_renewed:
            channel.is_renewed = True
            self.outbox.append(Reauthenticate(reason))
            if quiet:  # the end of the old stream was refused as well
                self._ask("unsubscribe", channel, quiet=True)
            self._ask("subscribe", channel, quiet=quiet)
            return ()
        if quiet:
            self.outbox.append(Hangup(f"no new beginning of {channel.name}: {reason}"))
            return ()
        channel.is_answered = True
        channel.is_coming = False
        refused = Refused(
            venue=VENUE,
            subscription=channel.subscription,
            message=reason,
            received_ns=received_ns,
        )
        return (refused,)

    def _end(self, channel: AccountChannel, received_ns: int) -> Sequence[Event]:
        if self._channels.get(channel.name) is channel:
            del self._channels[channel.name]
        ended = Unsubscribed(
            venue=VENUE, subscription=channel.subscription, received_ns=received_ns
        )
        return (ended,)

    # Pieces

    def _ask(self, method: str, channel: AccountChannel, *, quiet: bool) -> None:
        number = self._answers.ask(channel.name, method, quiet=quiet)
        self._send(number, method, channel.params(method))

    def _send(self, number: int, method: str, params: object) -> None:
        self.outbox.append(Send(native.encode(_Request(method, params, number)), _TOKEN))

    @staticmethod
    def _is_stale(reason: str | None) -> bool:
        return reason is not None and reason.startswith(_STALE_TOKEN)


def _holding(raw: Raw, received_ns: int) -> Balance:
    return normalize.balance(native.decode_balance(raw), received_ns)


def _line(raw: Raw, received_ns: int) -> LedgerEntry:
    return normalize.entry(native.decode_entry(raw), bytes(raw), received_ns)
