"""Gemini's list of markets: one REST call for the names, and one more for each of them.

No documented call tells the rules of all markets at once
(https://docs.gemini.com/rest/market-data, 2026-03), so the details are asked for one after the
other, each when the one before was answered: the list of August 2026 takes 348 calls. A market
whose details cannot be had costs itself alone; one whose call is not answered at all is waited for
beside the others.
"""

from collections import deque
from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec
from msgspec import MsgspecError, Raw, Struct

from fluxum.errors import LocalProtocolError, RemoteProtocolError
from fluxum.model.event import Event, Refused, Subscribed, Subscription
from fluxum.model.instrument import Asset, Instrument, InstrumentStatus, Symbol
from fluxum.venues.gemini.symbols import named
from fluxum.venues.rows import LeftOutRows, Rows, decimals, exact, read_rows, step
from fluxum.venues.venue import Effect, Fetch

__all__ = ["DETAILS", "LIST", "Details", "InstrumentList", "market", "names"]

LIST = "/v1/symbols"
"""The path of the call for all names."""
DETAILS = "/v1/symbols/details/"
"""The path of the call for the rules of one market, before its name."""
_SPOT, _SWAP = "spot", "swap"
_LINEAR = "linear"
_AT_ONCE_MAX = 10


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


class InstrumentList:
    """The list of markets as one subscription, told market by market.

    The calls go to the protocol's own `outbox`. `format_symbol` gives a market's
    name in this conversation.
    """

    def __init__(
        self, venue: str, format_symbol: Callable[[Symbol], str], outbox: deque[Effect]
    ) -> None:
        self._venue = venue
        self._format_symbol = format_symbol
        self._outbox = outbox
        self._subscription: Subscription | None = None
        self._is_awaited = False
        self._round = 0  # answers of an earlier one are late
        self._left: deque[str] = deque()
        self._asked: set[str] = set()  # the paths on their way in this round
        self._has_moved = False

    def begin(self, subscription: Subscription) -> None:
        """Ask for the list, unless that is being done."""
        if self._subscription is None:
            self._subscription = subscription
            self._is_awaited = True
            self._ask()

    def end(self) -> bool:
        """Ask for no more; false if nothing was being asked."""
        was_begun = self._subscription is not None
        self._subscription, self._is_awaited = None, False
        self._left.clear()
        self._asked.clear()
        self._round += 1
        return was_begun

    def again(self) -> None:
        """Ask for everything once more, unless it is being told."""
        if self._subscription is not None and not self._is_awaited and not self._left:
            self._ask()

    def nudge(self) -> None:
        """Time has passed: if no call was answered meanwhile, ask for the next market as well."""
        if not self._has_moved and len(self._asked) < _AT_ONCE_MAX:
            self._next()
        self._has_moved = False

    def receive(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """What an answer says; raises RemoteProtocolError for a list of names that is none.

        The rules of one market are worth telling whoever asked for them, and when.
        """
        is_list, is_late = self._is_list(fetch), self._is_late(fetch)
        if is_list:
            return () if is_late else self._listed(fetch, names(body), received_ns)
        read = market(fetch.path, body, self._venue, self._format_symbol, received_ns)
        if not is_late:
            self._answered(fetch)
        left_out = () if read.left_out is None else (self._left_out(read.left_out, received_ns),)
        return (*left_out, *read.items)

    def refuse(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:
        """The venue said no: to the list, or to one market, which is left out."""
        is_list = self._is_list(fetch)
        if self._is_late(fetch):
            return ()
        if not is_list:
            self._answered(fetch)
            name = fetch.path.removeprefix(DETAILS)
            rows = LeftOutRows(1, f"no rules of {name}: {reason}", name)
            return (self._left_out(rows, received_ns),)
        refused, self._subscription, self._is_awaited = self._subscription, None, False
        return (
            Refused(
                venue=self._venue, subscription=refused, message=reason, received_ns=received_ns
            ),
        )

    def _listed(self, fetch: Fetch, listed: Rows[str], received_ns: int) -> Sequence[Event]:
        self._left.extend(listed.items)
        self._answered(fetch)
        events: list[Event] = []
        if self._is_awaited:
            assert self._subscription is not None, "only a subscription is awaited"
            self._is_awaited = False
            events.append(
                Subscribed(
                    venue=self._venue, subscription=self._subscription, received_ns=received_ns
                )
            )
        if listed.left_out is not None:
            events.append(self._left_out(listed.left_out, received_ns))
        return tuple(events)

    def _left_out(self, rows: LeftOutRows, received_ns: int) -> Event:
        return rows.event(self._venue, self._subscription, received_ns)

    def _ask(self) -> None:
        self._round += 1
        self._left.clear()
        self._asked.clear()
        self._fetch(LIST)

    def _answered(self, fetch: Fetch) -> None:
        self._has_moved = True
        self._asked.discard(fetch.path)
        self._next()

    def _next(self) -> None:
        if self._left:
            self._fetch(DETAILS + self._left.popleft().lower())

    def _fetch(self, path: str) -> None:
        self._asked.add(path)
        purpose = f"instruments {self._round}"
        self._outbox.append(Fetch("GET", path, purpose, subscription=self._subscription))

    def _is_late(self, fetch: Fetch) -> bool:
        return self._subscription is None or fetch.purpose != f"instruments {self._round}"

    @staticmethod
    def _is_list(fetch: Fetch) -> bool:
        if fetch.path == LIST:
            return True
        if fetch.path.startswith(DETAILS):
            return False
        raise LocalProtocolError(f"no such call was asked for, was {fetch.path!r}")


def names(body: bytes) -> Rows[str]:
    """The names of all markets; raises RemoteProtocolError for what is no list.

    Prediction markets, `GEMI-...`, are another product, with rules of another form.
    """
    try:
        rows = _decode_rows(body)
    except (MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RemoteProtocolError(f"a list of markets was expected: {error}") from error

    def name(row: Raw) -> str | None:
        text = _decode_name(row)
        return text if text.isalnum() and text.isascii() else None

    return read_rows(rows, name)


def market(
    path: str, body: bytes, venue: str, format_symbol: Callable[[Symbol], str], received_ns: int
) -> Rows[Instrument]:
    """The market of a call for its rules: none that is of another kind, or cannot be read."""
    asked = path.removeprefix(DETAILS)

    def read(raw: Raw) -> Instrument | None:
        details = _decode_details(raw)
        if details.symbol.lower() != asked:
            raise RemoteProtocolError(f"rules of {asked} were expected, were of {details.symbol!r}")
        return _instrument(details, venue, format_symbol, received_ns)

    return read_rows((Raw(body),), read)


def _instrument(
    wire: Details, venue: str, format_symbol: Callable[[Symbol], str], received_ns: int
) -> Instrument | None:
    if wire.product_type not in {_SPOT, _SWAP}:
        return None
    is_perpetual = wire.product_type == _SWAP
    if is_perpetual and wire.contract_type != _LINEAR:
        raise RemoteProtocolError(f"a linear contract was expected, was {wire.contract_type!r}")
    symbol = named(wire.base_currency, wire.quote_currency, is_perpetual=is_perpetual)
    spelled = format_symbol(symbol)
    tick, lot = step(wire.quote_increment), step(wire.tick_size)
    return Instrument(
        venue=venue,
        symbol=symbol,
        venue_symbol=spelled if spelled.lower() == wire.symbol.lower() else wire.symbol,
        base=Asset(wire.base_currency),
        quote=Asset(wire.quote_currency),
        status=_STATUSES.get(wire.status or "", InstrumentStatus.OTHER),
        tick=tick,
        lot=lot,
        price_precision=decimals(tick),
        quantity_precision=decimals(lot),
        quantity_min=exact(wire.min_order_size),
        received_ns=received_ns,
    )


# A closed market may open again, which is none of ours: it is OTHER.
_STATUSES = {
    "open": InstrumentStatus.ONLINE,
    "cancel_only": InstrumentStatus.CANCEL_ONLY,
    "post_only": InstrumentStatus.POST_ONLY,
    "limit_only": InstrumentStatus.LIMIT_ONLY,
}

_decode_rows = msgspec.json.Decoder(list[Raw]).decode
_decode_name = msgspec.json.Decoder(str).decode
_decode_details = msgspec.json.Decoder(Details).decode
