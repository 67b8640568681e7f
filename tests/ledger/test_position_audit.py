"""The ledger's positions beside the exchange's."""

from decimal import Decimal

from fluxum.ledger.position_audit import PositionLine, position_audit
from fluxum.model.instrument import Symbol
from fluxum.model.position import PositionSide, PositionUpdate

BTC, ETH, SOL = (Symbol(f"{one}/USDT:PERP") for one in ("BTC", "ETH", "SOL"))


def reported(symbol: Symbol, side: PositionSide, quantity: str) -> PositionUpdate:
    return PositionUpdate(
        venue="v", symbol=symbol, side=side, quantity=Decimal(quantity), leg=side, received_ns=1
    )


def test_each_contract_has_a_line_and_legs_are_added_up() -> None:
    computed = {
        ETH: Decimal(-2),
        BTC: Decimal("0.50"),
        SOL: Decimal(0),
        Symbol("BTC/USDT"): Decimal(7),
    }
    lines = position_audit(
        "v",
        computed,
        [
            reported(BTC, PositionSide.LONG, "0.8"),
            reported(BTC, PositionSide.SHORT, "0.3"),
            reported(ETH, PositionSide.SHORT, "1.5"),
        ],
    )

    assert [(one.symbol, one.difference, one.is_clean) for one in lines] == [
        (BTC, Decimal(0), True),
        (ETH, Decimal("0.5"), False),
        (SOL, Decimal(0), True),
    ]
    assert lines[1] == PositionLine(
        venue="v", symbol=ETH, computed=Decimal(-2), reported=Decimal("-1.5")
    )


def test_a_position_that_the_ledger_does_not_know_differs() -> None:
    (line,) = position_audit("v", {}, [reported(BTC, PositionSide.LONG, "1")])

    assert (line.computed, line.difference) == (Decimal(0), Decimal(1))
