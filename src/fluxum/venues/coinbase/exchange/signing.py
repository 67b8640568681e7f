"""A login to the Exchange feed: an account, and the proof of it.

https://docs.cdp.coinbase.com/exchange/websocket-feed/authentication
"""

import base64
import binascii
import hashlib
import hmac

from fluxum.errors import LocalProtocolError
from fluxum.venues.coinbase.exchange import native

__all__ = ["AccountConfig", "proof", "signature"]

_PATH = "/users/self/verify"


def signature(secret: str, time_text: str) -> str:
    """HMAC-SHA256 in base64 over the time in seconds, `GET` and the path.

    Raises LocalProtocolError for a secret that is no base64.
    """
    return proof(secret, f"{time_text}GET{_PATH}".encode())


def proof(secret: str, text: bytes) -> str:
    """HMAC-SHA256 of a text in base64; raises LocalProtocolError for a secret that is no base64."""
    try:
        key = base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        raise LocalProtocolError("a secret in base64 was expected") from None
    return base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


class AccountConfig:
    """Credentials that sign requests; their `repr` never shows them."""

    __slots__ = ("_key", "_passphrase", "_secret")

    def __init__(self, key: str, secret: str, passphrase: str) -> None:
        self._key = key
        self._secret = secret
        self._passphrase = passphrase

    def __repr__(self) -> str:
        return "Login(...)"

    def sign(self, request: native.Request, time_text: str) -> native.Request:
        """The request with its proof, which is good for thirty seconds."""
        return native.Request(
            request.type,
            request.product_ids,
            request.channels,
            signature(self._secret, time_text),
            self._key,
            self._passphrase,
            time_text,
        )
