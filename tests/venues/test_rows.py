"""Numbers from the text of the wire: exact, or refused with the text."""

from decimal import Decimal

import msgspec
import pytest
from msgspec import Raw
from msgspec.json import Decoder

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Event, LeftOut, Subscription, VenueNotice
from fluxum.model.instrument import Symbol
from fluxum.model.market import Level
from fluxum.venues.rows import (
    LeftOutRows,
    Rows,
    decimals,
    decode_readable,
    decoded_or_none,
    digits,
    exact,
    exact_or_none,
    levels,
    of_currencies,
    positive,
    price_or_none,
    read_rows,
    sides,
    split_name,
    symbol_of,
    with_left_out,
)

BAD = ["", "abc", "-1", "NaN", "sNaN", "Infinity", "-Infinity", "1e31", "1" * 41, "1,5"]


def test_text_becomes_the_very_number() -> None:
    assert str(exact("0.00240000")) == "0.00240000"
    assert exact("1e-7") == Decimal("0.0000001")
    assert exact("0") == 0
    assert (exact_or_none(""), exact_or_none(None)) == (None, None)
    assert exact_or_none("2.50") == Decimal("2.5")


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(RemoteProtocolError, match="number"):
        exact(text)


@pytest.mark.parametrize("text", BAD)
@pytest.mark.parametrize("place", [0, 1])
def test_a_row_with_a_bad_number_is_refused(text: str, place: int) -> None:
    price, quantity = (text, "1") if place == 0 else ("1", text)
    with pytest.raises(RemoteProtocolError):
        levels([(price, quantity)])
    with pytest.raises(RemoteProtocolError):
        sides([("buy", price, quantity)], "buy")


def test_rows_become_levels_in_order() -> None:
    assert levels([("0.0024", "10"), ("0.0026", "0.00000000"), ("0.0024", "11")]) == (
        Level(Decimal("0.0024"), Decimal(10)),
        Level(Decimal("0.0026"), Decimal(0)),
        Level(Decimal("0.0024"), Decimal(11)),
    )


def test_rows_that_name_their_side_are_parted() -> None:
    bids, asks = sides(
        [("buy", "9", "1"), ("sell", "10", "2"), ("buy", "8", "0"), ("sell", "11", "0.5")], "buy"
    )

    assert bids == (Level(Decimal(9), Decimal(1)), Level(Decimal(8), Decimal(0)))
    assert asks == (Level(Decimal(10), Decimal(2)), Level(Decimal(11), Decimal("0.5")))
    assert sides([], "buy") == ((), ())


def test_a_step_has_so_many_decimals() -> None:
    steps = ["0.01", "0.010", "1", "10", "1e-8", "0.5"]
    assert [decimals(Decimal(step)) for step in steps] == [2, 2, 0, 0, 8, 1]


def number(row: object) -> int | None:
    if row == "skip":
        return None
    if not isinstance(row, str):
        raise RemoteProtocolError(f"text was expected, was {row!r}")
    return int(row)


def test_rows_are_read_one_by_one_and_the_odd_ones_counted() -> None:
    rows = read_rows(["1", None, "skip", "x", "4"], number)

    assert rows == Rows((1, 4), LeftOutRows(2, "text was expected, was None", "None"))


def test_a_list_without_odd_rows_leaves_none_out() -> None:
    assert read_rows(["1", "2"], number) == Rows((1, 2), None)


def test_the_sample_of_a_row_is_its_beginning_on_the_wire() -> None:
    left_out = read_rows([Raw(b'{"a":' + b"1" * 500)], number).left_out

    assert left_out is not None
    assert left_out.sample == '{"a":' + "1" * 195


@pytest.mark.parametrize(("text", "price"), [("0", None), ("0.00", None), ("", None), (None, None)])
def test_a_price_of_zero_is_none(text: str | None, price: None) -> None:
    assert price_or_none(text) is price


def test_a_price_keeps_its_digits() -> None:
    assert str(price_or_none("1.50")) == "1.50"


@pytest.mark.parametrize("text", ["0", "0.00000000", "1e-7", "1E-8", "0E-8", "1e29", "9" * 30])
def test_a_number_may_be_written_with_an_exponent(text: str) -> None:
    assert exact(text) == Decimal(text)


@pytest.mark.parametrize(
    "text",
    [
        "1e-999999",
        "0E-999999",
        "0E+999999",
        "1e-400",
        "1e400",
        "1e999999999",
        "9" * 10000,
        "-1",
        "NaN",
        "Infinity",
        "0." + "0" * 10000 + "1",
        "",
    ],
)
def test_a_number_that_would_fill_the_memory_when_it_is_written_out_is_none(text: str) -> None:
    with pytest.raises(RemoteProtocolError, match="a number from 0 to 1e30 was expected") as caught:
        exact(text)

    assert len(str(caught.value)) < 100


@pytest.mark.parametrize("text", [None, "", "0", "0.0", "-1", "x"])
def test_a_step_is_a_number_above_zero(text: str | None) -> None:
    assert str(positive("0.010")) == "0.010"
    with pytest.raises(RemoteProtocolError):
        positive(text)


@pytest.mark.parametrize("text", [None, "", "-1", "1.5", "\u0663", "1e3", "1" * 14])
def test_text_that_is_no_whole_number_is_none(text: str | None) -> None:
    assert digits("1700000000000") == 1_700_000_000_000
    assert digits(text) is None


def test_a_field_that_is_not_needed_may_be_of_any_form() -> None:
    decode = Decoder(int).decode

    assert decoded_or_none(decode, Raw(b"7")) == 7
    assert decoded_or_none(decode, Raw(b'"x"')) is None
    assert decoded_or_none(Decoder(str).decode, Raw(b'"\xc5n"')) is None  # no UTF-8


def test_what_is_left_out_of_a_message_stands_before_its_events() -> None:
    stream = Subscription(Channel.INSTRUMENT)
    events: list[Event] = [VenueNotice(venue="toy", message="hello", received_ns=7)]
    rows = LeftOutRows(2, "odd", "x")

    left_out, *others = with_left_out(events, rows, "toy", stream, 7)

    assert isinstance(left_out, LeftOut)
    assert (left_out.subscription, left_out.count) == (stream, 2)
    assert others == events
    assert with_left_out(events, None, "toy", stream, 7) == events
    assert with_left_out([], rows, "toy", stream, 7) == []


class Sides(msgspec.Struct):
    b: list[tuple[str, str]]
    a: list[tuple[str, str]] = []
    n: int | None = None


decode_sides = msgspec.json.Decoder(Sides).decode
decode_level = msgspec.json.Decoder(tuple[str, str]).decode


def test_a_message_is_decoded_without_the_rows_that_cannot_be_read() -> None:
    data = b'{"n":7,"b":[["1","2"],[3,"4"]],"a":[null,["5","6"],"7"]}'

    message, left_out = decode_readable(data, decode_sides, decode_level, ("b", "a"))

    assert message == Sides(b=[("1", "2")], a=[("5", "6")], n=7)
    assert left_out is not None
    assert (left_out.count, left_out.sample) == (3, '[3,"4"]')
    whole = b'{"n":7,"b":[["1","2"]],"a":[]}'
    assert decode_readable(whole, decode_sides, decode_level, ("b", "a"))[1] is None


@pytest.mark.parametrize("data", [b"", b"[]", b'{"a":[]}', b'{"b":5,"a":[]}', b'{"b":[],"a":[]} x'])
def test_a_message_that_has_no_such_lists_cannot_be_decoded(data: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_readable(data, decode_sides, decode_level, ("b", "a"))


def test_a_field_that_is_not_needed_is_dropped_if_it_cannot_be_decoded() -> None:
    optional = {"n": Decoder(int).decode}

    odd, left_out = decode_readable(b'{"n":"x","b":[]}', decode_sides, decode_level, "b", optional)
    plain, _ = decode_readable(b'{"n":7,"b":[]}', decode_sides, decode_level, "b", optional)

    assert (odd.n, left_out, plain.n) == (None, None, 7)


def test_two_currencies_and_a_contract_make_a_symbol() -> None:
    assert of_currencies("BTC", "USDC") == Symbol("BTC/USDC")
    assert of_currencies("BTC", "USDC", "PERP") == Symbol("BTC/USDC:PERP")


@pytest.mark.parametrize(("base", "quote"), [("", "USD"), ("BTC/X", "USD"), ("BTC", "USD:PERP")])
def test_what_is_no_currency_is_the_venues_fault(base: str, quote: str) -> None:
    with pytest.raises(RemoteProtocolError, match="expected"):
        of_currencies(base, quote)


def test_a_text_that_is_no_symbol_is_the_venues_fault() -> None:
    assert symbol_of("ETH/USD") == Symbol("ETH/USD")
    with pytest.raises(RemoteProtocolError, match="BTCUSD"):
        symbol_of("BTCUSD")


def test_a_name_is_divided_before_the_first_quote_that_ends_it() -> None:
    assert split_name("XTUSD", ("TUSD", "USD")) == ("X", "TUSD")
    assert split_name("BTCUSD", ("TUSD", "USD")) == ("BTC", "USD")
    assert split_name("USD", ("USD",)) is None  # without a base
    assert split_name("BTCEUR", ("USD",)) is None
