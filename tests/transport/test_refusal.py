"""What an answer that is no success means, and how long a server may make anybody wait."""

import pytest

from fluxum.errors import RateLimited, Redirected, TransportError, VenueRefused
from fluxum.transport.refusal import refusal, retry_after_s

URL = "https://api.exchange.com/0/private/Balance?nonce=1"


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("3600", 3600.0),
        ("3601", 3600.0),
        ("999999999999", 3600.0),
        ("9" * 400, 3600.0),
        ("9" * 5000, 3600.0),
        ("1e308", 3600.0),
        ("inf", 3600.0),
        ("Infinity", 3600.0),
        ("-1", 0.0),
        ("-inf", 0.0),
        ("nan", 0.0),
        ("Sat, 01 Jan 2028 00:00:30 GMT", 30.0),
        ("Sat, 01 Jan 2028 02:00:00 +0100", 3600.0),
        ("Sat, 01 Jan 2028 00:00:30 -0000", 30.0),
        ("Fri, 31 Dec 2027 23:59:00 GMT", 0.0),
        ("Sat, 01 Jan 99999 00:00:00 GMT", None),
        ("soon", None),
        ("7 s", None),
        ("", None),
    ],
)
def test_every_form_of_retry_after_is_a_bounded_wait(text: str, wait_s: float | None) -> None:
    headers = {"Retry-After": text, "Date": "Sat, 01 Jan 2028 00:00:00 GMT"}

    assert retry_after_s(headers) == wait_s


def test_a_date_is_taken_against_our_clock_where_the_answer_has_none() -> None:
    assert retry_after_s({"Retry-After": "Thu, 01 Jan 2099 00:00:00 GMT"}) == 3600.0
    assert retry_after_s({"Retry-After": "Thu, 01 Jan 2015 00:00:00 GMT", "Date": "now"}) == 0.0


@pytest.mark.parametrize("status", [418, 429, 503])
def test_to_slow_down_is_retryable_after_what_the_server_asks_for(status: int) -> None:
    error = refusal("GET x", URL, status, {"Retry-After": "7"}, "slow down")

    assert isinstance(error, RateLimited)
    assert (error.code, error.retry_after_s) == (str(status), 7.0)
    assert str(error) == f"GET x answered {status} slow down"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, VenueRefused),
        (401, VenueRefused),
        (403, VenueRefused),
        (404, VenueRefused),
        (451, VenueRefused),
        (408, TransportError),
        (425, TransportError),
        (500, TransportError),
        (502, TransportError),
        (200, TransportError),
        (999, TransportError),
    ],
)
def test_a_4xx_is_a_no_and_the_servers_own_trouble_is_not(status: int, kind: type) -> None:
    assert type(refusal("GET x", URL, status, {}, "")) is kind


@pytest.mark.parametrize(
    ("target", "place"),
    [
        ("https://evil.example/steal?key=1", "to evil.example;"),
        ("//evil.example:8443/steal", "to evil.example:8443;"),
        ("https://user:password@evil.example/", "to evil.example;"),
        ("/other", "to api.exchange.com;"),
        ("file:///etc/passwd", "to file:;"),
        ("http://[bad", "to 'http://[bad';"),
        ("", "without saying where to;"),
    ],
)
def test_a_redirect_names_both_hosts_and_is_not_followed(target: str, place: str) -> None:
    error = refusal("POST x", URL, 307, {"Location": target}, "")

    assert isinstance(error, Redirected)
    assert not error.retryable
    assert str(error) == (
        f"POST x was redirected (307) by api.exchange.com {place} this is not followed"
    )
