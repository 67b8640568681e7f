"""Commands at a simulated venue: every refusal is the venue's own error."""

import asyncio
from collections.abc import Callable
from decimal import Decimal

import pytest

from fluxum.errors import VenueRefused
from fluxum.model.instrument import Symbol
from fluxum.model.order import Amend, Edit, OrderRequest
from fluxum.sim.account import SimulatedAccount
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.venues.register import find_venue
from fluxum.venues.server.order_entry import OrderEntry

BTC, ETH = Symbol("BTC/USD"), Symbol("ETH/USD")


def limit(symbol: Symbol = BTC, name: str = "", quantity: str = "0.01") -> OrderRequest:
    return OrderRequest(
        symbol=symbol, side="buy", quantity=quantity, limit_price=100, client_order_id=name
    )


def play(story: Callable[[OrderEntry, SimulatedAccount], None]) -> None:
    async def main() -> None:
        await asyncio.sleep(0)
        exchange = SimulatedExchange(
            find_venue("kraken"), [BTC, ETH], seed=7, clock=SimulatedClock(), rate_per_s=0
        )
        account = exchange.open_account("key", "c2VjcmV0", {"USD": Decimal(1000)})
        entry = OrderEntry(exchange, lambda error: VenueRefused(f"E {error.refusal.name}", "1"))
        story(entry, account)

    run(main())


def test_refusals_of_the_exchange_are_errors_of_the_venue() -> None:
    def story(entry: OrderEntry, account: SimulatedAccount) -> None:
        with pytest.raises(VenueRefused, match="E INSUFFICIENT_FUNDS"):
            entry.place(account, limit(quantity="100"))
        with pytest.raises(VenueRefused, match="E UNKNOWN_SYMBOL"):
            entry.instrument("DOGE/USD")
        with pytest.raises(VenueRefused, match="E UNKNOWN_ORDER"):
            entry.find(account, "no-such-order")
        with pytest.raises(VenueRefused, match="E UNKNOWN_ORDER"):
            entry.find(account, "", "")
        with pytest.raises(VenueRefused, match="E UNKNOWN_ORDER"):
            entry.amend(account, Amend(order_id="no-such-order", quantity=Decimal(1)))

    play(story)


def test_an_order_is_found_by_its_id_first_and_in_its_market() -> None:
    def story(entry: OrderEntry, account: SimulatedAccount) -> None:
        first = entry.place(account, limit(name="a")).update
        second = entry.place(account, limit(ETH, name="b")).update

        assert entry.find(account, first.order_id, "b").update.order_id == first.order_id
        assert entry.find(account, "", "b", ETH).update.order_id == second.order_id
        with pytest.raises(VenueRefused, match="E UNKNOWN_ORDER"):
            entry.find(account, second.order_id, "", BTC)

    play(story)


def test_orders_are_changed_replaced_and_taken_out() -> None:
    def story(entry: OrderEntry, account: SimulatedAccount) -> None:
        one = entry.place(account, limit())
        amended = entry.amend(
            account, Amend(order_id=one.update.order_id, quantity=Decimal("0.02"))
        )
        edited = entry.edit(
            account, Edit(order_id=one.update.order_id, symbol=BTC, quantity="0.03")
        )
        other = entry.place(account, limit(ETH))

        assert amended.update.quantity == Decimal("0.02")
        assert edited.update.order_id != one.update.order_id
        ended = entry.cancel_all(account, lambda order: order.symbol == BTC)
        assert [order.update.order_id for order in ended] == [edited.update.order_id]
        assert entry.cancel(account, other).update.reason == "User requested"
        assert account.open_orders() == []

    play(story)


def test_each_row_of_a_batch_succeeds_or_fails_by_itself() -> None:
    def story(entry: OrderEntry, account: SimulatedAccount) -> None:
        rows = [limit(name="a"), limit(name="b", quantity="100"), limit(name="c")]

        results = entry.each(rows, lambda row: entry.place(account, row).update.client_order_id)

        assert [row for row, _ in results] == rows
        assert [str(result) for _, result in results] == ["a", "E INSUFFICIENT_FUNDS", "c"]

    play(story)
