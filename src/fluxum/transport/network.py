"""The network as links and calls use it: resolved names, TLS 1.2 or newer, a proxy, time-outs."""

import ssl
from collections.abc import Mapping
from typing import Literal, get_args
from urllib.parse import urlsplit

from msgspec import Struct, field, structs

from fluxum.errors import BadInput

__all__ = ["NameCounts", "Network", "ProxyUrl", "TlsVersion"]

_TOO_OLD = frozenset({"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION"})
TlsVersion = Literal["1.2", "1.3"]
"""The versions of TLS that can be required as the least."""
_TLS: Mapping[str, ssl.TLSVersion] = {
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}


class ProxyUrl(str):
    """The URL of a proxy; `repr` does not show its password."""

    __slots__ = ()

    def __repr__(self) -> str:
        """The URL with stars for the password."""
        return repr(self.masked)

    @property
    def masked(self) -> str:
        """The URL without its password."""
        password = urlsplit(self).password
        return str(self) if password is None else self.replace(f":{password}@", ":***@")


class NameCounts(Struct):
    """How names were resolved: asked for = lookups + cached; failures are among the lookups.

    `last_s` is how long the last lookup took, `longest_s` the longest; zero before the first.
    """

    lookups: int = 0
    cached: int = 0
    failures: int = 0
    last_s: float = 0.0
    longest_s: float = 0.0


class Network(Struct, frozen=True, kw_only=True):
    """Options of links and calls.

    `proxy` is an HTTP proxy's URL; without one the environment's (`HTTPS_PROXY`) is used.
    `name_cache_s` is how long a resolved name is kept, `tls_min` the oldest version of TLS that is
    accepted. A link that closes waits `close_timeout_s` for its peer to close as well; then it is
    abandoned. A REST call fails after `call_timeout_s`. `names` counts what was resolved.
    """

    proxy: str | None = None
    name_cache_s: float = 30.0
    tls_min: TlsVersion = "1.2"
    close_timeout_s: float = 0.5
    call_timeout_s: float = 10.0
    names: NameCounts = field(default_factory=NameCounts)

    def __post_init__(self) -> None:
        """Raise for options that make no sense."""
        if self.proxy is not None:
            structs.force_setattr(self, "proxy", ProxyUrl(self.proxy))
        if self.tls_min not in _TLS:
            known = " or ".join(get_args(TlsVersion))
            raise BadInput(f"tls_min: {known} was expected, was {self.tls_min!r}")
        for name in ("name_cache_s", "close_timeout_s", "call_timeout_s"):
            if not getattr(self, name) > 0:
                raise BadInput(f"{name}: more than 0 s was expected, was {getattr(self, name)}")

    def context(self) -> ssl.SSLContext:
        """The client's side of TLS."""
        context = ssl.create_default_context()
        context.minimum_version = _TLS[self.tls_min]
        return context

    def failure(self, error: Exception) -> str:
        """Why a connection could not be made; names a server's TLS if it is too old."""
        cause = getattr(error, "os_error", error)
        if isinstance(cause, ssl.SSLError) and cause.reason in _TOO_OLD:
            place = f"{getattr(error, 'host', '')}:{getattr(error, 'port', '')}"
            return f"TLS {self.tls_min} or newer was expected, and {place} offers older versions"
        return str(error) or type(error).__name__
