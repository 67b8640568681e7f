"""Channels and subscriptions, as people write and read them."""

import pytest

from fluxum.errors import BadInput
from fluxum.model.event import Channel, Subscription, parse_channel
from fluxum.model.instrument import Symbol

BTC = Symbol("BTC/USD")


@pytest.mark.parametrize("channel", Channel)
def test_every_channel_is_found_by_its_name(channel: Channel) -> None:
    assert parse_channel(channel.value) is channel


@pytest.mark.parametrize(
    ("alias", "channel"),
    [
        ("ohlc", Channel.CANDLE),
        ("candles", Channel.CANDLE),
        ("trades", Channel.TRADE),
        ("orderbook", Channel.BOOK),
        ("books", Channel.BOOK),
        ("tickers", Channel.TICKER),
        ("instruments", Channel.INSTRUMENT),
    ],
)
def test_usual_aliases_are_known(alias: str, channel: Channel) -> None:
    assert parse_channel(alias) is channel


def test_an_unknown_channel_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match=r"book, level3, .*was 'boook'"):
        parse_channel("boook")


def test_only_books_build_on_what_came_before() -> None:
    assert {channel for channel in Channel if channel.is_book} == {Channel.BOOK, Channel.LEVEL3}


def test_a_subscription_reads_short() -> None:
    assert str(Subscription(Channel.BOOK, BTC, 10)) == "book BTC/USD 10"
    assert str(Subscription(Channel.CANDLE, BTC, interval_s=60)) == "candle BTC/USD 60"
    assert str(Subscription(Channel.INSTRUMENT)) == "instrument"


def test_equal_subscriptions_are_one_key() -> None:
    assert len({Subscription(Channel.BOOK, BTC, 10), Subscription(Channel.BOOK, BTC, 10)}) == 1
