"""REST calls as a server reads them: a path in parts, a query, and plain answers."""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlsplit

import msgspec
from msgspec import MsgspecError, Struct

from fluxum.venues.server.contract import Answer
from fluxum.venues.venue import Fetch

__all__ = ["Call", "answer", "count", "json_object", "not_found", "query_number", "read_call"]

_encode = msgspec.json.Encoder().encode
_decode_object = msgspec.json.Decoder(dict[str, object]).decode


class Call(Struct, frozen=True):
    """What is asked: the method, the parts of the path, and the query; `pairs` are all of it."""

    method: str
    parts: tuple[str, ...]
    query: Mapping[str, str]
    pairs: Sequence[tuple[str, str]] = ()

    def every(self, name: str) -> list[str]:
        """All values of a name that may be repeated."""
        return [value for one, value in self.pairs if one == name]


def read_call(fetch: Fetch) -> Call:
    """The parts of a call."""
    url = urlsplit(fetch.path)
    parts = tuple(part for part in url.path.split("/") if part)
    pairs = parse_qsl(url.query)
    return Call(fetch.method, parts, dict(pairs), pairs)


def count(call: Call, name: str, default: int, most: int) -> int:
    """A number of the query, at most `most`; the default for what is none."""
    text = call.query.get(name, "")
    wish = int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 else default
    return max(1, min(wish, most))


def query_number(
    query: Mapping[str, str], name: str, default: int, error: Exception, *, digits_max: int = 15
) -> int:
    """A whole number of a query, by default `default`; raises `error` for any other text."""
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal()) or len(text) > digits_max:
        raise error
    return int(text)


def json_object(body: bytes, refused: Exception) -> dict[str, object]:
    """The object of a body; raises `refused` for any other body."""
    try:
        return _decode_object(body)
    except (MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise refused from error


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer in JSON."""
    return Answer(status, _encode(body), headers or {})


def not_found() -> Answer:
    """There is no such thing."""
    return answer({"message": "NotFound"}, 404)
