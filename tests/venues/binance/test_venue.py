"""Both venues as wholes: their facts, and a session with the simulated exchange."""

import pytest
from worlds import World, play, world

from fluxum.errors import BadInput, VenueRefused
from fluxum.model.event import Channel, Desync, LinkReplaced, Subscription, VenueNotice
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, Candle, Ticker, Trade
from fluxum.venues.binance.venue import BINANCE, BINANCE_USDM
from fluxum.venues.venue import Venue
from fluxum.verify import verify
from recordings import recording

both = pytest.mark.parametrize("venue", [BINANCE, BINANCE_USDM], ids=lambda venue: venue.name)


def everything(venue: Venue) -> list[Subscription]:
    return [
        venue.with_defaults(
            Subscription(one, None if one is Channel.INSTRUMENT else venue.sample_symbols[0])
        )
        for one in venue.routes.keys() - venue.needs_token
    ]


def of(now: World, kind: type) -> list[object]:
    now.states()
    return [event for event in now.events if type(event) is kind]


@both
def test_defaults_are_filled_in_and_other_depths_refused(venue: Venue) -> None:
    symbol = venue.sample_symbols[0]

    assert venue.with_defaults(Subscription(Channel.BOOK, symbol)).depth == 1000
    assert venue.with_defaults(Subscription(Channel.CANDLE, symbol)).interval_s == 60
    with pytest.raises(BadInput, match="depth can be 1000"):
        venue.with_defaults(Subscription(Channel.BOOK, symbol, 25))


@both
def test_the_pace_stays_under_five_messages_in_any_second(venue: Venue) -> None:
    assert venue.limits.send_burst == 1
    assert venue.limits.sends_per_s < 5


@both
def test_everything_is_published_and_the_book_is_valid(venue: Venue) -> None:
    async def story() -> None:
        async with world(*everything(venue), venue=venue) as now:
            await now.session.wait_ready(60)
            await now.live(200)
            assert now.session.book(venue.sample_symbols[0]).proof().is_valid
            assert of(now, Ticker)
            assert of(now, Trade)
            assert any(one.closed for one in of(now, Candle) if isinstance(one, Candle))
            assert not of(now, Desync)

    play(story)


@both
def test_many_symbols_are_subscribed_within_the_venues_limits(venue: Venue) -> None:
    contract = venue.sample_symbols[0].contract and f":{venue.sample_symbols[0].contract}"
    symbols = [Symbol(f"COIN{number}/USDT{contract}") for number in range(60)]
    kinds = (Channel.BOOK, Channel.TRADE, Channel.TICKER, Channel.CANDLE)

    async def story() -> None:
        wanted = [Subscription(kind, symbol) for symbol in symbols for kind in kinds]
        async with world(*wanted, venue=venue, symbols=symbols) as now:
            await now.session.wait_ready(120)
            assert now.session.statistics().reconnects == 0

    play(story)


@pytest.mark.parametrize(
    ("venue", "depth", "count"), [(BINANCE, 5000, 40), (BINANCE_USDM, 1000, 150)]
)
def test_snapshots_that_weigh_more_than_a_minute_allows_are_never_refused(
    venue: Venue, depth: int, count: int
) -> None:
    contract = venue.sample_symbols[0].contract and f":{venue.sample_symbols[0].contract}"
    symbols = [Symbol(f"COIN{number}/USDT{contract}") for number in range(count)]

    async def story() -> None:
        wanted = [Subscription(Channel.BOOK, symbol, depth) for symbol in symbols]
        async with world(*wanted, venue=venue, symbols=symbols, rate_per_s=5.0) as now:
            await now.session.wait_ready(600)
            statistics = now.session.statistics()
            assert statistics.fetched >= count
            assert statistics.fetch_failures == 0

    play(story)


@both
@pytest.mark.parametrize("channel", [Channel.TRADE, Channel.TICKER, Channel.CANDLE, Channel.BOOK])
def test_an_unknown_market_is_refused_on_every_channel(venue: Venue, channel: Channel) -> None:
    contract = venue.sample_symbols[0].contract and f":{venue.sample_symbols[0].contract}"
    unknown = Subscription(channel, Symbol(f"NOSUCH/COIN{contract}"))

    async def story() -> None:
        async with world(unknown, venue=venue) as now:
            await now.live(10)
            with pytest.raises(VenueRefused, match="NOSUCH/COIN"):
                await now.session.wait_ready(30)
            assert now.session.statistics().reconnects == 0

    play(story)


@both
def test_a_shutdown_notice_has_the_link_replaced(venue: Venue) -> None:
    async def story() -> None:
        async with world(*everything(venue), venue=venue) as now:
            await now.session.wait_ready(60)
            now.exchange.announce_cut()
            await now.live(60)
            assert of(now, VenueNotice)
            endpoints = {
                one for channel, one in venue.routes.items() if channel not in venue.needs_token
            }
            assert len(of(now, LinkReplaced)) == len(endpoints)

    play(story)


@both
def test_a_silent_market_is_requested_again_and_stays_whole(venue: Venue) -> None:
    async def story() -> None:
        book = venue.with_defaults(Subscription(Channel.BOOK, venue.sample_symbols[0]))
        quiet = {Channel.BOOK: 20.0}
        async with world(book, venue=venue, rate_per_s=0.0, data_silence_s=quiet) as now:
            await now.session.wait_ready(60)
            await now.live(100)
            assert len(of(now, BookSnapshot)) > 3
            assert now.session.book(venue.sample_symbols[0]).proof().is_valid
            assert now.session.statistics().reconnects == 0

    play(story)


@pytest.mark.parametrize(
    ("name", "steps", "applied", "trade_steps"),
    [
        ("spot_3symbols_20210404", 2685, 2656, 1907),
        ("spot_10symbols_20210405", 4699, 4642, 1232),
        ("futures_usdm_5symbols_20210405", 4418, 4395, 569),
    ],
)
def test_a_recording_is_unbroken(name: str, steps: int, applied: int, trade_steps: int) -> None:
    report = verify(recording(f"binance/{name}.jsonl.gz"))

    assert report.is_proved, report
    assert (report.steps, report.breaks, report.applied) == (steps, 0, applied)
    assert (report.trade_steps, report.crossed, report.gaps) == (trade_steps, 0, 0)
