"""Laws of the three places, whatever happens: their order, their direction, and their evidence."""

from hypothesis import given
from hypothesis import strategies as st

from fluxum.fill.queue import QueueSide

KEYS = st.integers(96, 102)
QUANTITIES = st.integers(0, 30)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("enter"), KEYS, st.integers(1, 30)),
        st.tuples(st.just("move"), KEYS, st.integers(1, 30)),
        st.tuples(st.just("resize"), st.just(0), st.integers(1, 30)),
        st.tuples(st.just("leave"), st.just(0), st.just(0)),
        st.tuples(st.just("trade"), KEYS, st.integers(1, 30)),
        st.tuples(st.just("level"), KEYS, QUANTITIES),
        st.tuples(st.just("hide"), KEYS, st.just(0)),
        st.tuples(st.just("opposite"), KEYS, QUANTITIES),
        st.tuples(st.just("settle"), KEYS, st.just(0)),
        st.tuples(st.just("lose"), st.just(0), st.just(0)),
    ),
    max_size=40,
)


class Side:
    """A queue, its orders, and what the market data could have filled."""

    def __init__(self, apart: int) -> None:
        self.queue = QueueSide(apart)
        self.shown: dict[int, int] = {}
        self.traded = 0
        self.offered = 0
        self.sums = [0, 0, 0]

    def do(self, step: tuple[str, int, int]) -> None:
        what, key, quantity = step
        places = self.queue.places
        shown, best = self.shown.get(key, 0), max(self.shown, default=0)
        match what:
            case "enter" if len(places) < 5:
                self.queue.enter(len(places), key, quantity, shown, best)
            case "move" if places:
                place = places[quantity % len(places)]
                self.queue.move(place, key, max(quantity, *place.fills), shown, best)
            case "resize" if places:
                places[0].resize(quantity)
            case "leave" if places:
                self.queue.leave(places[-1])
            case "trade":
                self.traded += quantity
                self.queue.trade(key, quantity)
            case "level":
                self.shown[key] = quantity
                self.queue.level(key, quantity)
            case "hide":
                self.queue.hide(key)
            case "opposite":
                self.offered += quantity
                self.queue.opposite(key, quantity)
            case "settle":
                self.queue.settle(best)
            case "lose":
                self.queue.lose()
            case _:
                pass
        for _, index, filled in self.queue.news:
            assert filled > 0
            self.sums[index] += filled
        self.queue.news.clear()


@given(st.integers(0, 2), STEPS)
def test_the_three_are_in_order_never_go_back_and_have_evidence(
    apart: int, steps: list[tuple[str, int, int]]
) -> None:
    side = Side(apart)
    fills: dict[int, tuple[int, int, int]] = {}
    for step in steps:
        side.do(step)
        for place in side.queue.places:
            low, mid, high = place.fills
            assert low <= mid <= high <= max(place.quantity, *fills.get(id(place), (0, 0, 0)))
            before = fills.get(id(place), (0, 0, 0))
            assert all(old <= new for old, new in zip(before, place.fills, strict=True))
        fills = {id(place): place.fills for place in side.queue.places}
        keys = [place.key for place in side.queue.places]
        assert keys == sorted(keys, reverse=True)
        assert side.sums[0] <= side.traded, "the pessimistic fills are of trades alone"


@given(st.integers(0, 2), STEPS.filter(lambda steps: all(one[0] != "move" for one in steps)))
def test_expected_fills_are_of_trades_and_of_what_the_other_side_offered(
    apart: int, steps: list[tuple[str, int, int]]
) -> None:
    side = Side(apart)
    for step in steps:
        side.do(step)
        assert side.sums[1] <= side.traded + side.offered


@given(st.lists(st.tuples(st.sampled_from(["trade", "level"]), QUANTITIES), max_size=30))
def test_without_cancels_the_three_are_the_same(steps: list[tuple[str, int]]) -> None:
    """Others only join and trade, so there is nothing that is not known."""
    queue, shown = QueueSide(), 50
    place = queue.enter(1, 100, 40, shown, best=100)
    for what, quantity in steps:
        if what == "trade" and 0 < quantity < shown:
            shown -= quantity
            queue.trade(100, quantity)
        elif what == "level":
            shown += quantity
        queue.level(100, shown)
        queue.settle(100)

        low, mid, high = place.fills
        assert low == mid == high
