"""Which requests may read the page: tokens, cookies, and the headers `Host` and `Origin`.

A browser sends requests of any web page to this machine, and a web page may point its own name to
127.0.0.1 (rebinding). So each request has to name this machine in `Host`, come from this page by
`Origin` if it has one, and have the cookie or the token. Pure.
"""

import ipaddress
from collections.abc import Collection
from hmac import compare_digest
from pathlib import Path
from urllib.parse import urlsplit

from fluxum.errors import BadInput

__all__ = ["PORT", "Guard", "is_loopback", "read_token"]

PORT = 8866
"""Where the page is, unless another port is asked for."""
_TOKEN_MIN = 32
_OTHERS = 0o077


class Guard:
    """Decides by headers and secrets; `token` and `cookie` are of 256 bits, in text.

    `host` is the address that the server listens on, `names` further names that browsers may use,
    such as that of a reverse proxy. If `host` is a loopback address, only loopback names are
    admitted; else every address in digits as well, since rebinding needs a name.
    """

    def __init__(self, token: str, cookie: str, host: str, names: Collection[str] = ()) -> None:
        self._token = token.encode()
        self._cookie = cookie.encode()
        self._is_local = is_loopback(host)
        self._names = {host.lower(), *(name.lower() for name in names)}

    def admits_host(self, header: str) -> bool:
        """Whether the `Host` header names this machine."""
        host = _host_of(header)
        if is_loopback(host) or host in self._names:
            return bool(host)
        return not self._is_local and _is_address(host)

    def admits_origin(self, origin: str | None, host: str) -> bool:
        """Whether a request with this `Origin` and `Host` is from the page itself, or from none."""
        if origin is None:
            return True
        scheme, _, rest = origin.partition("://")
        return scheme in {"http", "https"} and rest.lower() == host.lower()

    def is_token(self, token: str) -> bool:
        """Whether this is the token."""
        return compare_digest(token.encode(), self._token)

    def is_cookie(self, cookie: str) -> bool:
        """Whether this is the cookie."""
        return compare_digest(cookie.encode(), self._cookie)

    def admits(self, cookie: str, authorization: str) -> bool:
        """Whether a request has the cookie, or the token as `Authorization: Bearer ...`."""
        scheme, _, token = authorization.partition(" ")
        return self.is_cookie(cookie) or (scheme.lower() == "bearer" and self.is_token(token))


def read_token(path: Path) -> str:
    """The token in a file that only its owner can read; raises BadInput.

    It has 32 characters or more; spaces around it are left out.
    """
    try:
        mode = path.stat().st_mode
        token = path.read_text().strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"the token file {path} cannot be read: {reason}") from error
    if mode & _OTHERS:
        raise BadInput(f"others can read the token file {path}: chmod 600 {path}")
    if len(token) < _TOKEN_MIN or not token.isascii() or not token.isprintable():
        raise BadInput(
            f"{path}: a token of {_TOKEN_MIN} or more ASCII characters was expected,"
            f" had {len(token)}; python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    return token


def is_loopback(host: str) -> bool:
    """Whether a host is this machine's own, by its name or its address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _host_of(header: str) -> str:
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""
