"""The port to message engines: a writer and a reader of batches, and which engine a URL names.

    nats://127.0.0.1:4222?name=fluxum        NATS JetStream (extra nats)
    redis://127.0.0.1:6379?name=fluxum       Redis Streams (extra redis)
    postgresql://127.0.0.1/db?name=fluxum    PostgreSQL (extra postgres)
    kafka://127.0.0.1:9092?name=fluxum       Kafka (extra kafka; tested against a mock only)

`name` is the stream, prefix of keys, table or topic, `fluxum` by default. An engine module has a
class `Writer` and a class `Reader`, made with an `EngineUrl`; both convert no errors: their caller
takes whatever the library raises for a failure of the engine, and opens them again.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Protocol
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.logs import hide
from fluxum.sink.wire import Batch

__all__ = [
    "BatchReader",
    "BatchWriter",
    "EngineInspector",
    "EngineState",
    "EngineUrl",
    "SinkUrl",
    "disconnect",
    "has_secret",
    "inspect_engine",
    "library",
    "reader_of",
    "writer_of",
]

_ENGINES = {
    "nats": "nats",
    "tls": "nats",
    "redis": "redis",
    "rediss": "redis",
    "postgresql": "postgres",
    "postgres": "postgres",
    "kafka": "kafka",
}
_log = logging.getLogger(__name__)
_CLOSE_S = 1.0
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,40}")
_SECRET_OPTIONS = ("password", "sslpassword")


class BatchWriter(Protocol):
    """Writes batches."""

    async def open(self) -> None:
        """Connect, and make the stream, keys or tables if they are not there; may raise."""
        ...

    async def write(self, batches: Sequence[Batch]) -> None:
        """Store batches of different streams; returns when the engine has acknowledged all.

        If it raises or is cancelled, some may be stored; the same batches come again after another
        `open`, and those that are stored already count as acknowledged.
        """
        ...

    async def close(self) -> None:
        """Disconnect; may raise."""
        ...


class BatchReader(Protocol):
    """Reads batches in the order in which the engine stored those of each stream."""

    async def open(self) -> None:
        """Connect, at the position after the last batch that was read; may raise."""
        ...

    async def read(self, wait_s: float) -> Sequence[bytes]:
        """The next payloads; empty if none came within `wait_s`."""
        ...

    async def close(self) -> None:
        """Disconnect; may raise."""
        ...


class EngineState(Struct, frozen=True, kw_only=True):
    """What an engine is, as `inspect_engine` found it without writing anything.

    `refusal` is why it takes no events, empty if it does. `facts` are about how it keeps them;
    `risks` are reasons why something that was acknowledged may be lost.
    """

    version: str
    refusal: str = ""
    facts: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()


class EngineInspector(Protocol):
    """Looks at an engine, and writes nothing."""

    async def open(self) -> None:
        """Connect; may raise."""
        ...

    async def state(self) -> EngineState:
        """What it is now; may raise."""
        ...

    async def close(self) -> None:
        """Disconnect; may raise."""
        ...


class EngineUrl(Struct, frozen=True, kw_only=True):
    """An engine's address, without the options that are Fluxum's, and these."""

    engine: str
    address: str
    name: str
    options: dict[str, str]

    @classmethod
    def parse(cls, url: str) -> "EngineUrl":
        """Read a URL; raises BadInput, which does not show its password."""
        parts = _split(url)
        engine = None if parts is None else _ENGINES.get(parts.scheme)
        if parts is None or engine is None or not parts.netloc:
            known = ", ".join(f"{one}://" for one in ("nats", "redis", "postgresql", "kafka"))
            raise BadInput(f"a URL of an engine was expected ({known}), was {_hidden(url)!r}")
        hide(*_secrets(url))
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        name = options.pop("name", "fluxum")
        if not _NAME.fullmatch(name):
            raise BadInput(f"name=LETTERS_OR_DIGITS was expected, was {name!r}")
        address = urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(options), ""))
        return cls(engine=engine, address=address, name=name, options=options)

    def __repr__(self) -> str:
        """The URL without its password."""
        return f"{_hidden(self.address)} ({self.name})"


class SinkUrl(str):
    """The URL of an engine; `repr` shows neither its user nor its password."""

    __slots__ = ()

    def __repr__(self) -> str:
        """The URL with stars for its user and password."""
        return repr(self.masked)

    @property
    def masked(self) -> str:
        """The URL without its user and password."""
        return _hidden(self)


def has_secret(url: str) -> bool:
    """Whether a URL contains a password, or the token of a NATS server."""
    return _split(url) is not None and bool(_secrets(url))


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:  # an address in brackets without their end
        return None


def _secrets(url: str) -> list[str]:
    """The secrets in a URL, as they are and as they are written there."""
    parts = urlsplit(url)
    written = parts.password
    if _ENGINES.get(parts.scheme) == "nats" and written is None:
        written = parts.username  # a token stands where a user would
    options = [value for name, value in parse_qsl(parts.query) if name in _SECRET_OPTIONS]
    return options if written is None else [written, unquote(written), *options]


def _hidden(url: str) -> str:
    """A URL without its user and password."""
    shown = re.sub(r"//[^/]*@", "//***@", url)
    return re.sub(rf"\b({'|'.join(_SECRET_OPTIONS)})=[^&]*", r"\1=***", shown)


def writer_of(url: str) -> BatchWriter:
    """The writer of a URL; raises BadInput, also if the engine's library is not installed."""
    parsed = EngineUrl.parse(url)
    writer: Callable[[EngineUrl], BatchWriter] = _module(parsed).Writer
    return writer(parsed)


def reader_of(url: str, streams: str, *, is_whole: bool) -> BatchReader:
    """The reader of a URL: of streams by a pattern, from the first that is stored or the next.

    Raises BadInput, also if the engine's library is not installed.
    """
    parsed = EngineUrl.parse(url)
    reader: Callable[[EngineUrl, str, bool], BatchReader] = _module(parsed).Reader
    return reader(parsed, streams, is_whole)


async def inspect_engine(url: str) -> EngineState:
    """What the engine of a URL is now, and whether it takes events; nothing is written.

    Raises BadInput, and whatever its library raises if the engine cannot be reached.
    """
    parsed = EngineUrl.parse(url)
    inspector: EngineInspector = _module(parsed).Inspector(parsed)
    try:
        await inspector.open()
        return await inspector.state()
    finally:
        await disconnect(inspector)


async def disconnect(engine: BatchWriter | BatchReader | EngineInspector) -> None:
    """Close what has failed or is done; what that raises means nothing."""
    try:
        async with asyncio.timeout(_CLOSE_S):
            await engine.close()
    except Exception as error:  # noqa: BLE001 - it is closed, whatever its library says
        _log.debug("sink: closing raised %r", error)


def library(name: str, extra: str) -> Any:
    """An engine's library, imported when it is used; raises BadInput if it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        raise BadInput(
            f"{name} of the extra {extra} is needed: pip install 'fluxum[{extra}]'"
        ) from error


def _module(url: EngineUrl) -> Any:
    return import_module(f"fluxum.sink.engines.{url.engine}")
