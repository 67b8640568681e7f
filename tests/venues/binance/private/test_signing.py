"""Signatures of calls and requests.

The HMAC vectors are published: https://github.com/binance/binance-spot-api-docs, rest-api.md and
web-socket-api.md, "SIGNED request example". Those of Ed25519 were made with another implementation
from the seed 00 01 .. 1f, as the published ones come without their private key.
"""

import base64
import json
from typing import Any
from urllib.parse import unquote

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fluxum.errors import BadInput
from fluxum.model.account import Credentials
from fluxum.venues.binance.private.signing import BinanceSigner, request_text, signing
from fluxum.venues.conversation import Fetch

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
SIGNER = BinanceSigner(Credentials(KEY, SECRET))
MS = 1_000_000


def pem(key: Any, passphrase: str = "") -> str:
    """A private key as text."""
    how = (
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption()
    )
    form = serialization.PrivateFormat.PKCS8
    return str(key.private_bytes(serialization.Encoding.PEM, form, how).decode())


ED25519 = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        (
            "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1",
            "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
        ),
        (
            "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT"
            "&timeInForce=GTC&quantity=1&price=0.1",
            "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
        ),
    ],
)
def test_a_call_signs_its_query_with_its_time(query: str, wanted: str) -> None:
    fetch = Fetch("POST", f"/api/v3/order?{query}", "order")

    signed = SIGNER.call(fetch, 1499827319559 * MS + 999_999, 1)

    times = "recvWindow=5000&timestamp=1499827319559"
    assert signed.path == f"/api/v3/order?{query}&{times}&signature={wanted}"
    assert signed.headers == {"X-MBX-APIKEY": KEY}
    assert wanted not in repr(signed)


def test_a_call_without_a_query_gets_one() -> None:
    signed = SIGNER.call(Fetch("GET", "/api/v3/account", "account"), 1499827319559 * MS, 1)

    assert signed.path.startswith("/api/v3/account?recvWindow=5000&timestamp=1499827319559&sig")


@pytest.mark.parametrize(
    ("symbol", "price", "quantity", "window", "wanted"),
    [
        (
            "BTCUSDT",
            "52000.00",
            "0.01000000",
            100,
            "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
        ),
        (
            "１２３４５６",  # noqa: RUF001 - the name of a market in the documents
            "0.10000000",
            "1.00000000",
            5000,
            "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd",
        ),
    ],
)
def test_a_request_signs_its_parameters_by_name(
    symbol: str, price: str, quantity: str, window: int, wanted: str
) -> None:
    params = {
        "symbol": symbol,
        "side": "SELL" if symbol == "BTCUSDT" else "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": quantity,
        "price": price,
        "recvWindow": window,
    }
    frame = json.dumps({"id": "7", "method": "order.place", "params": params}).encode()

    signed = json.loads(SIGNER.frame(frame, 1645423376532 * MS, 1))

    assert (signed["id"], signed["method"]) == ("7", "order.place")
    times = {"timestamp": 1645423376532, "apiKey": KEY, "signature": wanted}
    assert signed["params"] == {**params, **times}


def test_a_request_that_has_its_time_keeps_it() -> None:
    frame = b'{"id":"7","method":"order.place","params":{"timestamp":5,"recvWindow":4}}'

    params = json.loads(SIGNER.frame(frame, 1645423376532 * MS, 1))["params"]

    assert (params["timestamp"], params["recvWindow"]) == (5, 4)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "apiKey=test_api_key&timestamp=1700000000000",
            "a4S+ZVHtvxMDQVqRLSVOfkQtRjIrdvKWv6r6ynt5t/zEPAQWEbjY6XRU+GGkkOK1anUQyt+OmIUOl2rt8ltfBA==",
        ),
        (
            "apiKey=test_api_key&price=0.10000000&quantity=1.00000000&side=BUY"
            "&symbol=１２３４５６&timeInForce=GTC&timestamp=1700000000000&type=LIMIT",  # noqa: RUF001
            "eWLDT7CeS9OX60128tqObOEB0M06T7Jy1zvTPvQHaobKkz5yNBMDxxnG9ss0Is9sKM2k+JP4Nl7OHac5SvyCCQ==",
        ),
    ],
)
def test_an_ed25519_key_signs_in_base64(text: str, wanted: str) -> None:
    assert signing(pem(ED25519))(text) == wanted
    assert signing(pem(ED25519, "pass"), "pass")(text) == wanted
    assert signing(pem(ED25519).replace("\n", "\\n"))(text) == wanted  # as in an environment


def test_an_rsa_keys_signature_is_verified_and_encoded_for_the_query() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signer = BinanceSigner(Credentials("k", pem(key)))

    path = signer.call(Fetch("GET", "/api/v3/account", "account"), 1499827319559 * MS, 1).path

    text, _, signature = path.partition("?")[2].partition("&signature=")
    assert not {"+", "/", "="} & set(signature)
    key.public_key().verify(
        base64.b64decode(unquote(signature)), text.encode(), padding.PKCS1v15(), hashes.SHA256()
    )


@pytest.mark.parametrize(
    ("secret", "passphrase"),
    [
        (pem(ED25519, "pass"), "wrong"),
        (pem(ED25519, "pass"), ""),
        (pem(ec.generate_private_key(ec.SECP256R1())), ""),
        ("-----BEGIN PRIVATE KEY-----\nplanted\n-----END PRIVATE KEY-----", ""),
    ],
)
def test_a_private_key_that_cannot_be_used_is_refused_and_not_shown(
    secret: str, passphrase: str
) -> None:
    with pytest.raises(BadInput, match="Ed25519 or RSA") as refused:
        BinanceSigner(Credentials("k", secret, passphrase))

    assert secret.split("\n")[1] not in str(refused.value)


def test_numbers_are_signed_as_their_text_in_json_and_no_signature_is() -> None:
    params = {"b": 100, "a": "x y&", "c": True, "signature": "s"}

    assert request_text(params) == "a=x y&&b=100&c=true"
