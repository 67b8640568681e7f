"""Open lists of words."""

import pytest

from fluxum.model.order import OrderStatus, TimeInForce
from fluxum.venues.words import known, turned


def test_a_word_that_is_not_known_is_kept_beside_other() -> None:
    words = {"live": OrderStatus.OPEN}

    assert known(words, "live", OrderStatus.OTHER) == (OrderStatus.OPEN, "")
    assert known(words, "twap", OrderStatus.OTHER) == (OrderStatus.OTHER, "twap")


def test_a_table_is_turned_and_has_each_word_once() -> None:
    assert turned({TimeInForce.GTC: "gtc"}) == {"gtc": TimeInForce.GTC}
    with pytest.raises(ValueError, match="each word once"):
        turned({TimeInForce.GTC: "day", TimeInForce.GTD: "day"})
