"""The engines themselves: what is written comes back, in order, once, after any repeat."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager

import pytest

from engines import NAMES, Engine, engine
from fluxum.clock import monotonic_s
from fluxum.errors import LocalProtocolError
from fluxum.sink.engine import BatchReader, BatchWriter, disconnect, reader_of, writer_of
from fluxum.sink.wire import Batch, encode_batch, encode_notice
from fluxum.sink.wire import OutboxDropped as Line
from memory_engine import lines_of

pytestmark = pytest.mark.network

TRADES, BOOK = "kraken/BTC-USD/trade", "kraken/A%2DB.C-USD/book"


@pytest.fixture(name="running", params=NAMES)
def _running(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with engine(request.param) as running:
        yield running


def batch(stream: str, n: int, count: int = 2, epoch: int = 1_795_636_966_734_432_000) -> Batch:
    lines = [encode_notice(Line(count=n + at, sent_ns=1)) for at in range(count)]
    return encode_batch(stream, epoch, n, lines, count)


def lines(payloads: list[bytes]) -> list[bytes]:
    return [line for one in payloads for line in lines_of(one)]


@asynccontextmanager
async def writer(url: str) -> AsyncGenerator[BatchWriter]:
    made = writer_of(url)
    await made.open()
    yield made
    await made.close()


@asynccontextmanager
async def reader(
    url: str, streams: str = "*", *, is_whole: bool = True
) -> AsyncGenerator[BatchReader]:
    made = reader_of(url, streams, is_whole=is_whole)
    await made.open()
    yield made
    await made.close()


async def read_all(source: BatchReader) -> list[bytes]:
    found: list[bytes] = []
    while payloads := await source.read(0.2):
        found += payloads
    return found


def test_batches_come_back_in_order_and_repeats_are_stored_once(running: Engine) -> None:
    async def story() -> None:
        first = [batch(TRADES, 1), batch(BOOK, 1, 3)]
        async with writer(running.url) as out, reader(running.url) as source:
            await out.write(first)
            await out.write(first)
            await out.write([batch(TRADES, 3)])

            found = await read_all(source)
            trades = [one for one in found if TRADES.encode() in one]
            assert lines(trades) == lines([batch(TRADES, 1, 4).payload])
            assert lines([one for one in found if one not in trades]) == lines([first[1].payload])
            async with reader(running.url, "*/*/trade") as some:
                assert lines(await read_all(some)) == lines(trades)

    asyncio.run(story())


def test_a_reader_joins_at_the_end_and_goes_on_where_it_was(running: Engine) -> None:
    async def story() -> None:
        async with writer(running.url) as out:
            await out.write([batch(TRADES, 1)])
            async with reader(running.url, is_whole=False) as source:
                assert await read_all(source) == []
                await out.write([batch(TRADES, 3), batch(BOOK, 1)])
                assert len(lines(await read_all(source))) == 4
                await source.close()
                await out.write([batch(TRADES, 5)])
                await source.open()
                assert lines(await read_all(source)) == lines([batch(TRADES, 5).payload])

    asyncio.run(story())


def test_what_was_acknowledged_survives_a_kill(running: Engine) -> None:
    async def story() -> None:
        async with writer(running.url) as out:
            await out.write([batch(TRADES, 1), batch(BOOK, 1)])
            running.kill()
            with pytest.raises(Exception):  # noqa: B017 - whatever the library raises
                async with asyncio.timeout(3):
                    await out.write([batch(TRADES, 3)])
            await out.close()
            running.start()
            await out.open()
            await out.write([batch(TRADES, 1), batch(BOOK, 1)])
            await out.write([batch(TRADES, 3)])
        async with reader(running.url) as source:
            assert len(lines(await read_all(source))) == 6

    asyncio.run(story())


def test_an_engine_that_does_not_answer_holds_up_nothing(running: Engine) -> None:
    """Neither a write that is cancelled, nor closing, nor opening waits for the engine."""

    async def attempt(out: BatchWriter, n: int) -> None:
        if n > 3:
            await out.open()
        await out.write([batch(TRADES, n)])

    async def story() -> None:
        async with writer(running.url) as out:
            await out.write([batch(TRADES, 1)])
            running.pause()
            for n in (3, 5):
                begun_s = monotonic_s()
                with pytest.raises(Exception):  # noqa: B017 - whatever the library raises
                    await asyncio.wait_for(attempt(out, n), 0.5)
                await disconnect(out)
                assert monotonic_s() - begun_s < 5.0
            running.go_on()
            await out.open()
            await out.write([batch(TRADES, 3)])
        async with reader(running.url) as source:
            assert len(lines(await read_all(source))) == 4

    asyncio.run(story())


def test_a_database_can_be_opened_and_read_while_a_write_is_held_up() -> None:
    async def story(running: Engine) -> None:
        url = running.url
        async with writer(url) as out:
            await out.write([batch(TRADES, 1)])
        other = await asyncpg.connect(url)
        try:
            async with other.transaction():
                await other.execute("SELECT pg_advisory_xact_lock(hashtext('fluxum'))")
                async with asyncio.timeout(5), writer(url) as out, reader(url) as source:
                    assert len(lines(await read_all(source))) == 2
                    write = asyncio.get_running_loop().create_task(out.write([batch(TRADES, 3)]))
                    await asyncio.sleep(0.2)
                    running.pause()  # and does not answer a cancellation either
                    write.cancel()
                    await asyncio.wait({write}, timeout=1)
                    running.go_on()
                    assert write.cancelled()
        finally:
            await other.close()

    asyncpg = pytest.importorskip("asyncpg")
    with engine("postgres") as running:
        asyncio.run(story(running))


def test_json_that_a_database_cannot_take_as_text_is_kept_as_it_is() -> None:
    line = b'{"type":"x","text":"\\u0000 \xc3\xa4 \\"events\\":[","n":1.10}'

    async def story(url: str) -> None:
        async with writer(url) as out, reader(url) as source:
            await out.write([encode_batch(TRADES, 1, 1, [line, line], 0)])
            assert lines(await read_all(source)) == [line, line]

    with engine("postgres") as running:
        asyncio.run(story(running.url))


def test_a_second_publisher_of_a_stream_is_not_taken_for_a_repeat() -> None:
    async def story(url: str) -> None:
        async with writer(url) as out:
            await out.write([batch(TRADES, 1, epoch=2)])
            with pytest.raises(LocalProtocolError, match="another publisher"):
                await out.write([batch(TRADES, 1, epoch=1)])

    with engine("redis") as running:
        asyncio.run(story(running.url))
