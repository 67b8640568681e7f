"""The compiled player does what the one in Python does, on every tape of the tests."""

from pathlib import Path
from random import Random

import pytest

import kraken_tape
from fluxum.back.columns import KIND_BUY, KIND_UPDATE, Columns
from fluxum.back.contact import BUY, NO_KEY, SELL
from fluxum.back.fast import IS_COMPILED, TapePlayer
from fluxum.back.player import Player
from fluxum.back.prepare import prepare
from fluxum.back.watching import AFTER_NS, DUE, END_NS, Signal
from fluxum.bot.books import Books
from fluxum.bot.market import Market
from fluxum.fill.queue import QueuePlace
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookUpdate

pytestmark = pytest.mark.skipif(not IS_COMPILED, reason="there was no C compiler")


@pytest.fixture
def columns(tmp_path: Path) -> Columns:
    tape = kraken_tape.write(tmp_path / "btc.jsonl", 1500, seed=3)
    return prepare(tape, tmp_path / "btc.cols")


def test_events_books_and_proofs_are_equal_after_every_event(columns: Columns) -> None:
    fast, plain = TapePlayer(columns), Player(columns)
    while (event := fast.next()) is not None:
        assert event == plain.next()
        assert (fast.now_ns, fast.next_ns, fast.frame) == (plain.now_ns, plain.next_ns, plain.frame)
        one, other = fast.books[0], plain.books[0]
        assert one.snapshot() == other.snapshot()
        assert one.proof() == other.proof()
        assert (one.bid, one.ask, one.mid, one.is_crossed) == (
            other.bid, other.ask, other.mid, other.is_crossed
        )  # fmt: skip
    assert plain.next() is None
    assert fast.next_ns == END_NS


def test_levels_in_between_are_equal(columns: Columns) -> None:
    fast, plain = TapePlayer(columns), Player(columns)
    for _ in range(200):
        assert fast.next() == plain.next()
        for level in plain.books[0].bids.top(12):
            price = level.price
            assert fast.books[0].bids.at(price) == level
            assert fast.books[0].bids.reach(price) == plain.books[0].bids.reach(price)
            assert fast.books[0].volume_at(price) == level.quantity
            key = int(price * 10)
            assert fast.shown(0, BUY, key) == plain.shown(0, BUY, key) == level.quantity * 10**8
        for key in range(449_900, 450_100):
            assert fast.shown(0, BUY, key) == plain.shown(0, BUY, key)
            assert fast.shown(0, SELL, -key) == plain.shown(0, SELL, -key)
        assert [fast.best(0, side) for side in (BUY, SELL)] == [
            plain.best(0, side) for side in (BUY, SELL)
        ]


class Trader:
    """Rests, moves, takes and cancels at one player's contact, by the same dice for each player."""

    def __init__(self, player: Player, seed: int) -> None:
        self.player = player
        self.random = Random(seed)
        self.contact = player.contacts[0]
        self.contact.on_fill = self.take_news
        self.places: list[QueuePlace] = []
        self.news: list[tuple[int, int, int, int]] = []

    def take_news(self) -> None:
        for queue in self.contact.queues:
            for place, world, units in queue.news:
                self.news.append((self.player.frame, place.order_id, world, units))
            queue.news.clear()

    def act(self) -> None:
        random, player = self.random, self.player
        side = random.randrange(2)
        queue, best = self.contact.queues[side], player.best(0, side)
        key = best + random.randrange(-6, 2)
        quantity, shown = random.randrange(1, 4 * 10**8), player.shown(0, side, key)
        luck = random.random()
        if luck < 0.5 or not queue.places:
            self.places.append(queue.enter(len(self.places), key, quantity, shown, best))
        elif luck < 0.6:
            place = random.choice(queue.places)
            self.places.append(queue.move(place, key, quantity, shown, best))
        elif luck < 0.7:
            random.choice(queue.places).resize(quantity)
        elif luck < 0.8:
            taken = self.contact.taken[side]
            taken[best] = taken.get(best, 0) + quantity
        elif luck < 0.85:
            queue.complete(random.choice(queue.places))
            self.take_news()
        else:
            queue.leave(random.choice(queue.places))

    def state(self) -> object:
        return (
            [
                (one.fills, one.ahead, one.low, one.mid, one.high, one.shown, one.was_alone)
                for one in self.places
            ],
            [
                (queue.top, queue.best, [one.order_id for one in queue.places])
                for queue in self.contact.queues
            ],
            self.contact.taken,
            self.contact.printed,
            self.contact.is_lost,
            self.news,
        )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("tape", ["whole", "lost"])
def test_orders_rest_and_fill_alike(tape: str, seed: int, tmp_path: Path) -> None:
    path = tmp_path / "btc.jsonl"
    if tape == "whole":
        kraken_tape.write(path, 1500, seed=seed)
    else:
        kraken_tape.write_hole(path, 700, seed=seed, trade_every=10)
    columns = prepare(path, tmp_path / "btc.cols")
    traders = [Trader(make(columns), seed) for make in (TapePlayer, Player)]
    fast, plain = traders
    lost = 0
    while fast.player.next() is not None:
        assert plain.player.next() is not None
        assert fast.state() == plain.state(), f"frame {fast.player.frame}"
        lost += fast.contact.is_lost
        if fast.player.frame % 5 == 0 and fast.player.best(0, BUY) != NO_KEY:
            for one in traders:
                one.act()
    worlds = len({world for _, _, world, _ in fast.news})
    assert worlds == 3
    assert len(fast.news) > 100
    assert (lost > 0) is (tape == "lost")


def test_marks_are_taken_from_the_books_before_the_frame_of_their_instant(columns: Columns) -> None:
    found: list[list[list[int | None]]] = []
    for make in (TapePlayer, Player):
        player = make(columns)
        numbers: list[int] = []
        expected: list[tuple[int, int | None]] = []
        while player.next() is not None:
            if player.frame % 7 == 0:
                numbers.append(player.marks.add(0, player.now_ns))
            expected.append((player.now_ns, player.twice_mid(0)))
        marks = [player.marks.of(number) for number in numbers]
        first = marks[1]
        at_ns = next(
            ns for ns, _ in expected if ns > kraken_tape.START_NS + 6 * kraken_tape.STEP_NS
        )
        assert first[2] is None, "the tape is shorter than a minute"
        assert first[0] == [mid for ns, mid in expected if ns < at_ns + AFTER_NS[0]][-1]
        found.append(marks)
    assert found[0] == found[1]


def test_an_alarm_stops_before_the_frame_of_its_instant(columns: Columns) -> None:
    alarm_ns = kraken_tape.START_NS + 50 * kraken_tape.STEP_NS
    for make in (TapePlayer, Player):
        player = make(columns)
        player.alarm_ns = alarm_ns
        while player.next() is not DUE:
            assert player.now_ns < alarm_ns
        assert player.next() is DUE
        assert player.next_ns == alarm_ns
        player.alarm_ns = END_NS
        assert player.next() is not DUE
        assert player.now_ns == alarm_ns


def test_only_what_is_wanted_is_given(columns: Columns) -> None:
    for make in (TapePlayer, Player):
        player = make(columns, lambda kind, _market: kind == KIND_BUY)
        trades = list(iter(player.next, None))
        assert 40 < len(trades) < 110
        assert player.books[0].bid == _last(columns).books[0].bid


def test_updates_have_levels_that_are_made_when_read(columns: Columns) -> None:
    player = TapePlayer(columns, lambda kind, _market: kind == KIND_UPDATE)
    update = player.next()
    while not (isinstance(update, BookUpdate) and update.bids and update.asks):
        update = player.next()

    levels = update.bids
    assert len(levels) == len(tuple(levels))
    assert levels[0] in levels
    assert levels == tuple(levels)
    assert hash(levels) == hash(tuple(levels))
    assert list(reversed(levels)) == list(levels)[::-1]
    assert repr(levels) == repr(tuple(levels))


def _last(columns: Columns) -> Player:
    player = Player(columns)
    for _ in iter(player.next, None):
        pass
    return player


def test_books_are_those_that_a_live_bot_keeps(columns: Columns) -> None:
    market = Market("kraken", Symbol("BTC/USD"))
    live, player = Books([market]), TapePlayer(columns)
    while (event := player.next()) is not None:
        assert not isinstance(event, Signal)
        live.take(event)
        book = live.book(market)
        assert player.books[0].bids.top(10) == book.bids.top(10)
        assert player.books[0].asks.top(10) == book.asks.top(10)
        assert player.books[0].is_valid is book.is_valid
        assert player.books[0].updated_ns == book.updated_ns
