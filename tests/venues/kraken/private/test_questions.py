"""Questions about an account, answered by the published examples."""

from collections.abc import Sequence
from decimal import Decimal
from urllib.parse import parse_qs

import pytest

from fluxum.errors import RateLimited, RemoteProtocolError, VenueRefused
from fluxum.model.account import EntryKind, Fee, Liquidity, Wallet
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus, OrderType, OrderUpdate
from fluxum.venues.kraken.private.questions import KrakenQuestions
from fluxum.venues.private import EntryQuery, Token

NOW = 1_700_000_000_000_000_000
# https://docs.kraken.com/api/docs/rest-api/get-asset-info and /get-tradable-asset-pairs, cut
ASSETS = (
    b'{"error":[],"result":{"XXBT":{"aclass":"currency","altname":"XBT","decimals":10},'
    b'"XXDG":{"aclass":"currency","altname":"XDG","decimals":8},'
    b'"ZUSD":{"aclass":"currency","altname":"USD","decimals":4},'
    b'"ZGBP":{"aclass":"currency","altname":"GBP","decimals":4}}}'
)
PAIRS = (
    b'{"error":[],"result":{"XXBTZUSD":{"altname":"XBTUSD","wsname":"XBT/USD","base":"XXBT",'
    b'"quote":"ZUSD"},"XDGUSD":{"altname":"XDGUSD","wsname":"XDG/USD","base":"XXDG",'
    b'"quote":"ZUSD"}}}'
)
# https://docs.kraken.com/api/docs/rest-api/get-open-orders
OPEN = (
    b'{"error":[],"result":{"open":{"OQCLML-BW3P3-BUCMWZ":{"refid":null,"userref":0,'
    b'"status":"open","opentm":1688666559.8974,"starttm":0,"expiretm":0,"descr":{"pair":"XBTUSD",'
    b'"type":"buy","ordertype":"limit","price":"30010.0","price2":"0","leverage":"none",'
    b'"order":"buy 1.25000000 XBTUSD @ limit 30010.0","close":""},"vol":"1.25000000",'
    b'"vol_exec":"0.37500000","cost":"11253.7","fee":"0.00000","price":"30010.0",'
    b'"stopprice":"0.00000","limitprice":"0.00000","misc":"","oflags":"fciq",'
    b'"trades":["TCCCTY-WE2O6-P3NB37"]}}}}'
)
# https://docs.kraken.com/api/docs/rest-api/get-trade-history
TRADES = (
    b'{"error":[],"result":{"count":2,"trades":{"THVRQM-33VKH-UCI7BS":{'
    b'"ordertxid":"OQCLML-BW3P3-BUCMWZ","postxid":"TKH2SE-M7IF5-CFI7LT","pair":"XXBTZUSD",'
    b'"time":1688667796.8802,"type":"buy","ordertype":"limit","price":"30010.00000",'
    b'"cost":"600.20000","fee":"0.00000","vol":"0.02000000","margin":"0.00000","misc":"",'
    b'"trade_id":40274859,"maker":true},"TCWJEG-FL4SZ-3FKGH6":{'
    b'"ordertxid":"OQCLML-BW3P3-BUCMWZ","postxid":"TKH2SE-M7IF5-CFI7LT","pair":"XXBTZUSD",'
    b'"time":1688667769.6396,"type":"buy","ordertype":"limit","price":"30010.00000",'
    b'"cost":"300.10000","fee":"0.00000","vol":"0.01000000","margin":"0.00000","misc":"",'
    b'"trade_id":39482674,"maker":true}}}}'
)
# https://docs.kraken.com/api/docs/rest-api/get-ledgers
LEDGERS = (
    b'{"error":[],"result":{"ledger":{"L4UESK-KG3EQ-UFO4T5":{"refid":"TJKLXF-PGMUI-4NTLXU",'
    b'"time":1688464484.1787,"type":"trade","subtype":"","aclass":"currency","asset":"ZGBP",'
    b'"amount":"-24.5000","fee":"0.0490","balance":"459567.9171"}},"count":1}}'
)


@pytest.fixture
def questions() -> KrakenQuestions:
    """Questions that have learned their names."""
    asked = KrakenQuestions()
    for question, body in zip(asked.preparations(), (ASSETS, PAIRS), strict=True):
        question.read(body, NOW)
    return asked


def test_a_token_is_read_and_never_shown(questions: KrakenQuestions) -> None:
    question = questions.token()

    # https://docs.kraken.com/api/docs/rest-api/get-websockets-token
    token = question.read(
        b'{"error":[],"result":{"token":"1Dwc4lzSwNWOAwkMdqhssNNFhs1ed606d1WcF3XfEMw",'
        b'"expires":900}}',
        NOW,
    )

    assert question.fetch.path == "/0/private/GetWebSocketsToken"
    assert token == Token("1Dwc4lzSwNWOAwkMdqhssNNFhs1ed606d1WcF3XfEMw", 900)
    assert "1Dwc4" not in repr(token)


def test_wallets_of_an_asset_are_summed_up_under_its_modern_name(
    questions: KrakenQuestions,
) -> None:
    body = (
        b'{"error":[],"result":{"XXBT":{"balance":"1.2435","hold_trade":"0.8423"},'
        b'"ZUSD":{"balance":25435.21,"hold_trade":8249.76},'
        b'"USD.M":{"balance":"100.00","hold_trade":"0"}}}'
    )

    bitcoin, dollars = questions.balances().read(body, NOW)

    assert (bitcoin.asset, bitcoin.total, bitcoin.free) == (
        Asset("BTC"),
        Decimal("1.2435"),
        Decimal("0.4012"),
    )
    assert (dollars.asset, dollars.total, dollars.held) == (
        Asset("USD"),
        Decimal("25535.21"),
        Decimal("8249.76"),
    )
    assert dollars.wallets[1] == Wallet("earn", "M", Decimal("100.00"))


def test_an_open_order_is_read_whole(questions: KrakenQuestions) -> None:
    question = questions.open_orders("my-name")

    (order,) = question.read(OPEN, NOW)

    assert parse_qs(question.fetch.body.decode()) == {"cl_ord_id": ["my-name"]}
    assert order == OrderUpdate(
        venue="kraken",
        order_id="OQCLML-BW3P3-BUCMWZ",
        symbol=Symbol("BTC/USD"),
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        status=OrderStatus.PARTIALLY_FILLED,
        quantity=Decimal("1.25000000"),
        filled=Decimal("0.37500000"),
        cost=Decimal("11253.7"),
        average_price=Decimal("30010.0"),
        limit_price=Decimal("30010.0"),
        opened_ns=1_688_666_559_897_400_000,
        venue_ns=1_688_666_559_897_400_000,
        received_ns=NOW,
    )


def test_a_closed_order_says_how_and_when_it_ended(questions: KrakenQuestions) -> None:
    body = OPEN.replace(b'"open":{', b'"count":1,"closed":{', 1)
    body = body.replace(
        b'"status":"open"',
        b'"status":"canceled","reason":"User requested","cl_ord_id":"mine","closetm":1688667000.5',
    )

    page = questions.closed_orders("mine", since_ns=1_688_000_000_500_000_000).read(body, NOW)

    (order,) = page.items
    assert page.total == 1
    assert (order.status, order.reason, order.client_order_id) == (
        OrderStatus.CANCELED,
        "User requested",
        "mine",
    )
    assert order.venue_ns == 1_688_667_000_500_000_000


def test_a_stop_names_its_trigger_first_and_its_limit_second(questions: KrakenQuestions) -> None:
    body = OPEN.replace(b'"ordertype":"limit","price":"30010.0","price2":"0"', b"%s") % (
        b'"ordertype":"stop-loss-limit","price":"29000.0","price2":"28900.0"'
    )

    (order,) = questions.open_orders().read(body, NOW)

    assert (order.trigger_price, order.limit_price) == (Decimal("29000.0"), Decimal("28900.0"))


def test_a_trailing_stop_names_its_distance_and_where_it_waits(
    questions: KrakenQuestions,
) -> None:
    # As seen in https://github.com/ccxt/ccxt/issues/21063
    body = OPEN.replace(b'"ordertype":"limit"', b'"ordertype":"trailing-stop"')
    body = body.replace(b'"price":"30010.0","price2"', b'"price":"+50.0000%","price2"')
    body = body.replace(b'"stopprice":"0.00000"', b'"stopprice":"29000.0"')

    (order,) = questions.open_orders().read(body, NOW)

    assert (order.trigger_price, order.limit_price) == (Decimal("29000.0"), None)


def test_an_amount_that_was_spent_is_no_quantity(questions: KrakenQuestions) -> None:
    body = OPEN.replace(b'"oflags":"fciq"', b'"oflags":"fciq,viqc"')

    (order,) = questions.open_orders().read(body, NOW)

    assert (order.quantity, order.filled) == (Decimal("0.37500000"), Decimal("0.37500000"))


def test_fills_come_newest_first_with_their_fee_in_the_quote_asset(
    questions: KrakenQuestions,
) -> None:
    question = questions.fills(since_ns=1_688_000_000_000_000_000, offset=50)

    page = question.read(TRADES, NOW)

    form = parse_qs(question.fetch.body.decode())
    assert (form["start"], form["ofs"]) == (["1688000000"], ["50"])
    assert question.fetch.cost == 2
    assert [fill.fill_id for fill in page.items] == ["THVRQM-33VKH-UCI7BS", "TCWJEG-FL4SZ-3FKGH6"]
    newest = page.items[0]
    assert (newest.symbol, newest.price, newest.quantity) == (
        Symbol("BTC/USD"),
        Decimal("30010.00000"),
        Decimal("0.02000000"),
    )
    assert newest.fees == (Fee(Asset("USD"), Decimal("0.00000")),)
    assert newest.liquidity is Liquidity.MAKER
    assert newest.backfilled
    assert newest.venue_ns == 1_688_667_796_880_200_000


def test_a_line_of_the_account_keeps_the_venues_words_and_its_row(
    questions: KrakenQuestions,
) -> None:
    query = EntryQuery(
        asset=Asset("BTC"), kind=EntryKind.DEPOSIT, until_ns=1_688_464_484_178_700_000
    )
    question = questions.entries(query)

    (entry,) = question.read(LEDGERS, NOW).items

    form = parse_qs(question.fetch.body.decode())
    assert form == {"asset": ["XXBT"], "type": ["deposit"], "end": ["1688464484.1787"]}
    assert (entry.entry_id, entry.kind, entry.venue_kind, entry.asset) == (
        "L4UESK-KG3EQ-UFO4T5",
        EntryKind.TRADE,
        "trade",
        Asset("GBP"),
    )
    assert entry.change == Decimal("-24.5490")
    assert b'"balance":"459567.9171"' in entry.raw


@pytest.mark.parametrize(
    ("name", "market"),
    [
        ("XXBTZUSD", "BTC/USD"),
        ("XBTUSD", "BTC/USD"),
        ("XDGUSD", "DOGE/USD"),
        ("BTC/USD", "BTC/USD"),
        ("XBTGBP", "BTC/GBP"),  # no longer listed: put together from assets
    ],
)
def test_markets_are_known_by_all_their_names(
    questions: KrakenQuestions, name: str, market: str
) -> None:
    body = TRADES.replace(b"XXBTZUSD", name.encode())

    fill, _ = questions.fills().read(body, NOW).items

    assert fill.symbol == Symbol(market)


@pytest.mark.parametrize(
    ("errors", "kind"),
    [
        (["EAPI:Rate limit exceeded"], RateLimited),
        (["EAPI:Invalid nonce"], RateLimited),
        (["EService: Throttled: 1688464484"], RateLimited),
        (["EService:Unavailable"], RateLimited),
        (["EAPI:Invalid signature"], VenueRefused),
        (["EGeneral:Permission denied"], VenueRefused),
    ],
)
def test_a_refusal_says_whether_asking_again_can_help(
    questions: KrakenQuestions, errors: Sequence[str], kind: type[VenueRefused]
) -> None:
    body = b'{"error":["%s"]}' % errors[0].encode()

    with pytest.raises(VenueRefused, match="BalanceEx was refused") as caught:
        questions.balances().read(body, NOW)

    assert type(caught.value) is kind
    assert caught.value.code == errors[0]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"error":[]}',
        b'{"error":[],"result":[]}',
        OPEN.replace(b"XBTUSD", b"WHAT"),
        OPEN.replace(b'"buy"', b'"bought"'),
        OPEN.replace(b'"status":"open"', b'"status":"ajar"'),
        OPEN.replace(b'"ordertype":"limit"', b'"ordertype":"limes"'),
        OPEN.replace(b"1688666559.8974", b"-1"),
    ],
)
def test_an_answer_that_makes_no_sense_is_no_answer(
    questions: KrakenQuestions, body: bytes
) -> None:
    with pytest.raises(RemoteProtocolError):
        questions.open_orders().read(body, NOW)
