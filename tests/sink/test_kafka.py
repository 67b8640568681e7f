"""Kafka against librdkafka's mock of a broker; there is no real one to be had by pip."""

import asyncio

import pytest

from fluxum.sink.engine import reader_of, writer_of
from fluxum.sink.wire import Batch, OutboxDropped, encode_batch, encode_notice

confluent_kafka = pytest.importorskip("confluent_kafka")
pytestmark = pytest.mark.network


def test_batches_come_back_in_order_from_the_mock() -> None:
    admin = confluent_kafka.Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 1})
    brokers = admin.list_topics(timeout=5).brokers
    url = f"kafka://{brokers[1].host}:{brokers[1].port}"
    stream = "kraken/BTC-USD/trade"

    def batch(n: int) -> list[Batch]:
        return [encode_batch(stream, 7, n, [encode_notice(OutboxDropped(count=n, sent_ns=1))], 1)]

    async def story() -> None:
        writer, reader = writer_of(url), reader_of(url, "*/*/trade", is_whole=True)
        await writer.open()
        for n in (1, 2, 3):
            await writer.write(batch(n))
        await reader.open()
        found: list[bytes] = []
        while payloads := await reader.read(2.0):
            found += payloads
            if len(found) == 3:
                break
        assert found == [batch(n)[0].payload for n in (1, 2, 3)]
        await reader.close()
        await writer.write(batch(4))
        await reader.open()
        assert await reader.read(5.0) == [batch(4)[0].payload]
        await reader.close()
        await writer.close()

    asyncio.run(story())
