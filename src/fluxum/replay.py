"""Plays a tape through the live code: the venue's protocol and the session's event processor.

A recorded frame is processed by the same code as a live one, link by link. REST calls are answered
from the recording, those for missed candles included; candles close by the time of the tape. Only a
request for a new snapshot over the link has no effect, as there is no answer: a book that fails its
check stays desynced until the tape has a snapshot. One that a session fetches is on the tape.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import NoReturn, cast

from msgspec import structs

from fluxum.book.keeper import Verdict
from fluxum.book.proof import BookStatus
from fluxum.clock import SystemClock
from fluxum.errors import BadInput, TapeError
from fluxum.flow.pipe import Overflow
from fluxum.model.event import (
    AccountEvent,
    Channel,
    Desync,
    Event,
    GapCause,
    LeftOut,
    MarketEvent,
    Rejected,
    State,
    Subscribed,
    Subscription,
    Unsubscribed,
)
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import BookUpdate
from fluxum.moments import Moment, PassedUpdates, joined
from fluxum.pacing import AttemptBudget, CallCounter
from fluxum.recognise import requests_beside, variant
from fluxum.recorded_history import RecordedHistory
from fluxum.recorded_link import BOOKS, RecordedLink, Scanned, subscription_of
from fluxum.session.book_runs import follow_books, publish
from fluxum.session.feed import Feed, FeedContext
from fluxum.session.fetch_queue import Rest
from fluxum.session.processor import EventProcessor
from fluxum.session.statistics import LinkStatistics, Retired, SessionStatistics, gather
from fluxum.tape import RecordedAnswers, TapeFrame, TapeReader
from fluxum.tape.calls import RecordedCalls, WantedCall
from fluxum.venues.conversation import UNREADABLE, UnreadableStream
from fluxum.venues.register import find_venue
from fluxum.venues.venue import Fetch, SequenceCounts, Venue

__all__ = ["Moment", "PassedUpdates", "Replay"]

_DATA = frozenset((*MarketEvent.__args__, *AccountEvent.__args__))
_ABOUT_STREAMS = frozenset((Subscribed, Unsubscribed, Desync, LeftOut))


class Replay:
    """Plays one recording; if it has several files, `more` are the others, in order.

    `later` are further ones that may not be written yet; see `TapeReader`.

    `venue` is needed for bare recordings without a `.meta.json` beside them. `depth` is that of
    books if neither the file nor its neighbouring `.meta.json` contains it. Raises TapeError
    for a file that is none, BadInput for a venue that is unknown.
    """

    def __init__(
        self,
        path: Path,
        venue: str | None = None,
        depth: int | None = None,
        more: Sequence[Path] = (),
        later: Iterable[Path] = (),
    ) -> None:
        self.tape = TapeReader(path, *more, later=later)
        header = self.tape.header
        name = header.venue if header is not None else variant(path, venue)
        if name is None and not self.tape.lines:
            raise TapeError(f"{path} is empty: there is nothing to replay")
        if name is None:
            raise BadInput(f"{path} does not say of which exchange it is; name it")
        self.venue: Venue = find_venue(name)
        self.frames = 0
        self.lost = 0
        """How many frames the recorder could not write, by the tape."""
        self.data = 0
        """How many frames had data of a market or an account."""
        self.rejection = ""
        """Why the first rejected frame was rejected."""
        self.rejected = 0
        self.book_messages = 0
        self.sequences: list[SequenceCounts] = []
        self._depth = depth
        self._now_ns = 0
        context = FeedContext(
            self.venue,
            self.venue.limits,
            _refuse_dial,
            SystemClock(),
            Random(0),  # noqa: S311 - never used: nothing waits here
            AttemptBudget(1, 1.0),
            Rest(None, {}, CallCounter(1.0, 1.0), self.venue.limits.backoff, Random(0)),  # noqa: S311
        )
        self.processor = EventProcessor(context, lambda: self._now_ns / 1e9)
        self._context = context
        self._links: dict[int, RecordedLink] = {}
        self._instruments: dict[Symbol, tuple[Instrument, int]] = {}  # and the link they are of
        self._answers = RecordedAnswers(path)
        self._calls = RecordedCalls(self._answers)
        self._history = RecordedHistory(self.venue, self._answers, self.processor.candles)
        self.processor.candles.look_up = self._history.look_up
        self._events = self.processor.bus.subscribe(capacity=1 << 20, overflow=Overflow.RAISE)

    def __iter__(self) -> Iterator[Moment]:
        """Every frame received, in order, with the events a live session would publish.

        What happens between two frames is among the events of the later one; what happens behind
        the last frame is a moment of its own, which is no frame.
        """
        return cast("Iterator[Moment]", joined(self.moments()))

    def stretches(self) -> Iterator[Moment | PassedUpdates]:
        """The same, where updates of books that pass their checks come together.

        For a reader that looks at no book between them. Without a compiler they come one by one.
        """
        return joined(self._stretches())

    def moments(self) -> Iterator[Moment]:
        """Every frame received, and every other line of the tape that has events, at its time."""
        for line in self.tape:
            moment = self.play(line)
            if moment is not None:
                yield moment
        moment = self.finish()
        if moment is not None:
            yield moment

    def _stretches(self) -> Iterator[Moment | PassedUpdates]:
        is_between = False  # whether the next frame has events of what was before it
        for lines in self.tape.batches():
            at = 0
            while at < len(lines):
                scanned = None if is_between else self._scan(lines, at)
                if scanned is not None:
                    at += yield from self._play_scanned(scanned)
                    continue
                moment = self.play(lines[at])
                at += 1
                if moment is not None:
                    is_between = not moment.is_frame
                    yield moment
        if (moment := self.finish()) is not None:
            yield moment

    def play(self, line: TapeFrame) -> Moment | None:
        """Process the next line of the tape; `None` if it is no frame received and has no events.

        For a caller that iterates over `tape` itself; `finish` comes after the last line.
        """
        self._now_ns = line.ns or self._now_ns
        if self._follow(line):
            self.frames += 1
            return Moment(self.frames - 1, line.ns, self._events.drain(), line.link)
        if not self._events.waiting:
            return None
        events = self._events.drain()
        return Moment(self.frames, line.ns, events, line.link, is_frame=False)

    def finish(self) -> Moment | None:
        """The tape is over: what happens behind its last line, if anything."""
        if not self._events.waiting:
            return None
        return Moment(self.frames, self._now_ns, self._events.drain(), is_frame=False)

    def links(self) -> list[LinkStatistics]:
        """The links that are open on the tape."""
        return [LinkStatistics.of(link.feed) for link in self._links.values()]

    def statistics(self) -> SessionStatistics:
        """All counts so far, as a session has them; nothing is requested or sent here."""
        feeds = [link.feed for link in self._links.values()]
        state = State.READY if feeds else State.DISCONNECTED
        return structs.replace(
            gather(self._context, state, feeds, Retired(), self.processor),
            links=len(feeds),
            frames=self.frames,
            data=self.data,
            control=self.frames - self.data - self.rejected,
            rejected=self.rejected,
        )

    def _follow(self, frame: TapeFrame) -> bool:
        """Process one line of the tape; whether it is a frame received."""
        if frame.url:
            self._follow_call(frame)
            return False
        if frame.since_ns is not None:
            self._miss(frame)
            return False
        link = self._links.get(frame.link)
        if link is None:
            link = self._begin_link(frame.link, frame.ns)
        self._pass_time(link.feed)
        if frame.closed:
            del self._links[frame.link]
            self._calls.forget(frame.link)
            self.processor.lose(link.feed, "closed on the tape", self._now_ns)
            return False
        if frame.sent:
            link.protocol.follow_request(frame.frame)
            self._note_calls(link, self._now_ns)
            return False
        if self._calls.soonest_ns <= self._now_ns:
            self._answer_calls(frame.ns)
        self._receive(frame.frame, link)
        if link.protocol.outbox:
            self._note_calls(link, self._now_ns)
        if self._calls.soonest_ns <= self._now_ns:
            self._answer_calls(frame.ns)
        return True

    def _scan(self, lines: Sequence[TapeFrame], at: int) -> Scanned | None:
        """Scan frames of books from a place on, as far as nothing else is to be done for them."""
        link = self._links.get(lines[at].link)
        if link is None or self._history.is_waiting:
            return None
        call_ns, candle_ns = self._calls.soonest_ns, self.processor.candles.soonest_ns
        return link.scan(lines, at, call_ns if candle_ns is None else min(call_ns, candle_ns))

    def _play_scanned(self, scanned: Scanned) -> Generator[Moment | PassedUpdates, None, int]:
        """Apply updates, at most up to one that fails its check; returns how many that are."""
        processor, updates, at = self.processor, scanned.updates, 0
        while updates is not None and at < len(updates):
            passed, verdict = follow_books(updates, at, processor.books, processor.bus)
            at += passed
            self._count(passed)
            if passed:
                self._now_ns = updates[at - 1].received_ns
                proved = cast("list[BookUpdate]", self._events.drain())
                yield PassedUpdates(self.frames - passed, proved)
            if verdict is not None:
                update = updates[at]
                at += 1
                self._count(1)
                self._now_ns = update.received_ns
                publish(verdict, update, processor.bus, processor.judged)
                yield self._moment(scanned.link)
            if verdict is Verdict.FAILED:
                return at  # what follows is read in another way
        if scanned.unexpected is not None:
            self.frames += 1
            self.data += 1
            self._now_ns = scanned.unexpected[0].received_ns
            self._take(scanned.unexpected, scanned.link)
            yield self._moment(scanned.link)
            at += 1
        return at

    def _moment(self, link: RecordedLink) -> Moment:
        """The last frame, with its events."""
        return Moment(self.frames - 1, self._now_ns, self._events.drain(), link.number)

    def _count(self, frames: int) -> None:
        """Count frames of a book."""
        self.frames += frames
        self.data += frames
        self.book_messages += frames
        self.processor.counts.received += frames

    def _pass_time(self, feed: Feed) -> None:
        """Close candles that are over when a frame of their link was received, as a session does.

        That is done before the frame is read, so that it changes no candle that is over.
        """
        candles = self.processor.candles
        if self._history.is_waiting:
            self._history.answer(self._now_ns)
        soonest_ns = candles.soonest_ns
        if soonest_ns is not None and soonest_ns <= self._now_ns:
            for subscription in feed.wanted:
                if subscription.channel is Channel.CANDLE:
                    candles.pass_time(subscription, self._now_ns)

    def _miss(self, hole: TapeFrame) -> None:
        """Frames that the recorder lost may have been of any link."""
        self.lost += hole.lost
        for link in self._links.values():
            self.processor.withdraw(
                link.feed, GapCause.RECORDER, f"{hole.lost} frames are not on the tape"
            )

    def _receive(self, frame: bytes, link: RecordedLink) -> None:
        """Scan or decode a frame, and pass on its events, as a session does."""
        for scan in link.scans:
            run = scan([frame], 0, self._now_ns)
            if run is not None:
                self.data += 1
                self._take(run, link)
                return
        try:
            events = link.protocol.receive(frame, self._now_ns)
        except UNREADABLE as error:
            self._reject(link.feed, frame, error)
            return
        self.data += bool(events) and type(events[-1]) in _DATA
        self._take(events, link)

    def _take(self, events: Sequence[Event], link: RecordedLink) -> None:
        """Pass on the events of a link, unless a later link has taken the subscription over."""
        kinds = {(type(event), getattr(event, "symbol", None)) for event in events}
        if kinds <= link.expected:
            self.book_messages += sum(isinstance(event, BOOKS) for event in events)
            self.processor.take(events)
            return
        named = events
        if not _ABOUT_STREAMS.isdisjoint(map(type, events)):
            named = [_by_plain_name(event) for event in events]
        self.processor.take([event for event in named if self._expect(event, link)])
        if link.fetches:
            for event in events:
                if isinstance(event, Desync):
                    link.protocol.resync(event.subscription)

    def _note_calls(self, link: RecordedLink, since_ns: int) -> None:
        """Keep what a link's protocol wants to fetch; all other effects are ignored."""
        outbox = link.protocol.outbox
        while outbox:
            effect = outbox.popleft()
            if isinstance(effect, Fetch):
                self._calls.want(WantedCall(effect, link.number, since_ns))
                link.fetches = True

    def _follow_call(self, line: TapeFrame) -> None:
        """Process a line of a REST call: its request, its answer, or its end without one."""
        if line.sent:
            if not (self._calls.made(line) or self._fetch_again(line)):
                self._answers.add(line)
        elif line.closed:
            self._calls.failed(line)
            self._answers.add(line)
        elif (call := self._calls.answered(line)) is not None:
            self._answer(call, line.frame)
        else:
            self._answers.add(line)
            self._answer_calls(line.ns)

    def _fetch_again(self, request: TapeFrame) -> bool:
        """The session fetched a stream again by itself; whether that is known of the request."""
        found = self._calls.stream_of(request)
        if found is None:
            return False
        number, subscription = found
        link = self._links[number]
        link.protocol.resync(subscription)
        self._note_calls(link, self._now_ns)
        return self._calls.made(request)

    def _answer_calls(self, now_ns: int | None) -> None:
        """Give every protocol the recorded answers that had arrived by now."""
        while (found := self._calls.next_answered(now_ns)) is not None:
            self._answer(*found)

    def _answer(self, call: WantedCall, body: bytes) -> None:
        link = self._links[call.link]
        try:
            events = link.protocol.receive_response(call.fetch, body, self._now_ns)
        except UNREADABLE as error:
            self._reject(link.feed, body, error)
        else:
            self._take(events, link)
        self._note_calls(link, self._now_ns)

    def _begin_link(self, number: int, now_ns: int | None) -> RecordedLink:
        """Make a separate protocol for a link of the tape.

        What it wants to fetch at the start, it is given first if it is on the tape.
        """
        protocol = self.venue.protocol()
        name = f"link-{number}"
        feed = Feed(name, name, name, self._context, self.processor.take, _PassiveOwner())
        protocol.follow_passively(self._depth)
        link = self._links[number] = RecordedLink(number, protocol, feed)
        self.sequences.append(protocol.sequence)
        self._note_calls(link, 0)
        self._answer_calls(now_ns)
        for request in requests_beside(self.tape.path):
            protocol.follow_request(request)
        self._note_calls(link, 0)
        return link

    def _expect(self, event: Event, link: RecordedLink) -> bool:
        """Subscribe to whatever the tape has; an ended stream's book waits for its next snapshot.

        If two links have the same stream, as while one replaces the other, the later one counts.
        """
        if isinstance(event, Unsubscribed):
            symbol = event.subscription.symbol
            if event.subscription.channel is Channel.BOOK and symbol is not None:
                self.processor.books.withdraw(symbol, BookStatus.SYNCING, "unsubscribed")
            return True
        is_new = not (isinstance(event, Instrument) and self._is_listed_twice(event, link))
        self.book_messages += isinstance(event, BOOKS)
        wanted = subscription_of(event)
        feed = link.feed
        if wanted is None or wanted in feed.wanted:
            link.expect(event)
            return is_new
        stream = self.processor.streams.get(wanted)
        if stream is None:
            self.processor.add(wanted, feed)
        elif self._number(stream.feed) > link.number:
            return False
        else:
            stream.feed.wanted.pop(wanted, None)
            stream.feed = feed
            for other in self._links.values():
                other.expected.clear()
        feed.wanted[wanted] = None
        return is_new

    def _is_listed_twice(self, event: Instrument, link: RecordedLink) -> bool:
        """Whether another open link has these rules: each fetched the list, one published it."""
        rules = structs.replace(event, received_ns=0, venue_ns=None)
        known, number = self._instruments.get(event.symbol, (None, link.number))
        if known == rules and number != link.number and number in self._links:
            return True
        self._instruments[event.symbol] = rules, link.number
        return False

    def _number(self, feed: Feed) -> int:
        """A link's number on the tape; less than all others for one that was closed."""
        return next((number for number, one in self._links.items() if one.feed is feed), -1)

    def _reject(self, feed: Feed, frame: bytes, error: Exception) -> None:
        self.rejected += 1
        self.rejection = self.rejection or str(error)
        sample = frame[:200].decode("utf-8", "replace")
        named = error.subscriptions if isinstance(error, UnreadableStream) else None
        self.processor.reject(
            feed,
            Rejected(
                venue=self.venue.name,
                reason=str(error) or type(error).__name__,
                sample=sample,
                subscriptions=None if named is None else tuple(map(_plain_name, named)),
                received_ns=self._now_ns,
            ),
        )


def _by_plain_name(event: Event) -> Event:
    """An event about a stream, under the key of its data: data contains no depth."""
    if not isinstance(event, Desync | LeftOut) or event.subscription is None:
        return event
    return structs.replace(event, subscription=_plain_name(event.subscription))


def _plain_name(subscription: Subscription) -> Subscription:
    return structs.replace(subscription, depth=None)


class _PassiveOwner:
    """The owner of a tape's feed, which never changes."""

    def reject(self, feed: Feed, rejected: Rejected) -> None: ...
    def publish(self, event: Event) -> None: ...
    def moved(self, feed: Feed, *, attempt: int, delay_s: float, reason: str) -> None: ...
    def lost(self, feed: Feed, reason: str) -> None: ...
    def failed(self, feed: Feed, error: Exception) -> None: ...
    def cut_announced(self, feed: Feed, reason: str) -> None: ...


def _refuse_dial(url: str, headers: Mapping[str, str] = {}, /) -> NoReturn:  # noqa: ARG001
    raise AssertionError(f"a tape is not dialled: {url}")
