"""An engine in memory, with faults: what a writer and a reader must bear from a real one."""

import asyncio
from collections.abc import Sequence

import msgspec

from fluxum.sink.wire import Batch


def lines_of(payload: bytes) -> list[bytes]:
    """The events of a batch as JSON, one by one."""
    events = msgspec.json.decode(payload, type=dict[str, msgspec.Raw])["events"]
    return [bytes(line) for line in msgspec.json.decode(events, type=list[msgspec.Raw])]


class Log:
    """What the engine has stored, in order, and what is wrong with it now.

    `lost_acks` writes are stored and not acknowledged; `refused` fail and store nothing;
    `hangs` never end; `halves` store the first half and fail. `repeats` stores each batch twice
    for readers. If it `swallows`, a cancellation becomes an error. `ids` suppresses what has been
    stored already, as engines do.
    """

    def __init__(self, *, ids: bool = True) -> None:
        self.payloads: list[bytes] = []
        self.keys: set[str] = set()
        self.ids = ids
        self.lost_acks = self.refused = self.hangs = self.halves = 0
        self.repeats = False
        self.swallows = False
        self.is_down = False
        self.opened = 0
        self.written: list[Sequence[Batch]] = []
        self.slow_s = 0.0

    def store(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            if not (self.ids and batch.key in self.keys):
                self.keys.add(batch.key)
                self.payloads += [batch.payload] * (2 if self.repeats else 1)


class MemoryWriter:
    """A writer; a write that is cancelled spoils its link: it acknowledges and stores nothing.

    So a link of PostgreSQL behaves whose transaction was cancelled: later ones are part of it.
    """

    def __init__(self, log: Log) -> None:
        self.log = log
        self.is_spoiled = False

    async def open(self) -> None:
        if self.log.is_down:
            raise ConnectionRefusedError("the engine is down")
        self.log.opened += 1
        self.is_spoiled = False

    async def write(self, batches: Sequence[Batch]) -> None:
        if not self.is_spoiled:
            try:
                await self._write(batches)
            except asyncio.CancelledError:
                self.is_spoiled = True
                raise

    async def _write(self, batches: Sequence[Batch]) -> None:
        log = self.log
        log.written.append(list(batches))
        if log.swallows:
            await swallowing()
        await asyncio.sleep(log.slow_s)
        if log.is_down:
            raise ConnectionResetError("the engine went down")
        if log.hangs:
            log.hangs -= 1
            await asyncio.sleep(1_000_000)
        if log.refused:
            log.refused -= 1
            raise RuntimeError("no space left on device")
        if log.halves:
            log.halves -= 1
            log.store(batches[: len(batches) // 2])
            raise ConnectionResetError("in the middle")
        log.store(batches)
        if log.lost_acks:
            log.lost_acks -= 1
            raise ConnectionResetError("after it was stored")

    async def close(self) -> None:
        raise RuntimeError("closing an engine may fail as well")


class MemoryReader:
    def __init__(self, log: Log, at: int = 0) -> None:
        self.log = log
        self.at = self.taken = at

    async def open(self) -> None:
        if self.log.is_down:
            raise ConnectionRefusedError("the engine is down")
        self.taken = self.at

    async def read(self, wait_s: float) -> Sequence[bytes]:
        """What comes next; a read that is cancelled has taken it from the link all the same."""
        if self.log.swallows:
            await swallowing()
        if self.taken == len(self.log.payloads):
            await asyncio.sleep(wait_s)
        if self.log.is_down:
            raise ConnectionResetError("the engine went down")
        found = self.log.payloads[self.taken :]
        self.taken = len(self.log.payloads)
        await asyncio.sleep(self.log.slow_s)
        self.at = self.taken
        return found

    async def close(self) -> None:
        raise RuntimeError("closing an engine may fail as well")


async def swallowing() -> None:
    """Wait for ever, and raise an error if that is cancelled, as a library for NATS does."""
    try:
        await asyncio.sleep(1_000_000)
    except asyncio.CancelledError:
        raise RuntimeError("stalled") from None
