"""All positions of one or more accounts: takes fills, orders and marks, returns changed positions.

A ledger is built in one of three ways, or by the second after the third:

- from live executions: `apply` every event of the stream, of whatever kind;
- from history: `load` the account's fills, oldest first, then continue live. The two may overlap
  in any order, as a fill counts once;
- from balances: `open_with` the quantity held, and since when. Its cost may be unknown; then the
  profit on it is reported as unknown.

`fluxum.ledger.opening` makes one for a period of an account from both.
"""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal, localcontext
from typing import Protocol

from msgspec import Struct

from fluxum.ledger.arithmetic import EXACT, positive
from fluxum.ledger.dedup import SeenFills
from fluxum.ledger.lots import Method
from fluxum.ledger.policy import Policy
from fluxum.ledger.position import TrackedPosition
from fluxum.model.account import Fee, Fill
from fluxum.model.event import Event
from fluxum.model.input import choice
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.order import OpenOrders, OrderUpdate

__all__ = ["Ledger", "PricedLevel", "ProvenBook", "Totals", "Verdict"]

_ZERO = Decimal(0)


class PricedLevel(Protocol):
    """What marks need of a book's level."""

    @property
    def price(self) -> Decimal:
        """Its price, in the quote asset."""
        ...


class Verdict(Protocol):
    """What marks need of a book's proof."""

    @property
    def is_valid(self) -> bool:
        """Whether the book can be trusted now."""
        ...


class ProvenBook(Protocol):
    """What marks need of a book."""

    venue: str
    symbol: Symbol

    @property
    def bid(self) -> PricedLevel | None:
        """The best bid."""
        ...

    @property
    def ask(self) -> PricedLevel | None:
        """The best ask."""
        ...

    def proof(self) -> Verdict:
        """Whether it can be trusted now."""
        ...


class Totals(Struct, frozen=True, kw_only=True, tag="totals"):
    """Sums over the positions of one quote asset, by one method.

    `unvalued` names those whose profit is not known, as `venue symbol`: there is no mark, they were
    opened at an unknown price, or the fees of a fill are not known. While there is one, `total` is
    `None`, and so is `unrealised` while one of them is open. `realised` is what is known. Fees
    without a conversion price are not in `total`.
    """

    quote: Asset
    method: Method
    positions: int
    open: int
    realised: Decimal
    unrealised: Decimal | None
    fees_quote: Decimal
    fees: tuple[Fee, ...]
    fees_unconverted: tuple[Fee, ...]
    total: Decimal | None
    unvalued: tuple[str, ...]


class Ledger:
    """Positions by venue and market. The returned objects are live; `view` copies one."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = Policy() if policy is None else policy
        self._positions: dict[tuple[str, str], TrackedPosition] = {}
        self._seen = SeenFills(self.policy.fills_seen)
        self._conversions: dict[Asset, dict[Asset, Decimal]] = {}
        self.uncounted: Counter[Symbol] = Counter()
        """How many fills and orders of inverse contracts came; none of them is in a position."""

    # State

    def position(self, venue: str, symbol: Symbol) -> TrackedPosition | None:
        """A market's position; `None` if there was never a fill, order or mark."""
        return self._positions.get((venue, symbol))

    def positions(
        self, venue: str | None = None, quote: Asset | None = None
    ) -> list[TrackedPosition]:
        """The positions that ever had a fill or an order, by venue and symbol."""
        return [
            position
            for _, position in sorted(self._positions.items())
            if position.is_used
            and venue in (None, position.venue)
            and quote in (None, position.symbol.quote)
        ]

    def totals(
        self, method: Method | str | None = None, venue: str | None = None
    ) -> tuple[Totals, ...]:
        """Sums per quote asset, by the policy's first method unless another one is named."""
        method = self.policy.methods[0] if method is None else choice(Method, method, "method")
        by_quote: dict[Asset, list[TrackedPosition]] = {}
        for position in self.positions(venue):
            by_quote.setdefault(position.symbol.quote, []).append(position)
        return tuple(_totals(quote, by_quote[quote], method) for quote in sorted(by_quote))

    @property
    def fills_forgotten(self) -> int:
        """How many fills were forgotten by the memory that recognises repeated ones."""
        return self._seen.forgotten

    # Changes

    def apply(self, event: Event) -> tuple[TrackedPosition, ...]:
        """Process an event; returns the positions that it changed.

        Fills and orders count, all else is ignored. Those of inverse contracts are `uncounted`.
        Raises BadInput for a fill or an order that makes no sense; then nothing has changed.
        """
        match event:
            case Fill() | OrderUpdate() if event.symbol.is_inverse:
                self.uncounted[event.symbol] += 1
                return ()
            case Fill():
                position = self._position(event.venue, event.symbol)
                return (position,) if position.apply(event) else ()
            case OrderUpdate():
                position = self._position(event.venue, event.symbol)
                return (position,) if position.order(event) else ()
            case OpenOrders():
                return self._open_orders(event)
            case _:
                return ()

    def load(self, fills: Iterable[Fill]) -> int:
        """Count past fills, oldest first; returns how many had not been counted yet."""
        return sum(len(self.apply(fill)) for fill in fills)

    def open_with(
        self, venue: str, symbol: Symbol, quantity: Decimal, price: Decimal | None, at_ns: int
    ) -> TrackedPosition:
        """Begin a market with a quantity held at an instant; see `TrackedPosition.open_with`."""
        position = self._position(venue, symbol)
        position.open_with(quantity, price, at_ns)
        return position

    def begin(self, venue: str, symbol: Symbol, at_ns: int, held: Decimal | None = None) -> None:
        """Begin a period of a market with its open quantity; see `TrackedPosition.begin`."""
        self._position(venue, symbol).begin(at_ns, held)

    def mark(self, venue: str, symbol: Symbol, price: Decimal | None) -> TrackedPosition:
        """Value a market at a price; `None` withdraws the mark. Raises BadInput for nonsense."""
        position = self._position(venue, symbol)
        position.marked(price)
        return position

    def mark_from(self, book: ProvenBook) -> TrackedPosition:
        """Value a market by its book's best prices; a book that is not valid withdraws the mark."""
        position = self._position(book.venue, book.symbol)
        if book.proof().is_valid:
            bid, ask = book.bid, book.ask
            position.quoted(None if bid is None else bid.price, None if ask is None else ask.price)
        else:
            position.marked(None)
        return position

    def convert_fees(self, asset: Asset, quote: Asset, price: Decimal | None) -> None:
        """Set the price of a third asset in the quote asset, for fees; `None` removes it.

        The price is used when a fill comes, so a fee that was counted does not change any more.
        Raises BadInput for a price that is not above zero.
        """
        prices = self._conversions.setdefault(quote, {})
        if price is None:
            prices.pop(asset, None)
        else:
            prices[asset] = positive(price, f"a price of {asset}")

    def _position(self, venue: str, symbol: Symbol) -> TrackedPosition:
        position = self._positions.get((venue, symbol))
        if position is None:
            conversions = self._conversions.setdefault(symbol.quote, {})
            position = TrackedPosition(
                venue, symbol, self.policy, seen=self._seen, conversions=conversions
            )
            self._positions[venue, symbol] = position
        return position

    def _open_orders(self, event: OpenOrders) -> tuple[TrackedPosition, ...]:
        """Give each market of the venue its open orders; for most there are none."""
        by_symbol: dict[Symbol, list[OrderUpdate]] = {
            position.symbol: []
            for position in self._positions.values()
            if position.venue == event.venue
        }
        for order in event.orders:
            if order.symbol.is_inverse:
                self.uncounted[order.symbol] += 1
            else:
                by_symbol.setdefault(order.symbol, []).append(order)
        changed: list[TrackedPosition] = []
        for symbol, orders in by_symbol.items():
            position = self._position(event.venue, symbol)
            if position.open_orders(orders, event.received_ns):
                changed.append(position)
        return tuple(changed)


def _totals(quote: Asset, positions: list[TrackedPosition], method: Method) -> Totals:
    realised = fees_quote = unrealised = _ZERO
    fees: dict[Asset, Decimal] = {}
    unconverted: dict[Asset, Decimal] = {}
    unvalued: list[str] = []
    is_open_known = True
    with localcontext(EXACT):
        for position in positions:
            profit = position.profit(method)
            realised += profit.realised
            fees_quote += position.fees_quote
            if profit.unrealised is None:
                is_open_known = False
            else:
                unrealised += profit.unrealised
            if profit.total is None:
                unvalued.append(f"{position.venue} {position.symbol}")
            _add(fees, position.fees)
            _add(unconverted, position.fees_unconverted)
        total = None if unvalued else realised + unrealised - fees_quote
    return Totals(
        quote=quote,
        method=method,
        positions=len(positions),
        open=sum(1 for position in positions if position.quantity),
        realised=realised,
        unrealised=unrealised if is_open_known else None,
        fees_quote=fees_quote,
        fees=_by_asset(fees),
        fees_unconverted=_by_asset(unconverted),
        total=total,
        unvalued=tuple(unvalued),
    )


def _add(sums: dict[Asset, Decimal], amounts: dict[Asset, Decimal]) -> None:
    for asset, amount in amounts.items():
        sums[asset] = sums.get(asset, _ZERO) + amount


def _by_asset(amounts: dict[Asset, Decimal]) -> tuple[Fee, ...]:
    return tuple(Fee(asset, amounts[asset]) for asset in sorted(amounts))
