"""The URL that a client of the simulated venue dials: which streams it names, and their form.

`/ws` sends bare events and `/stream` wraps them; streams are named behind `/ws/` or in `streams`,
parted by `/` (https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md).
USD-M has a path for each kind of stream before that, `/public` and `/market`
(https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams/
Important-WebSocket-Change-Notice). A path without one of these is served as all of them, as it was
before 2026-04-23, for clients of that time.
"""

from urllib.parse import unquote

from msgspec import Struct

from fluxum.errors import VenueRefused
from fluxum.venues.binance.policy import Policy
from fluxum.venues.server.contract import Dialled

__all__ = ["Target", "read_target"]


class Target(Struct, frozen=True):
    """`category` is the kind of streams that are sent, `None` for all of them."""

    category: str | None
    is_combined: bool
    streams: tuple[str, ...] = ()


def read_target(policy: Policy, dialled: Dialled) -> Target:
    """The parts of a URL; raises VenueRefused, with the HTTP status, for one that is not served."""
    first, _, rest = dialled.path.strip("/").partition("/")
    category = first if first in policy.endpoints else None
    if category is not None:
        first, _, rest = rest.partition("/")
    elif not dialled.path:
        category = dialled.endpoint if dialled.endpoint in policy.endpoints else None
    named = unquote(rest)
    for part in dialled.query.split("&"):
        name, _, value = part.partition("=")
        if name == "streams":
            named = unquote(value)
        elif name == "timeUnit" and value.lower() != "millisecond":
            raise VenueRefused(f"times are sent in milliseconds here, was {part!r}", "400")
    if first not in {"", "ws", "stream"} or (first == "stream" and rest):
        raise VenueRefused(f"/ws and /stream were expected, was {dialled.path!r}", "404")
    streams = tuple(one for one in named.split("/") if one)
    return Target(category, first != "ws", streams)
