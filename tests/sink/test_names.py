"""Names of streams, which can be read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxum.errors import BadInput
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.sink.names import StreamName, link_stream, matches, stream_of

PART = st.text("ABCxyz019.%-", min_size=1, max_size=8)


def test_names_by_hand() -> None:
    assert stream_of("kraken", Channel.TRADE, Symbol("BTC/USD")) == "kraken/BTC-USD/trade"
    assert stream_of("okx", Channel.BOOK, Symbol("BTC/USD:PERP-INVERSE")) == (
        "okx/BTC-USD:PERP-INVERSE/book"
    )
    assert stream_of("kraken", Channel.BOOK, Symbol("A-B%/USD")) == "kraken/A%2DB%25-USD/book"
    assert stream_of("kraken", Channel.INSTRUMENT) == "kraken/instrument"
    assert stream_of("kraken", Channel.EXECUTION) == "kraken/account/execution"
    assert link_stream("kraken") == "kraken/link"


@given(PART, PART, st.sampled_from([Channel.BOOK, Channel.TRADE, Channel.CANDLE]))
def test_a_name_is_read_back(base: str, quote: str, channel: Channel) -> None:
    symbol = Symbol(f"{base}/{quote}")

    found = StreamName.parse(stream_of("venue", channel, symbol))

    assert found == StreamName("venue", Subscription(channel, symbol))


@pytest.mark.parametrize("channel", [Channel.INSTRUMENT, Channel.BALANCE, Channel.EXECUTION])
def test_what_is_of_a_whole_venue_is_read_back(channel: Channel) -> None:
    found = StreamName.parse(stream_of("venue", channel))

    assert found == StreamName("venue", Subscription(channel))


def test_the_stream_of_links_has_no_subscription() -> None:
    assert StreamName.parse("venue/link") == StreamName("venue", None)


@pytest.mark.parametrize(
    "text", ["", "venue", "venue/nonsense", "venue/BTC-USD/nonsense", "a/b/c/d"]
)
def test_what_is_no_name_is_refused_and_shown(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        StreamName.parse(text)
    assert repr(text) in str(caught.value)


def test_patterns() -> None:
    name = "kraken/BTC-USD/trade"
    assert all(matches(one, name) for one in ("", "*", "*/*/trade", "kraken/*/*", name))
    assert not any(matches(one, name) for one in ("*/*", "*/*/book", "okx/*/*", "kraken"))
    assert matches("*/link", "kraken/link")
