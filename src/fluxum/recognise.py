"""Facts about a recording from the description beside it, `NAME.meta.json`."""

from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from fluxum.errors import TapeError
from fluxum.venues.register import VENUES

__all__ = ["recognise", "requests_beside", "variant"]


def recognise(path: Path) -> str | None:
    """The exchange a recording was made at, by the URLs in `NAME.meta.json` beside it."""
    for connection in _meta_beside(path).connections:
        url = urlsplit(connection.url)
        for venue in VENUES.values():
            known = [urlsplit(one) for one in venue.endpoints.values()]
            is_known = any(
                url.hostname == one.hostname and url.path.rstrip("/") == one.path.rstrip("/")
                for one in known
            )
            if is_known or url.hostname in venue.recorded_hosts:
                return venue.name
    return None


def variant(path: Path, venue: str | None) -> str | None:
    """The named exchange, or the one of its variants (`NAME-futures`) whose URL it was."""
    known = recognise(path)
    if venue is None or (known is not None and known.startswith(f"{venue}-")):
        return known
    return venue


def requests_beside(path: Path) -> list[bytes]:
    """The frames that the client sent, from `NAME.meta.json` beside `NAME.jsonl.gz`, if any."""
    return [line.raw.encode() for line in _meta_beside(path).sent]


def _meta_beside(path: Path) -> "_Meta":
    name = path.name.removesuffix(".gz").removesuffix(".jsonl")
    meta = path.with_name(f"{name}.meta.json")
    if not meta.is_file():
        return _Meta()
    try:
        return msgspec.json.decode(meta.read_bytes(), type=_Meta)
    except (OSError, msgspec.MsgspecError) as error:
        raise TapeError(f"{meta} is no description of a recording: {error}") from error


class _Connected(Struct):
    url: str = ""


class _Sent(Struct):
    raw: str


class _Meta(Struct):
    connections: list[_Connected] = []
    sent: list[_Sent] = []
