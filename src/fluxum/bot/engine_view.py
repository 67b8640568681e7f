"""What the strategy of an engine sees: the engine's books and account. Pure."""

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal

from fluxum.book.consolidated import ConsolidatedBook
from fluxum.bot.account import BotAccount
from fluxum.bot.books import BookSource
from fluxum.bot.limits import BotLimits
from fluxum.bot.market import Market
from fluxum.bot.together import Group
from fluxum.bot.view import BookView, OpenOrder
from fluxum.errors import NotSubscribed
from fluxum.ledger.arithmetic import EXACT, quotient
from fluxum.model.instrument import Instrument
from fluxum.model.market import Side

__all__ = ["EngineView"]

_ZERO = Decimal(0)
_WITHOUT_LOTS = Decimal("1E-8")


class EngineView:
    """The `View` of a strategy; it reads the engine's live objects."""

    def __init__(
        self,
        books: BookSource,
        account: BotAccount,
        limits: BotLimits,
        groups: Sequence[Group] = (),
    ) -> None:
        self.now_ns = 0
        self.is_warming = False
        self._groups = groups
        self._books = books
        self._account = account
        self._limits = limits

    def book(self, market: Market) -> BookView:
        """The book of a market; raises NotSubscribed if the strategy does not want it."""
        return self._books.book(market)

    def position(self, market: Market) -> Decimal:
        """What is held in a market, below zero for a short."""
        return self._account.position(market)

    def open_orders(self, market: Market) -> Sequence[OpenOrder]:
        """The orders of this bot in a market that have not ended, in the order of placing."""
        return [one.view() for one in self._account.orders(market)]

    def balance(self, venue: str, asset: str) -> Decimal | None:
        """What of an asset is not held by this bot's orders; `None` if that is not known."""
        return self._account.balance(venue, asset)

    def in_flight(self, symbol: str | None = None) -> bool:
        """Whether a command is on its way, or legs are not settled: in a symbol, or anywhere."""
        legs = (leg for one in self._groups if not one.is_settled for leg in one.legs)
        if any(symbol in (None, leg.market.symbol) for leg in legs):
            return True
        orders = self._account.orders()
        return any(symbol in (None, one.market.symbol) and not one.is_certain for one in orders)

    def can_buy(self, market: Market) -> Decimal:
        """The most that balance and position limit allow to buy at the best ask; zero at worst."""
        room = self._room(market, Side.BUY)
        if not market.symbol.contract:
            cash = self._account.balance(market.venue, market.symbol.quote)
            room = _least(room, self._bought_for(market, cash))
        return self._lots(market, room)

    def can_sell(self, market: Market) -> Decimal:
        """The most that balance and position limit allow to sell; zero at worst."""
        room = self._room(market, Side.SELL)
        if not market.symbol.contract:
            room = _least(room, self._account.balance(market.venue, market.symbol.base))
        return self._lots(market, room)

    def consolidated(self, symbol: str) -> ConsolidatedBook:
        """The book of a symbol over every venue of the strategy's wants; raises NotSubscribed."""
        return self._books.consolidated(symbol)

    def instrument(self, market: Market) -> Instrument | None:
        """A market's rules, once the venue published them."""
        return self._books.instrument(market)

    # Pieces

    def _room(self, market: Market, side: Side) -> Decimal | None:
        """How much more the position limit of the market allows; `None`: it has none."""
        most = self._limits.of(market.venue).position_of(market.symbol)
        if most is None:
            return None
        held = self._account.position(market)
        ahead = held if side is Side.BUY else EXACT.minus(held)
        for at, which, left in self._account.open_parts():
            if at == market and which is side:
                ahead = EXACT.add(ahead, left)
        return EXACT.subtract(most, ahead)

    def _bought_for(self, market: Market, cash: Decimal | None) -> Decimal | None:
        if cash is None:
            return None
        try:
            book = self._books.book(market)
        except NotSubscribed:
            return _ZERO
        if book.ask is None or not book.is_valid or cash <= 0:
            return _ZERO
        return quotient(cash, book.ask.price)

    def _lots(self, market: Market, room: Decimal | None) -> Decimal:
        """On the lot; without a known limit nothing is allowed, as nothing is known to allow it."""
        if room is None or room <= 0:
            return _ZERO
        instrument = self._books.instrument(market)
        if instrument is None:
            return room.quantize(_WITHOUT_LOTS, ROUND_DOWN)
        return instrument.round_quantity(room)


def _least(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
