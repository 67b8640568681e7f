"""How calls and upgrades of links to Gemini are signed, all of them in headers.

https://developer.gemini.com/authentication/api-key: parameters travel in a header as the base64
text of JSON, which is signed with HMAC-SHA384. https://developer.gemini.com/websocket/authentication:
the upgrade of ws.gemini.com signs the base64 text of its nonce alone. Nonces are the venue's clock
in seconds, good for half a minute either way, as keys with "time-based nonce" want them; the
WebSocket takes no others.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping

from msgspec.json import decode, encode

from fluxum.errors import BadInput
from fluxum.model.account import Credentials
from fluxum.venues.conversation import Fetch
from fluxum.venues.private import Signed

__all__ = ["GeminiSigner", "signature", "upgrade_payload"]

_SECOND_NS = 1_000_000_000


def signature(secret: str, payload: str) -> str:
    """The signature of a payload: of its base64 text."""
    return hmac.digest(secret.encode(), payload.encode(), hashlib.sha384).hex()


def upgrade_payload(nonce: str) -> str:
    """What the upgrade of ws.gemini.com signs."""
    return base64.b64encode(nonce.encode()).decode()


class GeminiSigner:
    """Signs with the key of one account; see Signer. Raises BadInput for a key of a group."""

    def __init__(self, credentials: Credentials) -> None:
        if credentials.key.startswith("master-"):
            raise BadInput("a key of one account was expected, was one of a group: master-***")
        self._key = credentials.key
        self._secret = credentials.secret

    def call(self, fetch: Fetch, now_ns: int, nonce: int) -> Signed:  # noqa: ARG002 - time, no nonce
        """A call without a body, or an upgrade: the parameters are in a header."""
        given = decode(fetch.body, type=dict[str, object]) if fetch.body else {}
        request = {"request": fetch.path, "nonce": now_ns // _SECOND_NS, **given}
        payload = base64.b64encode(encode(request)).decode()
        headers = {"Content-Type": "text/plain", "Cache-Control": "no-cache"}
        return Signed(fetch.path, {**fetch.headers, **headers, **self._signed(payload)}, b"")

    def frame(self, frame: bytes, now_ns: int, nonce: int) -> bytes:  # noqa: ARG002
        """The frame itself: a link is authenticated by its upgrade."""
        return frame

    def headers(self, now_ns: int, nonce: int) -> Mapping[str, str]:  # noqa: ARG002
        """The headers of the upgrade of ws.gemini.com."""
        text = str(now_ns // _SECOND_NS)
        return {"X-GEMINI-NONCE": text, **self._signed(upgrade_payload(text))}

    def _signed(self, payload: str) -> Mapping[str, str]:
        return {
            "X-GEMINI-APIKEY": self._key,
            "X-GEMINI-PAYLOAD": payload,
            "X-GEMINI-SIGNATURE": signature(self._secret, payload),
        }
