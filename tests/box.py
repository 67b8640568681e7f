"""A simulated exchange that stands still, whose books tests write themselves."""

from collections.abc import Sequence
from decimal import Decimal

from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderRequest, OrderType
from fluxum.sim.account import SimulatedAccount
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.market import SimulatedMarket
from fluxum.venues.kraken.venue import KRAKEN
from fluxum.venues.server.accounts import AccountChange, OrderHappening
from fluxum.venues.server.contract import ServerSide
from fluxum.venues.venue import Venue

__all__ = ["BTC", "ETH", "SECOND", "START", "Box", "Ear", "limit"]

BTC, ETH = Symbol("BTC/USD"), Symbol("ETH/USD")
SECOND = 1_000_000_000
START = 1_767_225_600 * SECOND  # 2026-01-01T00:00:00Z
# The documentation's example of a signature: nobody's.
SECRET = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="


class Ear:
    """Whoever listens to an account."""

    def __init__(self) -> None:
        self.heard: list[AccountChange] = []

    def account_changed(self, happening: AccountChange) -> None:
        self.heard.append(happening)

    def words(self) -> list[str]:
        """What happened to orders, in a word each; heard once."""
        words = [one.what.value for one in self.heard if isinstance(one, OrderHappening)]
        self.heard.clear()
        return words


class Box:
    """An exchange without a flow, and a clock that only moves when it is told to."""

    def __init__(
        self,
        seed: int = 1,
        side: ServerSide | None = None,
        venue: Venue = KRAKEN,
        symbols: Sequence[Symbol] = (BTC, ETH),
    ) -> None:
        self.time_ns = START
        self.exchange = SimulatedExchange(
            venue, symbols, seed=seed, clock=self, rate_per_s=0, side=side
        )

    def now_ns(self) -> int:
        return self.time_ns

    def open(
        self,
        key: str = "key",
        *,
        tier: str = "",
        fees: tuple[str, str] = ("0.0025", "0.004"),
        **balances: str,
    ) -> tuple[SimulatedAccount, Ear]:
        """An account, and who listens to it."""
        held = {asset: Decimal(amount) for asset, amount in balances.items()}
        maker, taker = fees
        account = self.exchange.open_account(
            key, SECRET, held, tier=tier, fees=(Decimal(maker), Decimal(taker))
        )
        ear = Ear()
        account.followers.append(ear)
        return account, ear

    def write(self, bids: Sequence[str], asks: Sequence[str], symbol: Symbol = BTC) -> None:
        """Let the book be these orders of the flow, as `price quantity`."""

        def act(market: SimulatedMarket, now_ns: int) -> None:
            for side in (market.engine.book.bids, market.engine.book.asks):
                for queue in list(side.queues()):
                    for order in queue:
                        market.cancel(order.order_id, now_ns)
            for side_, texts in ((Side.BUY, bids), (Side.SELL, asks)):
                for text in texts:
                    price, quantity = map(Decimal, text.split())
                    market.limit(side_, price, quantity, now_ns)

        self.exchange.change(symbol, act)

    def add(self, side: Side, price: str, quantity: str, symbol: Symbol = BTC) -> None:
        """Somebody else's limit order comes; it may take."""

        def act(market: SimulatedMarket, now_ns: int) -> None:
            market.limit(side, Decimal(price), Decimal(quantity), now_ns)

        self.exchange.change(symbol, act)

    def wait(self, seconds: float) -> None:
        """Time goes by; what it brings happens."""
        self.time_ns += int(seconds * SECOND)
        self.exchange.accounts.tick(self.time_ns)

    def levels(self, side: Side, symbol: Symbol = BTC) -> list[tuple[str, str]]:
        """The book's side, best first, as text."""
        levels = self.exchange.market(symbol).levels(side, 100)
        return [(f"{one.price}", f"{one.quantity.normalize():f}") for one in levels]

    def queue(self, side: Side, symbol: Symbol = BTC) -> list[str]:
        """The ids of the best level, in the order of their turn."""
        book = self.exchange.book(symbol)
        ladder = book.bids if side is Side.BUY else book.asks
        return [order.order_id for order in next(iter(ladder.queues(1)))]


def limit(side: Side, price: str, quantity: str, **more: object) -> OrderRequest:
    """A limit order for bitcoin."""
    fields: dict[str, object] = {
        "symbol": BTC,
        "side": side,
        "order_type": OrderType.LIMIT,
        "limit_price": Decimal(price),
        "quantity": Decimal(quantity),
    }
    return OrderRequest(**{**fields, **more})  # type: ignore[arg-type]
