"""Signatures of calls and logins.

Bybit publishes signatures without their secret (https://bybit-exchange.github.io/docs/v5/guide):
the texts are its rule, the digests were made with another implementation of HMAC-SHA256.
"""

import json

import pytest

from fluxum.model.account import Credentials
from fluxum.venues.bybit.private.signing import BybitSigner, call_text, login_text, signature
from fluxum.venues.conversation import Fetch

SECRET = "test_secret_1234567890"
NOW_NS = 1_700_000_000_000 * 1_000_000
SIGNER = BybitSigner(Credentials("test_key", SECRET))
ORDER = (
    b'{"category":"spot","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.001",'
    b'"price":"30000"}'
)


def test_a_login_signs_its_expiry() -> None:
    wanted = "82f2d67d65414e2b2672e934ca3f12c9c1ca65e40fd23cd891714de019b3246c"

    assert signature(SECRET, login_text(1700000001000)) == wanted


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        (
            Fetch("GET", "/v5/order/realtime?category=spot&symbol=BTCUSDT", ""),
            "cef65b96c056637cb1d0a91ef1aaf091afdd5dfccd01d6c8033786d9372a729c",
        ),
        (
            Fetch("POST", "/v5/order/create", "", body=ORDER),
            "c159570bbab4cae9130b9376e1e8fb1d30fddc8a260534ba195812f6091a5a05",
        ),
    ],
)
def test_a_call_signs_its_query_or_its_body(call: Fetch, wanted: str) -> None:
    signed = SIGNER.call(call, NOW_NS, 1)

    assert (signed.path, signed.body) == (call.path, call.body)
    assert signed.headers == {
        "Content-Type": "application/json",
        "X-BAPI-API-KEY": "test_key",
        "X-BAPI-TIMESTAMP": "1700000000000",
        "X-BAPI-RECV-WINDOW": "5000",
        "X-BAPI-SIGN": wanted,
    }


@pytest.mark.parametrize(
    ("call", "timestamp", "wanted"),
    [
        (
            Fetch("GET", "/v5/order/realtime?category=option&symbol=BTC-29JUL22-25000-C", ""),
            "1658384314791",
            "1658384314791XXXXXXXXXX5000category=option&symbol=BTC-29JUL22-25000-C",
        ),
        (
            Fetch("POST", "/v5/order/create", "", body=b'{"category": "option"}'),
            "1658385579423",
            '1658385579423XXXXXXXXXX5000{"category": "option"}',
        ),
    ],
)
def test_the_published_texts_are_signed(call: Fetch, timestamp: str, wanted: str) -> None:
    assert call_text(call, timestamp, "XXXXXXXXXX", "5000") == wanted


def test_a_login_frame_gets_key_expiry_and_signature() -> None:
    frame = SIGNER.frame(b'{"req_id":"1","op":"auth"}', NOW_NS, 1)

    text = signature(SECRET, "GET/realtime1700000010000")
    assert json.loads(frame) == {
        "req_id": "1",
        "op": "auth",
        "args": ["test_key", 1700000010000, text],
    }


def test_an_order_frame_gets_the_time_it_is_sent_and_no_signature() -> None:
    frame = SIGNER.frame(b'{"reqId":"1.0","op":"order.cancel","args":[{}]}', NOW_NS, 1)

    assert json.loads(frame)["header"] == {
        "X-BAPI-TIMESTAMP": "1700000000000",
        "X-BAPI-RECV-WINDOW": "5000",
    }
    assert SIGNER.headers(NOW_NS, 1) == {}


def test_one_flipped_bit_anywhere_changes_the_signature() -> None:
    wanted = SIGNER.call(Fetch("POST", "/", "", body=ORDER), NOW_NS, 1).headers["X-BAPI-SIGN"]
    for at in range(len(ORDER)):
        body = ORDER[:at] + bytes([ORDER[at] ^ 1]) + ORDER[at + 1 :]
        signed = SIGNER.call(Fetch("POST", "/", "", body=body), NOW_NS, 1)
        assert signed.headers["X-BAPI-SIGN"] != wanted


def test_a_signed_call_shows_nothing() -> None:
    signed = SIGNER.call(Fetch("POST", "/", "", body=ORDER), NOW_NS, 1)

    assert "test_key" not in f"{signed!r} {SIGNER!r}"
