"""What a live run is worth: its positions and its equity, in each world of fills. Pure.

Equity begins with what the accounts held of the currency and of the bases that are traded against
it, and moves with the bot's own fills and with the marks. So deposits, and orders of other programs
on the account, do not change it. A mark is the middle of a valid book, or the last price of a
market without a book.
"""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import structs

from fluxum.bot.books import BookSource
from fluxum.bot.logged import WORLDS
from fluxum.bot.market import Market
from fluxum.bot.strategy import AccountKnown, BotEvent, Steering
from fluxum.ledger.arithmetic import EXACT
from fluxum.model.account import Fee
from fluxum.model.instrument import Asset
from fluxum.model.market import Candle, Side, Trade
from fluxum.report.run import (
    ByWorld,
    EquityPoint,
    FillFact,
    Held,
    OrderFact,
    RunFacts,
    RunHeader,
)

__all__ = ["RunWorth"]

_ZERO = Decimal(0)


class RunWorth:
    """Positions and equity of one run. `followed` is the number of the account's world."""

    def __init__(
        self, markets: Sequence[Market], currency: Asset, books: BookSource, followed: int
    ) -> None:
        self._markets = markets
        self._by_key = {(one.venue, one.symbol): one for one in markets}
        self._currency = currency
        self._books = books
        self._followed = followed
        self._accounts: dict[str, AccountKnown] = {}
        self._prices: dict[Market, Decimal] = {}
        self._begun: dict[Market, Decimal] = {}
        self._cash = [_ZERO for _ in WORLDS]
        self._bought: list[dict[Market, Decimal]] = [{} for _ in WORLDS]
        self._base: Decimal | None = None
        """The equity at the begin less the worth of what was held then."""

    # Prices

    def middle(self, market: Market) -> Decimal | None:
        """The middle of a market's book; `None` while it is not valid."""
        book = self._books.book(market)
        return book.mid if book.is_valid else None

    def mark(self, market: Market) -> Decimal | None:
        """The price at which a position is valued now."""
        middle = self.middle(market)
        return self._prices.get(market) if middle is None else middle

    def price(self, event: BotEvent | Steering) -> None:
        """Remember the last price of a market that has never had a valid book."""
        if isinstance(event, Trade | Candle):
            market = self._by_key.get((event.venue, event.symbol))
            if market is None:
                return
            if self.middle(market) is None:
                self._prices[market] = event.price if isinstance(event, Trade) else event.close
            else:
                self._prices.pop(market, None)

    # How it begins

    def know(self, account: AccountKnown) -> None:
        """What an account holds as the run begins; one that is continued began before."""
        if self._base is None:
            self._accounts.setdefault(account.venue, account)

    def begin(self, header: RunHeader) -> RunHeader:
        """The header with what was held at the begin, at the first marks that there are."""
        if self._base is not None:
            return header
        self._begun = {one: first for one in self._markets if (first := self._held_first(one))}
        held = tuple(
            Held(one.venue, one.symbol, quantity, self.mark(one))
            for one, quantity in self._begun.items()
        )
        cash = _ZERO
        for venue in dict.fromkeys(one.venue for one in self._markets):
            cash = EXACT.add(cash, self._balance(venue, self._currency) or _ZERO)
        worth = _worth(held, self._currency, is_contract=False)
        header = structs.replace(
            header,
            equity_begins=cash if worth is None else EXACT.add(cash, worth),
            held_begins=held,
        )
        if worth is not None:
            self._resume(header)
        return header

    def resume(self, facts: RunFacts) -> None:
        """Continue a run: all follows from its header and its fills."""
        self._begun = {
            Market(one.venue, one.symbol): one.quantity for one in facts.header.held_begins
        }
        for order in facts.orders:
            for world, fills in enumerate(order.fills.all):
                for fill in fills:
                    self.take(world, order, fill)
        self._resume(facts.header)

    # As it goes

    def take(self, world: int, order: OrderFact, fill: FillFact) -> None:
        """Count a fill."""
        market = Market(order.venue, order.symbol)
        bought = fill.quantity if order.side is Side.BUY else EXACT.minus(fill.quantity)
        if order.symbol.quote == self._currency:
            paid = EXACT.multiply(bought, fill.price)
            self._cash[world] = EXACT.subtract(self._cash[world], paid)
        self._buy(world, market, bought)
        self.charge(world, market, Fee(fill.fee_asset, fill.fee))

    def charge(self, world: int, market: Market, fee: Fee) -> None:
        """Count a fee."""
        if fee.asset == self._currency:
            self._cash[world] = EXACT.subtract(self._cash[world], fee.amount)
        elif fee.asset == market.symbol.base and not market.symbol.contract:
            self._buy(world, market, EXACT.minus(fee.amount))

    def point(self, at_ns: int) -> EquityPoint:
        """The equity and the positions now."""
        marks = {one: self.mark(one) for one in self._markets}
        held = [
            tuple(
                Held(one.venue, one.symbol, self._held(world, one), mark)
                for one, mark in marks.items()
            )
            for world in range(len(WORLDS))
        ]
        followed = held[self._followed]
        sizes = tuple(structs.replace(one, quantity=abs(one.quantity)) for one in followed)
        return EquityPoint(
            at_ns=at_ns,
            equity=ByWorld(*(self._equity(world, one) for world, one in enumerate(held))),
            held=followed,
            exposure=_worth(sizes, self._currency),
        )

    # Pieces

    def _equity(self, world: int, held: Sequence[Held]) -> Decimal | None:
        worth = _worth(held, self._currency)
        if worth is None or self._base is None:
            return None
        return EXACT.add(EXACT.add(self._base, self._cash[world]), worth)

    def _resume(self, header: RunHeader) -> None:
        worth = _worth(header.held_begins, self._currency)
        if worth is not None:
            self._base = EXACT.subtract(header.equity_begins, worth)

    def _held(self, world: int, market: Market) -> Decimal:
        bought = self._bought[world].get(market, _ZERO)
        return EXACT.add(self._begun.get(market, _ZERO), bought)

    def _buy(self, world: int, market: Market, quantity: Decimal) -> None:
        held = self._bought[world]
        held[market] = EXACT.add(held.get(market, _ZERO), quantity)

    def _balance(self, venue: str, asset: str) -> Decimal | None:
        account = self._accounts.get(venue)
        if account is None or account.balances is None:
            return None
        return dict(account.balances).get(asset, _ZERO)

    def _held_first(self, market: Market) -> Decimal:
        """What was held of a market: of a base that several trade, all counts for the first."""
        symbol, account = market.symbol, self._accounts.get(market.venue)
        balance = self._balance(market.venue, symbol.base)
        if symbol.contract or balance is None:
            positions = {} if account is None else dict(account.positions)
            return positions.get(symbol, _ZERO)
        same = (
            one
            for one in self._markets
            if one.venue == market.venue and one.symbol.base == symbol.base
            and one.symbol.quote == self._currency and not one.symbol.contract
        )  # fmt: skip
        return balance if market == next(same, None) else _ZERO


def _worth(held: Sequence[Held], currency: Asset, *, is_contract: bool = True) -> Decimal | None:
    """What positions are worth in a currency; `None` if one of them has no mark.

    Contracts are worth nothing at the begin: they were paid for by what they owe.
    """
    total = _ZERO
    for one in held:
        if one.symbol.quote != currency or not one.quantity:
            continue
        if one.mark is None:
            return None
        if is_contract or not one.symbol.contract:
            total = EXACT.add(total, EXACT.multiply(one.quantity, one.mark))
    return total
