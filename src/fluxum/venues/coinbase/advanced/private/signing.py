"""How calls and subscriptions to Advanced Trade are signed: with a JSON Web Token for each.

https://docs.cdp.coinbase.com/coinbase-app/authentication-authorization/api-key-authentication:
the token of a call names method, host and path, without the query; and
.../advanced-trade-apis/websocket/websocket-authentication: a token in each request. A token is
good for two minutes. That of a command ends with the command's deadline, if this is sooner: a
command that arrives later is refused.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import structs

from fluxum.errors import BadInput
from fluxum.model.account import Credentials
from fluxum.venues.coinbase.advanced import native
from fluxum.venues.conversation import Fetch
from fluxum.venues.private import Signed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    PrivateKey = EllipticCurvePrivateKey | Ed25519PrivateKey

__all__ = ["DEADLINE", "HOST", "VALID_S", "AdvancedSigner", "private_key"]

HOST = "api.coinbase.com"
"""The host that tokens of calls name, whatever URL is called."""
DEADLINE = "deadline"
"""Stands among the headers of a command that has a deadline, in ns; it is not sent."""
VALID_S = 120
_SECOND_NS = 1_000_000_000
_SEED_BYTES = 32


def private_key(secret: str) -> "tuple[str, PrivateKey]":
    """The algorithm of a secret, ES256 or EdDSA, and the key; raises BadInput.

    A secret is the PEM of a key on P-256 or of an Ed25519 key, its line ends real or written as a
    backslash and an n, or in base64 the 32 bytes of an Ed25519 seed, behind which the public key
    may follow.
    """
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ec import (
            SECP256R1,
            EllipticCurvePrivateKey,
        )
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        raise BadInput("these keys need the extra: pip install 'fluxum[signing]'") from None
    expected = "a secret in PEM (P-256 or Ed25519), or 32 or 64 bytes in base64, was expected"
    try:
        if "-----BEGIN" in secret:
            key = load_pem_private_key(secret.replace("\\n", "\n").encode(), None)
        else:
            seed = base64.b64decode(secret, validate=True)
            if len(seed) not in {_SEED_BYTES, 2 * _SEED_BYTES}:
                raise BadInput(expected)
            key = Ed25519PrivateKey.from_private_bytes(seed[:_SEED_BYTES])
    except (ValueError, TypeError, binascii.Error, UnsupportedAlgorithm):
        raise BadInput(expected) from None
    if isinstance(key, Ed25519PrivateKey):
        return "EdDSA", key
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
        return "ES256", key
    raise BadInput(expected)


class AdvancedSigner:
    """Signs with the key of one account; see Signer. Raises BadInput for a secret of no key."""

    def __init__(self, credentials: Credentials) -> None:
        self._name = credentials.key
        self._algorithm, self._key = private_key(credentials.secret)

    def call(self, fetch: Fetch, now_ns: int, nonce: int) -> Signed:
        """A call with its token."""
        headers = dict(fetch.headers)
        deadline_ns = int(headers.pop(DEADLINE, 0)) or None
        claims = {"uri": f"{fetch.method} {HOST}{fetch.path.partition('?')[0]}"}
        token = self._token(now_ns, nonce, claims, deadline_ns)
        headers["Authorization"] = f"Bearer {token}"
        if fetch.body:
            headers["Content-Type"] = "application/json"
        return Signed(fetch.path, headers, fetch.body)

    def frame(self, frame: bytes, now_ns: int, nonce: int) -> bytes:
        """A request with its token."""
        request = native.decode_request(frame)
        return native.encode(structs.replace(request, jwt=self._token(now_ns, nonce, {}, None)))

    def headers(self, now_ns: int, nonce: int) -> Mapping[str, str]:  # noqa: ARG002 - none needed
        """None: a link is open to everybody."""
        return {}

    def _token(
        self, now_ns: int, nonce: int, claims: Mapping[str, str], deadline_ns: int | None
    ) -> str:
        import jwt

        now_s = now_ns // _SECOND_NS
        expires_s = now_s + VALID_S
        if deadline_ns is not None:
            expires_s = min(expires_s, deadline_ns // _SECOND_NS)
        payload = {"sub": self._name, "iss": "cdp", "nbf": now_s, "exp": expires_s, **claims}
        headers = {"kid": self._name, "nonce": f"{nonce:032x}"}
        return jwt.encode(
            payload, self._key, algorithm=self._algorithm, headers=headers, sort_headers=True
        )
