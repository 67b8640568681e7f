"""A reader's sums of one stream and epoch: what came, what is missing, and whether it adds up."""

from msgspec import Struct

from fluxum.sink.wire import Tally

__all__ = ["StreamSums", "compare"]


class StreamSums(Struct, kw_only=True):
    """What a reader has of one stream of one publisher's run.

    `first` and `last` are numbers; every one between them was an event, a notice, or is missing:
    `last - before = events + notices + missing`, where `before` numbers came before the reader
    joined. `withheld` events are a part of `events`: updates of a book that was withdrawn.
    `dropped` is what the outbox reported as dropped. `repeats` were skipped. `superseded` events
    came from an older run while a newer one was published; they are not part of the other counts.
    `offered` is what the publisher had offered at its last tally, at `tally_ns`; `unexplained` is
    how much of that was neither received nor dropped then, nor can be what is missing. `is_closed`
    is true after the last tally of this run.
    """

    stream: str
    epoch: int
    before: int = 0
    last: int = 0
    events: int = 0
    withheld: int = 0
    notices: int = 0
    dropped: int = 0
    missing: int = 0
    repeats: int = 0
    superseded: int = 0
    offered: int = 0
    tally_ns: int | None = None
    unexplained: int = 0
    is_closed: bool = False

    @property
    def sums_close(self) -> bool:
        """Whether every number is explained, and all that the publisher offered."""
        return (
            self.last - self.before == self.events + self.notices + self.missing
            and not self.unexplained
        )

    @property
    def is_whole(self) -> bool:
        """Whether nothing is lost since the reader joined, and the sums close."""
        return self.sums_close and not (self.missing or self.dropped or self.superseded)


def compare(sums: StreamSums, tally: Tally) -> None:
    """Compare a reader's sums with the publisher's, as the tally comes."""
    sums.offered, sums.tally_ns = tally.offered, tally.sent_ns
    sums.is_closed = tally.is_last
    # What was offered and neither came nor was dropped is among the numbers that did not come.
    lost = tally.offered - tally.dropped - sums.events
    lost_notices = tally.notices - sums.notices
    excess = lost + lost_notices - sums.before - sums.missing
    sums.unexplained = abs(excess) or max(0, -lost, -lost_notices)
