"""Open lists of words, read and written."""

import pytest

from fluxum.errors import RemoteProtocolError
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus, TimeInForce
from fluxum.venues.words import Words

STATUSES = Words(
    {OrderStatus.OPEN: "live"}, {"accepted": OrderStatus.OPEN}, other=OrderStatus.OTHER
)


def test_a_word_that_is_not_known_is_kept_beside_other() -> None:
    assert STATUSES.known("live") == (OrderStatus.OPEN, "")
    assert STATUSES.known("accepted") == (OrderStatus.OPEN, "")
    assert STATUSES.known("twap") == (OrderStatus.OTHER, "twap")


def test_of_several_words_one_is_written() -> None:
    assert STATUSES[OrderStatus.OPEN] == "live"
    assert dict(STATUSES) == {OrderStatus.OPEN: "live"}
    assert STATUSES.get(OrderStatus.FILLED) is None
    assert len(STATUSES) == 1


def test_a_word_that_has_to_be_known_is_refused_with_those_that_are() -> None:
    sides = Words({Side.BUY: "Buy", Side.SELL: "Sell"})

    assert sides.read("Sell") is Side.SELL
    with pytest.raises(RemoteProtocolError, match=r"^Buy or Sell was expected, was 'sell'$"):
        sides.read("sell")


def test_a_word_for_two_is_an_error_of_the_table() -> None:
    with pytest.raises(ValueError, match="each word once"):
        Words({TimeInForce.GTC: "day", TimeInForce.GTD: "day"})
    with pytest.raises(ValueError, match="each word once"):
        Words({TimeInForce.GTC: "gtc"}, {"gtc": TimeInForce.GTD})
