"""Quotes of one symbol from the first of an ordered list of venues whose book is proved.

If the book of the venue in use is not proved any more, the next venue is used at once. A venue that
is preferred is used again only when its book has been proved for a while without a break: otherwise
a venue that comes and goes would change the quotes each time. Each change is an event.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

from msgspec import Struct

from fluxum.book.contributors import Contributor, Contributors
from fluxum.errors import BadInput
from fluxum.model.event import FailedOver
from fluxum.model.instant import format_second
from fluxum.model.instrument import Symbol
from fluxum.model.levels import Level

__all__ = ["Failover", "VenueQuote"]


class VenueQuote(Struct, frozen=True, kw_only=True):
    """The best bid and ask of one venue; `age_ns` is the time since its book's last message."""

    venue: str
    symbol: Symbol
    bid: Level
    ask: Level
    age_ns: int

    @property
    def mid(self) -> Decimal:
        """Half way between bid and ask."""
        return (self.bid.price + self.ask.price) / 2


class Failover:
    """The venue in use for one symbol; `venue` is empty while none of the list has a quote.

    `publish` is given each change before the read that finds it returns.
    """

    def __init__(
        self,
        contributors: Contributors,
        venues: Sequence[str],
        hold_s: float,
        publish: Callable[[FailedOver], None],
    ) -> None:
        if not venues or len(set(venues)) < len(venues):
            raise BadInput(f"venues in order, each once, were expected, was {list(venues)}")
        if not 0 <= hold_s < 1e9:
            raise BadInput(f"hold_s: 0 or more seconds were expected, was {hold_s}")
        self.symbol = contributors.symbol
        self.venues = tuple(venues)
        self.changes = 0
        """How often the venue has changed."""
        self._contributors = contributors
        self._hold_ns = int(hold_s * 1e9)
        self._publish = publish
        self._venue = ""

    @property
    def venue(self) -> str:
        """The venue in use now."""
        self.refresh()
        return self._venue

    def quote(self) -> VenueQuote | None:
        """The best bid and ask of the venue in use; `None` if no venue has both."""
        quoting = self._choose().get(self._venue)
        bid = None if quoting is None else quoting.book.bid
        ask = None if quoting is None else quoting.book.ask
        if quoting is None or bid is None or ask is None:
            return None
        return VenueQuote(
            venue=self._venue,
            symbol=self.symbol,
            bid=bid,
            ask=ask,
            age_ns=quoting.age_ns(self._contributors.now_ns()),
        )

    def refresh(self) -> None:
        """Choose the venue in use, and publish a change."""
        self._choose()

    def _choose(self) -> dict[str, Contributor]:
        """The same; returns the venues that have a quote."""
        quoting = {
            one.venue: one
            for one in self._contributors
            if one.book.symbol == self.symbol and one.book.bid and one.book.ask
        }
        if self._venue in quoting:
            self._prefer(quoting)
        else:
            first = next((venue for venue in self.venues if venue in quoting), "")
            before = self._contributors.removed.get(self._venue, "it has no quote")
            self._use(first, before if self._venue else "the first quote")
        return quoting

    def _prefer(self, quoting: dict[str, Contributor]) -> None:
        """Go back to a venue earlier in the list that has been proved for long enough."""
        now_ns = self._contributors.now_ns()
        for venue in self.venues[: self.venues.index(self._venue)]:
            one = quoting.get(venue)
            since_ns = None if one is None else one.since_ns
            if since_ns is not None and now_ns - since_ns >= self._hold_ns:
                self._use(venue, f"proved since {format_second(since_ns)}")
                return

    def _use(self, venue: str, reason: str) -> None:
        if venue == self._venue:
            return
        before, self._venue = self._venue, venue
        self.changes += 1
        self._publish(
            FailedOver(
                venue=venue,
                symbol=self.symbol,
                before=before,
                reason=reason,
                received_ns=self._contributors.now_ns(),
            )
        )
