"""PostgreSQL: a table with a row for each event, its key `(stream, epoch, n)`.

A write is one statement, which inserts the rows whose key is not there yet: a repeat changes
nothing, and a connection that is lost leaves no transaction open. If the table is there, opening
waits for neither a lock nor the server's disk. Gaps are found by

    SELECT stream, epoch, max(n) - min(n) + 1 - count(*) FROM fluxum GROUP BY 1, 2

It is a table to ask, not a bus: readers look for new rows every 50 ms.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from fluxum.clock import monotonic_s
from fluxum.flow.background import detached
from fluxum.sink.engine import EngineState, EngineUrl, library
from fluxum.sink.names import matches
from fluxum.sink.wire import Batch, encode_batch, events_of

__all__ = ["Inspector", "Reader", "Writer"]

_CONNECT_S = 3.0
_POLL_S = 0.05
_READ_AT_ONCE = 5_000
_IS_THERE = "SELECT to_regclass('{name}_place') IS NOT NULL"
_TABLE = """
SELECT pg_advisory_xact_lock(hashtext('{name}'));
CREATE TABLE IF NOT EXISTS {name} (
    stream text NOT NULL, epoch bigint NOT NULL, n bigint NOT NULL, event json NOT NULL,
    place bigserial NOT NULL, PRIMARY KEY (stream, epoch, n));
CREATE UNIQUE INDEX IF NOT EXISTS {name}_place ON {name} (place)
"""
# One writer at a time, so that a reader that goes by `place` passes over no row committed late.
# A server does not notice that a client which waits for a lock has left: hence the limit.
_INSERT = """
WITH lock AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(hashtext('{name}')) FROM set_config('lock_timeout', '5s', true))
INSERT INTO {name} (stream, epoch, n, event)
SELECT stream, epoch, n + at - 1, event
FROM lock, unnest($1::text[], $2::bigint[], $3::bigint[], $4::json[])
        AS batches (stream, epoch, n, events),
    json_array_elements(events) WITH ORDINALITY AS one (event, at)
ORDER BY 1, 2, 3
ON CONFLICT (stream, epoch, n) DO NOTHING
"""
_READ = """
SELECT stream, epoch, n, event, place FROM {name} WHERE place > $1 ORDER BY place LIMIT $2
"""
_STATE = """
SELECT current_setting('server_version') AS version, pg_is_in_recovery() AS is_standby,
    current_setting('transaction_read_only') AS read_only, current_user AS who,
    current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit,
    to_regclass($1) IS NOT NULL AS is_there,
    CASE WHEN to_regclass($1) IS NULL THEN has_schema_privilege(current_schema(), 'CREATE')
        ELSE has_table_privilege(to_regclass($1), 'INSERT') END AS may_write
"""


class _Link:
    def __init__(self, url: EngineUrl) -> None:
        self._asyncpg = library("asyncpg", "postgres")
        self._url = url
        self._link: Any = None

    async def connect(self) -> None:
        """Connect."""
        self._link = await self._asyncpg.connect(self._url.address, timeout=_CONNECT_S)

    async def open(self) -> None:
        """Connect, and make the table if it is not there."""
        await self.connect()
        name = self._url.name
        if not await self._answer(self._link.fetchval(_IS_THERE.format(name=name))):
            await self._answer(self._link.execute(_TABLE.format(name=name)))

    async def _answer(self, call: Coroutine[Any, Any, Any]) -> Any:
        """What the server answers; if the call is cancelled, the connection is closed at once.

        The library would ask the server over a second connection to cancel it, whose end is logged
        as an error if it comes too early.
        """
        answer = detached(call, name="sink: PostgreSQL")
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            # Its error, that the connection was closed, is expected and not logged.
            answer.add_done_callback(lambda one: one.cancelled() or one.exception())
            await self.close()
            raise

    async def close(self) -> None:
        """Close the connection, without a word if the server does not answer."""
        link, self._link = self._link, None
        if link is not None:
            link.terminate()


class Writer(_Link):
    """Writes to PostgreSQL; see BatchWriter."""

    async def write(self, batches: Sequence[Batch]) -> None:
        """See BatchWriter: one statement, which is a transaction."""
        rows = [(one.stream, one.epoch, one.n, events_of(one.payload).decode()) for one in batches]
        insert = _INSERT.format(name=self._url.name)
        await self._answer(self._link.execute(insert, *zip(*rows, strict=True)))


class Reader(_Link):
    """Reads from PostgreSQL; see BatchReader."""

    def __init__(self, url: EngineUrl, streams: str, is_whole: bool) -> None:
        super().__init__(url)
        self._pattern = streams
        self._place: int | None = 0 if is_whole else None

    async def open(self) -> None:
        """See BatchReader."""
        await super().open()
        if self._place is None:
            last = f"SELECT coalesce(max(place), 0) FROM {self._url.name}"  # noqa: S608 - checked
            self._place = await self._answer(self._link.fetchval(last))

    async def read(self, wait_s: float) -> Sequence[bytes]:
        """See BatchReader."""
        until_s = monotonic_s() + wait_s
        read = _READ.format(name=self._url.name)
        while True:
            rows = await self._answer(self._link.fetch(read, self._place, _READ_AT_ONCE))
            if rows:
                self._place = rows[-1]["place"]
            found = [row for row in rows if matches(self._pattern, row["stream"])]
            if found or monotonic_s() >= until_s:
                return _batches(found)
            if not rows:
                await asyncio.sleep(_POLL_S)


class Inspector(_Link):
    """Looks at PostgreSQL; see EngineInspector."""

    open = _Link.connect

    async def state(self) -> EngineState:
        """See EngineInspector."""
        name = self._url.name
        row = await self._link.fetchrow(_STATE, name)
        version = str(row["version"]).partition(" ")[0]
        refusal = ""
        if row["is_standby"] or row["read_only"] == "on":
            refusal = "the database is read only"
        elif not row["may_write"]:
            what = f"write to the table {name}" if row["is_there"] else f"make the table {name}"
            refusal = f"the user {row['who']} may not {what}"
        facts = () if row["is_there"] else (f"the table {name} is not there yet",)
        off = [one for one in ("fsync", "synchronous_commit") if row[one] == "off"]
        risks = tuple(f"{one} is off: a crash loses what was acknowledged" for one in off)
        return EngineState(version=version, refusal=refusal, facts=facts, risks=risks)


def _batches(rows: Sequence[Any]) -> list[bytes]:
    """Batches of rows whose numbers follow on."""
    found: list[bytes] = []
    lines: list[bytes] = []
    first: Any = None
    for row in rows:
        follows = first is not None and (row["stream"], row["epoch"], row["n"]) == (
            first["stream"],
            first["epoch"],
            first["n"] + len(lines),
        )
        if not follows:
            if lines:
                found.append(_batch(first, lines))
            first, lines = row, []
        lines.append(row["event"].encode())
    return [*found, _batch(first, lines)] if lines else found


def _batch(first: Any, lines: Sequence[bytes]) -> bytes:
    return encode_batch(first["stream"], first["epoch"], first["n"], lines, 0).payload
