"""Keys, secrets and tokens of a simulated day are looked for wherever something is written."""

import asyncio
import gzip
import logging
import re
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from account_days import (
    KEY,
    KEYS,
    PASSPHRASE,
    SECRET,
    SYMBOLS,
    Plan,
    Trader,
    money,
    script,
    tier_of,
)

from fluxum.errors import FluxumError
from fluxum.flow.background import background
from fluxum.flow.pipe import Overflow
from fluxum.model.codec import encode_event
from fluxum.model.event import Channel, Event, Subscription
from fluxum.orders.desk import OrderDesk
from fluxum.orders.journal import FileOrderJournal
from fluxum.orders.risk import RiskLimits
from fluxum.session.account_config import AccountConfig
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.faults import parse_faults
from fluxum.sim.loop import SimulatedClock, run
from fluxum.tape import TapeWriter, recording, recording_calls
from fluxum.venues.private import TOKEN
from fluxum.venues.register import find_venue
from fluxum.venues.venue import Venue

LENGTH_S = 900.0


class Written:
    """Everything that anybody could read afterwards."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.errors = 0

    def take(self, event: Event) -> bool:
        self.texts.append(encode_event(event) + repr(event).encode())
        return False

    def failed(self, error: FluxumError) -> None:
        self.errors += 1
        self.texts.append(f"{error!r} {error} {error.__cause__!r} {error.__context__!r}".encode())


async def live(written: Written, folder: Path, venue: Venue) -> tuple[int, list[str]]:
    """A day of trading that is recorded, logged and journalled; returns fills, and tokens."""
    random, clock, symbols = Random(5), SimulatedClock(), SYMBOLS[venue.name]
    channels = (Channel.EXECUTION, Channel.BALANCE, Channel.INSTRUMENT)
    plan = Plan(parse_faults(script(random, LENGTH_S)), Random(6))
    exchange = SimulatedExchange(venue, symbols, seed=5, clock=clock, rate_per_s=2.0, faults=plan)
    tokens: list[str] = []
    issue = exchange.accounts.issue_token

    def issued(*arguments: object) -> str:
        tokens.append(issue(*arguments))  # type: ignore[arg-type]
        return tokens[-1]

    exchange.accounts.issue_token = issued  # type: ignore[method-assign, assignment]
    async with exchange:
        account = exchange.open_account(
            KEY, SECRET, money(symbols), tier=tier_of(venue), passphrase=PASSPHRASE
        )
        account_config = AccountConfig(KEYS, tier=tier_of(venue), http=exchange)
        with TapeWriter(folder / "tape.jsonl.gz", venue.name, clock) as tape:
            session = Session(
                venue,
                dial=recording(exchange.dial, tape),
                clock=clock,
                random=random,
                http=recording_calls(exchange, tape),
                account_config=account_config,
            )
            reader = session._processor.bus.subscribe(
                written.take, capacity=1, overflow=Overflow.RAISE
            )
            raw = session.raw(capacity=1_000_000)
            with FileOrderJournal(folder / "orders.jsonl", venue.name) as journal:
                async with session:
                    session.subscribe(*map(Subscription, channels))
                    if Channel.LEVEL3 in venue.channels:  # whose link needs a token as well
                        session.subscribe(Subscription(Channel.LEVEL3, symbols[0]))
                    await trade(session, journal, exchange, random, written)
                    assert not reader.is_closed
        written.texts.append(repr(list(raw.drain())).encode())
        written.texts.append(
            f"{account_config!r} {session!r} {session.account.authenticator.tokens!r}".encode()
        )
        written.texts.append(f"{session.statistics()!r} {exchange.accounts.by_key(KEY)!r}".encode())
    return len(account.fills), tokens


async def trade(
    session: Session,
    journal: FileOrderJournal,
    exchange: SimulatedExchange,
    random: Random,
    written: Written,
) -> None:
    trader = Trader(exchange, random)
    desk = OrderDesk(
        session.account,
        journal,
        random=random,
        rules=session.account.rules,
        limits=RiskLimits(collar_percent=None),
    )
    async with desk, background() as work:
        for second in range(int(LENGTH_S / 2)):
            await asyncio.sleep(2.0)
            work.start(trader.act(desk), name="trader")
            if second % 100 == 50:
                exchange.expire_tokens()
            try:
                session.account.command(trader.nonsense())
            except FluxumError as error:
                written.failed(error)
        with suppress(TimeoutError):
            await desk.wait_reconciled(60)
        written.texts.append(repr(desk.orders()).encode())


# A token and a signature of each exchange, as they look in a frame, a header or a URL.
SIGNATURES = {
    "binance": rb"\b[0-9a-f]{64}\b",
    "kraken": rb"[A-Za-z0-9+/]{86}==",
    "bybit": rb"\b[0-9a-f]{64}\b",
    "okx": rb"[A-Za-z0-9+/]{43}=",
    "gemini": rb"\b[0-9a-f]{96}\b",
    "coinbase-exchange": rb"[A-Za-z0-9+/]{43}=",
    "coinbase": rb"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}",
}
# Where a token or a login is in a frame: the frame is on the tape, and that is not.
PLACES = {
    "binance": b"userDataStream.subscribe.signature",
    "binance-usdm": b"GET_PROPERTY",
    "kraken": TOKEN.encode(),
    "bybit": b'\\"op\\":\\"auth\\"',
    "okx": b'\\"op\\":\\"login\\"',
    "gemini": b'\\"id\\":\\"login\\"',
    "coinbase-exchange": b'\\"channels\\":[\\"user\\"]',
    "coinbase": b'\\"channel\\":\\"user\\"',
}
EXPIRED = rb'listenKeyExpired\\*",\\*"E\\*":\d+,\\*"listenKey\\*":\\*"\w+'
FILLS = {"okx": b"fillSz", "binance-usdm": b"ORDER_TRADE_UPDATE"}
"""What frames of fills have in them, where it is not the word itself."""


# A token, a signed link, and a token for each request; the others are slow.
SAMPLE = {"kraken", "binance", "coinbase"}


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=[pytest.mark.slow] * (one not in SAMPLE)) for one in SYMBOLS]
)
def test_no_secret_is_written_anywhere(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    written, venue = Written(), find_venue(name)
    with caplog.at_level(logging.DEBUG):
        fills, tokens = run(live(written, tmp_path, venue))

    tape = gzip.decompress((tmp_path / "tape.jsonl.gz").read_bytes())
    journal = (tmp_path / "orders.jsonl").read_bytes()
    logs = "\n".join(f"{one.getMessage()} {one.args!r} {one.exc_text}" for one in caplog.records)
    everything = b"\n".join([*written.texts, tape, journal, logs.encode()])
    # The notice that a listen key expired repeats it: by then it opens nothing.
    everything, notices = re.subn(EXPIRED, b"", everything)
    assert (notices > 0) is (name == "binance-usdm")
    # There was enough to be found, and the place of each token or login is there.
    assert fills > 50
    assert len(tokens) > 5
    assert written.errors > 100
    assert len(caplog.records) > 20
    family = name.partition("-")[0]
    assert PLACES.get(name, PLACES[family]) in tape
    assert FILLS.get(name, FILLS.get(family, b"execution")) in everything
    assert len(journal) > 0
    assert not re.search(SIGNATURES.get(name, SIGNATURES[family]), everything), "a signature"
    for secret in (KEY, SECRET, PASSPHRASE, *tokens):
        assert secret.encode() not in everything, "a secret was written down"
