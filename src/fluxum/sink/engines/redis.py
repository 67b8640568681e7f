"""Redis Streams: a key for each stream, an entry for each batch, its id `EPOCH-N`.

The streams are `fluxum:STREAM`, and the set `fluxum` has their names.

An id that is not greater than the last is refused, so a repeat is stored no second time
(https://redis.io/docs/latest/commands/xadd/, "Specifying a Stream ID as an argument"). Whether a
refused one is a repeat or of another publisher is looked up. How durable it is, is the server's
`appendonly` and `appendfsync`. `?maxlen=N` keeps about so many batches of each stream; by default
nothing is removed, and a server without memory refuses.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from fluxum.clock import monotonic_s
from fluxum.errors import LocalProtocolError
from fluxum.sink.engine import EngineState, EngineUrl, library
from fluxum.sink.names import matches
from fluxum.sink.wire import Batch

__all__ = ["Inspector", "Reader", "Writer"]

_READ_AT_ONCE = 100  # entries of each stream
_NAMES_S = 0.1  # how often new streams are looked for


class _Link:
    """A connection; the library's own retries are off, as the caller's are counted."""

    def __init__(self, url: EngineUrl) -> None:
        self._redis = library("redis.asyncio", "redis")
        self._errors = library("redis.exceptions", "redis")
        self._url = url
        self._name = url.name
        self._link: Any = None

    async def open(self) -> None:
        """Connect."""
        self._link = self._redis.Redis.from_url(
            self._url.address.partition("?")[0],
            retry=None,
            retry_on_error=[],
            single_connection_client=True,
        )
        await self._link.ping()

    async def close(self) -> None:
        """Close the connection."""
        link, self._link = self._link, None
        if link is not None:
            await link.aclose()


class Writer(_Link):
    """Writes to Redis Streams; see BatchWriter."""

    def __init__(self, url: EngineUrl) -> None:
        super().__init__(url)
        self._named: set[str] = set()

    async def open(self) -> None:
        """See BatchWriter."""
        await super().open()
        self._named = set()  # a server that keeps nothing on disk has forgotten them

    async def write(self, batches: Sequence[Batch]) -> None:
        """See BatchWriter: one pipeline of XADD."""
        length = self._url.options.get("maxlen")
        new = {batch.stream for batch in batches} - self._named
        if new:
            await self._link.sadd(self._name, *new)
            self._named |= new
        pipeline = self._link.pipeline(transaction=False)
        for batch in batches:
            pipeline.xadd(
                self._key(batch),
                {b"batch": batch.payload},
                id=_id(batch),
                maxlen=None if length is None else int(length),
            )
        answers = await pipeline.execute(raise_on_error=False)
        for batch, answer in zip(batches, answers, strict=True):
            if isinstance(answer, self._errors.ResponseError) and "equal or smaller" in str(answer):
                await self._require_stored(batch)
            elif isinstance(answer, Exception):
                raise answer

    async def _require_stored(self, batch: Batch) -> None:
        """It is a repeat if it is there; else another publisher, begun later, writes the stream."""
        if not await self._link.xrange(self._key(batch), _id(batch), _id(batch)):
            raise LocalProtocolError(
                f"another publisher of {batch.stream} began later, and writes to {self._url!r}"
            )

    def _key(self, batch: Batch) -> str:
        return f"{self._name}:{batch.stream}"


class Reader(_Link):
    """Reads Redis Streams; see BatchReader."""

    def __init__(self, url: EngineUrl, streams: str, is_whole: bool) -> None:
        super().__init__(url)
        self._pattern = streams
        self._first = "0" if is_whole else "$"
        self._last: dict[bytes, bytes | str] = {}
        self._looked_s = 0.0

    async def open(self) -> None:
        """See BatchReader."""
        await super().open()
        await self._look()
        self._first = "0"  # a stream that appears later is read from its beginning

    async def read(self, wait_s: float) -> Sequence[bytes]:
        """See BatchReader."""
        until_s = monotonic_s() + wait_s
        while True:
            if monotonic_s() >= self._looked_s + _NAMES_S:
                await self._look()
            left_s = min(until_s - monotonic_s(), _NAMES_S)
            if not self._last:
                await asyncio.sleep(max(0.0, left_s))
            elif found := await self._link.xread(
                self._last, count=_READ_AT_ONCE, block=max(1, round(left_s * 1000))
            ):
                return [payload for key, entries in found for payload in self._take(key, entries)]
            if monotonic_s() >= until_s:
                return ()

    def _take(self, key: bytes, entries: Sequence[tuple[bytes, dict[bytes, bytes]]]) -> list[bytes]:
        self._last[key] = entries[-1][0]
        return [fields.get(b"batch", b"") for _, fields in entries]

    async def _look(self) -> None:
        """Look for streams that are not read yet."""
        self._looked_s = monotonic_s()
        for name in await self._link.smembers(self._name):
            key = b"%b:%b" % (self._name.encode(), name)
            if key not in self._last and matches(self._pattern, name.decode()):
                self._last[key] = await self._end(key) if self._first == "$" else self._first

    async def _end(self, key: bytes) -> bytes | str:
        entries = await self._link.xrevrange(key, count=1)
        return entries[0][0] if entries else "0"


class Inspector(_Link):
    """Looks at Redis; see EngineInspector."""

    async def state(self) -> EngineState:
        """See EngineInspector."""
        found = await self._link.info()
        version = str(found["redis_version"])
        try:  # of a stream that is not there: it is refused as any entry would be, and never stored
            await self._link.xadd(f"{self._name}:doctor", {b"batch": b""}, nomkstream=True)
        except self._errors.ResponseError as error:
            return EngineState(version=version, refusal=str(error))
        risks: list[str] = []
        if not found.get("aof_enabled"):
            risks.append("appendonly is no: a restart loses what is newer than the last snapshot")
        policy = str(found.get("maxmemory_policy", "noeviction"))
        if found.get("maxmemory") and policy.startswith("allkeys"):
            risks.append(f"maxmemory-policy is {policy}: full memory removes whole streams")
        streams = await self._link.scard(self._name)
        return EngineState(version=version, facts=(f"{streams} streams",), risks=tuple(risks))


def _id(batch: Batch) -> str:
    return f"{batch.epoch}-{batch.n}"
