"""Kafka, tested against a mock of the broker only: one topic, a message for each batch.

The key is the stream, so that one partition has all of it, in order. `enable.idempotence` stores
the library's own repeats once; a batch that is written again after a failure may be stored twice,
and readers skip it. librdkafka has threads of its own: its calls are made in a thread, and are
bounded. `?KEY=VALUE` in the URL is a setting of librdkafka, such as `security.protocol`.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from fluxum.clock import monotonic_s
from fluxum.errors import TransportError
from fluxum.sink.engine import EngineState, EngineUrl, library
from fluxum.sink.names import matches
from fluxum.sink.wire import Batch

__all__ = ["Inspector", "Reader", "Writer"]

_WRITE_S = 4.0  # below the publisher's own limit
_CONNECT_S = 3.0
_READ_AT_ONCE = 500
_SILENT = logging.getLogger(f"{__name__}.librdkafka")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


class _Link:
    def __init__(self, url: EngineUrl) -> None:
        self._kafka = library("confluent_kafka", "kafka")
        self._url = url
        self._settings = {"bootstrap.servers": urlsplit(url.address).netloc, **url.options}


class Writer(_Link):
    """Writes to Kafka; see BatchWriter."""

    def __init__(self, url: EngineUrl) -> None:
        super().__init__(url)
        self._producer: Any = None

    async def open(self) -> None:
        """See BatchWriter; the broker is reached by the first write."""
        self._producer = self._kafka.Producer(
            {
                **self._settings,
                "enable.idempotence": True,
                "linger.ms": 0,
                "message.timeout.ms": round(_WRITE_S * 1000),
            },
            logger=_SILENT,
        )

    async def write(self, batches: Sequence[Batch]) -> None:
        """See BatchWriter."""
        await asyncio.to_thread(self._write, batches)

    async def close(self) -> None:
        """Forget what was not written: it comes again."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()

    def _write(self, batches: Sequence[Batch]) -> None:
        errors: list[str] = []
        stored: list[int] = []

        def report(error: Any, message: Any) -> None:
            if error is None:
                stored.append(message.offset())
            else:
                errors.append(str(error))

        producer = self._producer
        for batch in batches:
            producer.produce(
                self._url.name, batch.payload, batch.stream.encode(), on_delivery=report
            )
        producer.flush(_WRITE_S)
        if errors or len(stored) != len(batches):
            because = errors[0] if errors else "no answer"
            raise TransportError(f"{len(batches) - len(stored)} batches were not stored: {because}")


class Reader(_Link):
    """Reads from Kafka; see BatchReader."""

    def __init__(self, url: EngineUrl, streams: str, is_whole: bool) -> None:
        super().__init__(url)
        self._pattern = streams
        self._is_whole = is_whole
        self._next: dict[int, int] = {}
        self._consumer: Any = None

    async def open(self) -> None:
        """See BatchReader: all partitions, each at its own position."""
        self._consumer = self._kafka.Consumer(
            {**self._settings, "group.id": "fluxum", "enable.auto.commit": False}, logger=_SILENT
        )
        await asyncio.to_thread(self._assign)

    async def read(self, wait_s: float) -> Sequence[bytes]:
        """See BatchReader."""
        until_s = monotonic_s() + wait_s
        messages = await asyncio.to_thread(self._consumer.consume, _READ_AT_ONCE, wait_s)
        found: list[bytes] = []
        for message in messages:
            if message.error() is not None:
                raise TransportError(str(message.error()))
            self._next[message.partition()] = message.offset() + 1
            if matches(self._pattern, (message.key() or b"").decode("utf-8", "replace")):
                found.append(message.value())
        if messages and not found:  # all were of other streams
            return await self.read(max(0.0, until_s - monotonic_s()))
        return found

    async def close(self) -> None:
        """See BatchReader."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await asyncio.to_thread(consumer.close)

    def _assign(self) -> None:
        topic = self._url.name
        partitions = self._consumer.list_topics(topic, timeout=_WRITE_S).topics[topic].partitions
        for partition in partitions:
            place = self._kafka.TopicPartition(topic, partition)
            low, high = self._consumer.get_watermark_offsets(place, timeout=_WRITE_S)
            self._next.setdefault(partition, low if self._is_whole else high)
        self._is_whole = True  # a partition that appears later is read from its beginning
        self._consumer.assign(
            [self._kafka.TopicPartition(topic, *one) for one in self._next.items()]
        )


class Inspector(_Link):
    """Looks at Kafka; see EngineInspector."""

    async def open(self) -> None:
        """See EngineInspector; the broker is reached by `state`."""
        library("confluent_kafka.admin", "kafka")

    async def state(self) -> EngineState:
        """See EngineInspector."""
        return await asyncio.to_thread(self._state)

    async def close(self) -> None:
        """Nothing is open."""

    def _state(self) -> EngineState:
        admin = self._kafka.admin.AdminClient(dict(self._settings), logger=_SILENT)
        found = admin.list_topics(timeout=_CONNECT_S)
        topic = self._url.name
        fact = f"{len(found.brokers)} brokers; whether they take messages is not known before"
        is_there = topic in found.topics and found.topics[topic].error is None
        missing = () if is_there else (f"the topic {topic} is not there yet",)
        return EngineState(version="", facts=(fact, *missing))
