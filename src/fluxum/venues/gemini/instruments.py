"""Gemini's list of markets: one REST call for the names, and one more for each of them.

No documented call gives the rules of all markets at once
(https://docs.gemini.com/rest/market-data, 2026-03), so the details are requested one after the
other, each when the one before was answered: the list of August 2026 takes 348 calls. A market
whose details cannot be had costs itself alone; one whose call is not answered at all is waited for
beside the others.
"""

from collections import deque
from collections.abc import Callable, Container
from decimal import Decimal
from typing import cast

import msgspec
from msgspec import Raw, Struct

from fluxum.errors import RemoteProtocolError
from fluxum.model.instrument import Instrument, InstrumentStatus, Symbol
from fluxum.venues.gemini.symbols import PERPETUAL
from fluxum.venues.instrument_list import InstrumentList, ListPage, spot_or_linear
from fluxum.venues.queries import UNDECODABLE
from fluxum.venues.rows import Rows, exact, of_currencies, read_rows
from fluxum.venues.venue import Effect, Fetch

__all__ = ["DETAILS", "LIST", "Details", "instrument_list", "market", "names"]

LIST = "/v1/symbols"
"""The path of the call for all names."""
DETAILS = "/v1/symbols/details/"
"""The path of the call for the rules of one market, before its name."""
_SPOT, _SWAP = "spot", "swap"
_LINEAR = "linear"


class Details(Struct, gc=False):
    """A market's rules. `tick_size` is the step of quantities, `quote_increment` that of prices.

    `{"symbol":"BTCUSD","base_currency":"BTC","quote_currency":"USD","tick_size":1e-8,
    "quote_increment":0.01,"min_order_size":"0.00001","status":"open","wrap_enabled":false,
    "product_type":"spot","contract_type":"vanilla","contract_price_currency":"USD"}`
    (https://docs.gemini.com/rest/market-data)

    `{"symbol":"ETHGUSDPERP","quote_currency":"GUSD","tick_size":0.001,"quote_increment":0.05,
    "min_order_size":"0.001","status":"open","wrap_enabled":false,"product_type":"swap",
    "contract_type":"linear","contract_price_currency":"GUSD","base_currency":"ETH"}` (live,
    2026-08): quantities of a linear contract are in the base currency.
    """

    symbol: str
    base_currency: str
    quote_currency: str
    tick_size: Decimal
    quote_increment: Decimal
    min_order_size: str
    status: str | None = None
    product_type: str = _SPOT
    contract_type: str | None = None


def instrument_list(
    venue: str,
    format_symbol: Callable[[Symbol], str],
    outbox: deque[Effect],
    followed: Callable[[], Container[str]] = tuple,
) -> InstrumentList:
    """The list of one link; `format_symbol` gives a market's name in its conversation.

    The rules of those markets come first that are `followed`, by these names.
    """

    def page(fetch: Fetch, body: bytes) -> ListPage:
        if fetch.path != LIST:
            return ListPage([(fetch.path, body)])
        details = [
            Fetch("GET", DETAILS + name.lower(), f"rules of {name.lower()}")
            for name in sorted(names(body).items, key=_is_not_in(followed()))
        ]
        return ListPage(_decode_rows(body), details=details)

    def read(row: object, received_ns: int) -> Instrument | None:
        if isinstance(row, tuple):
            path, body = cast("tuple[str, bytes]", row)
            return market(path, body, venue, format_symbol, received_ns)
        assert isinstance(row, Raw)
        _decode_name(row)  # a name: its market comes by a call of its own
        return None

    return InstrumentList(venue, outbox, (Fetch("GET", LIST, "symbols"),), page, read)


def _is_not_in(followed: Container[str]) -> Callable[[str], bool]:
    """What sorts the names of followed markets to the front, and leaves all else in its order."""
    return lambda name: name.lower() not in followed and name.upper() not in followed


def names(body: bytes) -> Rows[str]:
    """The names of all markets; raises RemoteProtocolError for what is no list.

    Prediction markets, `GEMI-...`, are another product, with rules of another form.
    """
    try:
        rows = _decode_rows(body)
    except UNDECODABLE as error:
        raise RemoteProtocolError(f"a list of markets was expected: {error}") from error

    def name(row: Raw) -> str | None:
        text = _decode_name(row)
        return text if text.isalnum() and text.isascii() else None

    return read_rows(rows, name)


def market(
    path: str, body: bytes, venue: str, format_symbol: Callable[[Symbol], str], received_ns: int
) -> Instrument | None:
    """The market of a call for its rules, `None` for one of another kind.

    Raises MsgspecError or RemoteProtocolError for rules that cannot be read.
    """
    name, details = path.removeprefix(DETAILS), _decode_details(body)
    if details.symbol.lower() != name:
        raise RemoteProtocolError(f"rules of {name} were expected, were of {details.symbol!r}")
    return _instrument(details, venue, format_symbol, received_ns)


def _instrument(
    wire: Details, venue: str, format_symbol: Callable[[Symbol], str], received_ns: int
) -> Instrument | None:
    if wire.product_type not in {_SPOT, _SWAP}:
        return None
    is_perpetual = wire.product_type == _SWAP
    if is_perpetual and wire.contract_type != _LINEAR:
        raise RemoteProtocolError(f"a linear contract was expected, was {wire.contract_type!r}")
    contract = PERPETUAL if is_perpetual else ""
    symbol = of_currencies(wire.base_currency, wire.quote_currency, contract)
    spelled = format_symbol(symbol)
    return spot_or_linear(
        venue,
        symbol,
        spelled if spelled.lower() == wire.symbol.lower() else wire.symbol,
        _STATUSES.get(wire.status or "", InstrumentStatus.OTHER),
        tick=wire.quote_increment,
        lot=wire.tick_size,
        quantity_min=exact(wire.min_order_size),
        received_ns=received_ns,
    )


# A closed market may open again, so it is OTHER.
_STATUSES = {
    "open": InstrumentStatus.ONLINE,
    "cancel_only": InstrumentStatus.CANCEL_ONLY,
    "post_only": InstrumentStatus.POST_ONLY,
    "limit_only": InstrumentStatus.LIMIT_ONLY,
}

_decode_rows = msgspec.json.Decoder(list[Raw]).decode
_decode_name = msgspec.json.Decoder(str).decode
_decode_details = msgspec.json.Decoder(Details).decode
