"""Scanned frames of trades: the same events as read in Python, or none at all."""

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxum.model.event import Channel, Subscribed, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side, Trade
from fluxum.venues.fast import IS_COMPILED
from fluxum.venues.register import VENUES
from fluxum.venues.trade_scan import ScansTrades
from venues.scanned import CASES, NS, Case, Pair, mutations

pytestmark = pytest.mark.skipif(not IS_COMPILED, reason="nothing was compiled: no C compiler here")

EACH = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
KRAKEN = CASES["kraken"]


@EACH
def test_the_frames_of_today_are_scanned(case: Case) -> None:
    pair = Pair(case)

    assert pair.check(case.frames[1])


@EACH
def test_frames_that_were_received_together_are_one_run_of_trades(case: Case) -> None:
    apart, together = Pair(case), Pair(case)
    more = [one for frame in case.frames[1:] for one in apart.receiving.receive(frame, NS)]

    scanned = together.scan(*case.frames[1:], b'{"x":1}')

    assert scanned is not None
    assert scanned == more
    assert scanned.frames == len(case.frames) - 1
    assert scanned.is_unbroken


def test_a_trade_of_kraken_is_as_documented() -> None:
    scanned = Pair(KRAKEN).scan(KRAKEN.frames[0])

    assert scanned == [
        Trade(
            venue="kraken",
            symbol=Symbol("MATIC/USD"),
            side=Side.SELL,
            price=Decimal("0.5117"),
            quantity=Decimal("40.0"),
            trade_id="4665906",
            sequence=4665906,
            order_type="market",
            venue_ns=1_695_628_177_708_706_000,
            received_ns=NS,
        )
    ]
    assert scanned is not None
    assert str(scanned[0].quantity) == "40.0"


def test_a_trade_of_bybit_has_an_id_and_no_number() -> None:
    scanned = Pair(CASES["bybit"]).scan(CASES["bybit"].frames[0])

    assert scanned == [
        Trade(
            venue="bybit",
            symbol=Symbol("BTC/USDT"),
            side=Side.BUY,
            price=Decimal("16578.50"),
            quantity=Decimal("0.001"),
            trade_id="20f43950-d8dd-5b31-9112-a178eb6023af",
            venue_ns=1_672_304_486_865_000_000,
            received_ns=NS,
        )
    ]
    assert scanned is not None
    assert (scanned.first, scanned.last, scanned.is_unbroken) == (-1, -1, True)


def test_a_trade_of_gemini_has_nanoseconds_and_a_whole_number_for_its_id() -> None:
    scanned = Pair(CASES["gemini"]).scan(CASES["gemini"].frames[0])

    assert scanned == [
        Trade(
            venue="gemini",
            symbol=Symbol("BTC/USD"),
            side=Side.SELL,
            price=Decimal("120649.97"),
            quantity=Decimal("0.00461909"),
            trade_id="2840140956529623",
            venue_ns=1_759_873_803_503_023_900,
            received_ns=NS,
        )
    ]


def test_a_trade_of_market_data_v2_has_its_own_id_or_that_of_its_event() -> None:
    case = CASES["gemini-v2"]

    scanned = Pair(case).scan(*case.frames)

    assert scanned is not None
    assert [one.trade_id for one in scanned] == ["2840141017904555", "45465818387"]
    assert [one.side for one in scanned] == [Side.BUY, Side.SELL]


@pytest.mark.parametrize(
    ("venue", "old", "new"),
    [
        ("bybit", b'"BT":false', b'"BT":true'),  # its order type is `block`
        ("bybit", b'"type":"snapshot"', b'"type":"delta"'),
        ("bybit-linear", b"publicTrade.BTCUSDT", b"publicTrade.ETHUSDT"),
        ("gemini", b'"m":', b'"e":"trade","m":'),
        ("gemini", b"1759873803503023900", b"1759873803503"),
        ("gemini", b"1759873803503023900", b"9999999999999999999"),
        ("gemini", b"1759873803503023900", b"17598738035030239000"),
        ("gemini-v2", b'"side":"buy"', b'"side":"block"'),
        ("okx", b'"channel":"trades"', b'"channel":"trades-all"'),
        ("okx", b'"1630048897897"', b"1630048897897"),
        ("okx", b'"1630048897897"', b'"01630048897897"'),
    ],
)
def test_what_only_python_reads_of_a_venue_is_not_scanned(
    venue: str, old: bytes, new: bytes
) -> None:
    frame = CASES[venue].frames[0]
    assert old in frame

    assert Pair(CASES[venue]).scan(frame.replace(old, new)) is None


@pytest.mark.parametrize("venue", ["okx", "bybit", "bybit-linear", "gemini"])
def test_trades_that_acknowledge_their_request_are_not_scanned(venue: str) -> None:
    first, second = CASES[venue].frames
    trade = Pair(CASES[venue]).receiving.receive(second, NS)[0]
    assert isinstance(trade, Trade)
    protocol = VENUES[venue].protocol()
    assert isinstance(protocol, ScansTrades)
    assert protocol.scan_trades is not None
    subscription = Subscription(Channel.TRADE, trade.symbol)

    protocol.subscribe([subscription])
    assert protocol.scan_trades([first], 0, NS) is None
    assert [type(one) for one in protocol.receive(first, NS)] == [Subscribed, Trade]
    assert protocol.scan_trades([second], 0, NS) is not None
    protocol.resync(subscription)
    assert protocol.scan_trades([second], 0, NS) is None
    protocol.unsubscribe([subscription])
    assert protocol.scan_trades([second], 0, NS) is None


def test_the_newest_first_are_published_oldest_first_at_coinbase() -> None:
    case = CASES["coinbase"]

    scanned = Pair(case).scan(case.frames[1])

    assert scanned is not None
    assert [one.sequence for one in scanned] == [1_068_572_092, 1_068_572_093]
    assert [one.side for one in scanned] == [Side.BUY, Side.SELL]
    assert (scanned.first, scanned.last) == (1_068_572_092, 1_068_572_093)


def test_a_number_that_does_not_follow_on_breaks_the_run() -> None:
    first, second = KRAKEN.frames
    later = second.replace(b"4665907", b"4665917")

    scanned = Pair(KRAKEN).scan(first, later, first)

    assert scanned is not None
    assert scanned.frames == 2
    assert not scanned.is_unbroken


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"0.5117", b"0"),
        (b"0.5117", b"0.5117e0"),
        (b"0.5117", b"00.5117"),
        (b"0.5117", b".5117"),
        (b"0.5117", b"5."),
        (b"0.5117", b"-0.5117"),
        (b"0.5117", b'"0.5117"'),
        (b"0.5117", b"0." + b"1" * 30),
        (b"40.0", b"0.000"),
        (b"4665906", b"4665906.0"),
        (b"4665906", b"9999999999999999999"),
        (b'"sell"', b'"SELL"'),
        (b'"market"', b'"mar\\u006bet"'),
        (b'"market"', b"null"),
        (b"MATIC/USD", b"ETH/USD"),
        (b'"update"', b'"snapshot"'),
        (b"2023-09-25T07:49:37.708706Z", b"2023-09-25T07:49:37.708706"),
        (b"2023-09-25T07:49:37.708706Z", b"1970-01-01T00:00:00.000000Z"),
        (b"2023-09-25T07:49:37.708706Z", b"2023-13-25T07:49:37.708706Z"),
        (b',"trade_id"', b', "trade_id"'),
        (b'"side":"sell"', b'"side":"sell","side":"sell"'),
        (b"}]}", b"}]} "),
        (b"}]}", b"}],"),
        (b'"qty":40.0,', b""),
    ],
)
def test_a_frame_of_another_form_is_not_scanned(old: bytes, new: bytes) -> None:
    frame = KRAKEN.frames[0]
    assert old in frame

    assert Pair(KRAKEN).scan(frame.replace(old, new)) is None


def test_members_that_the_venue_adds_are_passed_over() -> None:
    frame = KRAKEN.frames[0].replace(b'"side"', b'"note":"x","depth":-1.5,"is_new":true,"side"')

    assert Pair(KRAKEN).check(frame)


def test_members_may_come_in_any_order() -> None:
    frame = (
        b'{"channel":"trade","type":"update","data":[{"timestamp":"2023-09-25T07:49:37.7Z",'
        b'"trade_id":4665907,"ord_type":"stop-loss","qty":1,"price":7,"side":"buy",'
        b'"symbol":"MATIC/USD"}]}'
    )

    assert Pair(KRAKEN).check(frame)


def test_a_match_of_futures_has_no_number() -> None:
    case = CASES["binance"]
    frame = case.frames[1].replace(b'"M":true', b'"M":true,"X":"MARKET"')
    pair = Pair(case)

    assert pair.check(frame)
    scanned = pair.scan(frame)
    assert scanned is not None
    assert scanned[0].sequence is None
    assert not scanned.is_unbroken


def test_a_frame_out_of_step_is_not_scanned() -> None:
    case = CASES["coinbase"]
    pair = Pair(case)

    assert pair.scan(case.frames[1].replace(b'"sequence_num":10', b'"sequence_num":11')) is None
    assert pair.check(case.frames[1])


@EACH
@given(seed=st.integers(0, 2**32))
def test_a_mutated_frame_is_read_as_in_python_or_not_at_all(case: Case, seed: int) -> None:
    changed = mutations(case, Random(seed))
    for _ in range(30):
        Pair(case).check(next(changed))
