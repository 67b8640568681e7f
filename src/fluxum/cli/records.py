"""Records that commands write besides events: a book as read, a numbered candle, a balance."""

from collections import OrderedDict
from decimal import Decimal
from typing import Any, Self

from msgspec import Struct, structs

from fluxum.book.proof import BookProof
from fluxum.model.account import Balance, Wallet
from fluxum.model.event import VenueStatus
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Candle, Level
from fluxum.session.books import BookReading

__all__ = [
    "BookRecord",
    "CandleRecord",
    "Candles",
    "HeldRecord",
    "StatusRecord",
    "TimeRecord",
    "ValuedRecord",
]

_CANDLES_KEPT = 10_000


class BookRecord(Struct, frozen=True, kw_only=True, tag="book"):
    """A book's best levels at one moment, the best as fields of their own, and the proof."""

    venue: str
    symbol: Symbol
    bid: Decimal | None
    bid_quantity: Decimal | None
    ask: Decimal | None
    ask_quantity: Decimal | None
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    depth: int | None
    venue_ns: int | None
    received_ns: int
    sequence: int | None
    checksum: int | None
    cut_at: int | None
    proof: BookProof

    @classmethod
    def of(cls, reading: BookReading) -> Self:
        """The record of a reading."""
        snapshot = reading.snapshot
        bid, ask = next(iter(snapshot.bids), None), next(iter(snapshot.asks), None)
        return cls(
            **_fields(snapshot),
            bid=None if bid is None else bid.price,
            bid_quantity=None if bid is None else bid.quantity,
            ask=None if ask is None else ask.price,
            ask_quantity=None if ask is None else ask.quantity,
            proof=reading.proof,
        )


class CandleRecord(Candle, frozen=True, kw_only=True, tag="candle"):
    """A candle, and how often it was written: a running one is repeated with every trade."""

    update: int


class HeldRecord(Struct, frozen=True, kw_only=True, tag="balance"):
    """A balance, and how much of it can be traded."""

    venue: str
    asset: Asset
    total: Decimal
    held: Decimal | None
    wallets: tuple[Wallet, ...]
    venue_ns: int | None
    received_ns: int
    free: Decimal | None

    @classmethod
    def of(cls, balance: Balance) -> Self:
        """The record of a balance."""
        return cls(**_fields(balance), free=balance.free)


class ValuedRecord(Struct, frozen=True, kw_only=True, tag="balance"):
    """A balance and its value in another asset.

    `path` are the markets of the conversion, in their order. `value` is `None` if there is no such
    path; `why` is the reason.
    """

    venue: str
    asset: Asset
    total: Decimal
    held: Decimal | None
    value: Decimal | None
    value_asset: Asset
    path: tuple[Symbol, ...]
    why: str
    venue_ns: int | None
    received_ns: int

    @classmethod
    def valued(
        cls,
        balance: Balance,
        into: Asset,
        value: Decimal | None,
        path: tuple[Symbol, ...],
        why: str = "",
    ) -> Self:
        """The record of a balance."""
        return cls(
            venue=balance.venue,
            asset=balance.asset,
            total=balance.total,
            held=balance.held,
            value=value,
            value_asset=into,
            path=path,
            why=why,
            venue_ns=balance.venue_ns,
            received_ns=balance.received_ns,
        )


class TimeRecord(Struct, frozen=True, kw_only=True, tag="time"):
    """A venue's clock beside this machine's.

    `ahead_s` is how far it is ahead, within `uncertainty_s`: half of the time that the call took.
    """

    venue: str
    venue_ns: int
    received_ns: int
    ahead_s: float
    uncertainty_s: float

    @classmethod
    def of(cls, venue: str, venue_ns: int, requested_ns: int, received_ns: int) -> Self:
        """The record of an answer."""
        middle_ns = (requested_ns + received_ns) // 2
        return cls(
            venue=venue,
            venue_ns=venue_ns,
            received_ns=received_ns,
            ahead_s=(venue_ns - middle_ns) / 1e9,
            uncertainty_s=(received_ns - requested_ns) / 2e9,
        )


class StatusRecord(Struct, frozen=True, kw_only=True, tag="status"):
    """The status of a venue's engine."""

    venue: str
    status: VenueStatus
    received_ns: int


class Candles:
    """Numbers the updates of each candle, so that a repetition can be recognised."""

    def __init__(self) -> None:
        self._updates: OrderedDict[tuple[str, Symbol, int, int], int] = OrderedDict()

    def number(self, candle: Candle) -> CandleRecord:
        """The candle with its number: 1 for the first time that it is written."""
        key = candle.venue, candle.symbol, candle.interval_s, candle.start_ns
        self._updates[key] = self._updates.get(key, 0) + 1
        if len(self._updates) > _CANDLES_KEPT:
            self._updates.popitem(last=False)
        return CandleRecord(**_fields(candle), update=self._updates[key])


def _fields(fact: Struct) -> dict[str, Any]:
    return structs.asdict(fact)
