"""The list of markets, which is fetched page by page.

https://bybit-exchange.github.io/docs/v5/market/instrument: spot comes in one page, futures in
pages of up to a thousand with a cursor.
"""

from collections import deque
from collections.abc import Sequence
from urllib.parse import quote

from msgspec import MsgspecError

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Event, Refused, Subscribed, Subscription, VenueNotice
from fluxum.venues.bybit import native, normalize
from fluxum.venues.bybit.category import Category
from fluxum.venues.bybit.topics import INSTRUMENTS
from fluxum.venues.streams import Streams
from fluxum.venues.venue import Effect, Fetch

__all__ = ["Listing"]

_PATH = "/v5/market/instruments-info?category={}&limit=1000"
# Too often, or a fault of theirs: https://bybit-exchange.github.io/docs/v5/error
_PASSING = frozenset({10000, 10006, 10016, 10018, 10429})


class Listing:
    """The calls of one link, for the stream of all markets among its `streams`."""

    def __init__(self, category: Category, streams: Streams, outbox: deque[Effect]) -> None:
        self._category = category
        self._streams = streams
        self._outbox = outbox
        self._is_asked = False
        self._is_listed = False

    def begin(self, subscription: Subscription) -> None:
        """Queue the call for a subscription that nobody has accepted yet."""
        if self._streams.begin(INSTRUMENTS, subscription):
            self._is_listed = False
            self.ask()

    def ask(self) -> None:
        """Queue the call for the first page, unless a page is on its way."""
        if not self._is_asked:
            self._fetch("")

    def answered(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """The markets of a page; raises RemoteProtocolError for one that makes no sense."""
        try:
            answer = native.decode_instruments(body)
        except (MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise RemoteProtocolError(str(error)) from error
        said = f"{answer.retCode} {answer.retMsg}"
        if answer.retCode in _PASSING:
            raise RemoteProtocolError(said)
        if answer.retCode != 0:
            return self.refused(said, received_ns)
        events = self._markets(answer.result.list, received_ns)
        self._is_asked = False
        if self._streams.is_ended(INSTRUMENTS):
            return ()
        cursor = answer.result.nextPageCursor
        if cursor and answer.result.list and cursor != fetch.purpose:
            self._fetch(cursor)
        subscription = self._streams.by_topic.get(INSTRUMENTS)
        if not self._is_listed and subscription is not None:
            self._is_listed = True
            accepted = Subscribed(
                venue=self._category.venue, subscription=subscription, received_ns=received_ns
            )
            return [accepted, *events]
        return events

    def refused(self, reason: str, received_ns: int) -> Sequence[Event]:
        """There is no list to be had."""
        self._is_asked = False
        subscription = None if self._is_listed else self._streams.end(INSTRUMENTS)
        return (
            Refused(
                venue=self._category.venue,
                subscription=subscription,
                message=f"no list of markets: {reason}",
                received_ns=received_ns,
            ),
        )

    def _fetch(self, cursor: str) -> None:
        self._is_asked = True
        path = _PATH.format(self._category.name)
        # The cursor is URL-encoded already and is to be so only once.
        path += f"&cursor={quote(cursor, safe='%')}" if cursor else ""
        self._outbox.append(Fetch("GET", path, cursor))

    def _markets(self, wire: Sequence[native.ListedMarket], received_ns: int) -> list[Event]:
        """An event for each; those that make no sense are left out, and how many is told."""
        events: list[Event] = []
        left_out: list[str] = []
        for one in wire:
            try:
                events.append(normalize.instrument(self._category, one, received_ns))
            except RemoteProtocolError as error:
                left_out.append(f"{one.symbol[:40]!r}, {error}")
        if left_out:
            message = f"{len(left_out)} markets left out, the first being {left_out[0]}"
            events.append(
                VenueNotice(venue=self._category.venue, message=message, received_ns=received_ns)
            )
        return events
