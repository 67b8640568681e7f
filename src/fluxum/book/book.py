"""One venue's resting liquidity in one market, by price level."""

from decimal import Decimal

from msgspec import Struct

from fluxum.book.fast import BookLadder
from fluxum.book.ladder import Ladder
from fluxum.book.proof import BookProof, BookStatus, Evidence
from fluxum.errors import BadInput
from fluxum.model.input import Number, choice, counted, positive
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Change, Level, LevelChange, Side

__all__ = ["Book", "MarketPrice"]

_ZERO = Decimal(0)
_VALID = BookStatus.VALID  # to look up a member costs a call


class MarketPrice(Struct, frozen=True, kw_only=True):
    """What taking from a book would cost or bring, if the book did not move.

    `side` is the taker's. `average` is `notional` for one unit of the base asset, and `worst` the
    last price that is reached; both are `None` if nothing could be filled. `unfilled` is what the
    book cannot serve, in the requested unit: base for a quantity, quote for a notional. For an
    inverse contract quantities are in the quote asset, as notionals are, and the average is the
    only figure that division rounds, at the 28th digit.
    """

    side: Side
    quantity: Decimal
    notional: Decimal
    average: Decimal | None
    worst: Decimal | None
    unfilled: Decimal

    @property
    def is_complete(self) -> bool:
        """Whether the book can serve all that was requested."""
        return not self.unfilled


class Book:
    """Two ladders and the evidence that they are right.

    The object exists as long as its subscription: read it, take copies (`snapshot`), and request
    its `proof`. It is empty while it is withdrawn.
    """

    __slots__ = ("asks", "bids", "evidence", "symbol", "venue")

    def __init__(
        self,
        venue: str,
        symbol: Symbol,
        depth: int | None = None,
        ladder: type[Ladder] = BookLadder,
    ) -> None:
        self.venue = venue
        self.symbol = symbol
        self.bids = ladder(Side.BUY, depth)
        self.asks = ladder(Side.SELL, depth)
        self.evidence = Evidence()

    # State

    @property
    def bid(self) -> Level | None:
        """The best bid."""
        return self.bids.best

    @property
    def ask(self) -> Level | None:
        """The best ask."""
        return self.asks.best

    @property
    def epoch(self) -> int:
        """How many snapshots the book was rebuilt from; updates of two epochs never mix."""
        return self.evidence.generation

    @property
    def updated_ns(self) -> int | None:
        """When the last message for this book was received."""
        return self.evidence.updated_ns

    @property
    def depth(self) -> int | None:
        """How many levels a side are kept; `None` is all."""
        return self.bids.depth

    def proof(self) -> BookProof:
        """Whether and why this book can be trusted now."""
        return self.evidence.proof(self.venue, self.symbol, self.depth, self.depth_known)

    @property
    def is_valid(self) -> bool:
        """Whether a passed check proves the book as last received; as `proof().is_valid`."""
        return self.evidence.status is _VALID

    @property
    def depth_known(self) -> int | None:
        """How many levels a side are known without gaps; `None` is all that are there.

        It shrinks as the market moves away from where its snapshot, cut by the venue, was taken.
        """
        floor, ceiling = self.evidence.bid_floor, self.evidence.ask_ceiling
        known: list[int] = []
        if floor is not None:
            known.append(self.bids.reach(floor))
        if ceiling is not None:
            known.append(self.asks.reach(ceiling))
        return min(known, default=None)

    @property
    def spread(self) -> Decimal | None:
        """Best ask less best bid; `None` while a side is empty."""
        bid, ask = self.bid, self.ask
        return None if bid is None or ask is None else ask.price - bid.price

    @property
    def mid(self) -> Decimal | None:
        """Half way between best bid and ask; `None` while a side is empty."""
        bid, ask = self.bid, self.ask
        return None if bid is None or ask is None else (ask.price + bid.price) / 2

    @property
    def is_crossed(self) -> bool:
        """Whether the best bid is not below the best ask, which is impossible in a resting book."""
        return self.bids.crosses(self.asks)

    def levels(self, side: Side | str, count: int) -> list[Level]:
        """The best `count` levels of the bids (BUY) or asks (SELL), best first; BadInput."""
        return self._ladder(choice(Side, side, "side")).top(counted(count, "count"))

    def volume_at(self, price: Decimal) -> Decimal:
        """The quantity at a price, on either side; zero if there is none."""
        level = self.bids.at(price) or self.asks.at(price)
        return _ZERO if level is None else level.quantity

    def market_price(self, side: Side | str, quantity: Number) -> MarketPrice:
        """What buying (BUY) or selling (SELL) a quantity of the base asset would cost or bring.

        The quantity is in the quote asset for an inverse contract. Raises BadInput for a quantity
        that is not above zero, and for a book whose quantities are contracts of an unknown size.
        """
        side, left = choice(Side, side, "side"), positive(quantity, "quantity")
        if self._unit_is_quote():
            return self._inverse_price(side, left)
        filled = notional = _ZERO
        worst: Decimal | None = None
        for level in self._ladder(side.opposite):
            if not left:
                break
            taken = min(left, level.quantity)
            filled, notional, left = filled + taken, notional + taken * level.price, left - taken
            worst = level.price
        return _market_price(side, filled, notional, worst, left)

    def market_price_for_notional(self, side: Side | str, notional: Number) -> MarketPrice:
        """What an amount of the quote asset would buy (BUY), or what must be sold for it (SELL).

        The last level is taken in part; that part is the only figure here that division rounds,
        at the 28th digit. Raises BadInput for an amount that is not above zero, and for a book
        whose quantities are contracts of an unknown size.
        """
        side, left = choice(Side, side, "side"), positive(notional, "notional")
        if self._unit_is_quote():
            return self._inverse_price(side, left)
        filled = spent = _ZERO
        worst: Decimal | None = None
        for level in self._ladder(side.opposite):
            if not left:
                break
            worst = level.price
            whole = level.price * level.quantity
            if whole <= left:
                filled, spent, left = filled + level.quantity, spent + whole, left - whole
            else:
                filled, spent, left = filled + left / level.price, spent + left, _ZERO
        return _market_price(side, filled, spent, worst, left)

    def snapshot(self, depth: int | None = None) -> BookSnapshot:
        """A frozen copy of the best `depth` levels a side, or of all."""
        count = max(len(self.bids), len(self.asks)) if depth is None else counted(depth, "depth")
        evidence = self.evidence
        return BookSnapshot(
            venue=self.venue,
            symbol=self.symbol,
            bids=tuple(self.bids.top(count)),
            asks=tuple(self.asks.top(count)),
            depth=self.depth if depth is None else depth,
            venue_ns=evidence.venue_ns,
            received_ns=evidence.updated_ns or 0,
            sequence=evidence.sequence,
            checksum=evidence.checksum,
        )

    def pretty(self, depth: int = 10) -> str:
        """Plain text for the user: asks above, spread, bids below, and the proof in the heading."""
        evidence = self.evidence
        asks = [
            f"  {level.quantity:f} @ {level.price:f}" for level in reversed(self.asks.top(depth))
        ]
        bids = [f"  {level.quantity:f} @ {level.price:f}" for level in self.bids.top(depth)]
        spread = "none" if self.spread is None else f"{self.spread:f}"
        heading = f"{self.symbol} order book ({evidence.status.value}, epoch {self.epoch})"
        return "\n".join([heading, "Asks", *asks, f"--- spread {spread} ---", "Bids", *bids])

    # Changes; only a keeper makes them

    def replace(self, snapshot: BookSnapshot) -> None:
        """Replace all levels by the snapshot's, cut to its depth."""
        self.bids.depth = self.asks.depth = snapshot.depth
        for ladder, levels in ((self.bids, snapshot.bids), (self.asks, snapshot.asks)):
            ladder.replace(levels)
            ladder.trim()

    def apply(self, update: BookUpdate) -> None:
        """Apply absolute quantities in the order given, then cut the book to its depth."""
        bids, asks = self.bids, self.asks
        if update.bids:
            bids.lay(update.bids)
            if bids.depth is not None:
                bids.trim()
        if update.asks:
            asks.lay(update.asks)
            if asks.depth is not None:
                asks.trim()

    def apply_changes(self, update: BookUpdate) -> list[LevelChange]:
        """Like `apply`, and return the change of each level, those cut off included."""
        changes: list[LevelChange] = []
        for ladder, levels in ((self.bids, update.bids), (self.asks, update.asks)):
            for level in levels:
                before = ladder.put(level)
                if level.quantity:
                    change = Change.ADD if before is None else Change.UPDATE
                    changes.append(LevelChange(ladder.side, change, level))
                elif before is not None:
                    changes.append(LevelChange(ladder.side, Change.REMOVE, before))
            changes += [LevelChange(ladder.side, Change.REMOVE, level) for level in ladder.cut()]
        return changes

    def clear(self) -> None:
        """Remove all levels; for a book that is withdrawn."""
        self.bids.clear()
        self.asks.clear()

    def _unit_is_quote(self) -> bool:
        """Whether quantities are in the quote asset; raises BadInput if they are contracts."""
        if self.symbol.counts_contracts:
            raise BadInput(
                f"a book with quantities in an asset was expected, was '{self.symbol}', whose "
                "quantities are contracts of unknown size"
            )
        return self.symbol.is_inverse

    def _inverse_price(self, side: Side, amount: Decimal) -> MarketPrice:
        """The same for levels whose quantities are in the quote asset: the notional is taken.

        The average is the whole notional divided by its worth in the base asset.
        """
        left = amount
        filled = base = _ZERO
        worst: Decimal | None = None
        for level in self._ladder(side.opposite):
            if not left:
                break
            taken = min(left, level.quantity)
            filled, left = filled + taken, left - taken
            base += taken / level.price if level.price else _ZERO
            worst = level.price
        return MarketPrice(
            side=side,
            quantity=filled,
            notional=filled,
            average=filled / base if base else None,
            worst=worst,
            unfilled=left,
        )

    def _ladder(self, side: Side) -> Ladder:
        return self.bids if side is Side.BUY else self.asks


def _market_price(
    side: Side, filled: Decimal, notional: Decimal, worst: Decimal | None, left: Decimal
) -> MarketPrice:
    return MarketPrice(
        side=side,
        quantity=filled,
        notional=notional,
        average=notional / filled if filled else None,
        worst=worst,
        unfilled=left,
    )
