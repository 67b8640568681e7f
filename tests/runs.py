"""A synthetic run: a seeded random walk, orders on it, and the equity that follows from the fills.

Every number is exact and is made here by arithmetic of its own, so that the sums of a report can be
checked against it.
"""

import random
from collections.abc import Iterator
from decimal import Decimal

from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus
from fluxum.report.run import (
    ByWorld,
    EquityPoint,
    FeeTerms,
    FillFact,
    GapFact,
    Held,
    NoteFact,
    OrderFact,
    Provenance,
    RunFacts,
    RunHeader,
    World,
)

SECOND = 1_000_000_000
BEGINS = 1_767_225_600 * SECOND  # 2026-01-01T00:00:00Z
BTC_USD = Symbol("BTC/USD")
TICK = Decimal("0.1")
MAKER, TAKER = Decimal("0.0010"), Decimal("0.0020")
CHEAP = Decimal("0.2")  # of these, in a synthetic run


def header(**changes: object) -> RunHeader:
    """The header of a run of ten days on a tape."""
    fields: dict[str, object] = {
        "strategy": "Maker",
        "parameters": {"size": "0.01", "half_spread_bps": "4"},
        "markets": (("kraken", BTC_USD),),
        "currency": Asset("USD"),
        "begins_ns": BEGINS,
        "ends_ns": BEGINS + 10 * 86_400 * SECOND,
        "equity_begins": Decimal(10_000),
        "provenance": Provenance(
            tape="btc.jsonl.gz", digest="ab" * 32, frames=200_001, proved=199_990, gaps=2
        ),
        "fees": (FeeTerms(venue="kraken", tier="tier2", maker=MAKER, taker=TAKER),),
        "latency": "order 1 ms, answer 1 ms, constant",
        "world": World.EXPECTED,
        "seed": 7,
        "trials": 1,
    }
    return RunHeader(**(fields | changes))  # type: ignore[arg-type]


def fill(at_s: int, price: str, quantity: str, **changes: object) -> FillFact:
    """A maker's fill with its fee in USD, `at_s` seconds after the run began."""
    value = Decimal(price) * Decimal(quantity)
    fields: dict[str, object] = {
        "at_ns": BEGINS + at_s * SECOND,
        "price": Decimal(price),
        "quantity": Decimal(quantity),
        "fee": value * MAKER,
        "fee_asset": Asset("USD"),
        "fee_value": value * MAKER,
        "tier": "tier2",
        "is_maker": True,
    }
    return FillFact(**(fields | changes))  # type: ignore[arg-type]


def order(name: str, side: str, quantity: str, *fills: FillFact, **changes: object) -> OrderFact:
    """An order decided as the run began, with the same fills in every world."""
    fields: dict[str, object] = {
        "name": name,
        "venue": "kraken",
        "symbol": BTC_USD,
        "side": Side(side),
        "quantity": Decimal(quantity),
        "limit": Decimal(100),
        "decided_ns": BEGINS,
        "arrived_ns": BEGINS + SECOND // 1000,
        "decision_mid": Decimal(100),
        "arrival_mid": Decimal(100),
        "status": OrderStatus.FILLED if fills else OrderStatus.CANCELED,
        "fills": ByWorld[tuple[FillFact, ...]].same(fills),
    }
    return OrderFact(**(fields | changes))  # type: ignore[arg-type]


def point(at_s: int, *equity: str, **changes: object) -> EquityPoint:
    """The equity `at_s` seconds after the run began: one value for all worlds, or three."""
    values = [Decimal(one) for one in equity]
    worlds = ByWorld(*values) if len(values) == 3 else ByWorld[Decimal].same(values[0])
    fields = {"at_ns": BEGINS + at_s * SECOND, "equity": worlds}
    return EquityPoint(**(fields | changes))  # type: ignore[arg-type]


def run(*orders: OrderFact, equity: tuple[EquityPoint, ...] = (), **changes: object) -> RunFacts:
    """A run of these orders."""
    return RunFacts(header=header(**changes), orders=orders, equity=equity)


def synthetic(seed: int = 7, orders: int = 300, every_s: int = 600) -> RunFacts:
    """A market maker on a random walk over as many steps as orders, with two gaps.

    An order is filled whole, partly or not at all; the pessimistic world lacks some of the fills
    of the expected one, and the optimistic world has more.
    """
    chance = random.Random(seed)
    walk = _walk(chance, orders + 200)
    made: list[OrderFact] = []
    points: list[EquityPoint] = []
    books = {world: [Decimal(10_000), Decimal(0)] for world in World}  # cash and position
    for step in range(orders):
        one = _order(chance, walk, step, every_s)
        made.append(one)
        sign = 1 if one.side is Side.BUY else -1
        for world in World:
            for each in one.fills.of(world):
                assert each.fee_value is not None
                books[world][0] -= sign * each.price * each.quantity + each.fee_value
                books[world][1] += sign * each.quantity
        points.append(_point(books, walk[step], (step + 1) * every_s))
    ends = (orders + 1) * every_s
    return RunFacts(
        header=header(
            ends_ns=BEGINS + ends * SECOND,
            trials=20,
            trials_variance=400.0,
            fees=(
                FeeTerms(venue="kraken", tier="tier2", maker=MAKER * CHEAP, taker=TAKER * CHEAP),
            ),
        ),
        orders=tuple(made),
        equity=tuple(points),
        gaps=(
            GapFact(
                venue="kraken",
                begins_ns=BEGINS + ends // 3 * SECOND,
                ends_ns=BEGINS + (ends // 3 + ends // 20) * SECOND,
                reason="the link was lost",
            ),
            GapFact(
                venue="kraken",
                symbol="BTC/USD",
                begins_ns=BEGINS + ends // 2 * SECOND,
                ends_ns=BEGINS + (ends // 2 + 5) * SECOND,
                reason="a checksum did not match",
            ),
        ),
        notes=(NoteFact(at_ns=BEGINS + SECOND, name="fair", value="60000.05"),),
    )


def _walk(chance: random.Random, steps: int) -> list[Decimal]:
    mids = [Decimal(60_000)]
    for _ in range(steps):
        mids.append(mids[-1] + TICK * round(chance.gauss(0, 300)))
    return mids


def _order(chance: random.Random, walk: list[Decimal], step: int, every_s: int) -> OrderFact:
    mid = walk[step]
    side = chance.choice(list(Side))
    away = TICK * chance.randint(1, 240)
    price = mid - away if side is Side.BUY else mid + away
    at_ns = BEGINS + step * every_s * SECOND
    shares = list(_shares(chance))
    fills = [
        _fill(chance, at_ns, price, Decimal("0.002") * share, walk, step) if share else ()
        for share in shares
    ]
    return OrderFact(
        name=f"o{step}",
        venue="kraken",
        symbol=BTC_USD,
        side=side,
        quantity=Decimal("0.02"),
        limit=price,
        decided_ns=at_ns,
        arrived_ns=at_ns + SECOND // 1000,
        decision_mid=mid,
        arrival_mid=mid + TICK * chance.randint(-20, 20),
        status=OrderStatus.FILLED if shares[1] == 10 else OrderStatus.CANCELED,
        is_improving=step % 40 == 39,
        fills=ByWorld(*fills),
    )


def _shares(chance: random.Random) -> Iterator[int]:
    """Tenths of the order that are filled in each world, ascending."""
    kind = chance.random()
    if kind < 0.35:
        yield from (0, 0, 0)
    elif kind < 0.45:
        yield from (0, 4, 10)
    elif kind < 0.6:
        yield from (3, 5, 5)
    else:
        yield from (10, 10, 10)


def _fill(
    chance: random.Random,
    at_ns: int,
    price: Decimal,
    quantity: Decimal,
    walk: list[Decimal],
    step: int,
) -> tuple[FillFact, ...]:
    is_maker = chance.random() < 0.9
    fee = price * quantity * (MAKER if is_maker else TAKER) * CHEAP
    after = walk[step + 1]
    return (
        FillFact(
            at_ns=at_ns + chance.randint(1, 60) * SECOND,
            price=price,
            quantity=quantity,
            fee=fee,
            fee_asset=Asset("USD"),
            fee_value=fee,
            tier="tier2",
            is_maker=is_maker,
            mid_1s=walk[step],
            mid_10s=walk[step] + (after - walk[step]) / 10,
            mid_60s=after if step % 25 else None,
        ),
    )


def _point(books: dict[World, list[Decimal]], mid: Decimal, at_s: int) -> EquityPoint:
    equity = [cash + held * mid for cash, held in books.values()]
    held = books[World.EXPECTED][1]
    return EquityPoint(
        at_ns=BEGINS + at_s * SECOND,
        equity=ByWorld(*equity),
        held=(Held("kraken", BTC_USD, held, mid),),
        exposure=abs(held) * mid,
    )
