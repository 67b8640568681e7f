"""Frames that make no sense: random bytes, and captures with something wrong; links that babble."""

import json
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from fluxum.transport.link import Dial, Link

FOLDER = Path(__file__).parent / "venues"
FRAMES = 100_000


def captures(venue: str) -> list[bytes]:
    """The frames of an exchange's captures; none where it has no file of them."""
    path = FOLDER / venue / "captures/public.jsonl"
    if not path.is_file():
        return []
    lines = path.read_text().splitlines()
    return [json.loads(line)["frame"].encode() for line in lines]


def mutated(frames: list[bytes], random: Random) -> bytes:
    """A capture with something wrong: bytes changed, lost, repeated, cut, or two in one."""
    frame = bytearray(random.choice(frames))
    for _ in range(random.randrange(1, 4)):
        at = random.randrange(len(frame)) if frame else 0
        match random.randrange(7):
            case 0:
                frame[at : at + 1] = bytes([random.randrange(256)])
            case 1:
                del frame[at : at + random.randrange(1, 9)]
            case 2:
                frame[at:at] = frame[at : at + random.randrange(1, 30)]
            case 3:
                del frame[at:]
            case 4:
                frame[at:at] = random.choice(frames)
            case 5:
                word = random.choice([b"null", b"-1", b"1e400", b'""', b"[]", b"{}", b"true"])
                frame[at : at + len(word)] = word
            case _:
                digits = [n for n, byte in enumerate(frame) if 48 <= byte <= 57]
                if digits:
                    frame[random.choice(digits)] = random.randrange(48, 58)
    return bytes(frame)


def nonsense(venue: str, count: int) -> Iterator[bytes]:
    random = Random(f"nonsense of {venue}")
    known = captures(venue)
    for number in range(count):
        if number % 10 == 0 or not known:
            yield random.randbytes(random.randrange(200))
        else:
            yield mutated(known, random)


def babbling(venue: str) -> Callable[[Dial], Dial]:
    """A dial whose links say nonsense between a venue's frames."""

    def wrap(dial: Dial) -> Dial:
        @asynccontextmanager
        async def opened(url: str, headers: Mapping[str, str] = {}, /) -> AsyncGenerator[Link]:
            async with dial(url, headers) as link:
                yield Babbling(link, venue)

        return opened

    return wrap


class Babbling:
    """Between two frames of the venue, now and then one of nonsense."""

    def __init__(self, link: Link, venue: str) -> None:
        self._link = link
        self._random = Random("babble")
        self._nonsense = nonsense(venue, FRAMES)
        self.send = link.send

    async def receive(self) -> bytes:
        if self._random.random() < 0.2:
            return next(self._nonsense)
        return await self._link.receive()
