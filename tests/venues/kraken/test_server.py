"""Tests of Kraken's server: its frames are compared with frames published or captured.

Sources: the channel pages under https://docs.kraken.com/api/docs/websocket-v2/, the checksum
guides, and live frames of 2026-09-25 quoted in the protocol notes.
"""

from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any
from zlib import crc32

import msgspec
import pytest

from fluxum.book.level3 import Level3Book
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Candle, Level, Side, Ticker, Trade
from fluxum.sim.instruments import listing
from fluxum.sim.matching import MatchingEngine
from fluxum.venues.kraken.server.public import KrakenServer
from fluxum.venues.kraken.venue import KRAKEN

BTC = Symbol("BTC/USD")
BUY, SELL = Side.BUY, Side.SELL
SECOND = 1_000_000_000
# 2026-09-25T17:48:26.844359Z
NOW = 1_790_358_506_844_359_000

Message = dict[str, Any]


class View:
    """A market of one's own making: an engine, and whatever trades and candles are put in."""

    def __init__(self) -> None:
        self.instrument = listing(KRAKEN, BTC, 0).instrument
        self.engine = MatchingEngine(self.instrument)
        self.made_trades: list[Trade] = []
        self.made_candles: list[Candle] = []
        self.made_ticker = Ticker(venue="kraken", symbol=BTC, received_ns=NOW)

    def instruments(self) -> Sequence[Instrument]:
        return [self.instrument]

    def book(self, symbol: Symbol) -> Level3Book:
        return self.engine.book

    def levels(self, symbol: Symbol, side: Side, count: int) -> Sequence[Level]:
        return self.engine.levels(side, count)

    def revision(self, symbol: Symbol) -> int:
        return 1

    def trades(self, symbol: Symbol, count: int) -> Sequence[Trade]:
        return self.made_trades[-count:] if count else []

    def ticker(self, symbol: Symbol) -> Ticker:
        return self.made_ticker

    def candles(self, symbol: Symbol, interval_s: int, count: int) -> Sequence[Candle]:
        return [one for one in self.made_candles if one.interval_s == interval_s][-count:]

    def put(self, side: Side, *orders: str) -> None:
        """Orders as `price quantity`, each with a name of its own."""
        for order in orders:
            price, quantity = order.split()
            name = f"{side.value} {price}"
            self.engine.limit(name, side, Decimal(price), Decimal(quantity), NOW)

    def take(self, side: Side, price: str) -> None:
        assert self.engine.cancel(f"{side.value} {price}") is not None


def ladder_view(levels: int) -> View:
    """Bids from 99.9 down, asks from 100.1 up, a tenth apart, each with quantity 1."""
    view = View()
    view.put(BUY, *(f"{Decimal('99.9') - Decimal(n) / 10} 1.00000000" for n in range(levels)))
    view.put(SELL, *(f"{Decimal('100.1') + Decimal(n) / 10} 1.00000000" for n in range(levels)))
    return view


def request(
    server: KrakenServer, method: str = "subscribe", req_id: int | None = None, **params: Any
) -> list[bytes]:
    request: Message = {"method": method, "params": params}
    if req_id is not None:
        request["req_id"] = req_id
    return list(server.receive(msgspec.json.encode(request), NOW))


def message(frame: bytes) -> Message:
    return msgspec.json.decode(frame, type=dict[str, Any])


def data(frame: bytes) -> Message:
    decoded = msgspec.json.decode(frame, type=dict[str, msgspec.Raw])
    (one,) = msgspec.json.decode(decoded["data"], type=list[dict[str, Any]])
    return one


def raw_levels(frame: bytes, side: str) -> list[tuple[str, str]]:
    """Prices and quantities of a book frame as the text they were written in."""
    decoded = msgspec.json.decode(frame, type=dict[str, msgspec.Raw])
    (one,) = msgspec.json.decode(decoded["data"], type=list[dict[str, msgspec.Raw]])
    levels = msgspec.json.decode(one[side], type=list[dict[str, msgspec.Raw]])
    return [(bytes(x["price"]).decode(), bytes(x["qty"]).decode()) for x in levels]


# The official example of https://docs.kraken.com/api/docs/guides/spot-ws-book-v2.
GUIDE_ASKS = (
    "45285.2 0.00100000",
    "45286.4 1.54571953",
    "45286.6 1.54571109",
    "45289.6 1.54560911",
    "45290.2 0.15890660",
    "45291.8 1.54553491",
    "45294.7 0.04454749",
    "45296.1 0.35380000",
    "45297.5 0.09945542",
    "45299.5 0.18772827",
)
GUIDE_BIDS = (
    "45283.5 0.10000000",
    "45283.4 1.54582015",
    "45282.1 0.10000000",
    "45281.0 0.10000000",
    "45280.3 1.54592586",
    "45279.0 0.07990000",
    "45277.6 0.03310103",
    "45277.5 0.30000000",
    "45277.3 1.54602737",
    "45276.6 0.15445238",
)

# The official example of https://docs.kraken.com/api/docs/guides/spot-ws-l3-v2.
GUIDE_L3_BIDS = (
    "OTCFZG-YOE2Q-LQKNM3 44939.4 0.88968699",
    "OFGP5R-B3E7G-54EZD6 44939.4 0.45210000",
    "OMPHVY-IZPJ4-KOKA3P 44939.4 0.10000000",
    "OAI5QZ-AMPLW-NBNO72 44939.4 0.14296323",
    "O7VFZI-CTFWH-FF6EIR 44939.4 0.25000000",
    "O472V3-ZG4EZ-OLD66C 44939.4 0.10292988",
    "OEK26P-BGPUK-LDHMD2 44939.4 0.33880000",
    "OSMYPE-S5VOC-YSS3WM 44939.4 1.28140860",
    "OJPMIN-NXZL5-SOWP6V 44937.1 0.03346877",
    "O6PUGE-SQWYQ-TRJEEE 44934.7 0.35630000",
    "OPUOGC-Q532V-3OKLPM 44930.2 0.22734299",
    "OCIU7J-VB3CI-HPULSF 44930.2 0.01000000",
    "ORWVAF-LJFLY-ZWEHDQ 44930.2 0.05550000",
    "OYRAHE-PI5AN-7KOQ4E 44930.2 0.70000000",
    "OGBHYU-UILDD-6DLLYJ 44930.2 0.15000000",
    "O74ZBU-K2TKC-R76XSW 44928.0 0.00105240",
    "OQVTQF-Y56MR-BM6LWL 44919.6 0.33870000",
    "OYEH6U-ZCHA2-3HFR3W 44919.5 0.07610000",
    "OLGPG7-HVKXU-J6SANK 44912.0 0.35630000",
    "OHGC3L-FRZQ3-UIVZRU 44909.7 0.06690000",
    "O73C6Y-VZXYA-H4LDFY 44901.9 0.00088982",
)
GUIDE_L3_ASKS = (
    "OFVLAA-HRSSP-BK75KB 44939.5 4.52308393",
    "OYBAMK-O5DKX-WMPUTM 44939.5 0.00111261",
    "O3DRCT-J5M2S-KYV526 44939.5 0.00100000",
    "OF3X3A-72WZY-6EKA5F 44939.5 0.01000000",
    "OF5UA6-6IIZ2-YGQTSJ 44950.0 0.10334926",
    "OSDOZX-7UZ6Y-QDNPVI 44953.0 0.00064537",
    "OV7KTS-A2TWV-3XKRIA 44955.0 0.00250000",
    "OOF2V5-RYOHC-GLRNPM 44959.6 0.35630000",
    "OTVOVS-QLST3-3JG7JI 44959.6 0.35630000",
    "OGZCIU-RDQ77-DAAL3P 44960.1 0.00338072",
    "OVLG3E-HYBQM-CWNGCY 44960.2 0.88967575",
    "OWEOFO-HUCJC-T37MVO 44967.0 3.14392283",
    "OVYTHY-D2N76-5QYREQ 44978.5 0.06778960",
    "OFO525-PHRVS-236RMN 44979.2 0.35630000",
)


def test_the_status_comes_first_in_the_shape_of_the_live_frame() -> None:
    (frame,) = KrakenServer(View(), "public").opened(NOW)

    # Live, 2026-09-25, but for the connection's id, which has 64 bits.
    captured = (
        '{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online",'
        '"api_version":"v2","connection_id":%d,"upcoming_maintenance":[],"emergency":[]}]}'
    )
    connection_id = data(frame)["connection_id"]
    assert isinstance(connection_id, int)
    assert 2**63 <= connection_id < 2**64
    assert frame.decode() == captured % connection_id


def test_a_new_status_is_published_and_is_the_first_frame_of_later_links() -> None:
    server = KrakenServer(View(), "public")

    (frame,) = server.status("maintenance", NOW)

    assert data(frame)["system"] == "maintenance"
    assert data(server.opened(NOW)[0])["system"] == "maintenance"


def test_a_ping_is_answered_like_the_documented_one() -> None:
    frames = KrakenServer(View(), "level3").receive(b'{"method":"ping","req_id":101}', NOW)

    assert [frame.decode() for frame in frames] == [
        (
            '{"method":"pong","req_id":101,"time_in":"2026-09-25T17:48:26.844359Z",'
            '"time_out":"2026-09-25T17:48:26.844359Z"}'
        )
    ]


TIMES = '"time_in":"2026-09-25T17:48:26.844359Z","time_out":"2026-09-25T17:48:26.844359Z"'


@pytest.mark.parametrize(
    ("params", "result"),
    [
        # https://docs.kraken.com/api/docs/websocket-v2/book
        (
            {"channel": "book"},
            '{"channel":"book","depth":10,"snapshot":true,"symbol":"BTC/USD"}',
        ),
        # Live, 2026-09-25
        (
            {"channel": "trade"},
            '{"channel":"trade","snapshot":false,"symbol":"BTC/USD"}',
        ),
        # Live, 2026-10-06
        (
            {"channel": "ohlc", "interval": 1},
            (
                '{"channel":"ohlc","interval":1,"snapshot":true,"symbol":"BTC/USD",'
                '"warnings":["timestamp is deprecated, use interval_begin"]}'
            ),
        ),
        # https://docs.kraken.com/api/docs/websocket-v2/ticker
        (
            {"channel": "ticker", "snapshot": False},
            '{"channel":"ticker","snapshot":false,"symbol":"BTC/USD"}',
        ),
    ],
)
def test_an_acknowledgement_is_byte_for_byte_as_published(
    params: dict[str, Any], result: str
) -> None:
    frames = request(KrakenServer(View(), "public"), symbol=["BTC/USD"], **params)

    assert frames[0].decode() == (
        '{"method":"subscribe","result":' + result + ',"success":true,' + TIMES + "}"
    )


def test_the_instrument_list_is_acknowledged_as_published_and_follows_at_once() -> None:
    ack, snapshot = request(KrakenServer(View(), "public"), req_id=79, channel="instrument")

    assert ack.decode() == (
        '{"method":"subscribe","req_id":79,"result":{"channel":"instrument","snapshot":true,'
        '"warnings":["tick_size is deprecated, use price_increment"]},"success":true,' + TIMES + "}"
    )
    # Key order and values of https://docs.kraken.com/api/docs/websocket-v2/instrument, without
    # the keys of margin trading; increments in plain digits, which mean the same as 1e-08.
    assert (
        b'"pairs":[{"symbol":"BTC/USD","base":"BTC","quote":"USD","status":"online",'
        b'"qty_precision":8,"qty_increment":0.00000001,"price_precision":1,"cost_precision":5,'
        b'"marginable":false,"has_index":false,"cost_min":0.50000,"tick_size":0.1,'
        b'"price_increment":0.1,"qty_min":0.00010000}]}}'
    ) in snapshot
    assert b'"assets":[{"id":"BTC",' in snapshot


@pytest.mark.parametrize(
    ("channel", "extra", "result"),
    [
        ("book", {}, '{"channel":"book","depth":10,"snapshot":true,"symbol":"BTC/USD"}'),
        ("trade", {}, '{"channel":"trade","symbol":"BTC/USD"}'),
        ("ohlc", {"interval": 5}, '{"channel":"ohlc","interval":5,"symbol":"BTC/USD"}'),
        (
            "ticker",
            {"snapshot": False},
            '{"channel":"ticker","event_trigger":"trades","symbol":"BTC/USD"}',
        ),
    ],
)
def test_an_end_is_acknowledged_as_published_and_ends_the_stream(
    channel: str, extra: dict[str, Any], result: str
) -> None:
    view = ladder_view(10)
    server = KrakenServer(view, "public")
    request(server, channel=channel, symbol=["BTC/USD"], **extra)

    (ack,) = request(server, "unsubscribe", channel=channel, symbol=["BTC/USD"], **extra)
    view.take(BUY, "99.9")

    assert ack.decode() == (
        '{"method":"unsubscribe","result":' + result + ',"success":true,' + TIMES + "}"
    )
    assert list(server.publish(BTC, NOW)) == []


def test_each_symbol_is_answered_by_itself_with_the_same_request_id() -> None:
    frames = request(
        KrakenServer(ladder_view(2), "public"),
        req_id=5,
        channel="book",
        symbol=["XBT/USD", "BTC/USD", "BTCUSD"],
    )

    refused, accepted, snapshot, malformed = map(message, frames)
    assert [refused["req_id"], accepted["req_id"], malformed["req_id"]] == [5, 5, 5]
    assert [refused["success"], accepted["success"], malformed["success"]] == [False, True, False]
    assert refused["symbol"] == "XBT/USD"
    assert snapshot["type"] == "snapshot"
    assert str(malformed["error"]).startswith("Currency pair not in ")


def test_a_refusal_is_byte_for_byte_as_seen_live() -> None:
    (frame,) = request(KrakenServer(View(), "public"), channel="book", symbol=["XBT/USD"])

    # Live, 2026-09-25
    assert frame.decode() == (
        '{"error":"Currency pair not supported XBT/USD","method":"subscribe","success":false,'
        '"symbol":"XBT/USD",' + TIMES + "}"
    )


PRIVATE_ELSEWHERE = (
    "Private data and trading are unavailable on this endpoint. Try ws-auth.kraken.com"
)
PUBLIC_ELSEWHERE = (
    "Public market data subscriptions are unavailable on this endpoint. Try ws.kraken.com"
)


@pytest.mark.parametrize(
    ("endpoint", "params", "error"),
    [
        ("public", {"channel": "executions", "token": "t"}, PRIVATE_ELSEWHERE),
        ("level3", {"channel": "book", "symbol": ["BTC/USD"]}, PUBLIC_ELSEWHERE),
        ("public", {"channel": "gossip", "symbol": ["BTC/USD"]}, "Subscription name invalid"),
        ("public", {"channel": "status"}, "Symbol(s) not found"),
        ("public", {"channel": "book"}, "Symbol(s) not found"),
    ],
)
def test_what_this_host_does_not_offer_is_refused_without_a_symbol(
    endpoint: str, params: dict[str, Any], error: str
) -> None:
    (frame,) = request(KrakenServer(View(), endpoint), **params)

    assert frame.decode() == (
        f'{{"error":"{error}","method":"subscribe","success":false,' + TIMES + "}"
    )


@pytest.mark.parametrize("params", [{}, {"token": ""}])
def test_level_3_needs_a_token(params: dict[str, Any]) -> None:
    server = KrakenServer(View(), "level3")

    (frame,) = request(server, req_id=3, channel="level3", symbol=["BTC/USD"], **params)

    # Live, 2026-09-25, of the channel executions
    assert frame.decode() == (
        '{"channel":"level3","error":"ESession:Invalid session","method":"subscribe","req_id":3,'
        '"status":"error","success":false,' + TIMES + "}"
    )


@pytest.mark.parametrize(
    "params",
    [
        {"channel": "book", "depth": 11},
        {"channel": "ohlc", "interval": 2},
        {"channel": "ticker", "event_trigger": "never"},
    ],
)
def test_what_is_not_offered_is_refused_with_its_symbol(params: dict[str, Any]) -> None:
    (frame,) = request(KrakenServer(View(), "public"), symbol=["BTC/USD"], **params)

    refusal = message(frame)
    assert refusal["success"] is False
    assert refusal["symbol"] == "BTC/USD"
    assert "not supported" in str(refusal["error"])


def test_a_stream_is_subscribed_once_and_ended_once() -> None:
    server = KrakenServer(ladder_view(2), "public")
    request(server, channel="book", symbol=["BTC/USD"])

    (twice,) = request(server, channel="book", symbol=["BTC/USD"])
    (other,) = request(server, "unsubscribe", channel="book", symbol=["BTC/USD"], depth=25)

    assert message(twice)["error"] == "Already subscribed"
    assert message(other)["success"] is False


def test_level_3_has_one_depth_at_a_time() -> None:
    server = KrakenServer(ladder_view(2), "level3")
    request(server, channel="level3", symbol=["BTC/USD"], token="t", depth=10)

    (refusal,) = request(server, channel="level3", symbol=["BTC/USD"], token="t", depth=100)

    assert message(refusal)["success"] is False


def test_an_iceberg_that_shows_more_goes_to_the_back_of_its_queue() -> None:
    view = View()
    view.engine.rest("iceberg", SELL, Decimal("100.1"), Decimal(2), NOW, Decimal(1))
    view.engine.rest("other", SELL, Decimal("100.1"), Decimal(3), NOW)
    server = KrakenServer(view, "level3")
    request(server, channel="level3", symbol=["BTC/USD"], token="t")

    view.engine.take("taker", BUY, Decimal(1), None)

    (frame,) = server.publish(BTC, NOW)
    sent = [(one["event"], one["order_id"]) for one in data(frame)["asks"]]
    assert sent == [("delete", "iceberg"), ("add", "iceberg")]


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"not json",
        b"[]",
        b'{"method":5}',
        b'{"req_id":9}',
        b'{"method":"subscribe"}',
        b'{"method":"subscribe","params":{"channel":"book","depth":"ten"},"req_id":9}',
        b'{"method":"dance"}',
        b'{"method":"add_order","params":{"channel":""}}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_nonsense_is_refused_and_never_raises(frame: bytes) -> None:
    (answer,) = KrakenServer(View(), "public").receive(frame, NOW)

    refusal = message(answer)
    assert refusal["success"] is False
    assert refusal["error"]
    assert refusal.get("req_id") in (None, 9)


def test_more_than_fifty_messages_in_a_second_are_refused() -> None:
    server = KrakenServer(View(), "public")
    ping = b'{"method":"ping"}'

    answers = [server.receive(ping, NOW + n * 1_000_000)[0] for n in range(51)]
    later = server.receive(ping, NOW + 2 * SECOND)[0]

    assert all(b"pong" in answer for answer in answers[:50])
    assert answers[50] == b'{"Error":"Exceeded msg rate"}'
    assert b"pong" in later


def test_heartbeats_begin_with_a_subscription_and_fill_silence_only() -> None:
    view = ladder_view(10)
    server = KrakenServer(view, "public")
    server.opened(NOW)
    assert list(server.tick(NOW + 5 * SECOND)) == []
    request(server, channel="book", symbol=["BTC/USD"])

    assert list(server.tick(NOW + SECOND - 1)) == []
    assert list(server.tick(NOW + SECOND)) == [b'{"channel":"heartbeat"}']
    assert list(server.tick(NOW + SECOND + 1)) == []
    view.take(BUY, "99.9")
    assert len(server.publish(BTC, NOW + 2 * SECOND - 1)) == 1
    assert list(server.tick(NOW + 2 * SECOND)) == []


def test_a_book_snapshot_is_the_official_example_with_its_checksum() -> None:
    view = View()
    view.put(BUY, *GUIDE_BIDS)
    view.put(SELL, *GUIDE_ASKS)

    _, snapshot = request(KrakenServer(view, "public"), channel="book", symbol=["BTC/USD"])

    book = data(snapshot)
    assert book["checksum"] == 3310070434
    assert raw_levels(snapshot, "bids") == [tuple(one.split()) for one in GUIDE_BIDS]
    assert raw_levels(snapshot, "asks") == [tuple(one.split()) for one in GUIDE_ASKS]
    # Key order of the live frame of 2026-09-25.
    assert list(book) == ["symbol", "bids", "asks", "checksum", "timestamp"]
    assert list(message(snapshot)) == ["channel", "type", "data"]
    assert book["timestamp"] == "2026-09-25T17:48:26.844359Z"


def test_a_level_3_snapshot_is_the_official_example_with_its_checksum() -> None:
    view = View()
    for side, orders in ((BUY, GUIDE_L3_BIDS), (SELL, GUIDE_L3_ASKS)):
        for order in orders:
            order_id, price, quantity = order.split()
            view.engine.limit(order_id, side, Decimal(price), Decimal(quantity), NOW)

    _, snapshot = request(
        KrakenServer(view, "level3"), channel="level3", symbol=["BTC/USD"], token="t"
    )

    book = data(snapshot)
    assert book["checksum"] == 1063832831
    assert (len(book["bids"]), len(book["asks"])) == (21, 14)
    assert (
        b'"bids":[{"order_id":"OTCFZG-YOE2Q-LQKNM3","limit_price":44939.4,'
        b'"order_qty":0.88968699,"timestamp":"2026-09-25T17:48:26.844359000Z"}'
    ) in snapshot


def subscribed_to_book(view: View, depth: int = 10) -> KrakenServer:
    server = KrakenServer(view, "public")
    request(server, channel="book", symbol=["BTC/USD"], depth=depth)
    return server


def test_nothing_is_published_when_nothing_changed_or_only_below_the_window() -> None:
    view = ladder_view(12)
    server = subscribed_to_book(view)

    view.take(BUY, "98.8")  # the twelfth bid

    assert list(server.publish(BTC, NOW)) == []


def test_a_changed_level_is_sent_with_its_new_quantity_alone() -> None:
    view = ladder_view(12)
    server = subscribed_to_book(view)

    view.engine.market("taker", SELL, Decimal("0.25000000"))
    (frame,) = server.publish(BTC, NOW + 1000)

    assert raw_levels(frame, "bids") == [("99.9", "0.75000000")]
    assert raw_levels(frame, "asks") == []
    assert data(frame)["timestamp"] == "2026-09-25T17:48:26.844360Z"
    assert message(frame)["type"] == "update"


def test_a_level_that_comes_in_is_sent_and_the_one_it_pushes_out_is_not() -> None:
    view = ladder_view(12)
    server = subscribed_to_book(view)

    view.put(BUY, "100.0 2.00000000")
    (frame,) = server.publish(BTC, NOW)

    assert raw_levels(frame, "bids") == [("100.0", "2.00000000")]


def test_a_level_that_goes_is_sent_as_zero_with_the_one_that_moves_in() -> None:
    view = ladder_view(12)
    server = subscribed_to_book(view)

    view.take(SELL, "100.3")
    (frame,) = server.publish(BTC, NOW)

    assert raw_levels(frame, "asks") == [("100.3", "0.00000000"), ("101.1", "1.00000000")]
    assert raw_levels(frame, "bids") == []


def test_a_level_at_the_end_of_a_short_book_is_sent_as_zero() -> None:
    view = ladder_view(3)
    server = subscribed_to_book(view)

    view.take(SELL, "100.3")
    (frame,) = server.publish(BTC, NOW)

    assert raw_levels(frame, "asks") == [("100.3", "0.00000000")]


def naive_checksum(bids: dict[Decimal, Decimal], asks: dict[Decimal, Decimal]) -> int:
    """The formula of the guide, over formatted text."""

    def strip(number: Decimal, precision: int) -> str:
        return f"{number:.{precision}f}".replace(".", "").lstrip("0")

    best = [*sorted(asks.items())[:10], *sorted(bids.items(), reverse=True)[:10]]
    return crc32("".join(strip(p, 1) + strip(q, 8) for p, q in best).encode())


@pytest.mark.parametrize("depth", [10, 25])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_client_that_follows_the_rules_holds_the_window_after_every_frame(
    seed: int, depth: int
) -> None:
    """The client of the guide: apply in order, drop zeros, cut to the depth, then check."""
    random = Random(seed)
    view = ladder_view(30)
    server = subscribed_to_book(view, depth)
    held: dict[str, dict[Decimal, Decimal]] = {}
    for name, side in (("bids", BUY), ("asks", SELL)):
        held[name] = {level.price: level.quantity for level in view.levels(BTC, side, depth)}
    ids = 0
    frames = 0
    for _ in range(1500):
        for _ in range(random.randrange(1, 4)):  # several moves in one update
            ids += 1
            shake(view, random, ids)
        for frame in server.publish(BTC, NOW):
            frames += 1
            for name, is_bid in (("bids", True), ("asks", False)):
                mine = held[name]
                for price, quantity in raw_levels(frame, name):
                    mine[Decimal(price)] = Decimal(quantity)
                    if not Decimal(quantity):
                        del mine[Decimal(price)]
                for worst in sorted(mine, reverse=is_bid)[depth:]:
                    del mine[worst]
            assert data(frame)["checksum"] == naive_checksum(held["bids"], held["asks"])
        for name, side in (("bids", BUY), ("asks", SELL)):
            now = {level.price: level.quantity for level in view.levels(BTC, side, depth)}
            assert held[name] == now
    assert frames > 500


def shake(view: View, random: Random, number: int) -> None:
    side = random.choice((BUY, SELL))
    engine = view.engine
    orders = [one for queue in engine.book.bids.queues() for one in queue]
    orders += [one for queue in engine.book.asks.queues() for one in queue]
    if orders and random.random() < 0.45:
        engine.cancel(random.choice(orders).order_id)
    else:
        price = Decimal("100.0") + Decimal(random.randrange(-25, 26)) / 10
        quantity = Decimal(random.randrange(1, 300)) / 100
        engine.limit(f"n{number}", side, price, quantity.quantize(Decimal("1E-8")), NOW + number)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_level_3_client_that_follows_the_rules_holds_every_queue(seed: int) -> None:
    """Adds go to the back, changes keep their place, levels beyond the depth are cut."""
    random = Random(seed)
    view = ladder_view(30)
    server = KrakenServer(view, "level3")
    _, snapshot = request(server, channel="level3", symbol=["BTC/USD"], token="t")
    held: dict[str, list[tuple[str, Decimal, Decimal]]] = {"bids": [], "asks": []}
    hear_level3(held, snapshot)
    ids = 0
    for _ in range(1000):
        for _ in range(random.randrange(1, 4)):
            ids += 1
            shake(view, random, ids)
        for frame in server.publish(BTC, NOW):
            hear_level3(held, frame)
            text = "".join(
                f"{price:.1f}".replace(".", "").lstrip("0")
                + f"{quantity:.8f}".replace(".", "").lstrip("0")
                for name in ("asks", "bids")
                for _, price, quantity in best(held[name], name, 10)
            )
            assert data(frame)["checksum"] == crc32(text.encode())
        for name, ladder in (("bids", view.engine.book.bids), ("asks", view.engine.book.asks)):
            now = [(o.order_id, o.price, o.quantity) for q in ladder.queues(10) for o in q]
            assert best(held[name], name, 10) == now


def best(
    orders: list[tuple[str, Decimal, Decimal]], name: str, depth: int
) -> list[tuple[str, Decimal, Decimal]]:
    prices = sorted({order[1] for order in orders}, reverse=name == "bids")[:depth]
    return [order for price in prices for order in orders if order[1] == price]


def hear_level3(held: dict[str, list[tuple[str, Decimal, Decimal]]], frame: bytes) -> None:
    decoded = msgspec.json.decode(frame, type=dict[str, msgspec.Raw])
    (one,) = msgspec.json.decode(decoded["data"], type=list[dict[str, msgspec.Raw]])
    for name in ("bids", "asks"):
        orders = held[name]
        for change in msgspec.json.decode(one[name], type=list[dict[str, msgspec.Raw]]):
            order_id = msgspec.json.decode(change["order_id"], type=str)
            event = msgspec.json.decode(change.get("event", msgspec.Raw(b'"add"')), type=str)
            price = Decimal(bytes(change["limit_price"]).decode())
            quantity = Decimal(bytes(change["order_qty"]).decode())
            place = next((n for n, order in enumerate(orders) if order[0] == order_id), None)
            if event == "add":
                assert place is None, "added twice"
                orders.append((order_id, price, quantity))
            elif event == "modify":
                assert place is not None, "changed what was never shown"
                orders[place] = (order_id, price, quantity)
            else:
                assert place is not None, "deleted what was never shown"
                del orders[place]
        held[name] = best(orders, name, 10)


def made_trade(number: int, price: str, quantity: str, **more: str) -> Trade:
    return Trade(
        venue="kraken",
        symbol=BTC,
        side=BUY,
        price=Decimal(price),
        quantity=Decimal(quantity),
        trade_id=str(number),
        order_type=more.get("order_type", "limit"),
        venue_ns=NOW,
        received_ns=NOW,
    )


def test_a_trade_is_byte_for_byte_the_live_frame() -> None:
    view = View()
    server = KrakenServer(view, "public")
    request(server, channel="trade", symbol=["BTC/USD"])

    view.made_trades.append(made_trade(109116693, "83744.3", "0.00044780"))
    frames = server.publish(BTC, NOW)

    # Live, 2026-09-25; the quantity had its trailing zero on the wire.
    assert [frame.decode() for frame in frames] == [
        (
            '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy",'
            '"price":83744.3,"qty":0.00044780,"ord_type":"limit","trade_id":109116693,'
            '"timestamp":"2026-09-25T17:48:26.844359Z"}]}'
        )
    ]
    assert list(server.publish(BTC, NOW)) == []


def test_small_quantities_are_written_without_an_exponent() -> None:
    view = View()
    server = KrakenServer(view, "public")
    request(server, channel="trade", symbol=["BTC/USD"])

    view.made_trades.append(made_trade(1, "83744.0", "0.00000010"))
    (frame,) = server.publish(BTC, NOW)

    assert b'"price":83744.0,"qty":0.00000010,' in frame


def test_a_trade_snapshot_holds_the_last_fifty_and_updates_go_on_from_there() -> None:
    view = View()
    view.made_trades += [made_trade(n, "1.0", "1.00000000") for n in range(1, 61)]
    server = KrakenServer(view, "public")

    _, snapshot = request(server, channel="trade", symbol=["BTC/USD"], snapshot=True)
    view.made_trades += [made_trade(n, "1.0", "1.00000000") for n in (61, 62)]
    (update,) = server.publish(BTC, NOW)

    decoded = msgspec.json.decode(snapshot)
    assert [one["trade_id"] for one in decoded["data"]] == list(range(11, 61))
    assert [one["trade_id"] for one in msgspec.json.decode(update)["data"]] == [61, 62]


def ticker() -> Ticker:
    return Ticker(
        venue="kraken",
        symbol=BTC,
        bid=Decimal("83744.2"),
        bid_quantity=Decimal("0.56251979"),
        ask=Decimal("83744.3"),
        ask_quantity=Decimal("0.00044780"),
        last=Decimal("83744.3"),
        volume=Decimal("3156.84782110"),
        vwap=Decimal("84174.6"),
        low=Decimal("83163.6"),
        high=Decimal("85247.4"),
        change=Decimal("-429.3"),
        change_percent=Decimal("-0.51"),
        trades=135262,
        received_ns=NOW,
    )


def test_a_ticker_is_byte_for_byte_the_live_frame() -> None:
    view = View()
    view.made_ticker = ticker()

    _, snapshot = request(KrakenServer(view, "public"), channel="ticker", symbol=["BTC/USD"])

    # Live, 2026-09-25, there as an update
    assert snapshot.decode() == (
        '{"channel":"ticker","type":"snapshot","data":[{"symbol":"BTC/USD","bid":83744.2,'
        '"bid_qty":0.56251979,"ask":83744.3,"ask_qty":0.00044780,"last":83744.3,'
        '"volume":3156.84782110,"vwap":84174.6,"low":83163.6,"high":85247.4,"change":-429.3,'
        '"change_pct":-0.51,"trades":135262,"timestamp":"2026-09-25T17:48:26.844359Z"}]}'
    )


@pytest.mark.parametrize(("trigger", "at_trade", "at_best"), [("trades", 1, 0), ("bbo", 0, 1)])
def test_a_ticker_is_repeated_by_what_triggers_it(
    trigger: str, at_trade: int, at_best: int
) -> None:
    view = ladder_view(10)
    view.made_ticker = ticker()
    server = KrakenServer(view, "public")
    request(server, channel="ticker", symbol=["BTC/USD"], event_trigger=trigger)

    view.made_trades.append(made_trade(1, "1.0", "1.00000000"))
    after_trade = len(server.publish(BTC, NOW))
    view.take(BUY, "99.0")  # not the best
    after_nothing = len(server.publish(BTC, NOW))
    view.take(BUY, "99.9")
    after_best = len(server.publish(BTC, NOW))

    assert (after_trade, after_nothing, after_best) == (at_trade, 0, at_best)


def test_a_candle_is_the_live_frame_and_is_repeated_with_each_trade() -> None:
    view = View()
    start_ns = 1_790_358_480 * SECOND  # 17:48:00
    candle = Candle(
        venue="kraken",
        symbol=BTC,
        interval_s=60,
        start_ns=start_ns,
        end_ns=start_ns + 60 * SECOND,
        open=Decimal("83729.5"),
        high=Decimal("83745.2"),
        low=Decimal("83729.4"),
        close=Decimal("83744.3"),
        volume=Decimal("0.21155628"),
        vwap=Decimal("83736.4"),
        trades=33,
        received_ns=NOW,
    )
    view.made_candles.append(candle)
    server = KrakenServer(view, "public")
    request(server, channel="ohlc", symbol=["BTC/USD"], interval=1)
    assert list(server.publish(BTC, NOW)) == []

    view.made_trades.append(made_trade(1, "83744.3", "0.00044780"))
    (frame,) = server.publish(BTC, NOW + 566)

    # Live, 2026-09-25
    assert frame.decode() == (
        '{"channel":"ohlc","type":"update","timestamp":"2026-09-25T17:48:26.844359566Z","data":['
        '{"symbol":"BTC/USD","open":83729.5,"high":83745.2,"low":83729.4,"close":83744.3,'
        '"trades":33,"volume":0.21155628,"vwap":83736.4,'
        '"interval_begin":"2026-09-25T17:48:00.000000000Z","interval":1,'
        '"timestamp":"2026-09-25T17:49:00.000000Z"}]}'
    )


def test_a_stream_without_a_snapshot_goes_on_from_now() -> None:
    view = ladder_view(12)
    server = KrakenServer(view, "public")
    frames = request(server, channel="book", symbol=["BTC/USD"], snapshot=False)

    view.take(BUY, "99.9")
    (update,) = server.publish(BTC, NOW)

    assert len(frames) == 1
    assert raw_levels(update, "bids") == [("99.9", "0.00000000"), ("98.9", "1.00000000")]
