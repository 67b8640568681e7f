"""Gemini's list of markets: one REST call for the names, and one more for each of them.

No documented call tells the rules of all markets at once
(https://docs.gemini.com/rest/market-data, 2026-03), so the details are asked for one after the
other, each when the one before was answered: the list of August 2026 takes 348 calls.
"""

from collections import deque
from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec
from msgspec import MsgspecError, Struct

from fluxum.errors import LocalProtocolError, RemoteProtocolError
from fluxum.model.event import (
    Event,
    Refused,
    Subscribed,
    Subscription,
    VenueNotice,
)
from fluxum.model.instrument import Asset, Instrument, InstrumentStatus, Symbol
from fluxum.venues.gemini.symbols import named
from fluxum.venues.rows import decimals, exact
from fluxum.venues.venue import Effect, Fetch

__all__ = ["Details", "InstrumentList", "instrument"]

_LIST = "/v1/symbols"
_DETAILS = "/v1/symbols/details/"
_SWAP = "swap"
_STEP_MAX = Decimal(10) ** 12


class Details(Struct, gc=False):
    """A market's rules. `tick_size` is the step of quantities, `quote_increment` that of prices.

    `{"symbol":"BTCUSD","base_currency":"BTC","quote_currency":"USD","tick_size":1e-8,
    "quote_increment":0.01,"min_order_size":"0.00001","status":"open","wrap_enabled":false,
    "product_type":"spot","contract_type":"vanilla","contract_price_currency":"USD"}`
    (https://docs.gemini.com/rest/market-data)
    """

    symbol: str
    base_currency: str
    quote_currency: str
    tick_size: Decimal
    quote_increment: Decimal
    min_order_size: str
    status: str
    product_type: str = "spot"


class InstrumentList:
    """The list of markets as one subscription, told market by market.

    The calls go to the protocol's own `outbox`. `spell` is how this conversation names a market.
    """

    def __init__(self, venue: str, spell: Callable[[Symbol], str], outbox: deque[Effect]) -> None:
        self._venue = venue
        self._spell = spell
        self._outbox = outbox
        self._subscription: Subscription | None = None
        self._is_awaited = False
        self._round = 0  # answers of an earlier one are late
        self._left: deque[str] = deque()

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
        self._round += 1
        return was_begun

    def again(self) -> None:
        """Ask for everything once more, unless it is being told."""
        if self._subscription is not None and not self._is_awaited and not self._left:
            self._ask()

    def receive(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        """What an answer says; raises RemoteProtocolError when it makes no sense.

        The rules of one market are worth telling whoever asked for them, and when.
        """
        is_list, is_late = self._is_list(fetch), self._is_late(fetch)
        try:
            if is_list:
                return () if is_late else self._listed(_decode_names(body), received_ns)
            details = _decode_details(body)
        except (MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise RemoteProtocolError(f"a list of markets was expected: {error}") from error
        told = instrument(details, self._venue, self._spell, received_ns)
        if not is_late:
            self._next()
        return (told,)

    def refuse(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:
        """The venue said no: to the list, or to one market, which is told and passed over."""
        is_list = self._is_list(fetch)
        if self._is_late(fetch):
            return ()
        if not is_list:
            self._next()
            message = f"no rules of {fetch.path.removeprefix(_DETAILS)}: {reason}"
            return (VenueNotice(venue=self._venue, message=message, received_ns=received_ns),)
        refused, self._subscription, self._is_awaited = self._subscription, None, False
        return (
            Refused(
                venue=self._venue, subscription=refused, message=reason, received_ns=received_ns
            ),
        )

    def _listed(self, names: list[str], received_ns: int) -> Sequence[Event]:
        # Prediction markets, `GEMI-...`, are another product, with rules of another form.
        self._left.extend(name for name in names if name.isalnum() and name.isascii())
        self._next()
        if not self._is_awaited:
            return ()
        self._is_awaited = False
        assert self._subscription is not None, "only a subscription is awaited"
        return (
            Subscribed(venue=self._venue, subscription=self._subscription, received_ns=received_ns),
        )

    def _ask(self) -> None:
        self._round += 1
        self._left.clear()
        self._fetch(_LIST)

    def _next(self) -> None:
        if self._left:
            self._fetch(_DETAILS + self._left.popleft().lower())

    def _fetch(self, path: str) -> None:
        self._outbox.append(Fetch("GET", path, f"instruments {self._round}"))

    def _is_late(self, fetch: Fetch) -> bool:
        return self._subscription is None or fetch.purpose != f"instruments {self._round}"

    @staticmethod
    def _is_list(fetch: Fetch) -> bool:
        if fetch.path == _LIST:
            return True
        if fetch.path.startswith(_DETAILS):
            return False
        raise LocalProtocolError(f"no such call was asked for, was {fetch.path!r}")


def instrument(
    wire: Details, venue: str, spell: Callable[[Symbol], str], received_ns: int
) -> Instrument:
    """One market's rules; raises RemoteProtocolError for steps that are none."""
    symbol = named(wire.base_currency, wire.quote_currency, is_perpetual=wire.product_type == _SWAP)
    tick, lot = _step(wire.quote_increment), _step(wire.tick_size)
    return Instrument(
        venue=venue,
        symbol=symbol,
        venue_symbol=spell(symbol),
        base=Asset(wire.base_currency),
        quote=Asset(wire.quote_currency),
        status=_STATUSES.get(wire.status, InstrumentStatus.OTHER),
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

_decode_names = msgspec.json.Decoder(list[str]).decode
_decode_details = msgspec.json.Decoder(Details).decode


def _step(value: Decimal) -> Decimal:
    if not value.is_finite() or not 1 / _STEP_MAX <= value <= _STEP_MAX:
        raise RemoteProtocolError(f"a step was expected, was {value}")
    return value
