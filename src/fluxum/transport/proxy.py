"""The proxy that the environment names for an URL."""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

__all__ = ["environment_proxy", "without_password"]

_SCHEMES = {"ws": "http", "wss": "https"}


def environment_proxy(url: str) -> str | None:
    """The proxy for an URL by `HTTP_PROXY` and `HTTPS_PROXY`, unless `NO_PROXY` names its host.

    A WebSocket begins as an HTTP request, so the proxy of http is that of ws, and the one of https
    that of wss.
    """
    parts = urlsplit(url)
    if parts.hostname is None or proxy_bypass(parts.hostname):
        return None
    return getproxies().get(_SCHEMES.get(parts.scheme, parts.scheme))


def without_password(proxy: str) -> str:
    """A proxy's URL for people: its user and password are masked."""
    parts = urlsplit(proxy)
    login, at, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"***@{host}" if at and login else host).geturl()
