"""What real engines say about themselves: version, whether they take events, what may be lost."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from engines import NAMES, Engine, engine
from fluxum.doctor import Check, Outcome
from fluxum.doctor.sinks import check_sink
from fluxum.sink.engine import library, reader_of, writer_of
from fluxum.sink.wire import encode_batch

pytestmark = pytest.mark.network
BATCH = encode_batch("kraken/BTC-USD/trade", 1, 1, [b"{}"], 0)


def checked(url: str) -> Check:
    return asyncio.run(check_sink("bus", url))


async def written(url: str) -> None:
    """Make what is made at the first use, with one batch."""
    writer = writer_of(url)
    await writer.open()
    await writer.write([BATCH])
    await writer.close()


async def stored(url: str) -> int:
    """How many batches there are."""
    reader = reader_of(url, "*", is_whole=True)
    await reader.open()
    found = await reader.read(0.3)
    await reader.close()
    return len(found)


@pytest.mark.parametrize("name", NAMES)
def test_an_engine_is_well_before_its_first_use_and_after_it_and_nothing_is_written(
    name: str,
) -> None:
    with engine(name) as running:
        before = checked(running.url)
        asyncio.run(written(running.url))
        after = checked(running.url)
        count = asyncio.run(stored(running.url))

    assert before.outcome is after.outcome is Outcome.OK, (before, after)
    assert str(before.figures["version"])[:1].isdigit()
    assert before.result != after.result
    assert count == 1


@pytest.mark.parametrize("name", NAMES)
def test_an_engine_that_is_down_cannot_be_reached(name: str) -> None:
    with engine(name) as running:
        running.kill()

        check = checked(running.url)

    assert check.outcome is Outcome.FAILED
    assert "cannot be reached" in check.result


async def read_only_redis(running: Engine) -> str:
    link = library("redis.asyncio", "redis").Redis.from_url(running.url)
    await link.replicaof("127.0.0.1", "1")
    await link.aclose()
    return running.url


async def full_redis(running: Engine) -> str:
    link = library("redis.asyncio", "redis").Redis.from_url(running.url)
    await link.config_set("maxmemory", "1")
    await link.aclose()
    return running.url


async def read_only_postgres(running: Engine) -> str:
    return f"{running.url}&default_transaction_read_only=on"


async def reader_of_postgres(running: Engine) -> str:
    await written(running.url)
    link = await library("asyncpg", "postgres").connect(running.url)
    await link.execute("CREATE USER reader")
    await link.close()
    return running.url.replace("user=postgres", "user=reader")


async def sealed_nats(running: Engine) -> str:
    await written(running.url)
    link = await library("nats", "nats").connect(running.url)
    stream = link.jetstream()
    config = (await stream.stream_info("fluxum")).config
    config.sealed = True
    await stream.update_stream(config)
    await link.close()
    return running.url


Story = Callable[[Engine], Coroutine[Any, Any, str]]
REFUSALS: list[tuple[str, Story, str]] = [
    ("redis", read_only_redis, "read only replica"),
    ("redis", full_redis, "used memory > 'maxmemory'"),
    ("postgres", read_only_postgres, "the database is read only"),
    ("postgres", reader_of_postgres, "the user reader may not write to the table fluxum"),
    ("nats", sealed_nats, "JetStream: "),
]


@pytest.mark.parametrize(
    ("name", "story", "reason"), REFUSALS, ids=[one[1].__name__ for one in REFUSALS]
)
def test_an_engine_that_takes_no_events_says_why(name: str, story: Story, reason: str) -> None:
    with engine(name) as running:
        url = asyncio.run(story(running))

        check = checked(url)

    assert check.outcome is Outcome.FAILED
    assert "does not take events" in check.result
    assert reason in check.result


def test_redis_without_a_file_is_a_risk() -> None:
    async def story(running: Engine) -> None:
        link = library("redis.asyncio", "redis").Redis.from_url(running.url)
        await link.config_set("appendonly", "no")
        await link.aclose()

    with engine("redis") as running:
        asyncio.run(story(running))

        check = checked(running.url)

    assert check.outcome is Outcome.WARNING
    assert "appendonly is no" in check.result
