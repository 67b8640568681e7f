"""Profit and loss of thirty days, market by market, from the account's own history."""

import asyncio
from datetime import UTC, datetime, timedelta

import fluxum

DAYS = 30


async def main() -> None:
    since = datetime.now(UTC) - timedelta(days=DAYS)
    since_ns = int(since.timestamp()) * 10**9
    async with fluxum.trade("kraken", ["BTC/USD"], keys="file:keys.toml") as trader:
        account = trader.session.account
        fills = await account.history(since_ns)
        balances = await trader.balances()
        entries = await account.entries(fluxum.EntryQuery(since_ns=since_ns))
        held = fluxum.held_at(balances, entries, since_ns)  # coins from before have no known cost
        ledger = fluxum.ledger_between("kraken", fills, since_ns, held=held)
        for position in ledger.positions("kraken"):
            book = await trader.session.fetch_ticker(position.symbol)
            position.quoted(book.bid, book.ask)
            view = position.view()
            print(f"{view.symbol}: bought {view.bought}, sold {view.sold}, open {view.quantity}")
            print(f"  profit {view.profit.total:.2f}, fees {view.fees_quote:.2f}", view.cost_note)
        for totals in ledger.totals():
            print(
                f"total in {totals.quote}: {totals.total:.2f} after fees of {totals.fees_quote:.2f}"
            )


asyncio.run(main())
