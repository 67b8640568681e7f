"""Markets counted in contracts: their size is known before anything of them is published."""

import asyncio
import json
from collections import deque
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from worlds import play, world

from fluxum.book.proof import BookStatus
from fluxum.errors import BadInput, LocalProtocolError, TransportError
from fluxum.model.event import (
    Channel,
    Event,
    LinkLost,
    Refused,
    Subscription,
    VenueNotice,
)
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Side, Ticker, Trade
from fluxum.replay import Replay
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.tape import TapeWriter, recording, recording_calls
from fluxum.venues.conversation import Effect, Fetch, Send, UnreadableStream
from fluxum.venues.fast import IS_COMPILED
from fluxum.venues.okx.protocol import OkxProtocol
from fluxum.venues.okx.venue import OKX

NOW = 1_700_000_000_000_000_000
SPOT, LINEAR = Symbol("BTC/USDT"), Symbol("BTC/USDT:PERP")
INVERSE, COUNTED = Symbol("BTC/USD:PERP-INVERSE"), Symbol("BTC/USDT:PERP-CONTRACTS")
BOOK, TRADES = Subscription(Channel.BOOK, LINEAR, 400), Subscription(Channel.TRADE, LINEAR)
SIZE_PATH = "/api/v5/public/instruments?instType=SWAP&instId=BTC-USDT-SWAP"
# nautilus_trader crates/adapters/okx/test_data/http_get_instruments_swap.json, shortened
ROW = {
    "instType": "SWAP",
    "instId": "BTC-USDT-SWAP",
    "ctVal": "0.01",
    "ctValCcy": "BTC",
    "ctMult": "1",
    "ctType": "linear",
    "settleCcy": "USDT",
    "tickSz": "0.1",
    "lotSz": "0.01",
    "minSz": "0.01",
    "state": "live",
}
INVERSE_ROW = {
    **ROW,
    "instId": "BTC-USD-SWAP",
    "ctType": "inverse",
    "ctVal": "100",
    "ctValCcy": "USD",
    "settleCcy": "BTC",
}


def answer(*rows: Mapping[str, Any], code: str = "0") -> bytes:
    return json.dumps({"code": code, "msg": "" if code == "0" else "no", "data": rows}).encode()


def data(channel: str, row: Any, name: str = "BTC-USDT-SWAP", action: str = "") -> bytes:
    named = {"action": action} if action else {}
    arg = {"channel": channel, "instId": name}
    return json.dumps({"arg": arg, **named, "data": [row]}).encode()


def snapshot(name: str = "BTC-USDT-SWAP") -> bytes:
    """100 contracts at 50000 and 1000 at 50010, as in the report of this fault."""
    row = {
        "asks": [["50000", "100", "0", "5"], ["50010", "1000", "0", "5"]],
        "bids": [["49990", "100", "0", "5"]],
        "ts": "1767225600000",
        "checksum": 0,
        "prevSeqId": -1,
        "seqId": 10,
    }
    return data("books", row, name, "snapshot")


def trade(name: str = "BTC-USDT-SWAP") -> bytes:
    row = {"instId": name, "tradeId": "1", "px": "50000", "sz": "12", "side": "buy"}
    return data("trades", {**row, "ts": "1767225600100", "count": "1"}, name)


def drained(outbox: deque[Effect]) -> tuple[list[dict[str, Any]], list[Fetch]]:
    """The requests and calls that were queued."""
    effects = list(outbox)
    outbox.clear()
    sent = [json.loads(one.frame) for one in effects if isinstance(one, Send)]
    return sent, [one for one in effects if isinstance(one, Fetch)]


def waiting(*subscriptions: Subscription) -> tuple[OkxProtocol, Fetch]:
    protocol = OkxProtocol()
    protocol.subscribe(subscriptions)
    sent, (call,) = drained(protocol.outbox)
    assert not sent
    return protocol, call


# Live


def test_a_contract_is_requested_once_its_size_is_known() -> None:
    protocol, call = waiting(BOOK, TRADES)
    assert (call.path, call.subscription) == (SIZE_PATH, BOOK)
    assert not protocol.unanswered()  # no other link gets the size sooner

    assert protocol.receive_response(call, answer(ROW), NOW) == []

    ((request,), calls) = drained(protocol.outbox)
    assert [arg["channel"] for arg in request["args"]] == ["books", "trades"]
    assert not calls
    assert list(protocol.unanswered()) == [BOOK, TRADES]


def test_quantities_of_a_linear_contract_are_in_the_base_asset() -> None:
    protocol, call = waiting(BOOK, TRADES)
    protocol.receive_response(call, answer(ROW), NOW)

    _, book = protocol.receive(snapshot(), NOW)
    _, published = protocol.receive(trade(), NOW)

    assert isinstance(book, BookSnapshot)
    assert [str(level.quantity) for level in book.asks] == ["1.00", "10.00"]
    assert isinstance(published, Trade)
    assert str(published.quantity) == "0.12"  # 12 contracts of 0.01 BTC
    update = {"asks": [["50000", "7", "0", "1"]], "bids": [], "ts": "1767225600200"}
    frame = data("books", {**update, "prevSeqId": 10, "seqId": 11}, action="update")
    (changed,) = protocol.receive(frame, NOW)
    assert isinstance(changed, BookUpdate)
    assert str(changed.asks[0].quantity) == "0.07"


@pytest.mark.skipif(not IS_COMPILED, reason="nothing was compiled: no C compiler here")
@pytest.mark.parametrize(("symbol", "is_scanned"), [(LINEAR, False), (COUNTED, True)])
def test_trades_are_scanned_if_their_quantities_are_as_on_the_wire(
    symbol: Symbol, is_scanned: bool
) -> None:
    protocol = OkxProtocol()
    protocol.subscribe([Subscription(Channel.TRADE, symbol)])
    for fetch in drained(protocol.outbox)[1]:
        protocol.receive_response(fetch, answer(ROW), NOW)
    frame = trade().replace(b": ", b":").replace(b", ", b",")
    protocol.receive(frame, NOW)
    assert protocol.scan_trades is not None

    assert (protocol.scan_trades([frame], 0, NOW) is not None) is is_scanned


def test_quantities_of_an_inverse_contract_are_in_what_it_is_worth() -> None:
    """7 contracts of 100 USD, under a symbol that is not to be mistaken for another's."""
    protocol, call = waiting(Subscription(Channel.TICKER, INVERSE))
    assert call.path.endswith("?instType=SWAP&instId=BTC-USD-SWAP")
    protocol.receive_response(call, answer(INVERSE_ROW), NOW)
    row = {"instId": "BTC-USD-SWAP", "last": "50000", "lastSz": "7", "askPx": "50000"}

    _, ticker = protocol.receive(
        data("tickers", {**row, "askSz": "100", "vol24h": "1000000"}, "BTC-USD-SWAP"), NOW
    )

    assert isinstance(ticker, Ticker)
    assert ticker.symbol == INVERSE
    published = (ticker.last_quantity, ticker.ask_quantity, ticker.volume)
    assert published == (Decimal(700), Decimal(10_000), Decimal(100_000_000))


def test_the_multiplier_belongs_to_the_size() -> None:
    protocol, call = waiting(TRADES)
    protocol.receive_response(call, answer({**ROW, "ctMult": "0.1"}), NOW)

    _, published = protocol.receive(trade(), NOW)

    assert isinstance(published, Trade)
    assert str(published.quantity) == "0.012"


def test_a_size_is_found_whatever_else_the_answer_lists() -> None:
    protocol, call = waiting(TRADES)

    protocol.receive_response(call, answer(INVERSE_ROW, ROW), NOW)

    _, published = protocol.receive(trade(), NOW)
    assert isinstance(published, Trade)
    assert str(published.quantity) == "0.12"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (answer(), "the venue lists no BTC-USDT-SWAP"),
        (answer(code="51001"), "51001 no"),
        (answer({**ROW, "ctType": "quanto"}), "was 'SWAP quanto'"),
    ],
)
def test_a_contract_that_cannot_be_sized_is_refused_by_name(body: bytes, reason: str) -> None:
    protocol, call = waiting(BOOK, TRADES)

    events = protocol.receive_response(call, body, NOW)

    refused = [one for one in events if isinstance(one, Refused)]
    assert [one.subscription for one in refused] == [BOOK, TRADES]
    assert all(one.message.startswith("no size of BTC-USDT-SWAP: ") for one in refused)
    assert all(reason in one.message for one in refused)
    assert drained(protocol.outbox) == ([], [])


def test_a_refused_call_refuses_what_waits_for_it() -> None:
    protocol, call = waiting(BOOK)

    (refused,) = protocol.receive_refusal(call, "HTTP 403", NOW)

    assert refused == Refused(
        venue="okx",
        subscription=BOOK,
        message="no size of BTC-USDT-SWAP: HTTP 403",
        received_ns=NOW,
    )


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        answer(code="50011"),
        answer({**ROW, "ctVal": None}),
        answer({**ROW, "ctVal": "0"}),
        answer({**ROW, "settleCcy": ""}),
        b'{"code":"0","data":[7]}',
    ],
)
def test_an_answer_that_cannot_be_read_is_requested_again_and_names_what_waits(
    body: bytes,
) -> None:
    protocol, call = waiting(BOOK, TRADES)

    with pytest.raises(UnreadableStream, match="no size of BTC-USDT-SWAP") as caught:
        protocol.receive_response(call, body, NOW)

    assert caught.value.subscriptions == (BOOK, TRADES)
    assert protocol.receive_response(call, answer(ROW), NOW) == []  # the session asks again
    assert len(drained(protocol.outbox)[0]) == 1


def test_a_symbol_of_another_unit_is_refused_with_the_right_one() -> None:
    wrong = Subscription(Channel.BOOK, Symbol("BTC/USD:PERP"), 400)
    protocol, call = waiting(wrong)

    (refused,) = protocol.receive_response(call, answer(INVERSE_ROW), NOW)

    assert isinstance(refused, Refused)
    assert refused.subscription == wrong
    assert refused.message == "BTC-USD-SWAP is BTC/USD:PERP-INVERSE, by its currencies and kind"


def test_contracts_are_counted_as_such_where_that_is_requested() -> None:
    protocol = OkxProtocol()
    protocol.subscribe([Subscription(Channel.TRADE, COUNTED)])
    assert len(drained(protocol.outbox)[0]) == 1

    _, published = protocol.receive(trade(), NOW)

    assert isinstance(published, Trade)
    assert (published.symbol, published.quantity) == (COUNTED, Decimal(12))


def test_two_units_of_one_market_cannot_be_told_apart() -> None:
    protocol, _ = waiting(TRADES)

    with pytest.raises(LocalProtocolError, match="cannot be distinguished"):
        protocol.subscribe([Subscription(Channel.TRADE, COUNTED)])
    with pytest.raises(LocalProtocolError, match="cannot be distinguished"):
        protocol.subscribe([BOOK, Subscription(Channel.BOOK, LINEAR, 5)])


def test_what_is_wanted_no_longer_is_not_requested() -> None:
    protocol, call = waiting(BOOK, TRADES)
    protocol.unsubscribe([BOOK])
    protocol.resync(TRADES)
    protocol.subscribe([TRADES])

    protocol.receive_response(call, answer(ROW), NOW)

    ((request,), _) = drained(protocol.outbox)
    assert [arg["channel"] for arg in request["args"]] == ["trades"]


def test_a_list_that_is_there_spares_the_call() -> None:
    protocol = OkxProtocol()
    protocol.subscribe([Subscription(Channel.INSTRUMENT)])
    _, (_, swaps, _) = drained(protocol.outbox)
    protocol.receive_response(swaps, answer(ROW), NOW)

    protocol.subscribe([BOOK])

    ((request,), calls) = drained(protocol.outbox)
    assert (request["op"], calls) == ("subscribe", [])


# In the session, with the simulated exchange


def of(events: Sequence[Event], kind: type) -> list[Any]:
    return [event for event in events if type(event) is kind]


def streams(symbol: Symbol) -> list[Subscription]:
    return [
        OKX.with_defaults(Subscription(channel, symbol))
        for channel in (Channel.BOOK, Channel.TRADE, Channel.TICKER, Channel.CANDLE)
    ]


@pytest.mark.parametrize("symbol", [LINEAR, INVERSE, Symbol("BTC/USDT:261225")])
def test_a_session_holds_the_exchanges_book_in_its_unit(symbol: Symbol) -> None:
    async def story() -> None:
        wanted = [Subscription(Channel.INSTRUMENT), *streams(symbol)]
        async with world(*wanted, venue=OKX, symbols=[symbol], rate_per_s=20.0) as now:
            await now.session.wait_ready(60)
            await now.live(120)
            now.exchange.step(symbol)
            await now.live(1)
            assert now.session.book(symbol).proof().status is BookStatus.VALID
            (instrument,) = of(now.events, Instrument)
            assert (instrument.symbol, instrument.is_inverse) == (symbol, symbol.is_inverse)
            truth = {one.trade_id: one.quantity for one in now.exchange.trades(symbol, 1000)}
            trades = of(now.events, Trade)
            assert len(trades) > 50
            assert all(truth[one.trade_id] == one.quantity for one in trades)
            best = now.exchange.levels(symbol, Side.BUY, 10)
            held = now.session.book(symbol).bids.top(10)
            assert [(one.price, one.quantity) for one in held] == [
                (one.price, one.quantity) for one in best
            ]
            assert of(now.events, Ticker)[-1].volume == now.exchange.ticker(symbol).volume
            candle = [one for one in of(now.events, Candle) if one.closed][-1]
            whole = {one.start_ns: one for one in now.exchange.candles(symbol, 60, 3)}
            assert candle.volume == whole[candle.start_ns].volume

    play(story)


class Unsized:
    """The calls of an exchange of which those for one market fail for ever."""

    def __init__(self, exchange: SimulatedExchange) -> None:
        self._exchange = exchange

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        if "BTC-USDT-SWAP" in url:
            raise TransportError("no answer")
        return await self._exchange.call(method, url, headers, body)


def test_a_size_that_cannot_be_had_harms_its_own_market_alone() -> None:
    async def main() -> None:
        clock, eth = SimulatedClock(), Symbol("ETH/USDT:PERP")
        exchange = SimulatedExchange(
            OKX, [SPOT, LINEAR, eth], seed=7, clock=clock, rate_per_s=20.0, resolution_ns=1_000_000
        )
        async with exchange:
            session = Session(
                OKX, dial=exchange.dial, clock=clock, random=Random(7), http=Unsized(exchange)
            )
            async with session:
                published = session.events(capacity=100_000)
                session.subscribe(*(one for sym in (eth, SPOT, LINEAR) for one in streams(sym)))
                await asyncio.sleep(300)
                missing = {one.subscription for one in session.missing()}
                events = published.drain()
                assert missing == set(streams(LINEAR))
                assert session.book(eth).proof().is_valid
                assert session.book(SPOT).proof().is_valid
                assert not of(events, LinkLost)
                symbols = {one.symbol for one in events if isinstance(one, Trade | BookSnapshot)}
                assert symbols == {eth, SPOT}

    run(main())


# On a tape

LIST_URL = "https://www.okx.com/api/v5/public/instruments?instType="


def bare(folder: Path, *lines: tuple[bytes, str]) -> Path:
    """Another client's recording: frames and, with their URL, answers to calls."""
    path = folder / "recorded.jsonl"
    rows = [{"ts": 1_760_000_000, "raw": raw.decode(), "url": url} for raw, url in lines]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def replayed(path: Path) -> list[Event]:
    return [event for moment in Replay(path, "okx") for event in moment.events]


def test_on_a_tape_the_list_has_the_size_of_a_contract(tmp_path: Path) -> None:
    spot = answer({"instType": "SPOT", "instId": "BTC-USDT"})
    path = bare(
        tmp_path,
        (spot, LIST_URL + "SPOT"),
        (answer(ROW), LIST_URL + "SWAP"),
        (snapshot(), ""),
        (trade(), ""),
    )

    events = replayed(path)

    (book,), (published,) = of(events, BookSnapshot), of(events, Trade)
    assert (book.symbol, str(book.asks[0].quantity)) == (LINEAR, "1.00")
    assert (published.symbol, str(published.quantity)) == (LINEAR, "0.12")


def test_on_a_tape_without_a_list_contracts_are_called_contracts(tmp_path: Path) -> None:
    path = bare(tmp_path, (snapshot(), ""), (trade(), ""), (snapshot("BTC-USDT"), ""))
    replay = Replay(path, "okx")

    events = [event for moment in replay for event in moment.events]

    assert {one.symbol for one in of(events, BookSnapshot)} == {COUNTED, SPOT}
    (published,) = of(events, Trade)
    assert (published.symbol, published.quantity) == (COUNTED, 12)
    assert [one.message for one in of(events, VenueNotice)] == [
        f"BTC-USDT-SWAP is counted in contracts, as {COUNTED}: no list has their size"
    ] * 2  # the book, the trades
    with pytest.raises(BadInput, match="contracts of unknown size"):
        replay.processor.books.get(COUNTED).market_price(Side.BUY, Decimal(2))


def test_a_recorded_session_is_replayed_in_the_units_it_had(tmp_path: Path) -> None:
    path = tmp_path / "okx.jsonl"

    async def main() -> list[Event]:
        clock = SimulatedClock()
        exchange = SimulatedExchange(
            OKX,
            [SPOT, LINEAR, INVERSE],
            seed=7,
            clock=clock,
            rate_per_s=20.0,
            resolution_ns=1_000_000,
        )
        async with exchange:
            with TapeWriter(path, "okx", clock) as writer:
                session = Session(
                    OKX,
                    dial=recording(exchange.dial, writer),
                    clock=clock,
                    random=Random(7),
                    http=recording_calls(exchange, writer),
                )
                async with session:
                    published = session.events(capacity=100_000)
                    session.subscribe(*streams(LINEAR), *streams(SPOT), *streams(INVERSE))
                    await asyncio.sleep(60)
                    exchange.hangup_all(1006)
                    await asyncio.sleep(60)
                    events = published.drain()
        return events

    live = run(main())
    played = replayed(path)

    for kind in (Trade, Ticker, BookUpdate):  # candles of a hole may be fetched
        assert len(of(played, kind)) > 50
        assert of(played, kind)[:-1] == of(live, kind)[: len(of(played, kind)) - 1]
    assert {one.symbol for one in of(played, Trade)} == {SPOT, LINEAR, INVERSE}
