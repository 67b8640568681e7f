"""The facts of a bot's run: what it was, its orders with their fills, its equity, its gaps.

A run with simulated fills has three worlds: what an order certainly got (pessimistic), what it
probably got (expected), and the most it can have got (optimistic). The account follows one of
them; the other two are kept beside it. A run with the venue's own fills has one world, and the
three are equal. Amounts of money are Decimals, instants are ns UTC, `None` is unknown.
"""

from decimal import Decimal
from enum import Enum
from typing import Generic, TypeVar

from msgspec import Struct

from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus

__all__ = [
    "ByWorld",
    "EquityPoint",
    "FeeTerms",
    "FillFact",
    "GapFact",
    "Held",
    "NoteFact",
    "OrderFact",
    "Provenance",
    "RunFact",
    "RunFacts",
    "RunHeader",
    "World",
]

T = TypeVar("T")


class World(Enum):
    """Which assumption the fills of a simulated order follow."""

    PESSIMISTIC = "pessimistic"
    EXPECTED = "expected"
    OPTIMISTIC = "optimistic"


class ByWorld(Struct, Generic[T], frozen=True):
    """One value for each world."""

    pessimistic: T
    expected: T
    optimistic: T

    def of(self, world: World) -> T:
        """The value of one world."""
        match world:
            case World.PESSIMISTIC:
                return self.pessimistic
            case World.EXPECTED:
                return self.expected
            case World.OPTIMISTIC:
                return self.optimistic

    @property
    def all(self) -> tuple[T, T, T]:
        """Pessimistic, expected, optimistic."""
        return self.pessimistic, self.expected, self.optimistic

    @classmethod
    def same(cls, value: T) -> "ByWorld[T]":
        """The same value for all three: there is but one world."""
        return ByWorld(value, value, value)


class FeeTerms(Struct, frozen=True, kw_only=True):
    """The fees that a simulated venue charged, as shares of the notional: 0.001 is 0.1 %."""

    venue: str
    tier: str
    maker: Decimal
    taker: Decimal


class Provenance(Struct, frozen=True, kw_only=True):
    """The recording that a run was made from; `digest` is its SHA-256 in hex.

    `proved` of `frames` were proved by the venue's own rule, such as a checksum.
    """

    tape: str
    digest: str
    frames: int
    proved: int
    gaps: int


class Held(Struct, frozen=True, array_like=True):
    """A position: its quantity is negative for a short; `mark` is the price it is valued at."""

    venue: str
    symbol: Symbol
    quantity: Decimal
    mark: Decimal | None = None


class RunHeader(Struct, frozen=True, kw_only=True, tag="run", forbid_unknown_fields=True):
    """What was run, over what and under which assumptions.

    `parameters` are those of the strategy, as text. `markets` are pairs of venue and symbol.
    `currency` is the asset of equity and profit. `ends_ns` is `None` until the run has ended.
    `provenance` is `None` for a run on live data. `world` is the one the account followed, `None`
    if the fills are the venue's own. `latency` describes the assumed delays, for the reader.
    `trials` is how many variants were tried before this one was chosen, itself included; `None`
    if that is not known. `trials_variance` is the variance of their annual Sharpe ratios.
    `equity_begins` is the equity before the first order, `held_begins` the positions in it, at
    the marks it values them at.
    `halted` is why the bot was halted before the end, else empty. `code` is the SHA-256 in hex of
    the file that the strategy is in, empty if there is none.
    """

    strategy: str
    parameters: dict[str, str] = {}
    markets: tuple[tuple[str, Symbol], ...]
    currency: Asset
    begins_ns: int
    ends_ns: int | None = None
    equity_begins: Decimal
    held_begins: tuple[Held, ...] = ()
    provenance: Provenance | None = None
    fees: tuple[FeeTerms, ...] = ()
    latency: str = ""
    world: World | None = None
    seed: int | None = None
    trials: int | None = None
    trials_variance: float | None = None
    halted: str = ""
    code: str = ""


class FillFact(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A fill. `fee` is negative for a rebate; `fee_value` is the fee in the run's currency.

    `tier` names the fee terms that applied. `fill_id` is that of the account, empty for a fill that
    no account had. `mid_1s`, `mid_10s` and `mid_60s` are the middle of the book so long after the
    fill, `None` if there was no valid book then.
    """

    at_ns: int
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: Asset
    fee_value: Decimal | None = None
    tier: str = ""
    fill_id: str = ""
    is_maker: bool | None = None
    mid_1s: Decimal | None = None
    mid_10s: Decimal | None = None
    mid_60s: Decimal | None = None


class OrderFact(
    Struct, frozen=True, kw_only=True, tag="order", omit_defaults=True, forbid_unknown_fields=True
):
    """An order and what became of it.

    `name` is its own within the run. `limit` is `None` for an order at the market's price. It was
    decided at `decided_ns` and reached the venue at `arrived_ns` (`None`: it never did); the
    middles of the book at both are `None` if there was no valid book. `is_improving` marks a
    simulated order that improved the best price: a recording gives no upper bound for its fills.
    `was_in_gap` marks one that rested while data was missing.
    """

    name: str
    venue: str
    symbol: Symbol
    side: Side
    quantity: Decimal
    limit: Decimal | None = None
    decided_ns: int
    arrived_ns: int | None = None
    decision_mid: Decimal | None = None
    arrival_mid: Decimal | None = None
    status: OrderStatus = OrderStatus.OPEN
    is_improving: bool = False
    was_in_gap: bool = False
    fills: ByWorld[tuple[FillFact, ...]] = ByWorld[tuple[FillFact, ...]]((), (), ())


class EquityPoint(
    Struct, frozen=True, kw_only=True, tag="equity", omit_defaults=True, forbid_unknown_fields=True
):
    """The account's value at one moment, fees paid, in the run's currency.

    `held` are the positions in the world that the account follows, whole, with their marks. A
    market of which nothing is held is listed too: other worlds need its mark. `exposure` is the
    sum of their absolute values in the run's currency. The equity of a world is `None` while a
    position of it cannot be valued.
    """

    at_ns: int
    equity: ByWorld[Decimal | None]
    held: tuple[Held, ...] = ()
    exposure: Decimal | None = None


class GapFact(
    Struct, frozen=True, kw_only=True, tag="gap", omit_defaults=True, forbid_unknown_fields=True
):
    """A time without trustworthy data of a venue; `ends_ns` is `None` if it never came back.

    `symbol` is "" if all markets of the venue are affected.
    """

    venue: str
    symbol: str = ""
    begins_ns: int
    ends_ns: int | None = None
    reason: str = ""


class NoteFact(Struct, frozen=True, kw_only=True, tag="note", forbid_unknown_fields=True):
    """A value that the strategy noted."""

    at_ns: int
    name: str
    value: str


RunFact = OrderFact | EquityPoint | GapFact | NoteFact
"""A line of a run's files, beside its header."""


class RunFacts(Struct, frozen=True, kw_only=True):
    """A run: its header, its orders in the order they were decided, its equity in time.

    `torn` counts last lines that a crash left unfinished and that were left out.
    """

    header: RunHeader
    orders: tuple[OrderFact, ...] = ()
    equity: tuple[EquityPoint, ...] = ()
    gaps: tuple[GapFact, ...] = ()
    notes: tuple[NoteFact, ...] = ()
    torn: int = 0

    @property
    def begins_ns(self) -> int:
        """When the run began."""
        return self.header.begins_ns

    @property
    def ends_ns(self) -> int:
        """When the run ended, or its last known instant if it did not end in order."""
        if self.header.ends_ns is not None:
            return self.header.ends_ns
        ends = [self.begins_ns, *(one.at_ns for one in self.equity[-1:])]
        ends += [one.decided_ns for one in self.orders[-1:]]
        return max(ends)

    @property
    def world(self) -> World:
        """The world the account followed; expected if the fills are the venue's own."""
        return self.header.world or World.EXPECTED
