"""The way to a host: its name, its port, TLS and its certificate; and the checks of these."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterable
from typing import Any, Protocol
from urllib.parse import urlsplit

from msgspec import Struct

from fluxum.clock import monotonic_s
from fluxum.doctor.check import Check, Figure, Outcome
from fluxum.errors import TransportError
from fluxum.transport.proxy import without_password

__all__ = ["Handshake", "LiveNetwork", "Network", "Resolved", "check_network", "check_proxy"]

_TIMEOUT_S = 10.0
_DAY_S = 86_400
_DAYS_MIN = 14
_SLOW_NAMES_S = 1.0
_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_ENCRYPTED = frozenset({"https", "wss"})


class Resolved(Struct, frozen=True):
    """The addresses of a name, and how long it took to find them."""

    addresses: tuple[str, ...]
    took_s: float


class Handshake(Struct, frozen=True):
    """A connection that was opened and closed: how long TCP took, and what TLS agreed on.

    `tls` is the version, empty without TLS; `expires_s` is the end of the certificate in seconds
    since the epoch.
    """

    connect_s: float
    tls: str = ""
    expires_s: float | None = None


class Network(Protocol):
    """Looks up names and opens connections. Both raise TransportError with the reason."""

    async def resolve(self, host: str, port: int) -> Resolved:
        """The addresses of a host."""
        ...

    async def connect(self, host: str, port: int, *, is_encrypted: bool) -> Handshake:
        """Open a connection and close it; with TLS the certificate is verified."""
        ...


class LiveNetwork:
    """This machine's network. `context` is the client's side of TLS, the system's by default."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._context = ssl.create_default_context() if context is None else context
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2

    async def resolve(self, host: str, port: int) -> Resolved:
        """The addresses of a host; see Network."""
        began_s = monotonic_s()
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                found = await asyncio.get_running_loop().getaddrinfo(
                    host, port, type=socket.SOCK_STREAM
                )
        except (OSError, UnicodeError) as error:
            raise TransportError(f"{host} has no address: {_reason(error)}") from error
        addresses = tuple(dict.fromkeys(str(one[4][0]) for one in found))
        return Resolved(addresses, monotonic_s() - began_s)

    async def connect(self, host: str, port: int, *, is_encrypted: bool) -> Handshake:
        """Open a connection, first without TLS to see how long it takes; see Network."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                began_s = monotonic_s()
                _, writer = await asyncio.open_connection(host, port)
                connect_s = monotonic_s() - began_s
                writer.close()
                if not is_encrypted:
                    return Handshake(connect_s)
                _, writer = await asyncio.open_connection(
                    host, port, ssl=self._context, server_hostname=host
                )
                tls = writer.get_extra_info("ssl_object")
                certificate: dict[str, Any] = tls.getpeercert()
                version = str(tls.version())
                writer.close()
        except ssl.SSLCertVerificationError as error:
            raise TransportError(f"its certificate: {error.verify_message}") from error
        except OSError as error:
            raise TransportError(f"no connection: {_reason(error)}") from error
        expires_s = float(ssl.cert_time_to_seconds(certificate["notAfter"]))
        return Handshake(connect_s, version, expires_s)


def check_proxy(exchange: str, proxy: str) -> Check:
    """A proxy is between this machine and the exchange."""
    shown = without_password(proxy)
    return Check(
        exchange=exchange,
        name="proxy",
        outcome=Outcome.OK,
        result=f"links and calls go through {shown}; names and TLS are not checked",
        figures={"proxy": shown},
    )


async def check_network(
    exchange: str, urls: Iterable[str], network: Network, now_s: float
) -> AsyncIterator[Check]:
    """The name and the TLS of each host of an exchange, each host once."""
    hosts = dict.fromkeys(map(_host, urls))
    for host, port, is_encrypted in hosts:
        name = await _check_name(exchange, host, port, network)
        yield name
        if name.outcome is not Outcome.FAILED:
            yield await _check_tls(exchange, host, port, network, now_s, is_encrypted=is_encrypted)


async def _check_name(exchange: str, host: str, port: int, network: Network) -> Check:
    name = f"name {host}"
    try:
        found = await network.resolve(host, port)
    except TransportError as error:
        return Check(
            exchange=exchange,
            name=name,
            outcome=Outcome.FAILED,
            result=str(error),
            advice="Check the network, the resolver (/etc/resolv.conf) and the spelling.",
        )
    is_slow = found.took_s > _SLOW_NAMES_S
    sixth = sum(":" in one for one in found.addresses)
    return Check(
        exchange=exchange,
        name=name,
        outcome=Outcome.WARNING if is_slow else Outcome.OK,
        result=f"{len(found.addresses) - sixth} IPv4 and {sixth} IPv6 addresses"
        f" in {_ms(found.took_s)}",
        advice="A nearer resolver would be faster." if is_slow else "",
        figures={
            "took_s": found.took_s,
            "ipv4": len(found.addresses) - sixth,
            "ipv6": sixth,
        },
    )


async def _check_tls(
    exchange: str, host: str, port: int, network: Network, now_s: float, *, is_encrypted: bool
) -> Check:
    name = f"{'tls' if is_encrypted else 'tcp'} {host}:{port}"
    try:
        made = await network.connect(host, port, is_encrypted=is_encrypted)
    except TransportError as error:
        return Check(
            exchange=exchange,
            name=name,
            outcome=Outcome.FAILED,
            result=str(error),
            advice="Check the firewall, the clock of this machine, and whether something between"
            " here and there opens TLS.",
        )
    result = f"connected in {_ms(made.connect_s)}"
    figures: dict[str, Figure] = {"connect_s": made.connect_s, "tls": made.tls}
    if made.expires_s is None:
        return Check(
            exchange=exchange, name=name, outcome=Outcome.OK, result=result, figures=figures
        )
    days = (made.expires_s - now_s) / _DAY_S
    is_old = days < _DAYS_MIN
    return Check(
        exchange=exchange,
        name=name,
        outcome=Outcome.WARNING if is_old else Outcome.OK,
        result=f"{result}, {made.tls}, certificate valid for {days:.0f} days",
        advice="The exchange must renew its certificate soon; if it has, a proxy shows an old one."
        if is_old
        else "",
        figures={**figures, "certificate_days": round(days, 1)},
    )


def _host(url: str) -> tuple[str, int, bool]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _PORTS[parts.scheme], parts.scheme in _ENCRYPTED


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer in {_TIMEOUT_S:g} s"
    return str(getattr(error, "strerror", None) or error) or type(error).__name__


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
