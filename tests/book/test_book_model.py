"""A book against two dictionaries and sorted(), for whatever a venue may say."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from fluxum.book.book import Book
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Change, Level, LevelChange, Side

BTC = Symbol("BTC/USD")

depths = st.none() | st.integers(1, 4)
# Few prices, in several spellings, so that they meet; both sides may cross: a book does not judge.
prices = st.integers(1, 9).flatmap(
    lambda n: st.sampled_from([Decimal(n), Decimal(f"{n}.0"), Decimal(f"{n}.00")])
)


def make_level(price: Decimal, quantity: Decimal) -> Level:
    return Level(price, quantity, None, f"{price};{quantity}|".encode())


resting = st.builds(make_level, prices, st.sampled_from([Decimal("0.5"), Decimal(1), Decimal(20)]))
gone = st.builds(make_level, prices, st.sampled_from([Decimal(0), Decimal("0.00")]))
quoted = st.lists(resting, max_size=6, unique_by=lambda level: level.price).map(tuple)
changes = st.lists(resting | gone, max_size=6).map(tuple)


class SideModel:
    """One side, the slow way."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.levels: dict[Decimal, Level] = {}

    def best_first(self) -> list[Level]:
        in_order = sorted(self.levels.values(), key=lambda level: level.price)
        return in_order if self.side is Side.SELL else in_order[::-1]

    def put(self, level: Level) -> None:
        if level.quantity == 0:
            self.levels.pop(level.price, None)
        else:
            self.levels.pop(level.price, None)  # the newest spelling of the price is the key
            self.levels[level.price] = level

    def cut(self, depth: int | None) -> None:
        if depth is not None:
            self.levels = {level.price: level for level in self.best_first()[:depth]}


class BookMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.book = Book("kraken", BTC)
        self.bids, self.asks = SideModel(Side.BUY), SideModel(Side.SELL)
        self.depth: int | None = None

    @initialize(bids=quoted, asks=quoted, depth=depths)
    def begin(self, bids: tuple[Level, ...], asks: tuple[Level, ...], depth: int | None) -> None:
        self.replace(bids, asks, depth)

    @rule(bids=quoted, asks=quoted, depth=depths)
    def replace(self, bids: tuple[Level, ...], asks: tuple[Level, ...], depth: int | None) -> None:
        self.book.replace(
            BookSnapshot(
                venue="kraken", symbol=BTC, bids=bids, asks=asks, depth=depth, received_ns=1
            )
        )
        self.depth = depth
        self.bids.levels.clear()
        self.asks.levels.clear()
        self.expect(bids, asks)

    @rule(bids=changes, asks=changes)
    def apply(self, bids: tuple[Level, ...], asks: tuple[Level, ...]) -> None:
        self.book.apply(BookUpdate("kraken", BTC, bids, asks, None, 1))
        self.expect(bids, asks)

    @rule(bids=changes, asks=changes)
    def apply_changes(self, bids: tuple[Level, ...], asks: tuple[Level, ...]) -> None:
        before = {
            side.side: {one.price: one for one in side.best_first()}
            for side in (self.bids, self.asks)
        }
        told = self.book.apply_changes(BookUpdate("kraken", BTC, bids, asks, None, 1))
        self.expect(bids, asks)

        # Whoever follows the changes alone arrives at the same book.
        for change in told:
            follow(before[change.side], change)
        for side in (self.bids, self.asks):
            assert before[side.side] == side.levels

    @rule()
    def clear(self) -> None:
        self.book.clear()
        self.bids.levels.clear()
        self.asks.levels.clear()

    def expect(self, bids: tuple[Level, ...], asks: tuple[Level, ...]) -> None:
        for model, levels in ((self.bids, bids), (self.asks, asks)):
            for level in levels:
                model.put(level)
            model.cut(self.depth)

    @invariant()
    def both_sides_agree(self) -> None:
        for model, ladder in ((self.bids, self.book.bids), (self.asks, self.book.asks)):
            expected = model.best_first()
            assert list(ladder) == expected
            assert ladder.top(3) == expected[:3]
            assert ladder.best == (expected[0] if expected else None)
            assert len(ladder) == len(expected)
            assert ladder.joined(3) == b"".join(level.text for level in expected[:3])

    @invariant()
    def it_knows_when_it_is_crossed(self) -> None:
        bids, asks = self.bids.best_first(), self.asks.best_first()
        crossed = bool(bids and asks) and bids[0].price >= asks[0].price
        assert self.book.is_crossed == crossed


def follow(levels: dict[Decimal, Level], told: LevelChange) -> None:
    present = levels.pop(told.level.price, None)
    if told.change is Change.ADD:
        assert present is None
    else:
        assert present is not None
    if told.change is not Change.REMOVE:
        levels[told.level.price] = told.level
    else:
        assert present == told.level


TestBookMachine = BookMachine.TestCase
TestBookMachine.settings = settings(max_examples=20)


@given(quoted, st.integers(1, 40))
def test_a_market_price_takes_all_or_tells_what_is_left(
    asks: tuple[Level, ...], wanted: int
) -> None:
    book = Book("kraken", BTC)
    book.apply(BookUpdate("kraken", BTC, (), asks, None, 1))

    told = book.market_price(Side.BUY, Decimal(wanted))

    there = sum((level.quantity for level in asks), Decimal(0))
    assert told.quantity == min(there, Decimal(wanted))
    assert told.quantity + told.unfilled == wanted
    if told.average is not None and told.worst is not None:
        assert min(level.price for level in asks) <= told.average <= told.worst
    back = book.market_price_for_notional(Side.BUY, told.notional) if told.notional else told
    assert abs(back.quantity - told.quantity) < Decimal("1e-20")
