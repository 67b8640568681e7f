"""The obvious line over every public stream, as a program writes it: type checkers read this.

Nothing here runs. What a user would write without a cast has to be free of type errors.
"""

from decimal import Decimal

import fluxum

__all__ = ["books", "callbacks", "everything", "money", "prices", "show", "with_losses"]


def show(*values: object) -> None:
    """Whatever a program does with them."""


async def prices(session: fluxum.Session) -> list[Decimal]:
    """Trades, tickers and candles."""
    seen: list[Decimal] = []
    async for trade in session.trades("BTC/USD"):
        seen += [trade.price, trade.quantity]
        break
    async for ticker in session.tickers("BTC/USD"):
        if ticker.bid is not None:
            seen.append(ticker.bid)
        break
    async for candle in session.candles("BTC/USD"):
        seen.append(candle.close)
        break
    return seen


async def with_losses(session: fluxum.Session) -> None:
    """The same with what was lost, in its place."""
    async for item in session.trades("BTC/USD").with_losses():
        match item:
            case fluxum.Trade():
                show(item.price)
            case fluxum.Gap():
                show(item.missing)
            case _:
                show(item.venue)


async def books(session: fluxum.Session) -> None:
    """Books, changes of levels, and states."""
    async for reading in session.books("BTC/USD"):
        show(reading.snapshot.bids[0].price, reading.proof.status)
    async for changes in session.changes("BTC/USD"):
        show([(one.side, one.level.price) for one in changes])
    async for change in session.states():
        show(change.old, change.new, change.reason)


async def everything(session: fluxum.Session) -> None:
    """All events of a session, in order."""
    async for event in session.events():
        if isinstance(event, fluxum.Trade):
            show(event.price)
    async for frame in session.raw():
        show(len(frame.frame), frame.sent)


async def money(portfolio: fluxum.Portfolio) -> None:
    """Positions."""
    async for position in portfolio.positions("BTC/USD"):
        show(position.quantity, position.profit.total)


async def callbacks(client: fluxum.Client) -> None:
    """Callbacks, whose arguments a type checker knows, and last values."""
    client.register_callback("ticker", lambda tickers: show(tickers[-1].last))
    client.register_callback("orderbook", lambda readings: show(readings[-1].proof.status))
    client.register_callback("execution", lambda items: show([one.venue_ns for one in items]))
    client.register_callback("error", lambda error: show(error.args))
    client.register_callback("connected", lambda: show("connected"))
    ticker = client.get_ticker("BTC/USD").value
    if ticker is not None:
        show(ticker.last)
    for trade in client.get_recent_trades("BTC/USD"):
        show(trade.price)
    with client.in_thread() as blocking:
        blocking.register_callback("trade", lambda trades: show(trades[-1].price))
