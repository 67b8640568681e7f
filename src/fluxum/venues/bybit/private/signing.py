"""How calls and frames to Bybit are signed.

https://bybit-exchange.github.io/docs/v5/guide (calls: the HMAC-SHA256 of time, key, receive window
and the query or the body as it is sent, in hexadecimal digits), /ws/connect (the login of a link
signs when it expires) and /websocket/trade/guideline (orders over a link carry the time alone).
"""

import hashlib
import hmac
from collections.abc import Mapping

import msgspec

from fluxum.model.account import Credentials
from fluxum.venues.bybit import native
from fluxum.venues.conversation import Fetch
from fluxum.venues.private import Signed

__all__ = ["RECEIVE_MS", "BybitSigner", "call_text", "login_text", "signature"]

RECEIVE_MS = 5000
"""How old a call may be when it arrives, in milliseconds: the venue's default."""
_LOGIN_MS = 10_000
_MILLISECOND = 1_000_000
_decode_object = msgspec.json.Decoder(dict[str, object]).decode


def signature(secret: str, text: str) -> str:
    """The signature of a text."""
    return hmac.digest(secret.encode(), text.encode(), hashlib.sha256).hex()


def login_text(expires_ms: int) -> str:
    """What the login of a link signs."""
    return f"GET/realtime{expires_ms}"


def call_text(fetch: Fetch, timestamp: str, key: str, receive_ms: str) -> str:
    """What a call signs: the query of a GET, the body of a POST."""
    payload = fetch.path.partition("?")[2] if fetch.method == "GET" else fetch.body.decode()
    return f"{timestamp}{key}{receive_ms}{payload}"


class BybitSigner:
    """Signs with the key of one account; see Signer."""

    def __init__(self, credentials: Credentials) -> None:
        self._key = credentials.key
        self._secret = credentials.secret

    def call(self, fetch: Fetch, now_ns: int, nonce: int) -> Signed:  # noqa: ARG002 - time, no nonce
        """A call with the four headers that authenticate it."""
        timestamp, receive_ms = str(now_ns // _MILLISECOND), str(RECEIVE_MS)
        text = call_text(fetch, timestamp, self._key, receive_ms)
        headers = {
            "Content-Type": "application/json",
            "X-BAPI-API-KEY": self._key,
            "X-BAPI-TIMESTAMP": timestamp,
            "X-BAPI-RECV-WINDOW": receive_ms,
            "X-BAPI-SIGN": signature(self._secret, text),
        }
        return Signed(fetch.path, {**fetch.headers, **headers}, fetch.body)

    def frame(self, frame: bytes, now_ns: int, nonce: int) -> bytes:  # noqa: ARG002
        """A login with key, expiry and signature, or an order with the time it is sent."""
        message = _decode_object(frame)
        if message.get("op") == "auth":
            expires_ms = now_ns // _MILLISECOND + _LOGIN_MS
            signed = signature(self._secret, login_text(expires_ms))
            return native.encode({**message, "args": (self._key, expires_ms, signed)})
        times = {
            "X-BAPI-TIMESTAMP": str(now_ns // _MILLISECOND),
            "X-BAPI-RECV-WINDOW": str(RECEIVE_MS),
        }
        return native.encode({**message, "header": times})

    def headers(self, now_ns: int, nonce: int) -> Mapping[str, str]:  # noqa: ARG002
        """None: a link is opened by its login."""
        return {}
