"""Questions about an account, answered by the published examples."""

from collections.abc import Sequence
from decimal import Decimal
from urllib.parse import parse_qs

import pytest

from fluxum.errors import NonceRefused, RateLimited, RemoteProtocolError, VenueRefused
from fluxum.model.account import EntryKind, Fee, Liquidity, Wallet
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus, OrderType, OrderUpdate, TimeInForce
from fluxum.venues.kraken.private.queries import account_queries
from fluxum.venues.private import AccountQueries, EntryQuery, FillQuery, OrderQuery, Token
from needed import needed

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
# As in test_data/http_asset_pairs_tokenized.json of nautilus_trader's Kraken adapter, cut
TOKENISED = (
    b'{"error":[],"result":{"AAPLxUSD":{"altname":"AAPLxUSD","wsname":"AAPLx/USD",'
    b'"aclass_base":"tokenized_asset","base":"AAPLx","quote":"ZUSD"}}}'
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
def queries() -> AccountQueries:
    """Questions that have learned their names."""
    asked = account_queries()
    for question, body in zip(asked.preparations(), (ASSETS, PAIRS, TOKENISED), strict=True):
        assert question.read(body, NOW) is None
    return asked


def test_a_token_is_read_and_never_shown(queries: AccountQueries) -> None:
    question = needed(queries.token)()

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
    queries: AccountQueries,
) -> None:
    body = (
        b'{"error":[],"result":{"XXBT":{"balance":"1.2435","hold_trade":"0.8423"},'
        b'"ZUSD":{"balance":25435.21,"hold_trade":8249.76},'
        b'"USD.M":{"balance":"100.00","hold_trade":"0"}}}'
    )

    bitcoin, dollars = queries.balances().read(body, NOW)

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
    assert dollars.wallets[1] == Wallet("earn", "liquid", Decimal("100.00"))


ORDER = OrderQuery(symbol=Symbol("BTC/USD"), client_order_id="my-name")


def test_an_open_order_is_read_whole(queries: AccountQueries) -> None:
    question = queries.order(ORDER)[0]

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


def test_a_closed_order_says_how_and_when_it_ended(queries: AccountQueries) -> None:
    body = OPEN.replace(b'"open":{', b'"count":1,"closed":{', 1)
    body = body.replace(
        b'"status":"open"',
        b'"status":"canceled","reason":"User requested","cl_ord_id":"mine","closetm":1688667000.5',
    )

    page = queries.order(ORDER)[1].read(body, NOW)

    (order,) = page.items
    assert page.total == 1
    assert (order.status, order.reason, order.client_order_id) == (
        OrderStatus.CANCELED,
        "User requested",
        "mine",
    )
    assert order.venue_ns == 1_688_667_000_500_000_000


def test_a_stop_names_its_trigger_first_and_its_limit_second(queries: AccountQueries) -> None:
    body = OPEN.replace(b'"ordertype":"limit","price":"30010.0","price2":"0"', b"%s") % (
        b'"ordertype":"stop-loss-limit","price":"29000.0","price2":"28900.0"'
    )

    (order,) = queries.open_orders().read(body, NOW)

    assert (order.trigger_price, order.limit_price) == (Decimal("29000.0"), Decimal("28900.0"))


def test_a_trailing_stop_names_its_distance_and_where_it_waits(
    queries: AccountQueries,
) -> None:
    # As seen in https://github.com/ccxt/ccxt/issues/21063
    body = OPEN.replace(b'"ordertype":"limit"', b'"ordertype":"trailing-stop"')
    body = body.replace(b'"price":"30010.0","price2"', b'"price":"+50.0000%","price2"')
    body = body.replace(b'"stopprice":"0.00000"', b'"stopprice":"29000.0"')

    (order,) = queries.open_orders().read(body, NOW)

    assert (order.trigger_price, order.limit_price) == (Decimal("29000.0"), None)


def test_an_amount_that_was_spent_is_no_quantity(queries: AccountQueries) -> None:
    body = OPEN.replace(b'"oflags":"fciq"', b'"oflags":"fciq,viqc"')

    (order,) = queries.open_orders().read(body, NOW)

    assert (order.quantity, order.filled) == (Decimal("0.37500000"), Decimal("0.37500000"))


def test_fills_come_newest_first_with_their_fee_in_the_quote_asset(
    queries: AccountQueries,
) -> None:
    question = queries.fills(FillQuery(since_ns=1_688_000_000_000_000_000))

    page = question.read(TRADES.replace(b'"count":2,', b'"count":2346,'), NOW)

    form = parse_qs(question.fetch.body.decode())
    assert (form["start"], form.get("ofs")) == (["1688000000"], None)
    assert page.next is not None  # 2 of 2346 rows
    assert parse_qs(page.next.fetch.body.decode()) == {**form, "ofs": ["2"]}
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
    queries: AccountQueries,
) -> None:
    query = EntryQuery(
        asset=Asset("BTC"), kind=EntryKind.DEPOSIT, until_ns=1_688_464_484_178_700_000
    )
    question = needed(queries.entries)(query)

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
    queries: AccountQueries, name: str, market: str
) -> None:
    body = TRADES.replace(b"XXBTZUSD", name.encode())

    fill, _ = queries.fills(FillQuery()).read(body, NOW).items

    assert fill.symbol == Symbol(market)


@pytest.mark.parametrize(
    ("errors", "kind"),
    [
        (["EAPI:Rate limit exceeded"], RateLimited),
        (["EAPI:Invalid nonce"], NonceRefused),
        (["EGeneral:Temporary lockout"], RateLimited),
        (["EService: Throttled: 1688464484"], RateLimited),
        (["EService:Unavailable"], RateLimited),
        (["EAPI:Invalid signature"], VenueRefused),
        (["EGeneral:Permission denied"], VenueRefused),
    ],
)
def test_a_refusal_says_whether_asking_again_can_help(
    queries: AccountQueries, errors: Sequence[str], kind: type[VenueRefused]
) -> None:
    body = b'{"error":["%s"]}' % errors[0].encode()

    with pytest.raises(VenueRefused, match="BalanceEx was refused") as caught:
        queries.balances().read(body, NOW)

    assert type(caught.value) is kind
    assert caught.value.code == errors[0]


def test_a_throttled_caller_waits_until_the_venue_says(queries: AccountQueries) -> None:
    # https://docs.kraken.com/api/docs/guides/spot-errors: a Unix time; NOW is 1700000000
    body = b'{"error":["EService: Throttled: 1700000012"]}'

    with pytest.raises(RateLimited) as caught:
        queries.balances().read(body, NOW)

    assert caught.value.retry_after_s == 12


def test_a_nonce_that_is_refused_says_what_happened_and_what_to_do(
    queries: AccountQueries,
) -> None:
    with pytest.raises(NonceRefused, match=r"larger nonce of this key.*make a new key"):
        queries.balances().read(b'{"error":["EAPI:Invalid nonce"]}', NOW)


def test_the_same_holding_has_one_name_and_its_wallets_beside_it(
    queries: AccountQueries,
) -> None:
    rows = ASSETS.replace(
        b'"ZUSD"',
        b'"XBT.M":{"altname":"XBT.M"},"ATOM":{"altname":"ATOM"},'
        b'"ATOM.S":{"altname":"ATOM.S"},"ZUSD"',
    )
    queries.preparations()[0].read(rows, NOW)
    body = (
        b'{"error":[],"result":{"XXBT":{"balance":"1.0","hold_trade":"0.1"},'
        b'"XBT.M":{"balance":"2.0","hold_trade":"0"},"XBT.F":{"balance":"4.0","hold_trade":"0"},'
        b'"ATOM.S":{"balance":"5","hold_trade":"0"}}}'
    )

    bitcoin, atoms = queries.balances().read(body, NOW)

    assert (bitcoin.asset, bitcoin.total, bitcoin.held) == ("BTC", Decimal("7.0"), Decimal("0.1"))
    assert bitcoin.wallets == (
        Wallet("spot", "main", Decimal("1.0")),
        Wallet("earn", "liquid", Decimal("2.0")),
        Wallet("earn", "flexible", Decimal("4.0")),
    )
    assert (atoms.asset, atoms.total) == ("ATOM", Decimal(5))
    line = LEDGERS.replace(b"ZGBP", b"XBT.M")
    (entry,) = needed(queries.entries)(EntryQuery()).read(line, NOW)
    assert (entry.asset, entry.wallet) == ("BTC", "earn/liquid")


def test_an_order_of_a_new_type_status_and_time_is_kept_with_the_venues_words(
    queries: AccountQueries,
) -> None:
    body = OPEN.replace(b'"ordertype":"limit"', b'"ordertype":"twap"')
    body = body.replace(b'"status":"open"', b'"status":"frozen","timeinforce":"GFS"')

    (order,) = queries.open_orders().read(body, NOW)

    assert (order.order_type, order.venue_type) == (OrderType.OTHER, "twap")
    assert (order.status, order.venue_status) == (OrderStatus.OTHER, "frozen")
    assert (order.time_in_force, order.venue_time_in_force) == (TimeInForce.OTHER, "GFS")
    assert (order.quantity, order.filled) == (Decimal("1.25000000"), Decimal("0.37500000"))


def test_an_odd_order_costs_no_other_and_is_counted(queries: AccountQueries) -> None:
    row = OPEN.partition(b'"open":{')[2].removesuffix(b"}}}")
    odd = row.replace(b"OQCLML", b"ODD").replace(b'"buy"', b'"bought"', 1)
    body = b'{"error":[],"result":{"count":2,"closed":{%s,%s}}}' % (odd, row)

    page = queries.closed_orders(FillQuery()).read(body, NOW)

    assert [order.order_id for order in page] == ["OQCLML-BW3P3-BUCMWZ"]
    assert page.left_out is not None
    assert (page.left_out.count, page.rows, page.total) == (1, 2, 2)
    assert "a side was expected, was 'bought'" in page.left_out.reason
    assert page.left_out.sample.startswith('"ODD-BW3P3-BUCMWZ":{"refid":null,"userref":0,')


def test_a_line_without_a_balance_is_kept(queries: AccountQueries) -> None:
    body = LEDGERS.replace(b'"balance":"459567.9171"', b'"balance":""')

    (entry,) = needed(queries.entries)(EntryQuery()).read(body, NOW)

    assert (entry.balance, entry.change) == (None, Decimal("-24.5490"))


def test_a_fee_of_the_list_of_trades_is_in_an_asset_that_only_lines_name(
    queries: AccountQueries,
) -> None:
    # The worth of the fee, 0.9600 USD, although 0.000032 BTC were taken (protocol notes, 3.2).
    body = TRADES.replace(b'"fee":"0.00000"', b'"fee":"0.96000"', 1)
    base = LEDGERS.replace(b"TJKLXF-PGMUI-4NTLXU", b"THVRQM-33VKH-UCI7BS").replace(
        b'"ZGBP","amount":"-24.5000","fee":"0.0490"',
        b'"XXBT","amount":"0.0200000000","fee":"0.0000320000"',
    )
    quote = LEDGERS.replace(b"TJKLXF-PGMUI-4NTLXU", b"THVRQM-33VKH-UCI7BS").replace(
        b'"ZGBP","amount":"-24.5000","fee":"0.0490"',
        b'"ZUSD","amount":"-600.2000","fee":"0.0000"',
    )
    fill, free = queries.fills(FillQuery()).read(body, NOW)
    lines = [
        line
        for one in (base, quote)
        for line in needed(queries.entries)(EntryQuery()).read(one, NOW)
    ]

    assert fill.fees is None
    assert free.fees == (Fee(Asset("USD"), Decimal("0.00000")),)
    assert needed(queries.charged)(fill, lines[:1]) is None  # the other line is still to come
    charged = needed(queries.charged)(fill, lines)
    assert charged is not None
    assert charged.fees == (Fee(Asset("BTC"), Decimal("0.0000320000")),)
    assert charged.identity == fill.identity


def test_lists_are_asked_for_again_for_a_market_that_none_has_but_not_too_often(
    queries: AccountQueries,
) -> None:
    minute = 60 * 1_000_000_000
    body = TRADES.replace(b"XXBTZUSD", b"NEWCOINZUSD", 1)

    def renewed(at_ns: int) -> bool:
        queries.fills(FillQuery()).read(body, at_ns)
        return bool(queries.renewals(at_ns))

    assert queries.renewals(NOW) == ()  # nothing was missed yet
    asked = [renewed(NOW + index * minute) for index in range(120)]

    assert asked[0]
    assert sum(asked) == 7  # at once, then after 1, 2, 4, 8, 16 and 32 minutes more
    learned = PAIRS.replace(
        b'"XDGUSD":{', b'"NEWCOINZUSD":{"altname":"NEWUSD","base":"NEW","quote":"ZUSD"},"XDGUSD":{'
    )
    queries.preparations()[1].read(learned, NOW)
    newest, _ = queries.fills(FillQuery()).read(body, NOW)
    assert newest.symbol == Symbol("NEW/USD")
    assert queries.renewals(NOW + 10**6 * minute) == ()


def test_the_list_of_tokenised_markets_may_be_refused_and_others_may_have_odd_rows(
    queries: AccountQueries,
) -> None:
    assets, pairs, tokenised = queries.preparations()

    assert "aclass_base=tokenized_asset" in tokenised.fetch.path
    assert tokenised.read(b'{"error":["EGeneral:Invalid arguments"]}', NOW) is None
    nonsense = tokenised.read(b"<html>", NOW)
    assert nonsense is not None
    assert nonsense.count == 1
    with pytest.raises(RateLimited):
        tokenised.read(b'{"error":["EService:Busy"]}', NOW)
    with pytest.raises(VenueRefused):
        pairs.read(b'{"error":["EGeneral:Invalid arguments"]}', NOW)
    odd = assets.read(ASSETS.replace(b'"ZUSD"', b'"ODD":{"altname":null},"ZUSD"'), NOW)
    assert odd is not None
    assert (odd.count, odd.sample) == (1, '"ODD":{"altname":null}')


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"error":[]}',
        b'{"error":[],"result":[]}',
    ],
)
def test_an_answer_that_makes_no_sense_is_no_answer(queries: AccountQueries, body: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        queries.open_orders().read(body, NOW)
