"""A session's typed streams: events of one kind, their losses, their end."""

import pytest
from worlds import BOOK, BTC, ETH, TRADES, play, world

from fluxum.errors import BadInput, NotSubscribed, VenueRefused
from fluxum.model.event import Channel, Dropped, Gap, LinkLost, State, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import Trade

CANDLES = Subscription(Channel.CANDLE, BTC)
UNKNOWN = Symbol("ZZZ/USD")


def test_a_stream_of_trades_is_trades_alone_and_counts_what_it_lost() -> None:
    async def story() -> None:
        async with world(TRADES, BOOK) as now:
            await now.session.wait_ready(timeout_s=1)
            stream = now.session.trades(BTC)
            await now.live(20)
            now.exchange.hangup_all()
            await now.live(30)

            trades = stream.drain()

            assert len(trades) > 5
            assert {type(one) for one in trades} == {Trade}
            assert {one.symbol for one in trades} == {BTC}
            assert stream.lost == len(stream.losses)
            assert [type(one) for one in stream.losses] == [LinkLost, Gap]

    play(story)


def test_losses_stand_in_their_place_before_the_first_newer_trade() -> None:
    async def story() -> None:
        async with world(TRADES) as now:
            await now.session.wait_ready(timeout_s=1)
            stream = now.session.trades(BTC)
            now.exchange.hangup_all()
            kinds: list[str] = []
            async for item in stream.with_losses():
                kinds.append(type(item).__name__)
                if len(kinds) > 2 and kinds[-1] == "Trade":
                    break

            lost, gap = kinds.index("LinkLost"), kinds.index("Gap")
            assert lost < gap
            assert "Trade" not in kinds[lost:gap]

    play(story)


def test_losses_of_other_channels_are_not_those_of_a_stream() -> None:
    async def story() -> None:
        async with world(TRADES, BOOK, faults="corrupt@5s") as now:
            await now.session.wait_ready(timeout_s=1)
            stream = now.session.trades(BTC)
            await now.live(20)

            assert not [one for one in stream.drain_with_losses() if not isinstance(one, Trade)]

    play(story)


@pytest.mark.parametrize("name", ["trades", "tickers", "candles", "books", "changes"])
def test_a_stream_of_what_is_not_subscribed_is_refused_at_once(name: str) -> None:
    async def story() -> None:
        async with world(Subscription(Channel.INSTRUMENT)) as now:
            with pytest.raises(NotSubscribed, match=r"ETH/USD"):
                getattr(now.session, name)(ETH)

    play(story)


def test_the_text_of_a_symbol_is_checked() -> None:
    async def story() -> None:
        async with world(TRADES) as now:
            with pytest.raises(BadInput, match="btcusd"):
                now.session.trades("btcusd")

    play(story)


@pytest.mark.parametrize(
    ("channel", "name"),
    [(Channel.TRADE, "trades"), (Channel.BOOK, "books"), (Channel.BOOK, "changes")],
)
def test_a_refusal_ends_the_stream_with_its_reason(channel: Channel, name: str) -> None:
    async def story() -> None:
        async with world(Subscription(channel, UNKNOWN)) as now:
            stream = getattr(now.session, name)(UNKNOWN)
            with pytest.raises(VenueRefused, match=r"refused '\w+ ZZZ/USD"):
                await anext(stream)

            with pytest.raises(VenueRefused, match=r"refused '\w+ ZZZ/USD"):  # and at once, later
                getattr(now.session, name)(UNKNOWN)

    play(story)


def test_a_refused_book_says_why_in_its_proof() -> None:
    async def story() -> None:
        async with world(Subscription(Channel.BOOK, UNKNOWN)) as now:
            await now.live(1)

            assert now.session.book(UNKNOWN).proof().reason.startswith("refused: ")

    play(story)


def test_a_stream_ends_with_its_subscription() -> None:
    async def story() -> None:
        async with world(TRADES, BOOK) as now:
            await now.session.wait_ready(timeout_s=1)
            trades, books = now.session.trades(BTC), now.session.books(BTC)
            now.session.unsubscribe(TRADES)
            assert not [one async for one in trades if one.symbol != BTC]

            now.session.unsubscribe(BOOK)
            async for _ in books:
                pass

    play(story)


def test_candles_go_on_while_another_interval_is_subscribed() -> None:
    async def story() -> None:
        five = Subscription(Channel.CANDLE, BTC, None, 300)
        async with world(CANDLES, five) as now:
            await now.session.wait_ready(timeout_s=5)
            candles = now.session.candles(BTC)
            now.session.unsubscribe(now.session.venue.with_defaults(CANDLES))
            await now.live(60)

            assert {one.interval_s for one in candles.drain()[-1:]} == {300}

    play(story)


def test_streams_that_are_not_held_any_more_are_not_fed() -> None:
    async def story() -> None:
        async with world(TRADES, BOOK, Subscription(Channel.TICKER, BTC)) as now:
            await now.session.wait_ready(timeout_s=1)
            readers = len(now.session.statistics().readers)
            for _ in range(10):
                async for _ in now.session.trades(BTC):
                    break
                async for _ in now.session.tickers(BTC):
                    break
                async for _ in now.session.books(BTC):
                    break
                async for _ in now.session.events():
                    break

            assert len(now.session.statistics().readers) == readers
            assert now.session.statistics().sums_close

    play(story)


def test_a_block_closes_its_stream_at_once() -> None:
    async def story() -> None:
        async with world(TRADES) as now:
            await now.session.wait_ready(timeout_s=1)
            readers = len(now.session.statistics().readers)
            with now.session.trades(BTC) as stream:
                assert len(now.session.statistics().readers) == readers + 1

            assert len(now.session.statistics().readers) == readers
            assert stream.waiting == 0

    play(story)


def test_a_stream_of_states_is_states_alone() -> None:
    async def story() -> None:
        async with world(TRADES) as now:
            states = now.session.states()
            await now.live(5)

            assert [one.new for one in states.drain()][-1] is State.READY

    play(story)


def test_a_slow_reader_of_trades_is_told_what_it_missed() -> None:
    async def story() -> None:
        async with world(TRADES) as now:
            await now.session.wait_ready(timeout_s=1)
            stream = now.session.trades(BTC, capacity=2)
            await now.live(60)

            trades = stream.drain()

            assert len(trades) == 2
            assert stream.lost == 1
            (dropped,) = stream.losses
            assert isinstance(dropped, Dropped)
            assert dropped.count > 0

    play(story)
