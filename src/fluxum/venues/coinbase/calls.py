"""REST calls as a server reads them: a path in parts, a query, and plain answers."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

import msgspec
from msgspec import Struct

from fluxum.venues.venue import Answer, Fetch

__all__ = ["Call", "answer", "count", "not_found", "read_call"]

_encode = msgspec.json.Encoder().encode


class Call(Struct, frozen=True):
    """What is asked: the method, the parts of the path, and the query."""

    method: str
    parts: tuple[str, ...]
    query: Mapping[str, str]


def read_call(fetch: Fetch) -> Call:
    """The parts of a call."""
    url = urlsplit(fetch.path)
    parts = tuple(part for part in url.path.split("/") if part)
    return Call(fetch.method, parts, dict(parse_qsl(url.query)))


def count(call: Call, name: str, default: int, most: int) -> int:
    """A number of the query, at most `most`; the default for what is none."""
    text = call.query.get(name, "")
    wish = int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 else default
    return max(1, min(wish, most))


def answer(body: object, status: int = 200) -> Answer:
    """An answer in JSON."""
    return Answer(status, _encode(body))


def not_found() -> Answer:
    """There is no such thing."""
    return answer({"message": "NotFound"}, 404)
