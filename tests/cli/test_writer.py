"""Writers over a real pipe: what a paused, a slow and a gone reader get, and what the loop does."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO
from typing import TextIO

import pytest

from fluxum.cli.writer import DirectWriter, OutputClosed, ThreadWriter

PIPE_BYTES = 1 << 20  # more than any pipe holds


class Pipe:
    """Both ends of a pipe of the system."""

    def __init__(self) -> None:
        reader, writer = os.pipe()
        self.reader = reader
        self.stream: TextIO = os.fdopen(writer, "w")

    def read(self) -> bytes:
        """All there is until the writing end is closed."""
        with os.fdopen(self.reader, "rb") as file:
            return file.read()

    def leave(self) -> None:
        os.close(self.reader)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    one = Pipe()
    yield one
    with suppress(BrokenPipeError):
        one.stream.close()


def writer(pipe: Pipe, bytes_max: int = 1 << 18) -> ThreadWriter:
    return ThreadWriter(
        pipe.stream, "stdout", lambda one: one + b"\n", lambda n: b"lost-%d" % n, bytes_max
    )


def test_chunks_come_in_their_order_and_framed(pipe: Pipe) -> None:
    out = writer(pipe)

    for number in range(1000):
        out.put(b"%d" % number)
    lost = out.close()
    pipe.stream.close()

    assert lost == 0
    assert pipe.read().split() == [b"%d" % number for number in range(1000)]


def test_a_paused_reader_blocks_nothing_and_is_told_what_it_missed_in_its_place(pipe: Pipe) -> None:
    out = writer(pipe, bytes_max=PIPE_BYTES + 10_000)
    out.put(b"x" * PIPE_BYTES)
    os.read(pipe.reader, 1)  # so the thread has taken it, and waits for the rest to be read

    for number in range(1000):
        out.put(b"%03d" % number + b"." * 97)
    first, notice, *rest = _read_and_close(pipe, out).split()

    numbers = [int(one[:3]) for one in rest]
    assert len(first) == PIPE_BYTES - 1
    assert notice == b"lost-%d" % (1000 - len(numbers))
    assert len(numbers) == 100
    assert numbers == list(range(900, 1000))


def _read_and_close(pipe: Pipe, out: ThreadWriter) -> bytes:
    taken = b""
    while len(taken) < PIPE_BYTES:
        taken += os.read(pipe.reader, 1 << 16)
    out.close()
    pipe.stream.close()
    return taken + pipe.read()


def test_who_waits_for_room_loses_nothing(pipe: Pipe) -> None:
    out = writer(pipe, bytes_max=1000)

    async def main() -> bytes:
        reading = asyncio.to_thread(pipe.read)
        async with asyncio.TaskGroup() as group:
            taken = group.create_task(reading)
            for number in range(20_000):
                await out.room()
                out.put(b"%06d" % number)
            await asyncio.to_thread(out.close)
            pipe.stream.close()
        return taken.result()

    assert asyncio.run(main()).split() == [b"%06d" % number for number in range(20_000)]


def test_a_reader_that_has_gone_is_told_by_the_next_put(pipe: Pipe) -> None:
    out = writer(pipe)
    pipe.leave()

    async def main() -> None:
        out.put(b"one")
        with pytest.raises(BrokenPipeError, match="cannot write to stdout"):
            await out.watch()
        with pytest.raises(BrokenPipeError):
            out.put(b"two")
        with pytest.raises(BrokenPipeError):
            await out.room()

    asyncio.run(main())
    assert out.close() == 0


def test_an_idle_writer_notices_that_its_reader_has_gone(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fluxum.cli.writer._CHECK_S", 0.001)
    out = writer(pipe)
    pipe.leave()

    async def main() -> None:
        with pytest.raises(BrokenPipeError):
            await out.watch()

    asyncio.run(main())


def test_patience_ends_while_the_reader_pauses(pipe: Pipe) -> None:
    out = writer(pipe)
    out.put(b"x" * PIPE_BYTES)
    out.put(b"never")

    assert out.close(patience_s=0.0) >= 1


def test_a_stream_of_text_alone_is_written_as_text() -> None:
    text = StringIO()

    DirectWriter(text, "stdout", lambda one: one + b"!").put("é".encode())

    assert text.getvalue() == "é!"


def test_a_closed_stdout_is_an_error_that_says_so() -> None:
    with pytest.raises(OutputClosed, match="stdout is closed"):
        DirectWriter(None, "stdout", bytes).put(b"x")
