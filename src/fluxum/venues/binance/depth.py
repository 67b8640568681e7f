"""One market's book on one link: changes from the stream, laid over a snapshot from REST.

No snapshot comes over the stream. So events are kept from the stream's acknowledgement on while a
snapshot is fetched; those it has already are dropped, and it is published together with the rest.
From then on each event must follow on the one before; one that does not is replaced by a Desync,
and all begins anew. (https://github.com/binance/binance-spot-api-docs/blob/master/
web-socket-streams.md#how-to-manage-a-local-order-book-correctly; of futures
https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams/
How-to-manage-a-local-order-book-correctly)

What an event follows on is `U - 1` on spot and `pu` on futures. It can be laid over a snapshot of
update L if it follows on L or on something before. The documents want L within the event's own
range, which a quiet market does not fulfil when the event follows on L exactly
(https://github.com/binance/binance-spot-api-docs/pull/383).

A live book can be given a new snapshot: updates go on while it is fetched and are kept as well,
then the snapshot and those after it are published, some of them for the second time.
"""

from collections.abc import Sequence

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Event, LeftOut, Subscription
from fluxum.model.instant import plausible_ns
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.venues.binance import native
from fluxum.venues.binance.native import DepthUpdate
from fluxum.venues.binance.normalize import nanos
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.readers import unexpected
from fluxum.venues.conversation import SequenceCounts
from fluxum.venues.rows import LeftOutRows, changes, joined, levels
from fluxum.venues.sequenced import BookSequence

__all__ = ["HELD_MAX", "DepthBook", "TooOld"]

HELD_MAX = 5000
"""Events kept at most while a snapshot is under way; beyond, the older half is dropped, and a
snapshot that needs one of those is fetched again."""

_MILLISECOND = 1_000_000


class TooOld(RemoteProtocolError):
    """Snapshots of a book stay older than its events: one more is of use only after a while."""


class DepthBook:
    """The changes of one book in their order. `limit` is how many levels a snapshot may list.

    `awaited` is the purpose of the call that is under way, empty when none is.
    """

    def __init__(self, policy: Policy, subscription: Subscription, counts: SequenceCounts) -> None:
        assert subscription.symbol is not None, subscription
        self.subscription = subscription
        self.name = policy.format_symbol(subscription.symbol)
        self.limit = subscription.depth or policy.depths[0]
        self.awaited = ""
        self.is_live = False
        self._venue = policy.venue
        self.symbol = subscription.symbol
        self._follows = policy.follows
        self._overlap = policy.kept_from
        self._sequence = BookSequence(policy.venue, subscription, counts)  # of events alone
        self._base = 0  # the last update of the snapshot
        self._kept_from = 0  # events that end before are in the snapshot
        self._held: list[tuple[int, BookUpdate, LeftOutRows | None]] | None = None
        self._stray: tuple[int, int] | None = None
        self._has_data = False
        self._too_old = 0  # snapshots in a row that were

    def was_silent(self) -> bool:
        """Whether no event came since this was called last."""
        has_data, self._has_data = self._has_data, False
        return not has_data

    def await_snapshot(self, purpose: str) -> None:
        """A snapshot is being fetched: keep every event from here on."""
        self.awaited = purpose
        if self._held is None:
            self._held = []

    def give_up(self) -> None:
        """The snapshot cannot be had."""
        self.awaited = ""
        self._held = None

    def read(
        self, wire: native.Event, received_ns: int, left_out: LeftOutRows | None = None
    ) -> Sequence[Event]:
        """An event of the stream: an update, a Desync, or nothing yet.

        `left_out` are levels that it had besides, which are published with it. Raises
        RemoteProtocolError for an event that cannot be read; it counts as one that never came.
        """
        if type(wire) is not DepthUpdate:
            raise unexpected(wire, Channel.BOOK)
        before, last = self._follows(wire), wire.u
        if last <= before or (wire.s != self.name and wire.s is not None):
            raise RemoteProtocolError(
                f"updates of {self.name} after {before} were expected, was {last} of {wire.s!r}"
            )
        time = wire.T or wire.E
        update = BookUpdate(
            self._venue,
            self.symbol,
            changes(wire.b),
            changes(wire.a),
            None if time is None else plausible_ns(time * _MILLISECOND),
            received_ns,
            None,
            last,
        )
        self._has_data = True
        sequence = self._sequence
        if before == sequence.last:
            sequence.follow(last)
        else:
            instead = self._judge(before, update, left_out)
            if instead is not None:
                return instead
            sequence.begin(last)
        if self._held is not None:
            self._hold(before, update, left_out)
        if not self.is_live or last < self._kept_from:
            return ()
        return (update,) if left_out is None else (self._left_out(left_out, received_ns), update)

    def due(self) -> int | None:
        """The update that the next event has to follow on, to be scanned; see FollowedBook."""
        last = self._sequence.due()
        if last is None or last < self._kept_from:
            return None
        return last if self.is_live and self._held is None else None

    def followed(self, last: int, _before: int, frames: int) -> None:
        """Events were scanned that follow on, up to this update."""
        self._has_data = True
        self._sequence.followed(last, frames)

    def splice(
        self, wire: native.Depth, received_ns: int, left_out: LeftOutRows | None = None
    ) -> Sequence[Event]:
        """The snapshot and the updates after it; no events if it is too old to go on from.

        Raises TooOld for one more in a row, and RemoteProtocolError for an odd level.
        """
        last = wire.lastUpdateId
        kept_from = last + self._overlap
        kept = [one for one in self._held or () if (one[1].sequence or 0) >= kept_from]
        needed = kept[0][0] if kept else self._sequence.last
        if needed is not None and needed > last:
            self._too_old += 1
            if self._too_old == 1:
                return ()
            raise TooOld(
                f"a snapshot of {self.name} as of update {needed} or later was expected, "
                f"was as of {last}"
            )
        snapshot = BookSnapshot(
            venue=self._venue,
            symbol=self.symbol,
            bids=levels(wire.bids),
            asks=levels(wire.asks),
            venue_ns=nanos(wire.T),
            received_ns=received_ns,
            sequence=last,
            cut_at=self.limit,
        )
        self.is_live = True
        self.awaited = ""
        self._too_old = 0
        self._held = None
        self._base, self._kept_from = last, kept_from
        for _, _, rows in kept:
            left_out = joined(left_out, rows)
        events: list[Event] = [snapshot, *(update for _, update, _ in kept)]
        return events if left_out is None else [self._left_out(left_out, received_ns), *events]

    def _left_out(self, rows: LeftOutRows, received_ns: int) -> LeftOut:
        return rows.event(self._venue, self.subscription, received_ns)

    def _hold(self, before: int, update: BookUpdate, left_out: LeftOutRows | None) -> None:
        assert self._held is not None
        if len(self._held) >= HELD_MAX:
            del self._held[: HELD_MAX // 2]
        self._held.append((before, update, left_out))

    def _judge(
        self, before: int, update: BookUpdate, left_out: LeftOutRows | None
    ) -> Sequence[Event] | None:
        """What to publish instead of an event that does not follow on; `None` to take it anyway."""
        seen, last = self._sequence.last, update.sequence
        assert last is not None
        if seen is None and not (self.is_live and before > self._base):
            return None  # the first one
        if seen is not None and before < seen < last:
            return None  # it covers what is known and more
        is_anew = seen is not None and last <= seen
        if seen is not None and is_anew and self._stray != (seen, before):
            self._stray = (seen, last)
            return ()  # a repetition, or one that was overtaken
        # A hole; or the second late event that follows on the first: the venue counts anew.
        expected = self._base if seen is None else max(seen, self._base)
        reason = f"updates that follow on {expected} were expected, was {before}"
        desync = self._sequence.gap(reason, expected, before, update.venue_ns, update.received_ns)
        if self.is_live and (is_anew or before > self._base):
            self._sequence.begin(last)
            self.is_live = False
            self._held = [(before, update, left_out)]
            return (desync,)
        if self._held is not None:
            self._held.clear()
        return None
