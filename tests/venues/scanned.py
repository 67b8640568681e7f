"""Frames of trades and books for the scanners, and what has to be the same as without them."""

from collections.abc import Iterator
from random import Random

from msgspec import Struct

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookUpdate
from fluxum.venues.book_scan import BookScan
from fluxum.venues.conversation import UNREADABLE
from fluxum.venues.kraken.protocol import KrakenProtocol
from fluxum.venues.register import VENUES
from fluxum.venues.trade_scan import ScannedTrades, ScansTrades, TradeScan
from fluxum.venues.venue import VenueProtocol

__all__ = ["BOOKS", "CASES", "NS", "BookPair", "Case", "Pair", "mutations"]

NS = 1_784_000_000_000_000_000


class Case(Struct, frozen=True):
    """A venue, and frames of trades that follow one on another, as it writes them."""

    venue: str
    frames: tuple[bytes, ...]


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
    )
}


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
        if scanned.is_unbroken:
            assert numbers == list(range(scanned.first, scanned.last + 1)), frame
        assert scanned.latest_ns == max(one.venue_ns or -1 for one in scanned), frame
        return True


def mutations(case: Case, random: Random) -> Iterator[bytes]:
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


BOOKS = Case(
    "kraken",
    (
        # From a recording of 2026-07-19.
        b'{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":64524.0,'
        b'"qty":0.00000000},{"price":64521.2,"qty":0.00200000}],"asks":[],"checksum":3906264065,'
        b'"timestamp":"2026-07-19T17:54:39.799885Z"}]}',
        # https://docs.kraken.com/api/docs/websocket-v2/book, with another market
        b'{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":0.5657,'
        b'"qty":1098.3947558}],"asks":[{"price":0.5666,"qty":4831.75496356},{"price":100,"qty":7}],'
        b'"checksum":2114181697,"timestamp":"2023-10-06T17:35:55.440295Z"}]}',
    ),
)


class BookPair:
    """Two protocols with a book of Kraken: one scans its updates, one reads them in Python."""

    def __init__(self) -> None:
        self._scanning, self._receiving = KrakenProtocol(), KrakenProtocol()
        for protocol in (self._scanning, self._receiving):
            protocol.subscribe([Subscription(Channel.BOOK, Symbol("BTC/USD"), 10)])
            protocol.outbox.clear()
        assert self._scanning.scan_books is not None
        self._scan: BookScan = self._scanning.scan_books
        self._receiving.scan_books = None

    def scan(self, frame: bytes) -> BookUpdate | None:
        """What the scanner makes of a frame."""
        found = self._scan([frame], 0, NS)
        return None if found is None else found[0]

    def check(self, frame: bytes) -> bool:
        """Give a frame to both, and compare events or errors; false if it is not scanned."""
        assert _outcome(self._scanning, frame) == _outcome(self._receiving, frame), frame
        return self.scan(frame) is not None


def _outcome(protocol: VenueProtocol, frame: bytes) -> str:
    """The events of a frame in full, what its checksum reads included, or its error."""
    try:
        events = list(protocol.receive(frame, NS))
        texts = [
            [level.text for level in (*one.bids, *one.asks)]
            for one in events
            if isinstance(one, BookUpdate)
        ]
        return repr((events, texts))
    except RemoteProtocolError as error:
        return repr(error)


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
