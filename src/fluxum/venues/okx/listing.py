"""The list of instruments, which takes three calls: spot markets, perpetuals and futures.

It is fetched, not streamed: the `instruments` channel tells changes only and never the list
(https://www.okx.com/docs-v5/en/#public-data-websocket-instruments-channel). Options are left out,
as they can only be listed family by family.
"""

from collections import deque
from collections.abc import Sequence

from msgspec import MsgspecError

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Event, Refused, Subscribed, Subscription, VenueNotice
from fluxum.venues.okx import native, normalize
from fluxum.venues.okx.normalize import VENUE
from fluxum.venues.okx.topics import INSTRUMENTS
from fluxum.venues.streams import Streams
from fluxum.venues.venue import Effect, Fetch

__all__ = ["InstrumentLists", "instruments"]

_TYPES = ("SPOT", "SWAP", "FUTURES")
_PATH = "/api/v5/public/instruments?instType="
# Too often, or a fault of theirs: https://www.okx.com/docs-v5/en/#error-code-rest-api
_PASSING = frozenset({"50001", "50004", "50011", "50013", "50026", "50040", "50061"})


class InstrumentLists:
    """The calls of one link, for the stream of all instruments among its `streams`."""

    def __init__(self, streams: Streams, outbox: deque[Effect]) -> None:
        self._streams = streams
        self._outbox = outbox
        self._due: set[str] = set()
        self._is_listed = False

    def begin(self, subscription: Subscription) -> None:
        """Queue the calls for a subscription that nobody has accepted yet."""
        if self._streams.begin(INSTRUMENTS, subscription):
            self._is_listed = False
            self.ask()

    def ask(self) -> None:
        """Queue the calls that are not on their way already."""
        for kind in _TYPES:
            if kind not in self._due:
                self._due.add(kind)
                self._outbox.append(Fetch("GET", _PATH + kind, kind))

    def answered(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """The instruments of an answer; raises RemoteProtocolError for one that makes no sense."""
        try:
            answer = native.decode_instrument_answer(body)
        except (MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise RemoteProtocolError(str(error)) from error
        if answer.code in _PASSING:
            raise RemoteProtocolError(f"{answer.code} {answer.msg}")
        if answer.code != "0":
            return self.refused(fetch, f"{answer.code} {answer.msg}", received_ns)
        self._due.discard(fetch.purpose)
        if self._streams.is_ended(INSTRUMENTS):
            return ()
        listed = instruments(answer.data, received_ns)
        subscription = self._streams.by_topic.get(INSTRUMENTS)
        if self._is_listed or subscription is None:
            return listed
        self._is_listed = True
        accepted = Subscribed(venue=VENUE, subscription=subscription, received_ns=received_ns)
        return [accepted, *listed]

    def refused(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:
        """A venue without futures still has a list: refused is what none of the calls gave."""
        self._due.discard(fetch.purpose)
        if self._streams.is_ended(INSTRUMENTS):
            return ()
        message = f"no list of {fetch.purpose}: {reason}"
        if self._due or self._is_listed:
            return (VenueNotice(venue=VENUE, message=message, received_ns=received_ns),)
        return (
            Refused(
                venue=VENUE,
                subscription=self._streams.end(INSTRUMENTS),
                message=message,
                received_ns=received_ns,
            ),
        )


def instruments(wire: Sequence[native.Instrument], received_ns: int) -> list[Event]:
    """An event for each; those without a tick or lot yet are left out, and how many is told."""
    events: list[Event] = []
    left_out: list[str] = []
    for one in wire:
        try:
            events.append(normalize.instrument(one, received_ns))
        except RemoteProtocolError as error:
            left_out.append(f"{one.instId[:40]!r}, {error}")
    if left_out:
        message = f"{len(left_out)} instruments left out, the first being {left_out[0]}"
        events.append(VenueNotice(venue=VENUE, message=message, received_ns=received_ns))
    return events
