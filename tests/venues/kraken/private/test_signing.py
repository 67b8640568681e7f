"""https://docs.kraken.com/api/docs/guides/spot-rest-auth: the published vector."""

import base64
from urllib.parse import parse_qsl

import pytest

from fluxum.errors import BadInput
from fluxum.model.account import Credentials
from fluxum.venues.kraken.private.signing import KrakenSigner, api_sign
from fluxum.venues.venue import Fetch

SECRET = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
PATH = "/0/private/AddOrder"
FORM = b"ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25"
NONCE = 1616492376594
SIGNATURE = (
    "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ=="
)


def test_the_published_vector_is_signed_as_published() -> None:
    body = f"nonce={NONCE}".encode() + b"&" + FORM

    assert api_sign(PATH, str(NONCE), body, SECRET) == SIGNATURE


def test_a_signed_call_has_the_nonce_before_its_form_and_the_key_in_a_header() -> None:
    signed = KrakenSigner(Credentials("key", SECRET)).call(
        Fetch("POST", PATH, "AddOrder", body=FORM), 0, NONCE
    )

    assert signed.headers["API-Sign"] == SIGNATURE
    assert signed.headers["API-Key"] == "key"
    assert parse_qsl(signed.body.decode())[0] == ("nonce", str(NONCE))


def test_one_flipped_bit_anywhere_changes_the_signature() -> None:
    body = f"nonce={NONCE}".encode() + b"&" + FORM
    flipped = bytes([body[-1] ^ 1])
    secret = base64.b64decode(SECRET)
    other = base64.b64encode(bytes([secret[0] ^ 1]) + secret[1:]).decode()

    signatures = {
        api_sign(PATH, str(NONCE), body, SECRET),
        api_sign(PATH, str(NONCE), body[:-1] + flipped, SECRET),
        api_sign(PATH, str(NONCE + 1), body, SECRET),
        api_sign(PATH + "s", str(NONCE), body, SECRET),
        api_sign(PATH, str(NONCE), body, other),
    }

    assert len(signatures) == 5


def test_a_secret_that_is_no_base64_is_refused_unseen() -> None:
    with pytest.raises(BadInput, match="base64") as caught:
        api_sign(PATH, "1", b"nonce=1", "not base64!")

    assert "not base64!" not in str(caught.value)


def test_neither_key_nor_secret_shows_when_printed() -> None:
    credentials = Credentials("the-key", SECRET, "the-phrase")
    signed = KrakenSigner(credentials).call(Fetch("POST", PATH, "AddOrder"), 0, NONCE)

    shown = f"{credentials!r} {credentials} {signed!r} {[signed]} {(credentials,)}"

    assert "the-key" not in shown
    assert SECRET[:12] not in shown
    assert "the-phrase" not in shown
    assert signed.headers["API-Sign"] not in shown
