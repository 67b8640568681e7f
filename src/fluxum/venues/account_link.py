"""A link of an account at venues that log in with a frame: its streams, and its commands.

A login comes first, behind the calls that it takes to read and to write for the venue; what is
wanted before its acknowledgement waits for it. Then topics are
subscribed, and commands sent. The venue's own part is an `AccountDialect`: how frames are written,
and what each one is. A row that cannot be read may have been a fill, so that its stream begins
anew: its snapshot is the session's, which looks up what was missed. The row may be of what was not
there when the calls before the login were made, so these are made again.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from msgspec import Raw, Struct

from fluxum.errors import BadInput, LocalProtocolError, RemoteProtocolError
from fluxum.model.event import Channel, Event, Refused, Subscribed, Subscription
from fluxum.model.order import Command
from fluxum.venues.command_answers import CommandAnswer, CommandAnswers
from fluxum.venues.conversation import (
    UNREADABLE,
    Effect,
    Fetch,
    Handover,
    Hangup,
    Send,
    SequenceCounts,
    VenueTime,
)
from fluxum.venues.reading import Reading, missed
from fluxum.venues.requests import Op, RequestLimits, Write
from fluxum.venues.subscriptions import Subscriptions

__all__ = [
    "AccountDialect",
    "AccountLink",
    "Data",
    "Ending",
    "LoginAnswer",
    "Nothing",
    "TopicAnswer",
]


class LoginAnswer(Struct, frozen=True):
    """The answer to the login; `error` is empty for an acknowledgement.

    `is_untimely` is a refusal because the clocks differ: another link may do better.
    """

    error: str = ""
    is_untimely: bool = False


class TopicAnswer(Struct, frozen=True):
    """The answer to the oldest request of its kind; `error` is empty for an acknowledgement."""

    op: Op
    error: str = ""


class Data(Struct, frozen=True):
    """Rows of a topic; `venue_ns` is the time of the frame."""

    topic: str
    rows: Sequence[Raw]
    venue_ns: int | None = None


class Ending(Struct, frozen=True):
    """The link is of no use any more; if `is_announced`, it is open until another one is."""

    reason: str
    is_announced: bool = False


class Nothing(Struct, frozen=True):
    """An answer that proves no more than that the link is open."""


Message = LoginAnswer | TopicAnswer | Data | CommandAnswer | Ending | Nothing


def _no_commands(command: Command, number: str) -> Sequence[Effect]:  # noqa: ARG001
    raise BadInput(f"commands go over the link of orders, was {type(command).__name__}")


def _no_topics(request: object) -> Send:
    raise AssertionError(f"this link has no topics, was {request}")


def _no_rows(data: Data, row: Raw, received_ns: int) -> Sequence[Event]:  # noqa: ARG001
    raise AssertionError(f"this link has no topics, was {data.topic}")


def _no_calls(fetch: Fetch, body: bytes) -> CommandAnswer:  # noqa: ARG001
    raise LocalProtocolError(f"no call was made, was {fetch.path!r}")


def _declined(fetch: Fetch, reason: str) -> CommandAnswer:
    return CommandAnswer(fetch.purpose, error=reason)


def _unread(fetch: Fetch, body: bytes) -> None:  # noqa: ARG001
    return


def _no_look_up(data: Data) -> Fetch | None:  # noqa: ARG001
    return None


class AccountDialect(Struct, frozen=True, kw_only=True):
    """What a venue's link of an account is like.

    `message` is what a frame is; it may raise what is in UNREADABLE. `topics` are those of each
    channel: the first is the stream's own, the others are requested for its sake. Topics that are
    `unrequested` come with the others, wanted or not. `write` writes requests for topics, `read`
    gives the events of one row.

    `effects` are the frames or calls of a command, one for each answer. Each carries a number of
    its own, which its answer repeats: `number`, or that with `.0`, `.1` behind it, and maybe a
    word behind a further dot. Of a batch that is sent order by order, and of a cancel of several,
    part `.1` is the second order. Raises BadInput for what the venue cannot do.

    `look_up` is a call that a topic's data make necessary, where they are incomplete. `called`
    reads the answer to the call of a command, or to one that was looked up; `refused` is what it
    means that the call of a command was refused, for a reason.

    `preparations` are calls before the login, for what the others need, such as numbers of markets;
    `prepare` takes each answer. It may raise VenueRefused, RateLimited, and what is in UNREADABLE.
    """

    venue: str
    login: Send
    ping: Send
    message: Callable[[bytes], Message]
    topics: Mapping[Channel, tuple[str, ...]] = {}
    unrequested: frozenset[str] = frozenset()
    limits: RequestLimits = RequestLimits(topics=10, in_flight=1)
    write: Write = _no_topics
    read: Callable[[Data, Raw, int], Sequence[Event]] = _no_rows
    effects: Callable[[Command, str], Sequence[Effect]] = _no_commands
    look_up: Callable[[Data], Fetch | None] = _no_look_up
    called: Callable[[Fetch, bytes], CommandAnswer | Data] = _no_calls
    refused: Callable[[Fetch, str], CommandAnswer] = _declined
    preparations: Sequence[Fetch] = ()
    prepare: Callable[[Fetch, bytes], None] = _unread


class AccountLink:
    """The conversation of one link; see AccountProtocol for what each call promises."""

    def __init__(self, dialect: AccountDialect) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self.venue_time: VenueTime | None = None
        self._dialect = dialect
        self._venue = dialect.venue
        self._is_logged_in = False
        self._unprepared = list(dialect.preparations)
        self._waiting: list[Subscription] = []  # for the login
        self._owners = {topic: names[0] for names in dialect.topics.values() for topic in names}
        extra = self._owners.keys() - set(self._owners.values())
        self._subscriptions = Subscriptions(
            dialect.venue, self.outbox, dialect.limits, dialect.write, extra=extra
        )
        self._answers = CommandAnswers(dialect.venue)

    # Requests

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue requests for streams, behind the login of the link.

        A stream without a topic is one of commands alone, which the login acknowledges.
        """
        streams = list(wanted)
        owned = [one for one in streams if one.channel in self._dialect.topics]
        waiting = [one for one in streams if one not in owned] if self._is_logged_in else streams
        if waiting and not self._waiting:
            self.outbox.extend(self._unprepared or [self._dialect.login])
        self._waiting += waiting
        if not self._is_logged_in:
            return
        topics: list[str] = []
        for subscription in owned:
            names = self._dialect.topics[subscription.channel]
            if self._subscriptions.open(names[0], subscription):
                topics += names
        self._subscriptions.request("subscribe", topics)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue requests that end streams; a link without topics has none to end."""
        ending = set(unwanted)
        active = set(self._subscriptions.by_topic.values()) & ending
        self._waiting = [one for one in self._waiting if one not in ending]
        extra = [name for one in active for name in self._dialect.topics[one.channel][1:]]
        self._subscriptions.unsubscribe(ending, extra)

    def resync(self, subscription: Subscription) -> None:
        """Queue an end and a new beginning of one stream; snapshots are the session's."""
        topic = self._subscriptions.topic(subscription)
        if topic is not None:
            self._subscriptions.resubscribe(topic)

    def command(self, command_id: int, command: Command, now_ns: int) -> None:  # noqa: ARG002
        """Queue a command; raises BadInput for one that the venue cannot do."""
        effects = self._dialect.effects(command, str(command_id))
        self.outbox.extend(effects)
        self._answers.expect(command_id, command_id, command, len(effects))

    def ping(self) -> None:
        """Queue a ping."""
        self.outbox.append(self._dialect.ping)
        self._subscriptions.pinged()

    def unanswered(self) -> Collection[Subscription]:
        """The streams that wait for the login, or for their acknowledgement."""
        return [*self._waiting, *self._subscriptions.unanswered()]

    def follow_passively(self, depth: int | None = None) -> None:  # noqa: ARG002 - there are no books
        """Accept the streams of an account that another client requested."""
        self._subscriptions.is_passive = True

    def follow_request(self, frame: bytes) -> None:
        """Nothing: the data name their streams themselves."""

    # Frames

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The events of a frame; raises RemoteProtocolError when it makes no sense."""
        try:
            message = self._dialect.message(frame)
        except UNREADABLE as error:
            raise RemoteProtocolError(str(error)) from error
        match message:
            case LoginAnswer():
                return self._logged_in(message, received_ns)
            case TopicAnswer():
                return self._answered(message, received_ns)
            case Data():
                return self._data(message, received_ns)
            case CommandAnswer():
                return self._settled(message, received_ns)
            case Ending(reason, is_announced):
                self.outbox.append(Handover(reason) if is_announced else Hangup(reason))
                return ()
            case Nothing():
                return ()

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """The answer to a preparation, or to another call.

        Raises RemoteProtocolError for one that makes no sense.
        """
        if fetch in self._dialect.preparations:
            return self._prepared(fetch, body)
        try:
            answer = self._dialect.called(fetch, body)
        except UNREADABLE as error:
            raise RemoteProtocolError(str(error)) from error
        if isinstance(answer, Data):
            return self._data(answer, received_ns)
        return self._settled(answer, received_ns)

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:
        """A call was refused: no login follows, a stream cannot be followed, or a command fails."""
        if fetch in self._dialect.preparations:
            return self._refuse_waiting(f"{fetch.purpose}: {reason}", received_ns)
        if fetch.subscription is not None:
            refused = Refused(
                venue=self._venue,
                subscription=fetch.subscription,
                message=f"{fetch.path}: {reason}",
                received_ns=received_ns,
            )
            return (refused,)
        return self._settled(self._dialect.refused(fetch, reason), received_ns)

    def _prepared(self, fetch: Fetch, body: bytes) -> Sequence[Event]:
        """The login follows the answer to the last preparation."""
        self._dialect.prepare(fetch, body)
        if fetch in self._unprepared:
            self._unprepared.remove(fetch)
            if self._waiting and not self._unprepared:
                self.outbox.append(self._dialect.login)
        return ()

    def _logged_in(self, answer: LoginAnswer, received_ns: int) -> Sequence[Event]:
        if answer.error:
            reason = f"the login: {answer.error}"
            if not answer.is_untimely:
                return self._refuse_waiting(reason, received_ns)
            self._waiting.clear()
            self.outbox.append(Hangup(reason))
            return ()
        waiting, self._waiting = self._waiting, []
        self._is_logged_in = True
        topics = self._dialect.topics
        self.subscribe([one for one in waiting if one.channel in topics])
        return tuple(
            Subscribed(venue=self._venue, subscription=one, received_ns=received_ns)
            for one in waiting
            if one.channel not in topics
        )

    def _refuse_waiting(self, reason: str, received_ns: int) -> Sequence[Event]:
        waiting, self._waiting = self._waiting, []
        return [
            Refused(venue=self._venue, subscription=one, message=reason, received_ns=received_ns)
            for one in waiting
        ]

    def _answered(self, answer: TopicAnswer, received_ns: int) -> Sequence[Event]:
        request = self._subscriptions.oldest(answer.op)
        if not answer.error or answer.op == "unsubscribe":
            return self._subscriptions.accepted(request, received_ns)
        blamed = () if request is None else request.topics
        return self._subscriptions.refused(request, answer.error, received_ns, blamed)

    # Data

    def _data(self, data: Data, received_ns: int) -> Sequence[Event]:
        topic = self._owners.get(data.topic, data.topic)
        is_wanted = self._subscriptions.is_passive or topic in self._subscriptions.by_topic
        if topic in self._dialect.unrequested and not is_wanted:
            return ()
        subscription = self._subscriptions.owner(topic, self._parse)
        if subscription is None:
            return ()
        call = self._dialect.look_up(data)
        if call is not None and not self._subscriptions.is_passive:
            self.outbox.append(call)
        reading = Reading(self._venue, received_ns)
        reading.events += self._subscriptions.data(topic, received_ns)
        reading.rows(
            data.rows,
            lambda row: self._dialect.read(data, row, received_ns),
            lambda _row: (subscription,),
        )
        if not reading.has_left_out or self._subscriptions.is_passive:
            return reading.finish()
        self.outbox.extend(self._dialect.preparations)
        lost = missed(self._venue, subscription, "a row could not be read", received_ns)
        return [*reading.finish(), lost]

    def _parse(self, topic: str) -> Subscription | None:
        """The stream of a topic on a tape; `None` for a topic of another category."""
        for channel, names in self._dialect.topics.items():
            if names[0] == topic:
                return Subscription(channel)
        return None

    # Commands

    def _settled(self, answer: CommandAnswer, received_ns: int) -> Sequence[Event]:
        if answer.venue_ns is not None:
            self.venue_time = VenueTime(answer.venue_ns, received_ns)
        return self._answers.settle(answer, self.outbox, received_ns)
