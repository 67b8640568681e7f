"""What a session knows at this moment: readiness, books, instruments, links, gaps and counts."""

from collections.abc import Mapping

from fluxum.book.book import Book
from fluxum.book.level3 import Level3Book
from fluxum.errors import BadInput
from fluxum.flow.histogram import Histogram, Latency
from fluxum.model.event import State, Subscription
from fluxum.model.instrument import Instrument, Symbol
from fluxum.session.account import Account
from fluxum.session.feed import FeedContext
from fluxum.session.gaps import GapLedger
from fluxum.session.latencies import in_short
from fluxum.session.links import Links
from fluxum.session.offset import Measured
from fluxum.session.processor import EventProcessor
from fluxum.session.readiness import Missing
from fluxum.session.rest_client import RestClient, RestUsage
from fluxum.session.statistics import LinkStatistics, SessionStatistics, gather
from fluxum.venues.venue import Venue

__all__ = ["SessionReadings"]


class SessionReadings:
    """The state of a session, for reading; `Session` has all of it."""

    state: State
    venue: Venue
    _context: FeedContext
    _links: Links
    _processor: EventProcessor
    _rest_client: RestClient

    def missing(self) -> list[Missing]:
        """Why the session is not ready; empty when it is."""
        return [one for feed in self._links.feeds for one in feed.readiness]

    def incomplete(self) -> list[Missing]:
        """Lists of which some rows could not be read; the session is ready without these rows."""
        return [one for feed in self._links.feeds for one in feed.readiness.incomplete()]

    def book(self, symbol: str) -> Book:
        """The live book of a symbol: read it, do not keep it. Raises NotSubscribed."""
        return self._processor.books.get(Symbol(symbol))

    def level3(self, symbol: str) -> Level3Book:
        """The live book of single orders of a symbol. Raises NotSubscribed."""
        return self._processor.level3.get(Symbol(symbol))

    @property
    def account(self) -> Account:
        """The user's account; raises BadInput in a session without an account."""
        if self._processor.account is None:
            raise BadInput(f"this session has no login at {self.venue.name}, so no account")
        return self._processor.account

    def instrument(self, symbol: str) -> Instrument | None:
        """A market's rules, once the venue has sent them on the channel of instruments."""
        return self._processor.instruments.get(Symbol(symbol))

    @property
    def refused(self) -> Mapping[Subscription, str]:
        """The subscriptions that the venue refuses now, with its reasons."""
        return dict(self._processor.refused)

    def carries(self, link: str, subscription: Subscription) -> bool:
        """Whether the link of this name carries the stream, whatever the depth of its book."""
        return any(
            stream.feed.name == link
            and one.channel is subscription.channel
            and one.symbol == subscription.symbol
            and one.interval_s == subscription.interval_s
            for one, stream in self._processor.streams.items()
        )

    @property
    def received_ns(self) -> int | None:
        """When a frame was last received, to within a second; `None` before the first."""
        return max((feed.received_ns for feed in self._links.feeds), default=0) or None

    @property
    def clock_offset(self) -> Measured | None:
        """How far the venue's clock is ahead of this machine's; `None` until it was measured."""
        return self._context.offset.measured

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """All subscriptions, in the order they were made."""
        return tuple(one for one in self._processor.streams if not self.venue.is_part(one))

    @property
    def gaps(self) -> GapLedger:
        """Every gap so far, open and closed."""
        return self._processor.gaps

    def statistics(self) -> SessionStatistics:
        """All counts at this moment."""
        links = self._links
        return gather(self._context, self.state, links.feeds, links.retired, self._processor)

    def links(self) -> list[LinkStatistics]:
        """Every link at this moment."""
        return [LinkStatistics.of(feed) for feed in self._links.feeds]

    def rest_usage(self) -> RestUsage:
        """The public queries so far, and what limits the next one."""
        return self._rest_client.usage()

    @property
    def has_account(self) -> bool:
        """Whether the session was opened with an account."""
        return self._processor.account is not None

    def now_ns(self) -> int:
        """The session's clock."""
        return self._context.clock.now_ns()

    def latencies(self) -> Mapping[str, Latency]:
        """How long frames take on their way, by hop: see `session.latencies`.

        All begin with the receipt of the frame, except `exchange`, which ends with it and compares
        two clocks. The first of every 128 frames is measured.
        """
        return in_short(self.histograms())

    def histograms(self) -> Mapping[str, Histogram]:
        """What `latencies` is the short form of; read only."""
        return self._context.latencies.histograms()
