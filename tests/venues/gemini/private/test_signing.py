"""Signatures: the published vector, and what of a call and of an upgrade is signed."""

import base64
import json

import pytest

from fluxum.errors import BadInput
from fluxum.model.account import Credentials
from fluxum.venues.conversation import Auth, Fetch
from fluxum.venues.gemini.private.signing import GeminiSigner, signature, upgrade_payload

NOW = 1_700_000_000_987_654_321
KEYS = Credentials("account-mykey", "1234abcd")
# https://docs.gemini.com/rest-api/#authentication: the payload, and its signature.
PAYLOAD = (
    "ewogICAgInJlcXVlc3QiOiAiL3YxL29yZGVyL3N0YXR1cyIsCiAgICAibm9uY2UiOiAxMjM0NTYsCgogICAg"
    "Im9yZGVyX2lkIjogMTg4MzQKfQo="
)
SIGNED = (
    "337cc8b4ea692cfe65b4a85fcc9f042b2e3f702ac956fd098d600ab157057750"
    "17beae402be773ceee10719ff70d710f"
)


def test_the_published_vector_is_signed_as_published() -> None:
    assert signature("1234abcd", PAYLOAD) == SIGNED


def test_an_upgrade_signs_its_nonce() -> None:
    """HMAC-SHA384 of the base64 text of `1700000000`, made with openssl."""
    headers = GeminiSigner(KEYS).headers(NOW, 1)

    assert upgrade_payload("1700000000") == "MTcwMDAwMDAwMA=="
    assert headers == {
        "X-GEMINI-APIKEY": "account-mykey",
        "X-GEMINI-NONCE": "1700000000",
        "X-GEMINI-PAYLOAD": "MTcwMDAwMDAwMA==",
        "X-GEMINI-SIGNATURE": (
            "50924a1d155e25cc9447e50c0f37153f04a769c4be129ffb82b43b32801155077ad508e2a14afa9e7af08d242f3"
            "abf94"
        ),
    }


def test_a_call_has_its_parameters_in_a_header_and_no_body() -> None:
    fetch = Fetch("POST", "/v1/order/status", "", body=b'{"order_id":"7"}', auth=Auth.SIGNED)

    signed = GeminiSigner(KEYS).call(fetch, NOW, 1)

    payload = signed.headers["X-GEMINI-PAYLOAD"]
    assert json.loads(base64.b64decode(payload)) == {
        "request": "/v1/order/status",
        "nonce": 1_700_000_000,
        "order_id": "7",
    }
    assert signed.headers["X-GEMINI-SIGNATURE"] == signature("1234abcd", payload)
    assert (signed.path, signed.body) == ("/v1/order/status", b"")
    assert "1234abcd" not in f"{signed!r} {signed.headers}"


def test_a_frame_is_sent_as_it_is() -> None:
    assert GeminiSigner(KEYS).frame(b"{}", NOW, 1) == b"{}"


def test_a_key_of_a_group_is_refused_and_not_shown() -> None:
    with pytest.raises(BadInput) as error:
        GeminiSigner(Credentials("master-0123456789", "secret"))
    assert "0123" not in str(error.value)
