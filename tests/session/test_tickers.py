"""Tickers that come in two parts: the best bid and ask apart from the last 24 hours."""

from decimal import Decimal
from typing import Any

from worlds import World, play, world

from fluxum.model.event import Channel, Gap, LinkLost, Subscribed, Subscription, Unsubscribed
from fluxum.model.instrument import Symbol
from fluxum.model.market import Ticker
from fluxum.session.tickers import JoinedTickers
from fluxum.venues.binance.venue import BINANCE_USDM

PERP = BINANCE_USDM.sample_symbols[0]
TICKER = Subscription(Channel.TICKER, PERP)
BTC, ETH = Symbol("BTC/USD"), Symbol("ETH/USD")


def quote(bid: str | None, ask: str | None, at_ns: int, symbol: Symbol = BTC) -> Ticker:
    return Ticker(
        venue="toy",
        symbol=symbol,
        bid=None if bid is None else Decimal(bid),
        ask=None if ask is None else Decimal(ask),
        venue_ns=at_ns,
        received_ns=at_ns,
    )


def day(last: str | None, at_ns: int, symbol: Symbol = BTC) -> Ticker:
    price = None if last is None else Decimal(last)
    return Ticker(
        venue="toy",
        symbol=symbol,
        last=price,
        volume=Decimal(7),
        venue_ns=at_ns,
        received_ns=at_ns,
    )


def test_a_part_is_published_with_the_last_of_the_other_one() -> None:
    tickers = JoinedTickers()

    found = [tickers.take(one) for one in (day("5", 1), quote("4", "6", 2), day("7", 3))]

    assert [(str(one.last), str(one.bid), str(one.ask), one.received_ns) for one in found] == [
        ("5", "None", "None", 1),
        ("5", "4", "6", 2),
        ("7", "4", "6", 3),
    ]
    assert [one.venue_ns for one in found] == [1, 2, 3]


def test_a_side_that_is_empty_now_is_not_what_it_was() -> None:
    tickers = JoinedTickers()
    tickers.take(day("5", 1))
    tickers.take(quote("4", "6", 2))

    joined = tickers.take(quote(None, "6", 3))

    assert joined.bid is None
    assert (str(joined.ask), str(joined.last)) == ("6", "5")


def test_markets_are_joined_each_for_itself() -> None:
    tickers = JoinedTickers()
    tickers.take(quote("4", "6", 1, ETH))

    assert tickers.take(day("5", 2)).bid is None


def test_a_market_without_a_trade_in_24_hours_has_a_day_all_the_same() -> None:
    tickers = JoinedTickers()
    tickers.take(quote("4", "6", 1))

    joined = tickers.take(day(None, 2))

    assert joined.last is None
    assert (str(joined.bid), str(joined.volume)) == ("4", "7")


def test_a_part_whose_stream_is_lost_is_forgotten() -> None:
    tickers = JoinedTickers()
    tickers.take(quote("4", "6", 1))
    tickers.take(day("5", 2))

    tickers.forget(Subscription(Channel.TICKER, BTC, depth=1))
    assert tickers.take(day("6", 3)).bid is None
    tickers.forget(Subscription(Channel.TICKER, BTC))
    assert tickers.take(quote("4", "6", 4)).last is None


# Over two links


def of(now: World, kind: type) -> list[Any]:
    now.states()
    return [event for event in now.events if type(event) is kind]


def test_a_ticker_of_two_links_has_bid_ask_and_last() -> None:
    async def story() -> None:
        async with world(TICKER, venue=BINANCE_USDM, rate_per_s=0.0) as now:
            await now.session.wait_ready(60)
            await now.live(1)
            for _ in range(50):
                now.exchange.step(PERP)
                await now.live(0.25)
            truth, told = now.exchange.ticker(PERP), of(now, Ticker)
            assert (told[-1].bid, told[-1].ask) == (truth.bid, truth.ask)
            assert (told[-1].last, told[-1].volume) == (truth.last, truth.volume)
            assert now.session.subscriptions == (TICKER,)
            assert [one.subscription for one in now.events if isinstance(one, Subscribed)] == [
                TICKER
            ]
            assert now.session.statistics().sums_close

    play(story)


def test_both_links_of_a_ticker_are_missing_when_they_are_lost_and_come_back() -> None:
    async def story() -> None:
        async with world(TICKER, venue=BINANCE_USDM) as now:
            await now.session.wait_ready(60)
            await now.live(20)
            now.exchange.hangup_all()
            await now.live(0.01)
            assert {one.link for one in now.session.missing()} == {"market-1", "public-1"}
            await now.session.wait_ready(60)
            await now.live(20)
            assert of(now, LinkLost)
            assert of(now, Gap)
            last = of(now, Ticker)[-1]
            assert None not in {last.bid, last.ask, last.last}

    play(story)


def test_a_ticker_that_ends_ends_in_both_its_parts() -> None:
    async def story() -> None:
        book = Subscription(Channel.BOOK, PERP)
        async with world(TICKER, book, venue=BINANCE_USDM) as now:
            await now.session.wait_ready(60)
            now.session.unsubscribe(TICKER)
            await now.live(2)
            before = len(of(now, Ticker))
            await now.live(20)
            assert len(of(now, Ticker)) == before
            ended = [one.subscription for one in now.events if isinstance(one, Unsubscribed)]
            assert ended == [TICKER]
            (again,) = now.session.subscribe(TICKER)
            assert again == TICKER
            await now.session.wait_ready(60)
            await now.live(20)
            assert len(of(now, Ticker)) > before

    play(story)
