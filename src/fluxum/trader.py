"""One account at one venue, complete: session, books, positions, orders and limits.

    async with fluxum.trade("NAME", ["BTC/USD"], keys="file:keys.toml") as trader:
        order = await trader.buy("BTC/USD", "0.02", limit="50000")
        print(order.status, trader.position("BTC/USD"))

When its block begins, the account and the books are followed and proved, the rules of the markets
are there, and the state of every order of an earlier process is known.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from fluxum.book.book import Book
from fluxum.connect import connect, venue_of
from fluxum.credentials import find_credentials
from fluxum.errors import BadInput
from fluxum.flow.opening import Opening
from fluxum.flow.pipe import ReaderPolicy
from fluxum.ledger.ledger import Ledger
from fluxum.ledger.position_audit import PositionLine
from fluxum.ledger.view import Position
from fluxum.model.account import Balance, Credentials
from fluxum.model.event import Channel
from fluxum.model.input import Number
from fluxum.model.market import Side
from fluxum.model.order import OrderRequest, OrderType, TimeInForce, Trigger
from fluxum.orders.desk import OrderDesk
from fluxum.orders.gateway import TradingAccount
from fluxum.orders.journal import FileOrderJournal, OrderJournal
from fluxum.orders.order import Order
from fluxum.orders.risk import RiskLimits
from fluxum.portfolio import Portfolio
from fluxum.runtime import LiveRuntime, Runtime
from fluxum.session.account_config import AccountConfig
from fluxum.session.session import Session
from fluxum.venues.venue import Venue

__all__ = ["ACCOUNT_CHANNELS", "JOURNALS", "Trader", "open_journal", "trade", "trader_of"]

JOURNALS = Path("~/.local/state/fluxum")
"""The folder of order journals that are given no other place."""
ACCOUNT_CHANNELS = (Channel.EXECUTION, Channel.INSTRUMENT)
"""What a trader needs of its session, beside books."""
_READY_S = 60.0
# By whether there is a limit, and whether there is a trigger.
_TYPES = {
    (False, False): OrderType.MARKET,
    (True, False): OrderType.LIMIT,
    (False, True): OrderType.STOP_LOSS,
    (True, True): OrderType.STOP_LOSS_LIMIT,
}


class Trader:
    """One account at one venue; made by `trade`.

    `session` has the streams, `account` the balances, `orders` every way to place and change
    orders, `portfolio` the positions, `orders.risk` the limits.
    """

    def __init__(
        self,
        session: Session,
        orders: OrderDesk,
        portfolio: Portfolio,
        account: TradingAccount | None = None,
    ) -> None:
        self.session = session
        self.account: TradingAccount = session.account if account is None else account
        self.orders = orders
        self.portfolio = portfolio
        self._close: Callable[[], Awaitable[None]] | None = None

    async def close(self) -> None:
        """End a trader that was awaited; one that was entered ends with its block."""
        if self._close is None:
            raise BadInput("this trader was entered: it ends with its block")
        await self._close()

    def closed_by(self, close: Callable[[], Awaitable[None]]) -> None:
        """The trader was awaited; `close` ends it."""
        self._close = close

    # Orders

    async def buy(
        self,
        symbol: str,
        quantity: Number,
        *,
        limit: Number | None = None,
        trigger: Number | None = None,
        time_in_force: TimeInForce | str = TimeInForce.GTC,
        post_only: bool = False,
    ) -> Order:
        """Buy a quantity of the base asset: at the market, or at `limit` or a better price.

        With `trigger` the order is a stop. Numbers may be text; they are exact. Raises what
        `OrderDesk.place` raises: then there is no such order.
        """
        return await self._place(
            Side.BUY, symbol, quantity, limit, trigger, time_in_force, post_only=post_only
        )

    async def sell(
        self,
        symbol: str,
        quantity: Number,
        *,
        limit: Number | None = None,
        trigger: Number | None = None,
        time_in_force: TimeInForce | str = TimeInForce.GTC,
        post_only: bool = False,
    ) -> Order:
        """Sell a quantity of the base asset; as `buy`."""
        return await self._place(
            Side.SELL, symbol, quantity, limit, trigger, time_in_force, post_only=post_only
        )

    async def _place(
        self,
        side: Side,
        symbol: str,
        quantity: Number,
        limit: Number | None,
        trigger: Number | None,
        time_in_force: TimeInForce | str,
        *,
        post_only: bool,
    ) -> Order:
        """A market order, a limit order, a stop with `trigger`, a stop-limit with both."""
        return await self.orders.place(
            OrderRequest(
                symbol=symbol,
                side=side,
                order_type=_TYPES[limit is not None, trigger is not None],
                quantity=quantity,
                limit_price=limit,
                trigger=None if trigger is None else Trigger(trigger),
                time_in_force=time_in_force,
                post_only=post_only,
            )
        )

    async def cancel(self, name: str) -> Order:
        """Cancel an order by either of its ids; see `OrderDesk.cancel`."""
        return await self.orders.cancel(name)

    async def cancel_all(self) -> int:
        """Cancel every open order of the account; returns how many there were."""
        return await self.orders.cancel_all()

    def halt(self, reason: str) -> None:
        """Allow only cancels, until `resume`."""
        self.orders.risk.halt(reason)

    def reduce_only(self, reason: str) -> None:
        """Allow only cancels, and orders that make a position smaller, until `resume`."""
        self.orders.risk.reduce_only(reason)

    def resume(self) -> None:
        """Allow all orders again."""
        self.orders.risk.resume()

    # State

    def book(self, symbol: str) -> Book:
        """The live book of a symbol: read it, do not keep it. Raises NotSubscribed."""
        return self.session.book(symbol)

    def position(self, symbol: str) -> Position | None:
        """The position in a market now; `None` if there never was one."""
        return self.portfolio.position(symbol)

    async def audit_positions(self) -> tuple[PositionLine, ...]:
        """The ledger's positions beside the exchange's own; see `Portfolio.audit_positions`."""
        return await self.portfolio.audit_positions()

    async def balances(self) -> tuple[Balance, ...]:
        """The account's balance of each asset, as the venue reports it now."""
        return tuple(await self.account.balances())


def trade(
    exchange: str | Venue,
    symbols: Iterable[str] = (),
    *,
    keys: str | Credentials | AccountConfig = "",
    journal: str | Path | OrderJournal | None = None,
    limits: RiskLimits | None = None,
    tier: str = "",
    channels: Iterable[Channel | str] = (Channel.BOOK,),
    ledger: Ledger | None = None,
    endpoint: str | None = None,
    runtime: Runtime | None = None,
    readers: ReaderPolicy | None = None,
    ready_s: float = _READY_S,
) -> Opening[Trader]:
    """One account at one venue, ready to trade: enter it, or await and close it.

    `exchange` is a name or a venue. `keys` names the source of the keys (see `find_credentials`),
    or is them, or an account's options. `journal` is the file where orders are written before they
    are sent; the default is one in `JOURNALS`. `channels` are subscribed for each of the `symbols`;
    books are required if positions are to be marked or orders compared with a collar. `ledger` may
    have positions already: `limits` of positions begin with them, and those of a loss with its
    profit. `readers` are those of `connect`. Raises BadInput, TimeoutError with what is missing
    after `ready_s` seconds, and OrderJournalError for a journal that cannot be used.
    """
    venue = venue_of(exchange)
    world = LiveRuntime() if runtime is None else runtime
    markets = tuple(symbols)
    account_config = _account_config(venue.name, keys, tier, markets)
    wanted = (*channels, Channel.EXECUTION, Channel.INSTRUMENT)

    @asynccontextmanager
    async def opened() -> AsyncGenerator[Trader]:
        with open_journal(venue.name, journal) as kept:
            async with connect(
                venue,
                markets,
                wanted,
                endpoint=endpoint,
                account_config=account_config,
                runtime=world,
                readers=readers,
            ) as session:
                await session.wait_ready(ready_s)
                await session.wait_instruments(markets, ready_s)
                async with trader_of(session, kept, world, limits, ledger, ready_s) as trader:
                    yield trader

    return Opening(opened)


def _account_config(
    exchange: str, keys: str | Credentials | AccountConfig, tier: str, symbols: Iterable[str]
) -> AccountConfig:
    if isinstance(keys, AccountConfig):
        return keys
    found = keys if isinstance(keys, Credentials) else find_credentials(exchange, keys)
    return AccountConfig(found, tier=tier, symbols=symbols)


@asynccontextmanager
async def trader_of(
    session: Session,
    journal: OrderJournal,
    runtime: Runtime,
    limits: RiskLimits | None = None,
    ledger: Ledger | None = None,
    ready_s: float = _READY_S,
    account: TradingAccount | None = None,
) -> AsyncGenerator[Trader]:
    """Trade over a session whose `ACCOUNT_CHANNELS` are ready; raises as `trade` does.

    `account` is another than the session's own, such as one on paper.
    """
    account = session.account if account is None else account
    portfolio = Portfolio(session, ledger, account)
    desk = OrderDesk(
        account,
        journal,
        random=runtime.random,
        rules=account.rules,
        limits=limits,
        profit=portfolio.profit,
        positions=portfolio.held,
    )
    async with portfolio, desk:
        await desk.wait_reconciled(ready_s)
        yield Trader(session, desk, portfolio, account)


@contextmanager
def open_journal(
    exchange: str, journal: str | Path | OrderJournal | None
) -> Generator[OrderJournal]:
    """The given journal, opened for the length of the block if it is a file; see `trade`."""
    if journal is None:
        folder = JOURNALS.expanduser()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        journal = folder / f"orders-{exchange}.jsonl"
    if isinstance(journal, str | Path):
        with FileOrderJournal(Path(journal).expanduser(), exchange) as opened:
            yield opened
    else:
        yield journal
