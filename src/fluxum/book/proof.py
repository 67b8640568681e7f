"""How far a book's reader may trust it, and why."""

from decimal import Decimal

from msgspec import Struct

from fluxum.model.enumeration import Enumeration
from fluxum.model.instrument import Symbol

__all__ = ["BookProof", "BookStatus", "Evidence"]


class BookStatus(Enumeration):
    """Whether a book can be trusted.

    SYNCING: no snapshot yet. VALID: the last message passed a check. UNVERIFIED: a snapshot and
    updates, but no check proves them now. STALE: silent for longer than promised. DESYNCED:
    a check failed; withdrawn until the next snapshot.
    """

    SYNCING = "syncing"
    VALID = "valid"
    UNVERIFIED = "unverified"
    STALE = "stale"
    DESYNCED = "desynced"


class BookProof(Struct, frozen=True, kw_only=True):
    """The evidence for one book at one moment.

    `generation` counts snapshots. `checks` counts checks passed in this generation; the last one
    was at `proved_ns` (received time), over `checksum` or up to `sequence`. `depth_proved` is how
    many levels a side the evidence covers, `depth` how many are kept; `None` is all of them.
    """

    venue: str
    symbol: Symbol
    status: BookStatus
    reason: str
    generation: int
    checks: int
    checksum: int | None
    sequence: int | None
    proved_ns: int | None
    updated_ns: int | None
    depth_proved: int | None
    depth: int | None

    @property
    def is_valid(self) -> bool:
        """Whether a passed check proves the book as last received."""
        return self.status is BookStatus.VALID

    def age_s(self, now_ns: int) -> float | None:
        """Seconds since the last passed check; `None` if there was none."""
        return None if self.proved_ns is None else (now_ns - self.proved_ns) / 1e9


class Evidence:
    """The evidence as it changes, one for each book; written only by the keeper.

    `live` is true while there is a snapshot to apply updates to. For a snapshot that was cut,
    `bid_floor` and `ask_ceiling` are the worst prices it listed: deeper levels are known only in
    part. `flaw` names the levels that could not be read, since `flawed_ns`: no sequence number
    proves them, only a checksum or a whole snapshot.
    """

    __slots__ = (
        "ask_ceiling",
        "bid_floor",
        "checks",
        "checksum",
        "depth_proved",
        "flaw",
        "flawed_ns",
        "generation",
        "live",
        "proved_ns",
        "reason",
        "sequence",
        "status",
        "updated_ns",
        "venue_ns",
    )

    def __init__(self) -> None:
        self.status = BookStatus.SYNCING
        self.live = False
        self.reason = "waiting for the first snapshot"
        self.generation = 0
        self.checks = 0
        self.checksum: int | None = None
        self.sequence: int | None = None
        self.proved_ns: int | None = None
        self.updated_ns: int | None = None
        self.venue_ns: int | None = None
        self.depth_proved: int | None = 0
        self.bid_floor: Decimal | None = None
        self.ask_ceiling: Decimal | None = None
        self.flaw = ""
        self.flawed_ns = 0

    def withdraw(self, status: BookStatus, reason: str) -> None:
        """Withdraw the book: its levels are not valid any more."""
        self.status = status
        self.live = False
        self.reason = reason
        self.depth_proved = 0

    def proof(
        self,
        venue: str,
        symbol: Symbol,
        depth: int | None,
        depth_known: int | None = None,
    ) -> BookProof:
        """A frozen copy, for a reader, of a book that is fully known `depth_known` levels deep."""
        proved = self.depth_proved
        if proved is None or (depth_known is not None and depth_known < proved):
            proved = depth_known
        return BookProof(
            venue=venue,
            symbol=symbol,
            status=self.status,
            reason=self.reason,
            generation=self.generation,
            checks=self.checks,
            checksum=self.checksum,
            sequence=self.sequence,
            proved_ns=self.proved_ns,
            updated_ns=self.updated_ns,
            depth_proved=proved,
            depth=depth,
        )
