"""Arguments of commands, as the simulated venues read them."""

from decimal import Decimal

import pytest

from fluxum.errors import VenueRefused
from fluxum.model.market import Side
from fluxum.venues.order_offers import NameRule
from fluxum.venues.server.arguments import Arguments

SIDES = {Side.BUY: "Buy", Side.SELL: "Sell"}


def read(**given: object) -> Arguments:
    return Arguments(given, lambda name: VenueRefused(f"bad {name}", "1"))


def test_numbers_are_plain_and_exact_as_text_or_whole() -> None:
    assert read(qty="0.10").number("qty") == Decimal("0.10")
    assert str(read(qty="0.10").needed("qty")) == "0.10"
    assert read(qty=3).number("qty") == 3
    assert read(qty="").number("qty") is None
    assert read().number("qty") is None


@pytest.mark.parametrize("given", ["-1", "1e5", "1.", ".5", "x", "1" * 31, 0.5, True, [], {}])
def test_what_is_no_number_is_the_error_of_the_venue(given: object) -> None:
    with pytest.raises(VenueRefused, match="bad qty"):
        read(qty=given).number("qty")


def test_a_number_that_is_needed_has_to_be_given() -> None:
    with pytest.raises(VenueRefused, match="bad qty"):
        read().needed("qty")


def test_words_are_those_of_the_venue() -> None:
    assert read(side="Sell").word(SIDES, "side") is Side.SELL
    assert read().word(SIDES, "side", "Buy") is Side.BUY
    assert read(kind="a").one_of({"a", "b"}, "kind") == "a"
    odd: list[object] = ["sell", "", None, [], 5]
    for given in odd:
        with pytest.raises(VenueRefused, match="bad side"):
            read(side=given).word(SIDES, "side")
    with pytest.raises(VenueRefused, match="bad kind"):
        read(kind="c").one_of({"a", "b"}, "kind")


@pytest.mark.parametrize("given", [True, "true", 1, "1"])
def test_a_flag_is_true(given: object) -> None:
    assert read(flag=given).flag("flag")


@pytest.mark.parametrize("given", [False, "", "yes", 0, [], {}, None])
def test_a_flag_is_not_true(given: object) -> None:
    assert not read(flag=given).flag("flag")


def test_what_is_empty_is_not_given() -> None:
    assert not read(x=None).has("x")
    assert not read(x="").has("x")
    assert read(x=0).has("x")
    assert read(x="a").has("x")


def test_a_name_is_empty_or_as_the_venue_takes_it() -> None:
    rule = NameRule("[a-z]{1,3}", "up to 3 small letters")

    assert read(name="abc").name("name", rule) == "abc"
    assert read().name("name", rule) == ""
    for given in ("abcd", "A", "a\n"):
        with pytest.raises(VenueRefused, match="bad name"):
            read(name=given).name("name", rule)


def test_a_word_that_is_not_given_or_stands_for_none_is_none() -> None:
    assert read().word_or_none(SIDES, "side", "None") is None
    assert read(side="None").word_or_none(SIDES, "side", "None") is None
    assert read(side="Buy").word_or_none(SIDES, "side", "None") is Side.BUY
    with pytest.raises(VenueRefused, match="bad side"):
        read(side="None").word_or_none(SIDES, "side")
