"""The sequenced feed's wire in both directions, with a real payload beside each message.

Sources: https://developer.gemini.com/websocket/introduction (requests and answers) and
https://developer.gemini.com/websocket/streams (data), 2026-03. Only the fields that are used are
declared. Frames carry neither a tag nor the name of their stream: a book's begin with `e`, all
others are distinguished by what they hold.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

__all__ = [
    "Count",
    "DepthUpdate",
    "Error",
    "Message",
    "Request",
    "Row",
    "Rows",
    "decode_count",
    "decode_depth",
    "decode_message",
    "decode_request",
    "decode_row",
    "encode",
]

Count = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
"""A running number, or nanoseconds since the epoch."""
Row = tuple[str, str]
"""Price and quantity, zero where the level is gone."""
Rows = tuple[Row, ...]
"""Levels, not sorted."""


class Request(Struct, omit_defaults=True):
    """A client's request; `id` is echoed with its type. Method names are seen in capitals too.

    `{"id":"1","method":"subscribe","params":["btcusd@bookTicker"]}`
    """

    method: str
    id: int | str | None = None
    params: list[str] | dict[str, int | str] | None = None


class Error(Struct):
    """Why a request failed; -1000 and -1003 may be tried again.

    `{"code":-1013,"msg":"Invalid stream name: nosuchperp@depth@100ms"}`
    """

    code: int
    msg: str = ""


class DepthUpdate(Struct, gc=False):
    """The whole book first, with `U` equal to `u`; changes from then on. `E` is nanoseconds.

    `{"e":"depthUpdate","E":1783981139947514400,"s":"wifusd","U":1764549594389289,
    "u":1764549594389676,"b":[["0.148800","11129.36421900"],["0.148900","49574.82370100"]],
    "a":[]}`
    """

    s: str
    U: Count
    u: Count
    E: Count | None = None
    b: Rows = ()
    a: Rows = ()


class Message(Struct, gc=False):
    """Any frame but a book's: an answer, a best bid and ask, or a trade.

    `{"id":4,"status":400,"error":{"code":-1013,"msg":"Invalid stream name: nosuch@depth"}}`

    `{"u":1751505576085,"E":1751508438600117161,"s":"btcusd","b":"45000.50","B":"1.25000000",
    "a":"45001.00","A":"0.75000000"}`, where a side that has no orders is empty text

    `{"E":1759873803503023900,"s":"btcusd","t":2840140956529623,"p":"120649.97000",
    "q":"0.0046190900","m":true}`, where `m` is true if the buyer was the maker
    """

    id: int | str | None = None
    status: int | None = None
    error: Error | None = None
    e: str = ""
    E: Count | None = None
    s: str = ""
    u: Count | None = None
    b: str | Rows | None = ""
    B: str | None = ""
    a: str | Rows | None = ""
    A: str | None = ""
    t: Count | None = None
    p: str | None = None
    q: str | None = None
    m: bool | None = None
    lastUpdateId: Count | None = None  # noqa: N815 - the venue's own name


encode = msgspec.json.Encoder().encode
decode_request = msgspec.json.Decoder(Request).decode
decode_depth = msgspec.json.Decoder(DepthUpdate).decode
decode_count = msgspec.json.Decoder(Count).decode
decode_message = msgspec.json.Decoder(Message).decode
decode_row = msgspec.json.Decoder(tuple[str, str]).decode
