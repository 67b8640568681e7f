"""Binance's answers to REST calls, as far as `native` does not have them: one Struct a row.

Sources: https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md and
https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api. Lists
are decoded row by row; aggregated trades are rows as the stream has them.
"""

import msgspec
from msgspec import Raw, Struct

from fluxum.venues.binance.native import AggTrade, Number, Start

__all__ = [
    "BookTickerAnswer",
    "CandleRow",
    "StatusAnswer",
    "TickerAnswer",
    "TimeAnswer",
    "TradeRow",
    "decode_agg_trade",
    "decode_book_ticker",
    "decode_candle",
    "decode_list",
    "decode_ping",
    "decode_status",
    "decode_ticker",
    "decode_time",
    "decode_trade",
]


class TimeAnswer(Struct):
    """`{"serverTime":1499827319559}`."""

    serverTime: int  # noqa: N815 - the venue's name


class StatusAnswer(Struct):
    """What the whole exchange does: `{"status":0,"msg":"normal"}`; 1 is maintenance.

    Source: https://developers.binance.com/docs/wallet/others/system-status
    """

    status: int
    msg: str = ""


class TradeRow(Struct):
    """One match.

    `{"id":28457,"price":"4.00000100","qty":"12.00000000","quoteQty":"48.000012",
    "time":1499865549590,"isBuyerMaker":true,"isBestMatch":true}`
    """

    id: Number
    price: str
    qty: str
    isBuyerMaker: bool  # noqa: N815 - the venue's name
    time: int | None = None


class CandleRow(Struct, array_like=True):
    """A candle.

    `[1499040000000,"0.01634790","0.80000000","0.01575800","0.01577100","148976.11427815",
    1499644799999,"2434.19055334",308,"1756.87402397","28.46694368","0"]`
    """

    start: Start
    open: str
    high: str
    low: str
    close: str
    volume: str
    end: int | None = None
    turnover: str | None = None
    trades: Number | None = None


class TickerAnswer(Struct):
    """The last 24 hours; futures lack bid and ask.

    `{"symbol":"BNBBTC","priceChange":"-94.99999800","priceChangePercent":"-95.960",
    "weightedAvgPrice":"0.29628482","prevClosePrice":"0.10002000","lastPrice":"4.00000200",
    "lastQty":"200.00000000","bidPrice":"4.00000000","bidQty":"100.00000000",
    "askPrice":"4.00000200","askQty":"100.00000000","openPrice":"99.00000000",
    "highPrice":"100.00000000","lowPrice":"0.10000000","volume":"8913.30000000",
    "quoteVolume":"15.30000000","openTime":1499783499040,"closeTime":1499869899040,
    "firstId":28385,"lastId":28460,"count":76}`
    """

    priceChange: str | None = None  # noqa: N815 - the venue's name
    priceChangePercent: str | None = None  # noqa: N815 - the venue's name
    weightedAvgPrice: str | None = None  # noqa: N815 - the venue's name
    lastPrice: str | None = None  # noqa: N815 - the venue's name
    lastQty: str | None = None  # noqa: N815 - the venue's name
    bidPrice: str | None = None  # noqa: N815 - the venue's name
    bidQty: str | None = None  # noqa: N815 - the venue's name
    askPrice: str | None = None  # noqa: N815 - the venue's name
    askQty: str | None = None  # noqa: N815 - the venue's name
    openPrice: str | None = None  # noqa: N815 - the venue's name
    highPrice: str | None = None  # noqa: N815 - the venue's name
    lowPrice: str | None = None  # noqa: N815 - the venue's name
    volume: str | None = None
    closeTime: int | None = None  # noqa: N815 - the venue's name
    count: Number | None = None


class BookTickerAnswer(Struct):
    """The best levels.

    `{"symbol":"LTCBTC","bidPrice":"4.00000000","bidQty":"431.00000000","askPrice":"4.00000200",
    "askQty":"9.00000000"}`; on futures with `"time":1589437530011`.
    """

    bidPrice: str | None  # noqa: N815 - the venue's name
    askPrice: str | None  # noqa: N815 - the venue's name
    bidQty: str | None = None  # noqa: N815 - the venue's name
    askQty: str | None = None  # noqa: N815 - the venue's name


decode_time = msgspec.json.Decoder(TimeAnswer).decode
decode_status = msgspec.json.Decoder(StatusAnswer).decode
decode_ping = msgspec.json.Decoder(dict[str, object]).decode
decode_list = msgspec.json.Decoder(list[Raw]).decode
decode_trade = msgspec.json.Decoder(TradeRow).decode
decode_agg_trade = msgspec.json.Decoder(AggTrade).decode
decode_candle = msgspec.json.Decoder(CandleRow).decode
decode_ticker = msgspec.json.Decoder(TickerAnswer).decode
decode_book_ticker = msgspec.json.Decoder(BookTickerAnswer).decode
