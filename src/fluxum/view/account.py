"""The account of a view: positions with their profit, and balances."""

from fluxum.ledger.ledger import Ledger
from fluxum.ledger.view import Position
from fluxum.view.facts import AccountView, BalanceView, PositionView
from fluxum.view.keeper import ViewKeeper

__all__ = ["account_view"]


def account_view(venue: str, ledger: Ledger, keeper: ViewKeeper) -> AccountView:
    """The positions of a ledger at a venue, and the balances that are not zero."""
    return AccountView(
        venue=venue,
        positions=tuple(_position(one.view()) for one in ledger.positions(venue)),
        balances=tuple(
            BalanceView(
                asset=asset, total=noted.value.total, held=noted.value.held, reason=noted.reason
            )
            for asset, noted in sorted(keeper.balances(venue).items())
            if noted.value.total
        ),
    )


def _position(position: Position) -> PositionView:
    profit = position.profit
    return PositionView(
        symbol=position.symbol,
        quantity=position.quantity,
        average_price=profit.average_price,
        mark=position.mark,
        realised=profit.realised,
        unrealised=profit.unrealised,
        total=profit.total,
        fees=position.fees_quote,
        note=position.cost_note,
    )
