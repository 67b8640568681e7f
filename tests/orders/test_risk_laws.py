"""Whatever is wanted, lost, filled and told late: no limit of the account is ever exceeded."""

import asyncio
from contextlib import suppress
from decimal import Decimal
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from fluxum.errors import FluxumError
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import Amend, Edit
from fluxum.orders.desk import OrderDesk
from fluxum.orders.journal import MemoryOrderJournal
from fluxum.orders.risk import RiskLimits
from fluxum.sim.loop import run
from orders.gateways import BTC, ETH, FakeGateway, Fate, book, instrument, request

POSITION, EXPOSURE, ACCOUNT, ORDERS = Decimal(3), Decimal(4), Decimal(800), 5
EURO = Symbol("BTC/EUR")
HELD = {BTC: Decimal(1), ETH: Decimal(-1)}
MARKETS = (BTC, ETH, EURO)
LIMITS = RiskLimits(
    position_max=POSITION,
    exposure_max={"BTC": EXPOSURE},
    account_exposure_max=ACCOUNT,
    account_asset="USD",
    orders_max=ORDERS,
    collar_percent=None,
)

quantities = st.sampled_from(["0.5", "1", "1.5", "2", "3", "4"])
fates = st.sampled_from([*[Fate.ARRIVES] * 4, *Fate])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("place"), st.sampled_from(MARKETS), st.sampled_from(Side), quantities),
        st.tuples(st.just("batch"), st.sampled_from(MARKETS), st.sampled_from(Side), quantities),
        st.tuples(st.just("amend"), st.integers(0, 4), fates, quantities),
        st.tuples(st.just("edit"), st.integers(0, 4), fates, quantities),
        st.tuples(st.just("cancel"), st.integers(0, 4), fates, quantities),
        st.tuples(st.just("fill"), st.integers(0, 4), st.booleans(), quantities),
        st.tuples(st.just("fate"), fates, st.none(), st.none()),
        st.tuples(st.sampled_from(["wait", "cut", "long"]), st.none(), st.none(), st.none()),
    ),
    max_size=25,
)


class Venue(FakeGateway):
    """The truth: what is held, and what could become of it."""

    def __init__(self) -> None:
        super().__init__()
        self.held = dict(HELD)
        self.instruments[EURO] = instrument(EURO)
        rate = Symbol("EUR/USD")
        self.books |= {EURO: book(EURO), rate: book(rate, ((1, 1),), ((3, 1),))}

    def trade(self, order_id: str, quantity: str, *, is_told: bool = True) -> None:
        order = self.open[order_id]
        size = Decimal(quantity) if order.side is Side.BUY else -Decimal(quantity)
        self.held[order.symbol] = self.held.get(order.symbol, Decimal(0)) + size
        super().trade(order_id, quantity, is_told=is_told)

    def ends(self, symbol: Symbol) -> tuple[Decimal, Decimal]:
        """The least and the most that can be held of a market."""
        sides = {
            side: sum(
                (
                    one.quantity - one.filled
                    for one in self.open.values()
                    if one.symbol == symbol and one.side is side
                ),
                Decimal(0),
            )
            for side in Side
        }
        held = self.held.get(symbol, Decimal(0))
        return held - sides[Side.SELL], held + sides[Side.BUY]

    def judge(self) -> None:
        ends = {symbol: self.ends(symbol) for symbol in MARKETS}
        for symbol, (lowest, highest) in ends.items():
            assert -POSITION <= lowest <= highest <= POSITION, symbol
        bitcoin = [ends[BTC], ends[EURO]]
        assert sum(highest for _, highest in bitcoin) <= EXPOSURE
        assert sum(lowest for lowest, _ in bitcoin) >= -EXPOSURE
        # Everything trades at 100, and a euro is two dollars.
        worth = {BTC: 100, ETH: 100, EURO: 200}
        assert sum(worth[one] * max(map(abs, two)) for one, two in ends.items()) <= ACCOUNT
        assert len(self.open) <= ORDERS


async def act(desk: OrderDesk, gateway: Venue, step: tuple[object, ...]) -> None:
    what, first, second, quantity = step
    ours = [one for one in desk.open_orders() if one.is_ours]
    match what, first, second:
        case "place" | "batch", Symbol(), Side():
            wanted = request(symbol=first, side=second, quantity=quantity)
            if what == "place":
                await desk.place(wanted, timeout_s=1)
            else:
                await desk.place_batch([wanted, wanted], timeout_s=1)
        case "fate", Fate(), _:
            gateway.fates = [first]
        case "fill", int(), bool():
            orders = list(gateway.open.values())
            if orders:
                resting = orders[first % len(orders)]
                part = min(Decimal(str(quantity)), resting.quantity - resting.filled)
                if part > 0:
                    gateway.trade(resting.order_id, str(part), is_told=second)
        case "amend" | "edit" | "cancel", int(), Fate() if ours:
            gateway.fates = [second]
            order = ours[first % len(ours)]
            name = order.client_order_id
            if what == "amend":
                await desk.amend(Amend(client_order_id=name, quantity=str(quantity)), timeout_s=1)
            elif what == "edit":
                edit = Edit(order_id=name, symbol=order.symbol, quantity=str(quantity))
                await desk.edit(edit, timeout_s=1)
            else:
                await desk.cancel(name, timeout_s=1)
        case "cut", _, _:
            gateway.cut()
        case "long", _, _:
            await asyncio.sleep(20)
        case _:
            await asyncio.sleep(0.3)


@settings(max_examples=60)
@given(steps, st.booleans())
def test_no_limit_is_exceeded_whatever_happens(
    story: list[tuple[object, ...]], names_edits: bool
) -> None:
    async def main() -> None:
        gateway = Venue()
        gateway.names_edits = names_edits
        async with OrderDesk(
            gateway, MemoryOrderJournal(), random=Random(1), limits=LIMITS, positions=HELD
        ) as desk:
            await desk.wait_reconciled(10)
            for step in story:
                with suppress(FluxumError):
                    await act(desk, gateway, step)
                gateway.judge()
            gateway.fates = []
            gateway.cut()  # what was not told comes with the new link
            await asyncio.sleep(5)
            await desk.wait_reconciled(200)
            gateway.judge()
            for symbol in MARKETS:
                lowest, highest = gateway.ends(symbol)
                exposure = desk.risk.exposure
                assert exposure.position(symbol) == gateway.held.get(symbol, 0)
                assert (exposure.lowest(symbol), exposure.highest(symbol)) == (lowest, highest)

    run(main())
