"""NATS JetStream: a subject for each stream, a message for each batch, the batch's key its id.

A message id that JetStream has seen within its duplicate window is acknowledged and not stored
again (https://docs.nats.io/using-nats/developer/develop_jetstream/model_deep_dive, "Message
Deduplication"). The window should be the longest outage to bridge: `duplicate_window_s`, 120 by
default. Readers skip repeats all the same.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from fluxum.sink.engine import EngineState, EngineUrl, library
from fluxum.sink.wire import Batch

__all__ = ["Inspector", "Reader", "Writer"]

_CONNECT_S = 3
_READ_AT_ONCE = 500
_SEND_AT_ONCE = 8
_IDLE_S = 300.0
_WRONG_LAST_SEQUENCE = 10071  # JSStreamWrongLastSequenceErrF in the server's errors.json
_ESCAPED = str.maketrans({".": "%2E", ">": "%3E", " ": "%20"})


class _Link:
    """A connection, which is never mended: the caller opens another."""

    def __init__(self, url: EngineUrl) -> None:
        self._nats = library("nats", "nats")
        self._url = url
        self._link: Any = None
        self._stream: Any = None
        self._sent: list[asyncio.Future[Any]] = []
        self._error: Exception = ConnectionError("no server was tried")

    async def connect(self) -> None:
        """Connect."""
        self._link = self._nats.NATS()  # `close` ends it, also if it never connects
        try:
            await self._link.connect(
                self._url.address.partition("?")[0],
                allow_reconnect=False,
                connect_timeout=_CONNECT_S,
                max_reconnect_attempts=1,
                reconnect_time_wait=0.05,
                error_cb=self._failed,
                disconnected_cb=self._disconnected,
            )
        except library("nats.errors", "nats").NoServersError:
            raise self._error from None
        self._stream = self._link.jetstream()

    async def open(self) -> None:
        """Connect, and make the JetStream stream if it is not there."""
        await self.connect()
        name = self._url.name
        api = library("nats.js.api", "nats")
        try:
            await self._stream.stream_info(name)
        except library("nats.js.errors", "nats").NotFoundError:
            window_s = float(self._url.options.get("duplicate_window_s", "120"))
            await self._stream.add_stream(
                name=name,
                subjects=[f"{name}.>"],
                storage=api.StorageType.FILE,
                duplicate_window=window_s,
            )

    async def close(self) -> None:
        """Close the connection."""
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    async def _failed(self, error: Exception) -> None:
        """The library would log its errors; those that matter are raised."""
        self._error = error

    async def _disconnected(self) -> None:
        """The library leaves what it has sent without an end."""
        for acknowledgement in self._sent:
            if not acknowledgement.done():
                acknowledgement.set_exception(ConnectionResetError("the server hung up"))


class Writer(_Link):
    """Writes to JetStream; see BatchWriter."""

    async def write(self, batches: Sequence[Batch]) -> None:
        """See BatchWriter: all are sent, then all acknowledgements are awaited."""
        name, sent = self._url.name, self._sent
        try:
            for number, batch in enumerate(batches):
                if number and number % _SEND_AT_ONCE == 0:
                    await asyncio.sleep(0)  # the library would not let the loop go on
                subject, headers = _subject_of(name, batch.stream), {"Nats-Msg-Id": batch.key}
                sent.append(
                    await self._stream.publish_async(subject, batch.payload, headers=headers)
                )
            await asyncio.wait(sent)
            for acknowledgement in sent:
                acknowledgement.result()
        finally:
            for acknowledgement in sent:  # errors but the first would be logged as never retrieved
                if not acknowledgement.cancel() and not acknowledgement.cancelled():
                    acknowledgement.exception()
            sent.clear()


class Reader(_Link):
    """Reads from JetStream; see BatchReader."""

    def __init__(self, url: EngineUrl, streams: str, is_whole: bool) -> None:
        super().__init__(url)
        self._filter = _subject_of(url.name, streams) if streams not in {"", "*"} else ""
        self._is_whole = is_whole
        self._last = 0
        self._messages: Any = None

    async def open(self) -> None:
        """See BatchReader: a consumer that keeps no state at the server for long."""
        await super().open()
        api = library("nats.js.api", "nats")
        config = api.ConsumerConfig(
            ack_policy=api.AckPolicy.NONE, inactive_threshold=_IDLE_S, mem_storage=True
        )
        if not self._last and not self._is_whole:  # from now on, also after another `open`
            state = (await self._stream.stream_info(self._url.name)).state
            self._last = state.last_seq
            self._is_whole = True
        config.deliver_policy = api.DeliverPolicy.ALL
        if self._last:
            config.deliver_policy = api.DeliverPolicy.BY_START_SEQUENCE
            config.opt_start_seq = self._last + 1
        subject = self._filter or f"{self._url.name}.>"
        self._messages = await self._stream.pull_subscribe(
            subject, stream=self._url.name, config=config
        )

    async def read(self, wait_s: float) -> Sequence[bytes]:
        """See BatchReader."""
        try:
            found = await self._messages.fetch(_READ_AT_ONCE, timeout=wait_s)
        except (TimeoutError, library("nats.errors", "nats").TimeoutError):
            if not self._link.is_connected:
                raise
            return ()
        if found:
            self._last = found[-1].metadata.sequence.stream
        return [message.data for message in found]


class Inspector(_Link):
    """Looks at JetStream; see EngineInspector."""

    open = _Link.connect

    async def state(self) -> EngineState:
        """See EngineInspector."""
        server, name = self._link.connected_server_version, self._url.name
        version = f"{server.major}.{server.minor}.{server.patch}"
        errors = library("nats.js.errors", "nats")
        try:
            await self._stream.account_info()
            info = await self._stream.stream_info(name)
        except errors.NotFoundError:
            return EngineState(version=version, facts=(f"the stream {name} is not there yet",))
        except errors.Error as error:
            return EngineState(version=version, refusal=f"JetStream: {error}")
        try:  # a message that expects another one before it than there is, so it is never stored
            headers = {"Nats-Expected-Last-Sequence": str(1 << 62)}
            await self._stream.publish(f"{name}.doctor", b"", headers=headers)
        except errors.APIError as error:
            if error.err_code != _WRONG_LAST_SEQUENCE:
                return EngineState(version=version, refusal=f"JetStream: {error.description}")
        except errors.Error as error:
            return EngineState(version=version, refusal=f"JetStream: {error}")
        storage = library("nats.js.api", "nats").StorageType.MEMORY
        is_memory = info.config.storage == storage
        risks = (f"the stream {name} is kept in memory alone",) if is_memory else ()
        facts = (f"{info.state.messages} batches in the stream {name}",)
        return EngineState(version=version, facts=facts, risks=risks)


def _subject_of(name: str, stream: str) -> str:
    """The subject of a stream; a pattern is the subject of a wildcard."""
    return f"{name}.{stream.translate(_ESCAPED).replace('/', '.')}"
