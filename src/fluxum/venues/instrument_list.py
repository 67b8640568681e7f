"""The list of a venue's markets that is fetched over REST, in one call or several, page by page.

Where an answer only names markets, the rules of each are fetched by a call of their own, one call
after the other; a call that the venue refuses or that cannot be read costs its own market alone.

Rows are read one by one: a row that cannot be read costs itself alone, and is counted in a
`LeftOut` event. The first answer acknowledges the subscription. A list is refused when no call of
it was answered.
"""

from collections import deque
from collections.abc import Callable, Sequence
from decimal import Decimal

from msgspec import Struct, structs

from fluxum.errors import RateLimited, RemoteProtocolError, VenueRefused
from fluxum.model.event import Event, Refused, Subscribed, Subscription, VenueNotice
from fluxum.model.instrument import Asset, Instrument, InstrumentStatus, Symbol
from fluxum.venues.conversation import Effect, Fetch
from fluxum.venues.rows import LeftOutRows, decimals, read_rows, step

__all__ = ["InstrumentList", "ListPage", "spot_or_linear"]

_AT_ONCE_MAX = 10


class ListPage(Struct, frozen=True):
    """One answer: its rows as the venue wrote them, and the call for the page that follows.

    `details` are calls for single markets, each with a purpose of its own, `rules of btcusd`.
    """

    rows: Sequence[object]
    next: Fetch | None = None
    details: Sequence[Fetch] = ()


class InstrumentList:
    """The calls of one link for the list of all markets; sans-IO.

    `calls` begin the list, each with a purpose of its own. `page` reads an answer into rows; it
    raises VenueRefused for a refusal, and RateLimited or RemoteProtocolError where the same call
    may succeed later. `market` reads one row: `None` for a kind of market that is not offered; what
    it raises leaves the row out. `listed` is given the markets of each answer, subscribed or not.
    """

    def __init__(
        self,
        venue: str,
        outbox: deque[Effect],
        calls: Sequence[Fetch],
        page: Callable[[Fetch, bytes], ListPage],
        market: Callable[[object, int], Instrument | None],
        listed: Callable[[Sequence[Instrument]], None] | None = None,
    ) -> None:
        self.subscription: Subscription | None = None
        self._venue = venue
        self._outbox = outbox
        self._calls = calls
        self._page = page
        self._market = market
        self._listed = listed
        self._due: dict[str, str] = {}  # paths on their way, by purpose
        self._left: deque[Fetch] = deque()  # calls for single markets that are still to be made
        self._has_moved = False
        self._is_acknowledged = False

    def open(self, subscription: Subscription) -> None:
        """Queue the calls for a subscription, unless it is open already."""
        if self.subscription is None:
            self.subscription = subscription
            self._is_acknowledged = False
            self.request()

    def close(self) -> Subscription | None:
        """End the subscription and return it, `None` where there was none.

        An answer that comes later publishes nothing.
        """
        subscription, self.subscription = self.subscription, None
        self._left.clear()
        return subscription

    def request(self) -> None:
        """Queue the calls that are not on their way already, unless the list is being read."""
        if not self._left:
            for call in self._calls:
                if call.purpose not in self._due:
                    self._queue(call)

    def pinged(self) -> None:
        """Count a ping: if no call was answered since the last one, make the next one as well."""
        if not self._has_moved and len(self._due) < _AT_ONCE_MAX:
            self._queue_next()
        self._has_moved = False

    def owns(self, fetch: Fetch) -> bool:
        """Whether a call is one of this list's."""
        return self._due.get(fetch.purpose) == fetch.path

    @property
    def unanswered(self) -> Sequence[Subscription]:
        """The subscription, while no answer has acknowledged it."""
        if self.subscription is None or self._is_acknowledged:
            return ()
        return (self.subscription,)

    def answered(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """The markets of an answer; raises RemoteProtocolError for one that cannot be read."""
        try:
            page = self._page(fetch, body)
        except RateLimited as error:
            raise RemoteProtocolError(str(error)) from error
        except VenueRefused as error:
            return self.refused(fetch, str(error), received_ns)
        if self.subscription is not None:
            self._left.extend(page.details)
        self._end(fetch)
        if page.next is not None and page.rows and page.next.path != fetch.path:
            self._queue(page.next)
        read = read_rows(page.rows, lambda row: self._market(row, received_ns))
        if self._listed is not None:
            self._listed(read.items)
        if self.subscription is None:
            return ()
        events: list[Event] = []
        if not self._is_acknowledged:
            self._is_acknowledged = True
            events.append(
                Subscribed(
                    venue=self._venue, subscription=self.subscription, received_ns=received_ns
                )
            )
        if read.left_out is not None:
            events.append(read.left_out.event(self._venue, self.subscription, received_ns))
        return [*events, *read.items]

    def refused(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:
        """The venue answered a call with a no; without any other answer there is no list."""
        self._end(fetch)
        message = f"no list of markets ({fetch.purpose}): {reason}"
        subscription = self.subscription
        if subscription is None:
            return ()
        if all(fetch.purpose != call.purpose for call in self._calls):
            name = fetch.path.rpartition("/")[2]
            rows = LeftOutRows(1, f"no {fetch.purpose}: {reason}", name)
            return (rows.event(self._venue, subscription, received_ns),)
        if self._due or self._is_acknowledged:
            return (VenueNotice(venue=self._venue, message=message, received_ns=received_ns),)
        self.subscription = None
        return (
            Refused(
                venue=self._venue,
                subscription=subscription,
                message=message,
                received_ns=received_ns,
            ),
        )

    def _end(self, fetch: Fetch) -> None:
        """A call has its answer."""
        self._due.pop(fetch.purpose, None)
        self._has_moved = True
        self._queue_next()

    def _queue_next(self) -> None:
        if self._left:
            self._queue(self._left.popleft())

    def _queue(self, call: Fetch) -> None:
        self._due[call.purpose] = call.path
        self._outbox.append(structs.replace(call, subscription=self.subscription))


def spot_or_linear(
    venue: str,
    symbol: Symbol,
    venue_symbol: str,
    status: InstrumentStatus,
    *,
    tick: Decimal,
    lot: Decimal,
    quantity_min: Decimal,
    received_ns: int,
    notional_min: Decimal | None = None,
) -> Instrument:
    """A market whose quantities count in its base asset; raises RemoteProtocolError.

    The tick and the lot are checked, and the precisions are theirs.
    """
    step(tick)
    step(lot)
    return Instrument(
        venue=venue,
        symbol=symbol,
        venue_symbol=venue_symbol,
        base=Asset(symbol.base),
        quote=Asset(symbol.quote),
        status=status,
        tick=tick,
        lot=lot,
        price_precision=decimals(tick),
        quantity_precision=decimals(lot),
        quantity_min=quantity_min,
        notional_min=notional_min,
        received_ns=received_ns,
    )
