"""100,000 random and mutated frames: only typed errors, never a crash, and the session lives on."""

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from worlds import BOOK, BTC, TRADES, play, world

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, State, Subscription
from fluxum.model.instrument import Symbol
from fluxum.transport.link import Dial, Link
from fluxum.venues.register import VENUES

FOLDER = Path(__file__).parent
FRAMES = 100_000


def captures(venue: str) -> list[bytes]:
    lines = (FOLDER / venue / "captures/public.jsonl").read_text().splitlines()
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
        if number % 10 == 0:
            yield random.randbytes(random.randrange(200))
        else:
            yield mutated(known, random)


@pytest.mark.parametrize("venue", sorted(VENUES))
def test_a_protocol_answers_nonsense_with_typed_errors_only(venue: str) -> None:
    protocol = VENUES[venue].protocol()
    protocol.overhear()
    understood = refused = 0

    for number, frame in enumerate(nonsense(venue, FRAMES)):
        if number % 1000 == 0:  # the memory of what was overheard is the tape's, not a link's
            protocol = VENUES[venue].protocol()
            protocol.overhear()
        try:
            protocol.receive(frame, number)
        except RemoteProtocolError:
            refused += 1
        else:
            understood += 1

    assert understood + refused == FRAMES
    assert refused > FRAMES / 2
    assert understood > FRAMES / 100


def test_a_session_lives_on_between_nonsense() -> None:
    async def story() -> None:
        candles = Subscription(Channel.CANDLE, BTC, interval_s=60)
        async with world(BOOK, TRADES, candles, wrap=babbling) as now:
            await now.live(600)
            statistics = now.session.statistics()

            assert statistics.rejected > 1000
            assert statistics.sums_close
            assert statistics.reconnects == 0
            assert State.READY in now.states()
            assert now.session.book(Symbol("BTC/USD")).proof().checks > 0

    play(story)


def babbling(dial: Dial) -> Dial:
    @asynccontextmanager
    async def opened(url: str) -> AsyncGenerator[Link]:
        async with dial(url) as link:
            yield Babbling(link)

    return opened


class Babbling:
    """Between two frames of the venue, now and then one of nonsense."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._random = Random("babble")
        self._nonsense = nonsense("kraken", FRAMES)
        self.send = link.send

    async def receive(self) -> bytes:
        if self._random.random() < 0.2:
            return next(self._nonsense)
        return await self._link.receive()
