"""How a call to Kraken is signed.

https://docs.kraken.com/api/docs/guides/spot-rest-auth: the signature is the HMAC-SHA512, under the
decoded secret, of the path followed by the SHA256 of nonce and body; the body holds the nonce.
The nonce has to grow with every call under one key, whoever makes it.
"""

import base64
import binascii
import hashlib
import hmac

from fluxum.errors import BadInput
from fluxum.model.account import Credentials
from fluxum.venues.conversation import Fetch
from fluxum.venues.private import Signed

__all__ = ["api_sign", "sign"]

_FORM = "application/x-www-form-urlencoded"


def api_sign(path: str, nonce: str, body: bytes, secret: str) -> str:
    """The signature of a call to a path, of the body as it is sent, in base64.

    Raises BadInput for a secret that is no base64; the message does not show it.
    """
    digest = hashlib.sha256(nonce.encode() + body).digest()
    try:
        key = base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        raise BadInput("a secret in base64 was expected, as Kraken shows it once") from None
    return base64.b64encode(hmac.digest(key, path.encode() + digest, hashlib.sha512)).decode()


def sign(fetch: Fetch, credentials: Credentials, nonce: int) -> Signed:
    """Put the nonce before the form of an unsigned call, and sign both."""
    body = f"nonce={nonce}".encode() + (b"&" + fetch.body if fetch.body else b"")
    headers = {
        "Content-Type": _FORM,
        "API-Key": credentials.key,
        "API-Sign": api_sign(fetch.path, str(nonce), body, credentials.secret),
    }
    return Signed({**fetch.headers, **headers}, body)
