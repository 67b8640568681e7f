"""The reader that every venue's REST queries share."""

from decimal import Decimal

import msgspec
import pytest

from fluxum.errors import BadInput, RateLimited, RemoteProtocolError, VenueRefused
from fluxum.venues.queries import (
    ceil_ms,
    check_levels,
    get,
    interval_word,
    only,
    page_of,
    refusal,
    require_instant,
    rest_query,
)
from fluxum.venues.rows import Rows, read_rows

decode = msgspec.json.Decoder(list[str]).decode
decode_raw = msgspec.json.Decoder(list[msgspec.Raw]).decode
decode_text = msgspec.json.Decoder(str).decode


def test_a_call_has_the_parameters_that_are_given() -> None:
    assert get("/time", "time").path == "/time"

    call = get("/candles", "candles", 3, symbol="A/B", since=None, limit=5)

    assert (call.method, call.path) == ("GET", "/candles?symbol=A%2FB&limit=5")
    assert (call.purpose, call.cost, call.subscription) == ("candles", 3, None)


def test_an_answer_is_decoded_and_read_with_the_time_it_was_received() -> None:
    query = rest_query(get("/x", "x"), decode, lambda rows, received_ns: (len(rows), received_ns))

    assert query.read(b'["a","b"]', 7) == (2, 7)


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'["\xff"]', b"[" * 100_000])
def test_an_answer_that_cannot_be_decoded_names_its_call(body: bytes) -> None:
    query = rest_query(get("/x", "the call"), decode, lambda rows, _: rows)

    with pytest.raises(RemoteProtocolError, match="the call: "):
        query.read(body, 7)


def test_what_cannot_be_decoded_while_it_is_read_names_its_call_as_well() -> None:
    query = rest_query(get("/x", "x"), decode, lambda rows, _: decode(rows[0].encode()))

    with pytest.raises(RemoteProtocolError, match="x: "):
        query.read(b'["{"]', 7)


def test_rows_become_a_page_with_what_was_left_out_and_what_follows() -> None:
    rows = read_rows(["3", "x", "2", "1"], Decimal)
    following = rest_query(get("/x", "x"), decode, lambda _rows, _ns: page_of(Rows[Decimal](())))

    page = page_of(rows.reversed().where(lambda one: one < 3), following)

    assert list(map(str, page)) == ["1", "2"]
    assert page.next is following
    assert page.left_out is not None
    assert (page.left_out.count, page.rows) == (1, 3)


def test_a_refusal_can_be_tried_again_if_its_code_says_so() -> None:
    later, never = refusal("slow down", "429", {"429"}), refusal("no such market", "404", {"429"})

    assert type(later) is RateLimited
    assert type(never) is VenueRefused
    assert later.code == "429"
    assert "no such market" in str(never)


def test_arguments_that_a_venue_does_not_offer_are_refused() -> None:
    check_levels(1, 5)
    check_levels(5, 5)
    for count in (0, 6, -1):
        with pytest.raises(BadInput, match=f"1 to 5 levels were expected, was {count}"):
            check_levels(count, 5)
    assert interval_word(60, {60: "1m"}) == "1m"
    with pytest.raises(BadInput, match="60, 300 seconds was expected, was 90"):
        interval_word(90, {300: "5m", 60: "1m"})


def test_an_instant_is_required() -> None:
    assert require_instant(5, "5") == 5
    with pytest.raises(RemoteProtocolError, match="a time was expected, was 'soon'"):
        require_instant(None, "soon")


def test_milliseconds_are_rounded_up() -> None:
    assert [ceil_ms(one) for one in (0, 1, 1_000_000, 1_000_001)] == [0, 1, 1, 2]


def test_an_answer_that_should_have_one_row_has_one_that_can_be_read() -> None:
    assert only(decode_raw(b'["a"]'), decode_text) == "a"
    for body in (b"[]", b'["a","b"]', b"[7]"):
        with pytest.raises(RemoteProtocolError):
            only(decode_raw(body), decode_text)
