"""Tests of `venues.server.rest_router`: calls as a simulated REST API reads them."""

import pytest

from fluxum.errors import VenueRefused
from fluxum.venues.server.rest_router import json_object, query_number


def test_a_number_of_a_query_has_a_default() -> None:
    error = VenueRefused("limit", "1")

    assert query_number({}, "limit", 7, error) == 7
    assert query_number({"limit": "20"}, "limit", 7, error) == 20


@pytest.mark.parametrize("text", ["", "-1", "1.5", "x", "\u0663", "1" * 16])
def test_a_number_that_is_none_is_refused(text: str) -> None:
    error = VenueRefused("limit", "1")

    with pytest.raises(VenueRefused) as caught:
        query_number({"limit": text}, "limit", 7, error)

    assert caught.value is error


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 10_000, b"5"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    assert json_object(b'{"a":1}', ValueError("no")) == {"a": 1}
    with pytest.raises(ValueError, match="no"):
        json_object(body, ValueError("no"))
