"""The compiled player does what the one in Python does, on every tape of the tests."""

from pathlib import Path

import pytest

import kraken_tape
from fluxum.back.columns import KIND_BUY, KIND_SELL, KIND_UPDATE, Columns
from fluxum.back.fast import IS_COMPILED, TapePlayer
from fluxum.back.player import Player
from fluxum.back.prepare import prepare
from fluxum.back.watching import BUY, DUE, END_NS, KIND_LEVEL, SELL, TOUCHED, UNSEEN, Signal
from fluxum.bot.books import Books
from fluxum.bot.market import Market
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


def test_touches_are_equal_and_come_before_the_events_of_their_frame(columns: Columns) -> None:
    fast, plain = TapePlayer(columns), Player(columns)
    touched, is_cut, kinds = 0, False, set[int]()
    while (event := fast.next()) is not None:
        assert event == plain.next()
        if event is TOUCHED:
            touched += 1
            touches = fast.touches()
            assert touches == plain.touches()
            kinds.update(one.kind for one in touches)
            is_cut = is_cut or any(one.quantity == UNSEEN for one in touches)
            bid, ask = fast.best(0, BUY), fast.best(0, SELL)
            assert fast.levels(0, BUY, bid - 4) == plain.levels(0, BUY, bid - 4)
            for player in (fast, plain) if touched % 40 == 1 else ():
                player.watch(0, [bid, bid - 2, bid - 7], [ask + touched % 3])
                if touched % 80 == 1:
                    player.wake(0, 2)
        elif fast.frame == 10:
            fast.watch(0, [450_000], [])
            plain.watch(0, [450_000], [])
    assert touched > 50
    assert is_cut
    assert kinds >= {KIND_BUY, KIND_SELL, KIND_LEVEL, KIND_UPDATE}


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
