"""Names of markets, ours and Binance's; of streams, and how many fit into one request."""

import pytest

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.venues.binance import native
from fluxum.venues.binance.policy import SPOT, USDM, Policy
from fluxum.venues.binance.symbols import is_possible, split
from fluxum.venues.binance.topics import parse_topic, topic_of
from fluxum.venues.venue import QUOTES


@pytest.mark.parametrize(
    ("name", "base", "quote"),
    [
        ("BTCUSDT", "BTC", "USDT"),
        ("USDTTRY", "USDT", "TRY"),
        ("USDCUSDT", "USDC", "USDT"),
        ("C98USDT", "C98", "USDT"),
        ("AXSBNB", "AXS", "BNB"),
        ("RENBTCETH", "RENBTC", "ETH"),
        ("BTCFDUSD", "BTC", "FDUSD"),
        ("BTCUSDT_261225", "BTC", "USDT"),
        ("这是测试币USDT", "这是测试币", "USDT"),
    ],
)
def test_a_name_is_divided_at_the_longest_quote_known(name: str, base: str, quote: str) -> None:
    assert split(name) == (base, quote)


@pytest.mark.parametrize("name", ["", "USDT", "NOSUCH", "btcusdt", "_261225"])
def test_a_name_without_a_known_quote_cannot_be_divided(name: str) -> None:
    with pytest.raises(RemoteProtocolError):
        split(name)


@pytest.mark.parametrize(
    ("symbol", "spot", "future"),
    [
        ("BTC/USDT", "BTCUSDT", None),
        ("BTC/USDT:PERP", None, "BTCUSDT"),
        ("BTC/USDT:261225", None, "BTCUSDT_261225"),
    ],
)
def test_a_market_has_a_name_where_it_can_be_and_none_elsewhere(
    symbol: str, spot: str | None, future: str | None
) -> None:
    for policy, name in ((SPOT, spot), (USDM, future)):
        spelled = policy.format_symbol(Symbol(symbol))
        assert is_possible(spelled) == (name is not None)
        assert name in {None, spelled}


def test_a_symbol_is_made_of_what_the_venue_lists_and_not_of_the_name() -> None:
    """`XTUSD` could be XT/USD as well."""
    assert SPOT.symbol_of(native.Market("XTUSD", "X", "TUSD")) == "X/TUSD"
    assert SPOT.symbol_of(native.Market("BTCUSDT", "XBT", "USDT")) == "XBT/USDT"
    with pytest.raises(RemoteProtocolError):
        SPOT.symbol_of(native.Market("USDT", "", "USDT"))


DECEMBER = 1_798_185_600_000  # 2026-12-25T08:00:00Z
NEVER = 4_133_404_800_000  # 2100-12-25T08:00:00Z


@pytest.mark.parametrize(
    ("kind", "delivered", "contract"),
    [
        ("PERPETUAL", NEVER, "PERP"),
        ("PERPETUAL", DECEMBER, "PERP"),  # one that will be taken off the list
        ("TRADIFI_PERPETUAL", NEVER, "PERP"),
        ("PERPETUAL_DELIVERING", DECEMBER, "PERP"),
        ("", NEVER, "PERP"),
        (None, None, "PERP"),
        ("CURRENT_QUARTER", DECEMBER, "261225"),
        ("NEXT_QUARTER DELIVERING", DECEMBER, "261225"),
        ("NEXT_MONTH", DECEMBER, "261225"),
        ("", DECEMBER, "261225"),
    ],
)
def test_a_contract_is_called_by_what_it_is(
    kind: str | None, delivered: int | None, contract: str
) -> None:
    market = native.Market("BTCUSDT_X", "BTC", "USDT", contractType=kind, deliveryDate=delivered)

    assert USDM.symbol_of(market) == f"BTC/USDT:{contract}"


@pytest.mark.parametrize(
    ("kind", "delivered", "text"), [("OPTION", DECEMBER, "OPTION"), ("NEXT_QUARTER", 0, "date")]
)
def test_a_contract_of_another_kind_has_no_symbol(kind: str, delivered: int, text: str) -> None:
    market = native.Market("BTCUSDT", "BTC", "USDT", contractType=kind, deliveryDate=delivered)

    with pytest.raises(RemoteProtocolError, match=text):
        USDM.symbol_of(market)


@pytest.mark.parametrize("policy", [SPOT, USDM], ids=lambda policy: policy.venue)
def test_a_stream_is_parsed_as_what_was_requested(policy: Policy) -> None:
    symbol = Symbol("ETH/BTC" if policy is SPOT else "ETH/USDT:261225")
    wanted = [
        Subscription(Channel.BOOK, symbol, 100),
        Subscription(Channel.TRADE, symbol),
        Subscription(Channel.TICKER, symbol),
        *(Subscription(Channel.CANDLE, symbol, interval_s=one) for one in policy.intervals),
    ]

    topics = [topic_of(policy, one) for one in wanted]

    assert len(set(topics)) == len(wanted)
    assert [parse_topic(policy, topic, 100) for topic in topics] == wanted


@pytest.mark.parametrize(
    "topic",
    ["", "btcusdt", "btcusdt@", "btcusdt@kline_2M", "btcusdt@kline_1d@+08:00", "btcusdt@depth5",
     "btcusdt@1m", "!miniTicker@arr", "btcusdt@avgPrice"],
)  # fmt: skip
def test_a_stream_of_another_kind_stands_for_nothing(topic: str) -> None:
    assert parse_topic(SPOT, topic, 100) is None


def test_bid_and_ask_of_a_futures_ticker_have_a_stream_of_their_own() -> None:
    """Spot has them in its ticker, so that there both streams have the same."""
    symbol = Symbol("BTC/USDT:PERP")
    part = Subscription(Channel.TICKER, symbol, depth=QUOTES)

    assert topic_of(USDM, part) == "btcusdt@bookTicker"
    assert parse_topic(USDM, "btcusdt@bookTicker", 100) == part
    assert parse_topic(SPOT, "btcusdt@bookTicker", 100) == Subscription(
        Channel.TICKER, Symbol("BTC/USDT")
    )


def test_one_second_candles_are_spots_alone() -> None:
    assert parse_topic(SPOT, "btcusdt@kline_1s", 100) is not None
    assert parse_topic(USDM, "btcusdt@kline_1s", 100) is None
