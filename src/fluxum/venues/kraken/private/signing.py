"""How a call to Kraken is signed.

https://docs.kraken.com/api/docs/guides/spot-rest-auth: the signature is the HMAC-SHA512, under the
decoded secret, of the path followed by the SHA256 of nonce and body; the body holds the nonce.
The nonce has to grow with every call under one key, by any program.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from fluxum.errors import BadInput
from fluxum.model.account import Credentials
from fluxum.venues.conversation import Fetch
from fluxum.venues.private import Signed

__all__ = ["KrakenSigner", "api_sign"]

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


class KrakenSigner:
    """Signs REST calls; the link's frames need a token only. See Signer."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def call(self, fetch: Fetch, now_ns: int, nonce: int) -> Signed:  # noqa: ARG002 - no time in it
        """Put the nonce before the form of a call, and sign both."""
        body = f"nonce={nonce}".encode() + (b"&" + fetch.body if fetch.body else b"")
        headers = {
            "Content-Type": _FORM,
            "API-Key": self._credentials.key,
            "API-Sign": api_sign(fetch.path, str(nonce), body, self._credentials.secret),
        }
        return Signed(fetch.path, {**fetch.headers, **headers}, body)

    def frame(self, frame: bytes, now_ns: int, nonce: int) -> bytes:  # noqa: ARG002
        """A frame as it is: none is signed."""
        return frame

    def headers(self, now_ns: int, nonce: int) -> Mapping[str, str]:  # noqa: ARG002
        """None: a link is opened by the token in its first frame."""
        return {}
