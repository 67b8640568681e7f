"""Tokens of Advanced Trade: a vector by hand, both kinds of keys, deadlines, and what is shown."""

import base64
import json
import sys

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fluxum.errors import BadInput
from fluxum.model.account import Credentials
from fluxum.venues.coinbase.advanced.private.signing import AdvancedSigner, private_key
from fluxum.venues.conversation import Fetch

ORGANIZATION = "organizations/00000000-0000-0000-0000-000000000001"
NAME = f"{ORGANIZATION}/apiKeys/00000000-0000-0000-0000-000000000002"
SEED = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
LONG = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8DoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkElUxuA=="
NOW_NS = 1_700_000_000_000_000_000
NONCE = 0x00112233445566778899AABBCCDDEEFF
# Ed25519 is deterministic: signed once, with another program, for this header and this payload.
HEADER = f'{{"alg":"EdDSA","kid":"{NAME}","nonce":"00112233445566778899aabbccddeeff","typ":"JWT"}}'
PAYLOAD = f'{{"sub":"{NAME}","iss":"cdp","nbf":1700000000,"exp":1700000120}}'
SIGNATURE = "no096PEPIpyWVQJ8sgf5LgC6o74fST1DEymXlhqF_gLtYKO49-VNupBogvCeJx-mJORWvLRsorKNautagVkZDQ"
SUBSCRIBE = b'{"type":"subscribe","channel":"user"}'


def part(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> str:
    form = PrivateFormat.PKCS8
    if isinstance(key, ec.EllipticCurvePrivateKey):
        form = PrivateFormat.TraditionalOpenSSL  # BEGIN EC PRIVATE KEY, as the venue hands them out
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


@pytest.mark.parametrize("secret", [SEED, LONG], ids=["seed", "seed and public key"])
def test_the_token_of_a_subscription_is_the_one_of_the_vector(secret: str) -> None:
    frame = AdvancedSigner(Credentials(NAME, secret)).frame(SUBSCRIBE, NOW_NS, NONCE)

    message = json.loads(frame)
    assert message == {"type": "subscribe", "channel": "user", "jwt": message["jwt"]}
    assert message["jwt"] == f"{part(HEADER)}.{part(PAYLOAD)}.{SIGNATURE}"


def test_the_token_of_a_call_names_method_host_and_path_without_the_query() -> None:
    signer = AdvancedSigner(Credentials(NAME, SEED))

    signed = signer.call(Fetch("GET", "/api/v3/brokerage/accounts?limit=250", ""), NOW_NS, NONCE)

    assert signed.path == "/api/v3/brokerage/accounts?limit=250"
    claims = jwt.decode(
        signed.headers["Authorization"].removeprefix("Bearer "),
        options={"verify_signature": False},
    )
    assert claims["uri"] == "GET api.coinbase.com/api/v3/brokerage/accounts"
    assert (claims["nbf"], claims["exp"]) == (1_700_000_000, 1_700_000_120)
    assert set(signed.headers) == {"Authorization"}


def test_the_token_of_a_command_ends_with_its_deadline() -> None:
    signer = AdvancedSigner(Credentials(NAME, SEED))
    fetch = Fetch("POST", "/orders", "", {"deadline": "1700000005900000000"}, b"{}")

    signed = signer.call(fetch, NOW_NS, NONCE)

    token = signed.headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] == 1_700_000_005
    assert set(signed.headers) == {"Authorization", "Content-Type"}


def test_keys_on_p_256_sign_with_64_raw_bytes() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    secret = pem(key)
    for spelled in (secret, secret.replace("\n", "\\n")):  # as in an environment variable
        token = json.loads(
            AdvancedSigner(Credentials(NAME, spelled)).frame(SUBSCRIBE, NOW_NS, NONCE)
        )["jwt"]

        assert jwt.get_unverified_header(token)["alg"] == "ES256"
        assert len(base64.urlsafe_b64decode(token.split(".")[2] + "==")) == 64
        jwt.decode(token, key.public_key(), ["ES256"], {"verify_exp": False})


def test_an_ed25519_key_in_pem_is_taken() -> None:
    algorithm, _ = private_key(pem(ed25519.Ed25519PrivateKey.generate()))

    assert algorithm == "EdDSA"


@pytest.mark.parametrize(
    "secret",
    [
        "c2hvcnQ=",
        "no base64!",
        "-----BEGIN EC PRIVATE KEY-----\nc2hvcnQ=\n-----END EC PRIVATE KEY-----\n",
        pem(ec.generate_private_key(ec.SECP384R1())),
        pem(rsa.generate_private_key(65537, 2048)),
    ],
    ids=["short", "no base64", "no key", "P-384", "RSA"],
)
def test_other_secrets_are_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(BadInput, match="P-256 or Ed25519") as refused:
        AdvancedSigner(Credentials(NAME, secret))

    assert secret not in f"{refused.value} {refused.value.__cause__!r}"


def test_a_signer_and_what_it_signed_show_nothing() -> None:
    signer = AdvancedSigner(Credentials(NAME, SEED))

    signed = signer.call(Fetch("POST", "/", "", body=b"{}"), NOW_NS, NONCE)

    for secret in (NAME, SEED, signed.headers["Authorization"]):
        assert secret not in f"{signed!r} {signer!r}"
    assert signer.headers(NOW_NS, NONCE) == {}


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)

    with pytest.raises(BadInput, match=r"pip install 'fluxum\[signing\]'"):
        AdvancedSigner(Credentials(NAME, SEED))
