"""aiohttp's client with the options of a network; imported when a network is first used.

Resolved addresses are kept for a short time. If a name has several addresses, they are tried a
quarter of a second apart, IPv6 and IPv4 in turn, and the first that answers is used (happy
eyeballs, RFC 8305); both are aiohttp's.
"""

import logging
import socket
from collections.abc import Sequence
from types import SimpleNamespace

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

from fluxum.clock import monotonic_s
from fluxum.transport.network import NameCounts, Network

__all__ = ["pool"]

_log = logging.getLogger(__name__)
_NAMES_MAX = 1000
_TRY_NEXT_S = 0.25


def pool(
    network: Network, timeout_s: float | None = None, traces: Sequence[aiohttp.TraceConfig] = ()
) -> aiohttp.ClientSession:
    """A client with a network's options; `timeout_s` is for a whole call."""

    async def note_cached(
        _client: aiohttp.ClientSession, _context: SimpleNamespace, _hit: object
    ) -> None:
        network.names.cached += 1

    trace = aiohttp.TraceConfig()
    trace.on_dns_cache_hit.append(note_cached)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            ssl=network.context(),
            limit=0,
            ttl_dns_cache=network.name_cache_s,  # type: ignore[arg-type]  # fractions work
            dns_cache_max_size=_NAMES_MAX,
            happy_eyeballs_delay=_TRY_NEXT_S,
            resolver=_Resolver(network.names),
        ),
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        trust_env=network.proxy is None,
        trace_configs=[trace, *traces],
    )


class _Resolver(AbstractResolver):
    """aiohttp's resolver, timed."""

    def __init__(self, counts: NameCounts) -> None:
        self._counts = counts
        self._resolver = DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host; the time is counted and logged."""
        counts, begun_s = self._counts, monotonic_s()
        counts.lookups += 1
        try:
            found = await self._resolver.resolve(host, port, family)
        except OSError as error:
            counts.failures += 1
            _log.warning("%s cannot be resolved: %s", host, error)
            raise
        finally:
            counts.last_s = monotonic_s() - begun_s
            counts.longest_s = max(counts.longest_s, counts.last_s)
        _log.info("%s resolved in %.0f ms to %d addresses", host, counts.last_s * 1e3, len(found))
        return found

    async def close(self) -> None:
        """Close the resolver below."""
        await self._resolver.close()
