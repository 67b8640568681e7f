"""Signatures of calls and logins.

OKX publishes its sample signature without the secret
(https://www.okx.com/docs-v5/en/#overview-websocket-login). The texts and the secret are those of
its pages; the digests were made with another implementation of HMAC-SHA256.
"""

import json

import pytest

from fluxum.errors import BadInput
from fluxum.model.account import Credentials
from fluxum.venues.conversation import Fetch
from fluxum.venues.okx.private.signing import OkxSigner, iso_time, login_text, signature

SECRET = "22582BD0CFF14C41EDBF1AB98506286D"
NOW_NS = 1_607_418_537_715_000_000
SIGNER = OkxSigner(Credentials("test_key", SECRET, "test_phrase"))
LEVERAGE = b'{"instId":"BTC-USDT","lever":"5","mgnMode":"isolated"}'
SET_LEVERAGE = "/api/v5/account/set-leverage"


def test_the_time_of_a_call_has_milliseconds() -> None:
    assert iso_time(NOW_NS) == "2020-12-08T09:08:57.715Z"
    assert iso_time(NOW_NS - 711_000_001) == "2020-12-08T09:08:57.003Z"


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        (
            Fetch("GET", "/api/v5/account/balance?ccy=BTC", ""),
            "HiZhvSfMtWJA3uUIVXV3a/bSXNPCWvYFXoGCVS8V4zY=",
        ),
        (
            Fetch("POST", SET_LEVERAGE, "", body=LEVERAGE),
            "eCnnCgWLjlQ9XnpUkrcny3qNq3WW/81KNrDr/XR6Xv8=",
        ),
    ],
)
def test_a_call_signs_time_method_path_and_body(call: Fetch, wanted: str) -> None:
    signed = SIGNER.call(call, NOW_NS, 1)

    assert (signed.path, signed.body) == (call.path, call.body)
    assert signed.headers == {
        "Content-Type": "application/json",
        "OK-ACCESS-KEY": "test_key",
        "OK-ACCESS-SIGN": wanted,
        "OK-ACCESS-TIMESTAMP": "2020-12-08T09:08:57.715Z",
        "OK-ACCESS-PASSPHRASE": "test_phrase",
    }


def test_a_login_signs_its_second() -> None:
    frame = SIGNER.frame(b'{"op":"login"}', 1_538_054_050_999_999_999, 1)

    assert json.loads(frame) == {
        "op": "login",
        "args": [
            {
                "apiKey": "test_key",
                "passphrase": "test_phrase",
                "timestamp": "1538054050",
                "sign": "+LdIr8lkkvhr5hoA3g9TMC0+uQJ849ftAcocA/ouu4M=",
            }
        ],
    }
    assert SIGNER.headers(NOW_NS, 1) == {}


def test_one_flipped_bit_anywhere_changes_the_signature() -> None:
    wanted = "eCnnCgWLjlQ9XnpUkrcny3qNq3WW/81KNrDr/XR6Xv8="
    for at in range(len(LEVERAGE)):
        body = LEVERAGE[:at] + bytes([LEVERAGE[at] ^ 1]) + LEVERAGE[at + 1 :]
        signed = SIGNER.call(Fetch("POST", SET_LEVERAGE, "", body=body), NOW_NS, 1)
        assert signed.headers["OK-ACCESS-SIGN"] != wanted
    assert signature(SECRET, login_text("1538054051")) != signature(
        SECRET, login_text("1538054050")
    )


def test_credentials_without_a_passphrase_are_refused_and_not_shown() -> None:
    with pytest.raises(BadInput, match="passphrase") as refused:
        OkxSigner(Credentials("test_key", SECRET))

    assert "test_key" not in str(refused.value)
    assert SECRET not in str(refused.value)


def test_a_signed_call_shows_nothing() -> None:
    signed = SIGNER.call(Fetch("POST", SET_LEVERAGE, "", body=LEVERAGE), NOW_NS, 1)

    for part in ("test_key", SECRET, "test_phrase", signed.headers["OK-ACCESS-SIGN"]):
        assert part not in f"{signed!r} {SIGNER!r}"
