"""Begin a new exchange: `make venue NAME=bitstamp`.

Writes a folder that imports, type checks and fails the conformance cards one by one until it is
filled; adds its line to the register and to the floors, and a place for its captures. Nothing
that exists is overwritten.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
REGISTER = Path("src/fluxum/venues/register.py")
PROJECT = Path("pyproject.toml")
NEXT = "    # make venue: the next one\n"

NATIVE = '''"""{Name}'s messages as they are on the wire: one type each, a payload quoted beside it.

Evidence first: channel, its variants, its role (snapshot, delta, event, acknowledgement, status),
and the capture that proves it.
"""

import msgspec
from msgspec import Struct

__all__ = ["Frame", "decode_frame", "encode"]


class Frame(Struct, gc=False):
    """What every message has. Quote a payload and its source here."""

    type: str


decode_frame = msgspec.json.Decoder(Frame).decode
encode = msgspec.json.Encoder().encode
'''

NORMALIZE = '''"""{Name}'s messages as facts: one small function a message."""

from fluxum.model.instrument import Symbol

__all__ = ["VENUE", "format_symbol"]

VENUE = "{name}"


def format_symbol(symbol: Symbol) -> str:
    """{Name}'s own name of a symbol."""
    return str(symbol)
'''

PROTOCOL = '''"""One link's conversation with {Name}: requests, their answers, data, and new snapshots."""

from collections import deque
from collections.abc import Collection, Iterable, Sequence

from msgspec import MsgspecError

from fluxum.errors import LocalProtocolError, RemoteProtocolError
from fluxum.model.event import Event, Subscription
from fluxum.venues.{name} import native
from fluxum.venues.{name}.normalize import VENUE
from fluxum.venues.requests import Request, RequestLimits
from fluxum.venues.subscriptions import Subscriptions
from fluxum.venues.venue import Effect, Fetch, Send, SequenceCounts

__all__ = ["{Name}Protocol"]


class {Name}Protocol:
    """{Name}'s public data; see VenueProtocol for what each call promises."""

    def __init__(self) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self._subscriptions = Subscriptions(
            VENUE, self.outbox, RequestLimits(topics=100), _write
        )

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        """Queue requests for streams, as few as can say it."""
        self._subscriptions.subscribe((str(one), one) for one in wanted)

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        """Queue requests that end streams."""
        self._subscriptions.unsubscribe(unwanted)

    def resync(self, subscription: Subscription) -> None:
        """Queue what brings one stream's snapshot again."""
        topic = self._subscriptions.topic(subscription)
        if topic is not None:
            self._subscriptions.resubscribe(topic)

    def ping(self) -> None:
        """Queue a ping."""
        self._subscriptions.pinged()

    def unanswered(self) -> Collection[Subscription]:
        """The subscriptions of every request still without an answer."""
        return self._subscriptions.unanswered()

    def follow_passively(self, depth: int | None = None) -> None:  # noqa: ARG002
        """Accept answers to another client's requests."""
        self._subscriptions.is_passive = True

    def follow_request(self, frame: bytes) -> None:
        """Learn from another client's request."""

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:  # noqa: ARG002
        """What a frame says; raises RemoteProtocolError when it makes no sense."""
        try:
            native.decode_frame(frame)
        except (MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise RemoteProtocolError(str(error)) from error
        return ()

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:  # noqa: ARG002
        """What the answer to a call says."""
        raise LocalProtocolError(f"no call was asked for, was {{fetch.path!r}}")

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:  # noqa: ARG002
        """What a refused call means."""
        raise LocalProtocolError(f"no call was asked for, was {{fetch.path!r}}")


def _write(request: Request) -> Send:
    return Send(native.encode({{"op": request.op, "topics": request.topics}}))
'''

SERVER = '''"""{Name} from the venue's chair: one client's requests answered, and its streams told."""

from collections.abc import Sequence

from fluxum.model.instrument import Symbol
from fluxum.venues.server.contract import MarketView, Outgoing

__all__ = ["{Name}Server"]


class {Name}Server:
    """One client of a simulated {Name}; see VenueServer for what each call promises."""

    def __init__(self, view: MarketView, endpoint: str) -> None:
        self._view = view
        self._endpoint = endpoint

    def opened(self, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """What is said first."""
        return ()

    def receive(self, frame: bytes, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """The answers to a client's frame, whatever is in it."""
        return ()

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """What this client is told after a market moved."""
        return ()

    def tick(self, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """What is said because time passed."""
        return ()

    def status(self, status: str, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """The engine's new status."""
        return ()

    def going_away(self, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """The notice before a link is closed."""
        return ()
'''

VENUE = '''"""{Name}'s facts as data, each with its source and date; every one can be overridden."""

from fluxum.model.event import Channel
from fluxum.model.instrument import Symbol
from fluxum.pacing import BackoffPolicy
from fluxum.venues.{name}.normalize import VENUE, format_symbol
from fluxum.venues.{name}.protocol import {Name}Protocol
from fluxum.venues.venue import Checks, Limits, Venue

__all__ = ["{NAME}"]

{NAME} = Venue(
    name=VENUE,
    # Source and date of every fact, as in the other folders.
    endpoints={{"public": "wss://example.invalid/{name}", "rest": "https://example.invalid"}},
    routes={{
        Channel.BOOK: "public",
        Channel.TRADE: "public",
        Channel.TICKER: "public",
        Channel.INSTRUMENT: "public",
    }},
    depths={{}},
    intervals_s=(),
    limits=Limits(
        link_silence_s=30.0,
        ping_interval_s=20.0,
        answer_timeout_s=10.0,
        data_silence_s={{Channel.BOOK: 60.0, Channel.TRADE: 900.0, Channel.TICKER: 900.0}},
        backoff=BackoffPolicy(),
        maintenance_delay_s=5.0,
        attempts=60,
        attempt_window_s=300.0,
        stable_s=30.0,
        sends_per_s=5.0,
        send_burst=5,
        symbols_per_link=100,
    ),
    checks=Checks(),
    protocol={Name}Protocol,
    sample_symbols=(Symbol("BTC/USD"), Symbol("ETH/USD"), Symbol("SOL/USD")),
    format_symbol=format_symbol,
)
'''

SIDES = '''"""{Name}'s simulated half, by the name of the venue's constant."""

from fluxum.venues.server.contract import ServerSide, by_endpoint
from fluxum.venues.{name}.server.link import {Name}Server

__all__ = ["{NAME}"]

{NAME} = ServerSide(link=by_endpoint({Name}Server))
'''

MODULES = {
    "__init__.py": '"""{Name}: {name}.com."""\n',
    "native.py": NATIVE,
    "normalize.py": NORMALIZE,
    "protocol.py": PROTOCOL,
    "server/__init__.py": '"""The simulated half of {Name}."""\n',
    "server/link.py": SERVER,
    "server/sides.py": SIDES,
    "venue.py": VENUE,
}


def begin(root: Path, name: str) -> str:
    """Write the folder below a root; returns what is wrong, nothing when it is done."""
    if not re.fullmatch(r"[a-z][a-z0-9]{1,30}", name):
        return f"make venue NAME=bitstamp: a lower-case word was expected, was {name!r}"
    folder = root / "src/fluxum/venues" / name
    if folder.exists():
        return f"there is a {folder.relative_to(root)} already"
    words = {"name": name, "Name": name.capitalize(), "NAME": name.upper()}
    (folder / "server").mkdir(parents=True)
    for module, text in MODULES.items():
        (folder / module).write_text(text.format(**words))
    captures = root / "tests/venues" / name / "captures"
    captures.mkdir(parents=True)
    (captures / "public.jsonl").write_text("")
    register(root, name)
    return ""


def register(root: Path, name: str) -> None:
    """Add the lines that make an exchange one of ours, to the register and to the floors."""
    line = f'    "{name}": "{name}:{name.upper()}",\n'
    (root / REGISTER).write_text((root / REGISTER).read_text().replace(NEXT, line + NEXT))
    floor = '"fluxum.venues.'
    project = (root / PROJECT).read_text()
    register_floor = f'{floor}register",\n  '
    (root / PROJECT).write_text(
        project.replace(
            register_floor + floor, f"{register_floor}{floor}{name} | fluxum.venues.", 1
        )
    )


def main() -> int:
    """Begin the exchange named; the exit status is 2 for a name that cannot be."""
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    wrong = begin(ROOT, name)
    if wrong:
        print(wrong)
        return 2
    print(f"src/fluxum/venues/{name} is begun and in the register; what it lacks:")
    print(f"  pytest tests/venues/test_conformance.py -k {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
