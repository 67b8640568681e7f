"""Where the short way in goes, when it is told to go elsewhere."""

import pytest
from msgspec import structs

from fluxum.connect import endpoints_at, subscriptions
from fluxum.errors import BadInput
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.venues.kraken.venue import KRAKEN

VENUE = structs.replace(
    KRAKEN,
    endpoints={
        "public": "wss://ws.example.com:8443/ws/v5/public",
        "business": "wss://ws.example.com:8443/ws/v5/business",
        "rest": "https://api.example.com/base",
    },
)


def test_a_host_alone_keeps_every_path() -> None:
    assert endpoints_at(VENUE, "ws://127.0.0.1:9000") == {
        "public": "ws://127.0.0.1:9000/ws/v5/public",
        "business": "ws://127.0.0.1:9000/ws/v5/business",
        "rest": "http://127.0.0.1:9000/base",
    }


def test_endpoints_that_differ_by_their_host_alone_have_their_names_behind_the_path() -> None:
    assert endpoints_at(KRAKEN, "ws://127.0.0.1:9000") == {
        "public": "ws://127.0.0.1:9000/v2",
        "private": "ws://127.0.0.1:9000/v2/private",
        "level3": "ws://127.0.0.1:9000/v2/level3",
        "rest": "http://127.0.0.1:9000",
    }


def test_a_url_with_a_path_is_taken_as_it_is_for_links() -> None:
    assert endpoints_at(VENUE, "wss://other.example.com/v2") == {
        "public": "wss://other.example.com/v2",
        "business": "wss://other.example.com/v2",
        "rest": "https://other.example.com/base",
    }


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:9000", "http://host", "ws://", "ws://h:0", "ws://h:x"]
)
def test_what_is_no_websocket_url_is_refused_and_shown(url: str) -> None:
    with pytest.raises(BadInput, match="ws:// or wss:// URL was expected") as caught:
        endpoints_at(VENUE, url)
    assert repr(url) in str(caught.value)


def test_depth_goes_to_books_and_the_interval_to_candles() -> None:
    wanted = subscriptions(
        ["BTC/USD"], [Channel.BOOK, Channel.CANDLE, Channel.INSTRUMENT], depth=25, interval_s=300
    )

    assert wanted == [
        Subscription(Channel.BOOK, Symbol("BTC/USD"), 25),
        Subscription(Channel.CANDLE, Symbol("BTC/USD"), None, 300),
        Subscription(Channel.INSTRUMENT),
    ]
