"""Frames of trades and books for the scanners, and what has to be the same as without them."""

from collections.abc import Iterable, Iterator
from random import Random

from msgspec import Struct, structs

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Event
from fluxum.model.market import BookUpdate
from fluxum.venues.book_scan import BookScan, ScannedBooks, ScansBooks
from fluxum.venues.conversation import UNREADABLE, Fetch
from fluxum.venues.register import VENUES
from fluxum.venues.trade_scan import ScannedTrades, ScansTrades, TradeScan
from fluxum.venues.venue import Venue, VenueProtocol

__all__ = [
    "BOOKS",
    "CASES",
    "NS",
    "BookCase",
    "BookPair",
    "Case",
    "Pair",
    "ScanningVenue",
    "mutations",
]

NS = 1_784_000_000_000_000_000


class Case(Struct, frozen=True):
    """A venue, and frames of trades that follow one on another, as it writes them."""

    venue: str
    frames: tuple[bytes, ...]


class BookCase(Struct, frozen=True):
    """A venue's book: what comes before it is live, and updates that follow on, as it writes them.

    `body` answers the call for a snapshot, where there is one.
    """

    venue: str
    before: tuple[bytes, ...]
    frames: tuple[bytes, ...]
    body: bytes = b""


CASES = {
    case.venue: case
    for case in (
        # https://docs.kraken.com/api/docs/websocket-v2/trade, without its spaces
        Case(
            "kraken",
            (
                b'{"channel":"trade","type":"update","data":[{"symbol":"MATIC/USD","side":"sell",'
                b'"price":0.5117,"qty":40.0,"ord_type":"market","trade_id":4665906,'
                b'"timestamp":"2023-09-25T07:49:37.708706Z"}]}',
                b'{"channel":"trade","type":"update","data":[{"symbol":"MATIC/USD","side":"buy",'
                b'"price":0.5147,"qty":6423.46326,"ord_type":"limit","trade_id":4665907,'
                b'"timestamp":"2023-09-25T07:49:38.925533Z"},{"symbol":"MATIC/USD","side":"buy",'
                b'"price":0.5147,"qty":1136.19677815,"ord_type":"limit","trade_id":4665908,'
                b'"timestamp":"2023-09-25T07:49:38.925603Z"}]}',
            ),
        ),
        # https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md
        Case(
            "binance",
            (
                b'{"stream":"bnbbtc@trade","data":{"e":"trade","E":1672515782136,"s":"BNBBTC",'
                b'"t":12345,"p":"0.00100000","q":"100","T":1672515782136,"m":true,"M":true}}',
                b'{"stream":"bnbbtc@trade","data":{"e":"trade","E":1672515782137,"s":"BNBBTC",'
                b'"t":12346,"p":"0.00100100","q":"3.5","b":88,"a":50,"T":1672515782137,"m":false,'
                b'"M":true}}',
            ),
        ),
        # From a recording of 2021-04-05.
        Case(
            "binance-usdm",
            (
                b'{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1617566591517,'
                b'"s":"BTCUSDT","a":665076764,"p":"58001.03","q":"0.002","f":745522881,'
                b'"l":745522881,"T":1617566591516,"m":true}}',
                b'{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1617566591520,'
                b'"s":"BTCUSDT","a":665076765,"p":"58001.04","q":"1.5","f":745522882,'
                b'"l":745522885,"T":1617566591519,"m":false}}',
            ),
        ),
        # https://docs.cdp.coinbase.com/exchange/websocket-feed/channels#match
        Case(
            "coinbase-exchange",
            (
                b'{"type":"match","trade_id":10,"sequence":50,'
                b'"maker_order_id":"ac928c66-ca53-498f-9c13-a110027a60e8",'
                b'"taker_order_id":"132fb6ae-456b-4654-b4e0-d681ac05cea1",'
                b'"time":"2014-11-07T08:19:27.028459Z","product_id":"BTC-USD","size":"5.23512",'
                b'"price":"400.23","side":"sell"}',
                b'{"type":"match","trade_id":11,"sequence":51,'
                b'"maker_order_id":"ac928c66-ca53-498f-9c13-a110027a60e8",'
                b'"taker_order_id":"132fb6ae-456b-4654-b4e0-d681ac05cea1","side":"buy",'
                b'"size":"0.01","price":"400.3","product_id":"BTC-USD",'
                b'"time":"2014-11-07T08:19:28.464459Z"}',
            ),
        ),
        # From a recording of 2026-08-09; live frames have the newest trade first.
        Case(
            "coinbase",
            (
                b'{"channel":"market_trades","timestamp":"2026-08-09T21:05:48.251397169Z",'
                b'"sequence_num":9,"events":[{"type":"update","trades":[{"product_id":"BTC-USD",'
                b'"trade_id":"1068572091","price":"65083.67","size":"0.01034361",'
                b'"time":"2026-08-09T21:05:48.167634Z","side":"SELL"}]}]}',
                b'{"channel":"market_trades","timestamp":"2026-08-09T21:05:49.251397169Z",'
                b'"sequence_num":10,"events":[{"type":"update","trades":[{"product_id":"BTC-USD",'
                b'"trade_id":"1068572093","price":"65083.7","size":"2",'
                b'"time":"2026-08-09T21:05:49.16Z","side":"BUY"},{"product_id":"BTC-USD",'
                b'"trade_id":"1068572092","price":"65083.67","size":"0.5",'
                b'"time":"2026-08-09T21:05:49.1Z","side":"SELL"}]}]}',
            ),
        ),
        # https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-trades-channel, without
        # its spaces
        Case(
            "okx",
            (
                b'{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT",'
                b'"tradeId":"130639474","px":"42219.9","sz":"0.12060306","side":"buy",'
                b'"ts":"1630048897897","count":"3","source":"0","seqId":1234}]}',
                b'{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT",'
                b'"tradeId":"130639476","px":"42219","sz":"1.5","side":"sell","ts":"1630048898000",'
                b'"count":"2","source":"0","seqId":1240},{"instId":"BTC-USDT","tradeId":"130639477",'
                b'"px":"42218.7","sz":"0.1","side":"sell","ts":"1630048898001","count":"1",'
                b'"source":"0","seqId":1241}]}',
            ),
        ),
        # https://bybit-exchange.github.io/docs/v5/websocket/public/trade, without its spaces
        Case(
            "bybit",
            (
                b'{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":[{'
                b'"T":1672304486865,"s":"BTCUSDT","S":"Buy","v":"0.001","p":"16578.50",'
                b'"L":"PlusTick","i":"20f43950-d8dd-5b31-9112-a178eb6023af","BT":false,'
                b'"seq":1783284617}]}',
                b'{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486869,"data":[{'
                b'"i":"2290000000067031174","T":1672304486866,"p":"16578.5","v":"3","S":"Sell",'
                b'"s":"BTCUSDT","BT":false}]}',
            ),
        ),
        # From a recording of 2026-08-09; some of its members changed.
        Case(
            "bybit-linear",
            (
                b'{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1786310819681,"data":[{'
                b'"T":1786310819680,"s":"BTCUSDT","S":"Sell","v":"0.004","p":"65114.20",'
                b'"L":"MinusTick","i":"a9188a0a-82bc-50de-be60-03eedbe3cdd7","BT":false,'
                b'"RPI":false,"seq":753843954913}]}',
                b'{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1786310820973,"data":[{'
                b'"T":1786310820972,"s":"BTCUSDT","S":"Sell","v":"0.003","p":"65114.20",'
                b'"L":"ZeroMinusTick","i":"0de3f0d8-7f25-5f61-bdb5-75ad36ca187c","BT":false,'
                b'"RPI":true,"seq":753843988380},{"T":1786310820973,"s":"BTCUSDT","S":"Buy",'
                b'"v":"12","p":"65114.30","L":"PlusTick",'
                b'"i":"c357a7ba-f1ba-5dfc-9e6e-3f4afe1b72dd","BT":false,"RPI":false,'
                b'"seq":753843990926}]}',
            ),
        ),
        # https://developer.gemini.com/websocket/streams, without its spaces
        Case(
            "gemini",
            (
                b'{"E":1759873803503023900,"s":"btcusd","t":2840140956529623,"p":"120649.97000",'
                b'"q":"0.0046190900","m":true}',
                b'{"E":1759873803603023999,"s":"btcusd","t":2840140956529630,"p":"120650",'
                b'"q":"2","m":false}',
            ),
        ),
        # A live frame as the notes of `gemini.v2.native` quote it, and one of the older form.
        Case(
            "gemini-v2",
            (
                b'{"event_id":1764551741926942,"price":"65206.29","quantity":"0.00007667",'
                b'"side":"buy","symbol":"BTCUSD","tid":2840141017904555,'
                b'"timestamp":1786313194672,"type":"trade"}',
                b'{"type":"trade","symbol":"BTCUSD","event_id":45465818387,'
                b'"timestamp":1786313195000,"price":"65206.3","quantity":"1020.482111",'
                b'"side":"sell"}',
            ),
        ),
    )
}


class ScanningVenue:
    """A venue whose protocols count the frames that are scanned."""

    def __init__(self, venue: Venue) -> None:
        self.venue: Venue = structs.replace(venue, protocol=lambda: self._scanning(venue))
        self.books = self.trades = 0

    def _scanning(self, venue: Venue) -> VenueProtocol:
        protocol = venue.protocol()
        if isinstance(protocol, ScansTrades) and protocol.scan_trades is not None:
            scan_trades = protocol.scan_trades

            def trades(
                frames: list[bytes], at: int, received_ns: int, _due: int = 0
            ) -> ScannedTrades | None:
                found = scan_trades(frames, at, received_ns)
                self.trades += 0 if found is None else found.frames
                return found

            protocol.scan_trades = trades
        if isinstance(protocol, ScansBooks) and protocol.scan_books is not None:
            scan_books = protocol.scan_books

            def books(
                frames: list[bytes], at: int, received_ns: int, _due: int = 0
            ) -> ScannedBooks | None:
                found = scan_books(frames, at, received_ns)
                self.books += 0 if found is None else found.frames
                return found

            protocol.scan_books = books
        return protocol


def reading(venue: Venue) -> Venue:
    """The venue with protocols that scan nothing, as without a compiler."""

    def protocol() -> VenueProtocol:
        made = venue.protocol()
        if isinstance(made, ScansTrades):
            made.scan_trades = None
        if isinstance(made, ScansBooks):
            made.scan_books = None
        return made

    return structs.replace(venue, protocol=protocol)


class Pair:
    """Two protocols with the same stream: one is given frames by its scanner, one by `receive`."""

    def __init__(self, case: Case, first: int = 0) -> None:
        self.case = case
        self.scanning = _follow(case, first)
        self.receiving = _follow(case, first)
        assert isinstance(self.scanning, ScansTrades)
        assert self.scanning.scan_trades is not None
        self._scan: TradeScan = self.scanning.scan_trades

    @property
    def is_numbered(self) -> bool:
        """Whether frames have numbers, so that each can be given once."""
        return hasattr(self.scanning, "_numbering")

    def scan(self, *frames: bytes) -> ScannedTrades | None:
        """What the scanner makes of frames that were received together."""
        return self._scan(list(frames), 0, NS)

    def check(self, frame: bytes) -> bool:
        """Give a frame to both if it is scanned, and compare; false if it is not scanned."""
        scanned = self.scan(frame)
        if scanned is None:
            return False
        assert scanned.frames == 1, frame
        try:
            expected = self.receiving.receive(frame, NS)
        except (*UNREADABLE, RemoteProtocolError) as error:
            raise AssertionError(f"{frame!r} is unreadable: {error}") from error
        assert list(map(repr, scanned)) == list(map(repr, expected)), frame
        assert [type(one) for one in scanned] == [type(one) for one in expected], frame
        one, other = _counts(self.scanning), _counts(self.receiving)
        assert one == other, (frame, one, other)
        numbers = [one.sequence for one in scanned]
        if scanned.first < 0:
            assert set(numbers) == {None}, frame
        elif scanned.is_unbroken:
            assert numbers == list(range(scanned.first, scanned.last + 1)), frame
        assert scanned.latest_ns == max(one.venue_ns or -1 for one in scanned), frame
        return True


def mutations(case: Case | BookCase, random: Random) -> Iterator[bytes]:
    """The frames of a case, changed in one to three places, for ever."""
    while True:
        frame = bytearray(random.choice(case.frames))
        for _ in range(random.choice((1, 1, 2, 3))):
            at = random.randrange(len(frame))
            match random.randrange(5):
                case 0:
                    frame[at] = random.randrange(256)
                case 1:
                    frame[at] = random.choice(b'0123456789.,:"{}[]-+eE \\tfn')
                case 2:
                    del frame[at : at + random.choice((1, 1, 2, 5, 20))]
                    frame = frame or bytearray(b"{")
                case 3:
                    frame[at:at] = random.choice(_INSERTED)
                case _:
                    end = at + random.randrange(1, 60)
                    frame[at:at] = frame[at:end]
        yield bytes(frame)


_INSERTED = (
    b"0", b"00", b".", b"1", b"-", b"e5", b" ", b",", b"null", b"true", b'"', b"\\u0031",
    b"\xc3\xa9", b'"x":1,', b'"x":"y",', b'"x":[],', b'"t":1,', b'"price":1,',
    b"999999999999999999", b"\x00",
)  # fmt: skip


BOOKS = {
    case.venue: case
    for case in (
        BookCase(
            "kraken",
            (
                b'{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[],'
                b'"asks":[],"checksum":1,"timestamp":"2026-07-19T17:54:39.799885Z"}]}',
            ),
            (
                # From a recording of 2026-07-19.
                b'{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":'
                b'64524.0,"qty":0.00000000},{"price":64521.2,"qty":0.00200000}],"asks":[],'
                b'"checksum":3906264065,"timestamp":"2026-07-19T17:54:39.799885Z"}]}',
                # https://docs.kraken.com/api/docs/websocket-v2/book, with another market
                b'{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":'
                b'0.5657,"qty":1098.3947558}],"asks":[{"price":0.5666,"qty":4831.75496356},'
                b'{"price":100,"qty":7}],"checksum":2114181697,'
                b'"timestamp":"2023-10-06T17:35:55.440295Z"}]}',
            ),
        ),
        # https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md
        BookCase(
            "binance",
            (
                b'{"stream":"bnbbtc@depth@100ms","data":{"e":"depthUpdate","E":1672515782130,'
                b'"s":"BNBBTC","U":150,"u":156,"b":[],"a":[]}}',
            ),
            (
                b'{"stream":"bnbbtc@depth@100ms","data":{"e":"depthUpdate","E":1672515782136,'
                b'"s":"BNBBTC","U":157,"u":160,"b":[["0.0024","10"]],"a":[["0.0026","100"]]}}',
                b'{"stream":"bnbbtc@depth@100ms","data":{"e":"depthUpdate","E":1672515782236,'
                b'"s":"BNBBTC","U":161,"u":161,"b":[],"a":[["0.0026","0.00"],["0.0027","5"]]}}',
            ),
            b'{"lastUpdateId":155,"bids":[["0.0023","1"]],"asks":[["0.0028","2"]]}',
        ),
        # https://developers.binance.com/docs/derivatives/usds-margined-futures/
        # websocket-market-streams/Diff-Book-Depth-Streams
        BookCase(
            "binance-usdm",
            (
                b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1617566591500,'
                b'"T":1617566591499,"s":"BTCUSDT","U":140,"u":149,"pu":139,"b":[],"a":[]}}',
            ),
            (
                b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1617566591517,'
                b'"T":1617566591516,"s":"BTCUSDT","U":157,"u":160,"pu":149,"b":[["0.0024","10"]],'
                b'"a":[["0.0026","100"]]}}',
                b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1617566591617,'
                b'"T":1617566591616,"s":"BTCUSDT","U":165,"u":170,"pu":160,"b":[["0.0024","0"]],'
                b'"a":[]}}',
            ),
            b'{"lastUpdateId":149,"bids":[["0.0023","1"]],"asks":[["0.0028","2"]]}',
        ),
        # https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel
        BookCase(
            "okx",
            (
                b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{'
                b'"asks":[["8476.98","415","0","13"]],"bids":[["8476.97","256","0","12"]],'
                b'"ts":"1597026383085","checksum":0,"prevSeqId":-1,"seqId":123456}]}',
            ),
            (
                b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{'
                b'"asks":[["8476.98","415","0","13"],["8477","7","0","2"]],"bids":[],'
                b'"ts":"1597026383085","checksum":0,"prevSeqId":123456,"seqId":123457}]}',
                b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{'
                b'"asks":[],"bids":[["8476.97","0","0","0"]],"ts":"1597026383185","checksum":0,'
                b'"prevSeqId":123457,"seqId":123458}]}',
            ),
        ),
        # https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook
        BookCase(
            "bybit",
            (
                b'{"topic":"orderbook.50.BTCUSDT","type":"snapshot","ts":1672304484978,"data":{'
                b'"s":"BTCUSDT","b":[["30247.20","1"]],"a":[["30248.70","1"]],"u":177400506,'
                b'"seq":66544703341},"cts":1672304484976}',
            ),
            (
                b'{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1687940967466,"data":{'
                b'"s":"BTCUSDT","b":[["30247.20","30.028"],["30245.40","0.224"],["30240.00","0"]],'
                b'"a":[["30248.70","0"],["30249.30","0.892"]],"u":177400507,"seq":66544703342},'
                b'"cts":1687940967464}',
                b'{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1687940967486,"data":{'
                b'"s":"BTCUSDT","b":[],"a":[["30249.30","0.9"]],"u":177400508,"seq":66544703343},'
                b'"cts":1687940967484}',
            ),
        ),
        # https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels,
        # with the members of live frames
        BookCase(
            "coinbase",
            (
                b'{"channel":"l2_data","timestamp":"2023-02-09T20:32:50.714964855Z",'
                b'"sequence_num":0,"events":[{"type":"snapshot","product_id":"BTC-USD","updates":['
                b'{"side":"bid","event_time":"1970-01-01T00:00:00Z","price_level":"21921.73",'
                b'"new_quantity":"0.06317902"}]}]}',
            ),
            (
                b'{"channel":"l2_data","timestamp":"2026-08-09T21:05:48.251397169Z",'
                b'"sequence_num":1,"events":[{"type":"update","product_id":"BTC-USD","updates":['
                b'{"side":"bid","event_time":"2026-08-09T21:05:48.170326Z","price_level":'
                b'"65083.66","new_quantity":"0.20371215"},{"side":"offer","event_time":'
                b'"2026-08-09T21:05:48.170326Z","price_level":"65083.7","new_quantity":"0"}]}]}',
                b'{"channel":"l2_data","timestamp":"2026-08-09T21:05:48.3Z","sequence_num":2,'
                b'"events":[{"type":"update","product_id":"BTC-USD","updates":[{"side":"offer",'
                b'"event_time":"2026-08-09T21:05:48.2Z","price_level":"65084","new_quantity":"1"}'
                b"]}]}",
            ),
        ),
        # https://docs.cdp.coinbase.com/exchange/websocket-feed/channels#level2-channel
        BookCase(
            "coinbase-exchange",
            (
                b'{"type":"snapshot","product_id":"BTC-USD","bids":[["10101.10","0.45054140"]],'
                b'"asks":[["10102.55","0.57753524"]]}',
            ),
            (
                b'{"type":"l2update","product_id":"BTC-USD","changes":[["buy","22356.270000",'
                b'"0.00000000"],["buy","22356.300000","1.00000000"]],'
                b'"time":"2022-08-04T15:25:05.010758Z"}',
                b'{"type":"l2update","product_id":"BTC-USD","changes":[["sell","22357",'
                b'"0.5"],["buy","22356.3","2"]],"time":"2022-08-04T15:25:05.020758Z"}',
            ),
        ),
        # https://developer.gemini.com/websocket/streams, with the members of live frames
        BookCase(
            "gemini",
            (
                b'{"e":"depthUpdate","E":1783981139947514400,"s":"wifusd","U":1764549594389289,'
                b'"u":1764549594389289,"b":[["0.148800","11129.36421900"]],"a":[["0.1492","5"]]}',
            ),
            (
                b'{"e":"depthUpdate","E":1783981140047514400,"s":"wifusd","U":1764549594389289,'
                b'"u":1764549594389676,"b":[["0.148800","0.00000000"],["0.148900",'
                b'"49574.82370100"]],"a":[]}',
                b'{"e":"depthUpdate","E":1783981140147514499,"s":"wifusd","U":1764549594389676,'
                b'"u":1764549594389700,"b":[],"a":[["0.1492","7.5"]]}',
            ),
        ),
        # From a recording of 2026-08-09, and in the order of members of one of 2021-04-05.
        BookCase(
            "gemini-v2",
            (
                b'{"auction_events":[],"changes":[["buy","77.34","14.3"],["sell","78.15","14.5"]],'
                b'"symbol":"SOLUSD","trades":[],"type":"l2_updates"}',
            ),
            (
                b'{"changes":[["sell","77.437","1.375244"]],"symbol":"SOLUSD","type":"l2_updates"}',
                b'{"type":"l2_updates","symbol":"SOLUSD","changes":[["sell","77.437","0"],'
                b'["buy","77.4","20"]]}',
            ),
        ),
    )
}


class BookPair:
    """Two protocols with the same live book: one scans its updates, one reads them in Python."""

    def __init__(self, case: BookCase) -> None:
        self.scanning, self.receiving = _with_book(case), _with_book(case)
        assert isinstance(self.scanning, ScansBooks)
        assert isinstance(self.receiving, ScansBooks)
        assert self.scanning.scan_books is not None
        self._scan: BookScan = self.scanning.scan_books
        self.receiving.scan_books = None
        self._begun = structs.astuple(self.scanning.sequence)

    @property
    def is_as_begun(self) -> bool:
        """Whether the book is where it began, as far as its numbers show."""
        one = self.scanning
        return structs.astuple(one.sequence) == self._begun and not one.outbox

    def scan(self, *frames: bytes) -> ScannedBooks | None:
        """What the scanner makes of frames that were received together."""
        return self._scan(list(frames), 0, NS)

    def check(self, *frames: bytes) -> bool:
        """Give frames to both, and compare all of it; false if the first is not scanned."""
        scanned = self.scan(*frames)
        outcome = "" if scanned is None else _shown(scanned)
        for frame in frames[: 1 if scanned is None else len(scanned)]:
            expected = _outcome(self.receiving, frame)
            if scanned is None:
                assert _outcome(self.scanning, frame) == expected, frame
            else:
                assert outcome.startswith(expected), (frame, outcome, expected)
                outcome = outcome.removeprefix(expected)
        assert outcome == ""
        one, other = self.scanning, self.receiving
        assert one.sequence == other.sequence, frames
        assert list(one.outbox) == list(other.outbox), frames
        return scanned is not None


def _with_book(case: BookCase) -> VenueProtocol:
    """A protocol whose book is live."""
    protocol = VENUES[case.venue].protocol()
    protocol.follow_passively()
    protocol.outbox.clear()
    for frame in case.before:
        protocol.receive(frame, NS)
    while protocol.outbox:
        effect = protocol.outbox.popleft()
        if isinstance(effect, Fetch) and case.body:
            assert protocol.receive_response(effect, case.body, NS)
    return protocol


def _outcome(protocol: VenueProtocol, frame: bytes) -> str:
    """The events of a frame in full, or its error."""
    try:
        return _shown(protocol.receive(frame, NS))
    except UNREADABLE as error:
        return repr(error)


def _shown(events: Iterable[Event]) -> str:
    """Events in full, what a checksum reads of their levels included."""
    return "".join(
        repr((one, [level.text for level in (*one.bids, *one.asks)]))
        if isinstance(one, BookUpdate)
        else repr(one)
        for one in events
    )


def _follow(case: Case, first: int) -> VenueProtocol:
    """A protocol that follows a case's stream, as of its first frame."""
    protocol = VENUES[case.venue].protocol()
    protocol.follow_passively()
    for frame in case.frames[: first + 1]:
        protocol.receive(frame, NS)
    return protocol


def _counts(protocol: VenueProtocol) -> object:
    """The state that frames of trades change."""
    data = getattr(protocol, "_data", None)
    numbering = getattr(protocol, "_numbering", None)
    return (
        protocol.sequence.steps,
        protocol.sequence.breaks,
        None if numbering is None else numbering.due,
        dict(getattr(data, "last_trades", {})),
        len(protocol.outbox),
    )
