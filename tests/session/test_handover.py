"""A link replaced before it is cut: nothing is lost, nothing is told twice, READY all the time."""

from worlds import BOOK, BTC, ETH, TRADES, World, play, world

from fluxum.model.event import Channel, Gap, LinkLost, LinkReplaced, State, Subscription
from fluxum.model.market import BookSnapshot, Trade

ETH_TRADES = Subscription(Channel.TRADE, ETH)


def of(now: World, kind: type) -> list[object]:
    return [event for event in now.events if type(event) is kind]


def test_an_old_link_is_replaced_without_a_hole_or_a_repetition() -> None:
    async def story() -> None:
        async with world(BOOK, TRADES, ETH_TRADES, link_age_s=100.0) as now:
            await now.live(5)
            states, book = len(now.states()), now.session.book(BTC)
            await now.live(500)

            replaced = of(now, LinkReplaced)
            assert 5 <= len(replaced) <= 6
            assert "longer than the venue allows" in str(replaced[0])
            assert now.states()[states:] == []  # READY all the time
            assert not of(now, LinkLost)
            assert not of(now, Gap)
            for symbol in (BTC, ETH):
                numbers = [
                    event.sequence
                    for event in now.events
                    if isinstance(event, Trade) and event.symbol == symbol
                ]
                assert numbers == list(range(numbers[0] or 0, (numbers[0] or 0) + len(numbers)))
            assert now.session.book(BTC) is book  # the same object goes on
            assert book.proof().is_valid
            assert book.epoch == 1 + len(replaced)
            statistics = now.session.statistics()
            assert statistics.replaced == len(replaced)
            assert (statistics.reconnects, statistics.links) == (0, 1)
            assert now.exchange.connections == 1
            assert now.exchange.dialled == 1 + len(replaced)

    play(story)


def test_the_snapshot_of_the_new_link_follows_the_replacement() -> None:
    async def story() -> None:
        async with world(BOOK, TRADES, link_age_s=100.0) as now:
            await now.live(120)

            index = next(n for n, event in enumerate(now.events) if type(event) is LinkReplaced)
            following = now.events[index + 1]
            assert isinstance(following, BookSnapshot)
            before = [event for event in now.events[:index] if isinstance(event, BookSnapshot)]
            assert len(before) == 1

    play(story)


def test_what_is_wanted_during_a_rehearsal_is_carried_over() -> None:
    async def story() -> None:
        async with world(BOOK, TRADES, link_age_s=100.0, faults="freeze@94s+8s") as now:
            await now.live(97)  # the new link has been dialled, and hears nothing yet
            now.session.subscribe(ETH_TRADES)
            now.session.unsubscribe(TRADES)
            await now.live(60)

            assert of(now, LinkReplaced)
            assert now.session.state is State.READY
            assert set(now.session.subscriptions) == {BOOK, ETH_TRADES}
            late = await now.live(20)
            assert {event.symbol for event in late if isinstance(event, Trade)} == {ETH}

    play(story)


def test_a_new_link_that_cannot_be_made_leaves_the_old_one_alone() -> None:
    async def story() -> None:
        async with world(BOOK, TRADES, link_age_s=100.0, faults="refuse@50s+200s") as now:
            await now.live(200)

            assert not of(now, LinkReplaced)
            assert not of(now, LinkLost)
            assert now.session.state is State.READY
            await now.live(120)
            assert len(of(now, LinkReplaced)) == 1

    play(story)


def test_an_old_link_that_dies_during_the_rehearsal_is_dialled_again() -> None:
    async def story() -> None:
        async with world(BOOK, link_age_s=100.0, faults="refuse@90s+30s,hangup@105s") as now:
            await now.live(180)

            assert len(of(now, LinkLost)) == 1
            assert not of(now, LinkReplaced)
            assert now.session.state is State.READY
            assert now.exchange.connections == 1

    play(story)


def test_leaving_during_a_rehearsal_leaves_nothing_behind() -> None:
    async def story() -> None:
        async with world(BOOK, link_age_s=100.0, faults="freeze@94s+8s") as now:
            await now.live(97)
            await now.session.disconnect()
            await now.live(30)
            assert now.exchange.connections == 0
            await now.session.connect()
            await now.session.wait_ready(30)
            assert now.session.book(BTC).proof().is_valid

    play(story)
