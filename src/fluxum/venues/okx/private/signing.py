"""How calls and logins to OKX are signed.

https://www.okx.com/docs-v5/en/#overview-rest-authentication: base64 of the HMAC-SHA256 of time,
method, path with its query, and body. https://www.okx.com/docs-v5/en/#overview-websocket-login: the
login of a link signs the time in seconds and a fixed path; orders over the link are not signed.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from fluxum.errors import BadInput
from fluxum.model.account import Credentials
from fluxum.venues.conversation import Fetch
from fluxum.venues.private import Signed

__all__ = ["TIME_HEADER", "OkxSigner", "call_text", "iso_time", "login_text", "signature"]

TIME_HEADER = "OK-ACCESS-TIMESTAMP"
"""The header with the time of a call, which is good for 30 seconds before and behind it."""

_SECOND = 1_000_000_000
_MILLISECOND = 1_000_000
_decode_object = msgspec.json.Decoder(dict[str, object]).decode


def signature(secret: str, text: str) -> str:
    """The signature of a text."""
    return b64encode(hmac.digest(secret.encode(), text.encode(), hashlib.sha256)).decode()


def iso_time(now_ns: int) -> str:
    """The time of a call: ISO 8601 in UTC, with milliseconds."""
    seconds, rest = divmod(now_ns, _SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // _MILLISECOND:03}Z"


def login_text(seconds: str) -> str:
    """What the login of a link signs."""
    return f"{seconds}GET/users/self/verify"


def call_text(fetch: Fetch, timestamp: str) -> str:
    """What a call signs; a GET has no body."""
    return f"{timestamp}{fetch.method}{fetch.path}{fetch.body.decode()}"


class OkxSigner:
    """Signs with the key of one account; see Signer.

    Raises BadInput for credentials without the passphrase that every key of OKX has.
    """

    def __init__(self, credentials: Credentials) -> None:
        if not credentials.passphrase:
            raise BadInput("OKX's keys have a passphrase, the credentials have none")
        self._key = credentials.key
        self._secret = credentials.secret
        self._passphrase = credentials.passphrase

    def call(self, fetch: Fetch, now_ns: int, nonce: int) -> Signed:  # noqa: ARG002 - time, no nonce
        """A call with the four headers that authenticate it; its own time counts, if it has one."""
        timestamp = fetch.headers.get(TIME_HEADER) or iso_time(now_ns)
        headers = {
            "Content-Type": "application/json",
            "OK-ACCESS-KEY": self._key,
            "OK-ACCESS-SIGN": signature(self._secret, call_text(fetch, timestamp)),
            TIME_HEADER: timestamp,
            "OK-ACCESS-PASSPHRASE": self._passphrase,
        }
        return Signed(fetch.path, {**fetch.headers, **headers}, fetch.body)

    def frame(self, frame: bytes, now_ns: int, nonce: int) -> bytes:  # noqa: ARG002
        """A login with key, passphrase, time and signature."""
        seconds = str(now_ns // _SECOND)
        login = {
            "apiKey": self._key,
            "passphrase": self._passphrase,
            "timestamp": seconds,
            "sign": signature(self._secret, login_text(seconds)),
        }
        return msgspec.json.encode({**_decode_object(frame), "args": (login,)})

    def headers(self, now_ns: int, nonce: int) -> Mapping[str, str]:  # noqa: ARG002
        """None: a link is opened by its login."""
        return {}
