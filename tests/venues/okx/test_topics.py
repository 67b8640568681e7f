"""Names of markets and streams, and every name OKX listed on 13 May 2022."""

import gzip
import json

import pytest

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.interval import MONTH_S
from fluxum.venues.okx import native, topics
from recordings import recording


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("BTC/USDT", "BTC-USDT"),
        ("UNI/USD:PERP-CONTRACTS", "UNI-USD-SWAP"),
        ("BTC/USD:220527-CONTRACTS", "BTC-USD-220527"),
        ("BTC/USD:220325-40000-C-CONTRACTS", "BTC-USD-220325-40000-C"),
        ("BTC/USD:UM-PERP-CONTRACTS", "BTC-USD_UM-SWAP"),
        ("SUI/USD:UM_XPERP-310404-CONTRACTS", "SUI-USD_UM_XPERP-310404"),
    ],
)
def test_a_market_is_spelled_and_read_back(symbol: str, name: str) -> None:
    """By its name alone a contract is counted in contracts, whose size no name says."""
    assert topics.format_symbol(Symbol(symbol)) == name
    assert topics.parse_symbol(name) == symbol


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("BTC/USDT:PERP", "BTC-USDT-SWAP"),
        ("BTC/USD:PERP-INVERSE", "BTC-USD-SWAP"),
        ("BTC/USD:261225-INVERSE", "BTC-USD-261225"),
        ("BTC/USDT:261225", "BTC-USDT-261225"),
        ("BTC/USD:UM-261225", "BTC-USD_UM-261225"),
        ("BTC/USD:UM-PERP", "BTC-USD_UM-SWAP"),
        ("AAPL/USD:UM_XPERP-310613", "AAPL-USD_UM_XPERP-310613"),
    ],
)
def test_a_unit_is_no_part_of_the_venues_name(symbol: str, name: str) -> None:
    assert topics.format_symbol(Symbol(symbol)) == name


@pytest.mark.parametrize(
    ("symbol", "kind"),
    [
        ("BTC/USDT", "SPOT"),
        ("BTC/USDT:PERP", "SWAP"),
        ("BTC/USD:PERP-INVERSE", "SWAP"),
        ("BTC/USD:220527-INVERSE", "FUTURES"),
        ("BTC/USDT:220527-CONTRACTS", "FUTURES"),
        ("BTC/USD:UM-PERP", "SWAP"),
        ("BTC/USD:UM_XPERP-310404", "FUTURES"),
        ("BTC/USD:220325-40000-C", "OPTION"),
        ("BTC/USD:220325-40000-C-CONTRACTS", "OPTION"),
    ],
)
def test_a_contract_shows_the_kind_of_a_market(symbol: str, kind: str) -> None:
    assert topics.instrument_type(Symbol(symbol)) == kind


@pytest.mark.parametrize("name", ["", "BTC", "BTC-", "-USDT", "BTC-USDT-", "BTC -USDT", "B/C-D"])
def test_what_is_no_name_is_an_error(name: str) -> None:
    with pytest.raises(RemoteProtocolError, match="a market like BTC-USDT was expected"):
        topics.parse_symbol(name)


def test_every_listed_name_is_read_and_spelled_back() -> None:
    seen: dict[str, int] = {}
    with gzip.open(recording("okx/rest_instruments_20220513.jsonl.gz"), "rt") as lines:
        for line in lines:
            for one in json.loads(json.loads(line)["raw"])["data"]:
                name = one["instId"]
                symbol = topics.parse_symbol(name)
                assert topics.format_symbol(symbol) == name
                if one["instType"] == "SPOT":
                    assert symbol == f"{one['baseCcy']}/{one['quoteCcy']}"
                else:
                    base, quote = one["uly"].split("-")
                    assert symbol == f"{base}/{quote}:PERP-CONTRACTS"
                seen[name] = seen.get(name, 0) + 1

    assert len(seen) == 513 + 166


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        ("books", Subscription(Channel.BOOK, Symbol("BTC/USDT"), 400)),
        ("books5", Subscription(Channel.BOOK, Symbol("BTC/USDT"), 5)),
        ("bbo-tbt", Subscription(Channel.BOOK, Symbol("BTC/USDT"), 1)),
        ("books-l2-tbt", Subscription(Channel.BOOK, Symbol("BTC/USDT"), 400)),
        ("books50-l2-tbt", Subscription(Channel.BOOK, Symbol("BTC/USDT"), 50)),
        ("trades", Subscription(Channel.TRADE, Symbol("BTC/USDT"))),
        ("trades-all", Subscription(Channel.TRADE, Symbol("BTC/USDT"))),
        ("tickers", Subscription(Channel.TICKER, Symbol("BTC/USDT"))),
        ("candle1m", Subscription(Channel.CANDLE, Symbol("BTC/USDT"), None, 60)),
        ("candle1Dutc", Subscription(Channel.CANDLE, Symbol("BTC/USDT"), None, 86_400)),
        ("candle1D", Subscription(Channel.CANDLE, Symbol("BTC/USDT"), None, 86_400)),
        ("candle1M", Subscription(Channel.CANDLE, Symbol("BTC/USDT"), None, MONTH_S)),
        ("candle3Mutc", Subscription(Channel.CANDLE, Symbol("BTC/USDT"), None, 3 * MONTH_S)),
    ],
)
def test_what_another_client_requested_is_parsed(channel: str, expected: Subscription) -> None:
    assert topics.is_known(channel)
    assert topics.parse_channel(channel, Symbol("BTC/USDT")) == expected


@pytest.mark.parametrize(
    "channel", ["candle6M", "mark-price-candle1m", "books-elp", "", "instruments"]
)
def test_a_channel_of_something_else_is_not_known(channel: str) -> None:
    assert not topics.is_known(channel)


@pytest.mark.parametrize("depth", [400, 5, 1])
def test_what_is_requested_is_parsed_as_the_same(depth: int) -> None:
    wanted = Subscription(Channel.BOOK, Symbol("UNI/USD:PERP"), depth)

    assert (
        topics.parse_channel(topics.topic_of(wanted).split()[0], Symbol("UNI/USD:PERP")) == wanted
    )


def test_data_of_a_stream_begin_with_its_arg() -> None:
    arg = native.Arg("books", "BTC-USDT")

    assert topics.topic(arg) == "books BTC-USDT"
    assert topics.arg("books BTC-USDT") == arg
    assert topics.prefix("books BTC-USDT") == b'{"arg":{"channel":"books","instId":"BTC-USDT"'
