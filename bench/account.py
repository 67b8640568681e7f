"""A million events of an account into what follows them: the orders of a desk, and the ledger.

Events are made beforehand in blocks and not counted. Beside it the least that could be done with
the same events, in the same run: each order and each sum kept in a dictionary. Memory is read as
it goes: after the bounded memories are full it must stay where it is.
"""

import argparse
import resource
import time
from collections.abc import Iterator
from decimal import Decimal
from random import Random

from fluxum.ledger.ledger import Ledger
from fluxum.model.account import Fee, Fill, Liquidity
from fluxum.model.event import Event
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus, OrderType, OrderUpdate
from fluxum.orders.cache import OrderCache, Retention

VENUE = "bench"
SYMBOLS = [Symbol("BTC/USD"), Symbol("ETH/USD"), Symbol("SOL/USD")]
BLOCK = 50_000
START_NS = 1_767_225_600_000_000_000


def events(count: int) -> Iterator[list[Event]]:
    """Lives of orders in blocks: pending, open, a fill or two with their updates, filled."""
    random = Random(1)
    block: list[Event] = []
    made = number = 0
    now_ns = START_NS
    while made < count:
        number += 1
        now_ns += 1_000_000
        symbol, side = random.choice(SYMBOLS), random.choice((Side.BUY, Side.SELL))
        price = Decimal(random.randint(900_000, 1_100_000)) / 10
        quantity = Decimal(random.randint(2, 100)) / 100
        parts = [quantity / 2, quantity - quantity / 2]
        block += life(number, symbol, side, price, parts, now_ns)
        if len(block) >= BLOCK:
            made += len(block)
            yield block
            block = []


def life(
    number: int, symbol: Symbol, side: Side, price: Decimal, parts: list[Decimal], now_ns: int
) -> Iterator[Event]:
    quantity = sum(parts, Decimal(0))

    def update(status: OrderStatus, filled: Decimal, later: int) -> OrderUpdate:
        return OrderUpdate(
            venue=VENUE,
            order_id=f"O-{number}",
            client_order_id=f"{number:032x}",
            symbol=symbol,
            side=side,
            order_type=OrderType.LIMIT,
            status=status,
            quantity=quantity,
            filled=filled,
            cost=filled * price,
            average_price=price if filled else None,
            limit_price=price,
            venue_ns=now_ns + later,
            received_ns=now_ns + later,
        )

    yield update(OrderStatus.PENDING, Decimal(0), 0)
    yield update(OrderStatus.OPEN, Decimal(0), 1)
    filled = Decimal(0)
    for index, part in enumerate(parts):
        filled += part
        yield Fill(
            venue=VENUE,
            symbol=symbol,
            side=side,
            price=price,
            quantity=part,
            fees=(Fee(Asset("USD"), part * price / 400),),
            liquidity=Liquidity.MAKER,
            fill_id=f"T-{number}-{index}",
            order_id=f"O-{number}",
            venue_ns=now_ns + 2 + index,
            received_ns=now_ns + 2 + index,
        )
        yield update(OrderStatus.PARTIALLY_FILLED, filled, 2 + index)
    yield update(OrderStatus.FILLED, filled, 9)


def desk_and_ledger(blocks: Iterator[list[Event]]) -> None:
    orders, ledger = OrderCache(Retention()), Ledger()
    done, elapsed = 0, 0.0
    for block in blocks:
        begun = time.perf_counter()
        for event in block:
            if type(event) is OrderUpdate:
                orders.apply(event)
            elif type(event) is Fill:
                orders.fill(event)
            ledger.apply(event)
        elapsed += time.perf_counter() - begun
        done += len(block)
        if done % (4 * BLOCK) < len(block):
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(f"  {done:>9,} events, {done / elapsed:>9,.0f} a second, peak memory {peak} MiB")
    print(f"{'desk and ledger':>18}: {done / elapsed:>9,.0f} events a second")


def plain(blocks: Iterator[list[Event]]) -> None:
    orders: dict[str, OrderUpdate] = {}
    sums: dict[Symbol, Decimal] = {}
    done, elapsed = 0, 0.0
    for block in blocks:
        begun = time.perf_counter()
        for event in block:
            if isinstance(event, OrderUpdate):
                orders[event.order_id] = event
            elif isinstance(event, Fill):
                sums[event.symbol] = sums.get(event.symbol, Decimal(0)) + event.signed_quantity
        elapsed += time.perf_counter() - begun
        done += len(block)
        orders.clear()
    print(f"{'a dictionary each':>18}: {done / elapsed:>9,.0f} events a second")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    wishes = parser.parse_args()
    desk_and_ledger(events(wishes.events))
    plain(events(wishes.events // 5))


if __name__ == "__main__":
    main()
