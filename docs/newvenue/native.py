"""Newvenue's messages as they are on the wire: one type each, a payload quoted beside it.

Replace these types by the venue's, each with a real payload and its source. A field that is not
declared is not decoded; one without a default must be there.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import Raw, Struct

__all__ = [
    "Book",
    "Head",
    "Request",
    "Trade",
    "Trades",
    "decode_book",
    "decode_head",
    "decode_level",
    "decode_request",
    "decode_trade",
    "decode_trades",
    "encode",
    "raw_trades",
]

Row = tuple[str, str]


class Request(Struct):
    """A client's request.

    `{"op":"subscribe","id":1,"topics":["book.50.BTC-USD"]}`
    """

    op: str
    id: int = 0
    topics: tuple[str, ...] = ()


class Head(Struct, gc=False):
    """An answer, or the head of data.

    `{"op":"subscribe","id":1}`, `{"op":"subscribe","id":2,"error":"no market book.50.NO-NO"}`
    """

    op: str = ""
    id: int | None = None
    error: str = ""
    topic: str | None = None


class Book(Struct, gc=False):
    """A message of a book: the best levels, or those that changed; quantity "0" removes one.

    `{"topic":"book.50.BTC-USD","kind":"delta","number":7,"time":1786310819000,
    "bids":[["65114.2","6.054"]],"asks":[]}`
    """

    kind: Literal["snapshot", "delta"]
    number: int
    bids: tuple[Row, ...]
    asks: tuple[Row, ...]
    time: int | None = None


class Trade(Struct, gc=False):
    """A trade; `side` is the taker's.

    `{"id":"20f4","side":"buy","price":"65114.3","quantity":"0.001","time":1786310819000}`
    """

    id: str
    side: Literal["buy", "sell"]
    price: str
    quantity: str
    time: int | None = None


class Trades(Struct, gc=False):
    """A message of trades.

    `{"topic":"trade.BTC-USD","trades":[...]}`
    """

    trades: tuple[Trade, ...]


class _Loose(Struct):
    trades: list[Raw]


decode_request = msgspec.json.Decoder(Request).decode
decode_head = msgspec.json.Decoder(Head).decode
decode_book = msgspec.json.Decoder(Book).decode
decode_level = msgspec.json.Decoder(Row).decode
decode_trades = msgspec.json.Decoder(Trades).decode
decode_trade = msgspec.json.Decoder(Trade).decode
encode = msgspec.json.Encoder().encode
_decode_loose = msgspec.json.Decoder(_Loose).decode


def raw_trades(frame: bytes) -> Sequence[Raw]:
    """The trades of a message, undecoded, so that one that is odd costs itself alone."""
    return _decode_loose(frame).trades
