"""How calls and requests are signed: HMAC-SHA256 over time, method, path and body, in base64.

https://docs.cdp.coinbase.com/exchange/rest-api/authentication and
.../websocket-feed/authentication. A proof is good for thirty seconds around its time. That of a
command that has a deadline carries the time thirty seconds before it, if this is in the past: a
command that arrives later is refused.
"""

from collections.abc import Mapping

from msgspec.json import decode, encode

from fluxum.errors import BadInput, LocalProtocolError
from fluxum.model.account import Credentials
from fluxum.venues.coinbase.exchange.signing import proof, signature
from fluxum.venues.conversation import Fetch
from fluxum.venues.private import Signed

__all__ = ["DEADLINE", "VALID_S", "ExchangeSigner"]

DEADLINE = "deadline"
"""Stands among the headers of a command that has a deadline, in ns; it is not sent."""
VALID_S = 30
_SECOND_NS = 1_000_000_000


class ExchangeSigner:
    """Signs with the key of one account; see Signer. Raises BadInput for no secret in base64."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        try:
            signature(credentials.secret, "0")
        except LocalProtocolError as error:
            raise BadInput(str(error)) from None

    def call(self, fetch: Fetch, now_ns: int, nonce: int) -> Signed:  # noqa: ARG002 - none needed
        """A call with its headers."""
        headers = dict(fetch.headers)
        deadline_ns = int(headers.pop(DEADLINE, 0)) or now_ns + VALID_S * _SECOND_NS
        time_text = _seconds(min(now_ns, deadline_ns - VALID_S * _SECOND_NS))
        text = f"{time_text}{fetch.method}{fetch.path}".encode() + fetch.body
        credentials = self._credentials
        headers |= {
            "CB-ACCESS-KEY": credentials.key,
            "CB-ACCESS-SIGN": proof(credentials.secret, text),
            "CB-ACCESS-TIMESTAMP": time_text,
            "CB-ACCESS-PASSPHRASE": credentials.passphrase,
            "Content-Type": "application/json",
        }
        return Signed(fetch.path, headers, fetch.body)

    def frame(self, frame: bytes, now_ns: int, nonce: int) -> bytes:  # noqa: ARG002 - none needed
        """A request for channels with its proof."""
        time_text = _seconds(now_ns)
        credentials = self._credentials
        request = decode(frame, type=dict[str, object])
        request |= {
            "signature": signature(credentials.secret, time_text),
            "key": credentials.key,
            "passphrase": credentials.passphrase,
            "timestamp": time_text,
        }
        return encode(request)

    def headers(self, now_ns: int, nonce: int) -> Mapping[str, str]:  # noqa: ARG002 - none needed
        """None: a link is open to everybody."""
        return {}


def _seconds(now_ns: int) -> str:
    """`1610075590.123`: whole seconds would lose up to one of the thirty."""
    seconds, millis = divmod(now_ns // 1_000_000, 1000)
    return f"{seconds}.{millis:03d}"
