"""How calls and requests to Binance are signed, with a secret or a private key.

https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md#request-security and
web-socket-api.md#request-security. A call signs its query and body as they are sent, a request of
the WebSocket API its parameters by name, without any encoding. Every request is signed by itself:
that serves keys of all kinds, and no session has to be logged on.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from urllib.parse import quote

import msgspec

from fluxum.errors import BadInput
from fluxum.model.account import Credentials
from fluxum.venues.binance.native import encode
from fluxum.venues.conversation import Fetch
from fluxum.venues.private import Signed

__all__ = ["LISTEN_KEY", "RECEIVE_MS", "BinanceSigner", "request_text", "signing"]

RECEIVE_MS = 5000
"""How old a request may be when it arrives, in milliseconds: the venue's default."""
LISTEN_KEY = "/listenKey"
"""The end of the path of calls for keys of user data streams, which are not signed."""
_MILLISECOND = 1_000_000
_EXPECTED = "a secret, or a private key of Ed25519 or RSA in PEM with its passphrase, was expected"
_decode_object = msgspec.json.Decoder(dict[str, object]).decode


def signing(secret: str, passphrase: str = "") -> Callable[[str], str]:
    """How a text is signed: in hexadecimal digits with a secret, in base64 with a private key.

    Raises BadInput for a private key that cannot be used; the message does not show it.
    """
    if "-----BEGIN" not in secret:
        return lambda text: hmac.digest(secret.encode(), text.encode(), hashlib.sha256).hex()
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        raise BadInput("these keys need the extra: pip install 'fluxum[signing]'") from None
    try:
        pem = secret.strip().replace("\\n", "\n").encode()
        key = load_pem_private_key(pem, passphrase.encode() or None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadInput(_EXPECTED) from None
    if isinstance(key, Ed25519PrivateKey):
        return lambda text: base64.b64encode(key.sign(text.encode())).decode()
    if isinstance(key, RSAPrivateKey):
        return lambda text: base64.b64encode(key.sign(text.encode(), PKCS1v15(), SHA256())).decode()
    raise BadInput(_EXPECTED)


def request_text(params: Mapping[str, object]) -> str:
    """What a request of the WebSocket API signs; a number is its JSON text."""
    return "&".join(
        f"{name}={value if isinstance(value, str) else encode(value).decode()}"
        for name, value in sorted(params.items())
        if name != "signature"
    )


class BinanceSigner:
    """Signs with the key of one account; see Signer.

    The secret is that of an HMAC key, or the private key of a pair (Ed25519 or RSA) in PEM, which
    the passphrase decrypts.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._key = credentials.key
        self._sign = signing(credentials.secret, credentials.passphrase)

    def call(self, fetch: Fetch, now_ns: int, nonce: int) -> Signed:  # noqa: ARG002 - time, no nonce
        """A call with its time and signature at the end of the query, and the key as a header.

        A call that has its time keeps it. Listen keys are had for the key alone.
        """
        headers = {**fetch.headers, "X-MBX-APIKEY": self._key}
        path, _, query = fetch.path.partition("?")
        if path.endswith(LISTEN_KEY):
            return Signed(fetch.path, headers, fetch.body)
        if "timestamp=" not in query:
            sent_ms = now_ns // _MILLISECOND
            query += f"{'&' if query else ''}recvWindow={RECEIVE_MS}&timestamp={sent_ms}"
        signature = quote(self._sign(query + fetch.body.decode()), safe="")
        return Signed(f"{path}?{query}&signature={signature}", headers, fetch.body)

    def frame(self, frame: bytes, now_ns: int, nonce: int) -> bytes:  # noqa: ARG002
        """A request with key, time and signature; one that has its time keeps it."""
        request = _decode_object(frame)
        given = request.get("params")
        params: dict[str, object] = {
            "recvWindow": RECEIVE_MS,
            "timestamp": now_ns // _MILLISECOND,
            **(given if isinstance(given, dict) else {}),
            "apiKey": self._key,
        }
        params["signature"] = self._sign(request_text(params))
        return encode({**request, "params": params})

    def headers(self, now_ns: int, nonce: int) -> Mapping[str, str]:  # noqa: ARG002
        """None: requests are signed."""
        return {}
