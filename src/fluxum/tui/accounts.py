"""Positions and balances of the accounts, for reading only."""

from decimal import Decimal

from fluxum.tui.palette import Tone
from fluxum.tui.row import Piece, Row, fit, flow, heading, stack
from fluxum.view.facts import AccountView, PositionView, View

__all__ = ["draw_positions", "positions_height"]


def draw_positions(view: View, width: int, height: int) -> list[Row]:
    """Each position: what is held, and what it has gained; then the balances."""
    rows = _rows(view, width)
    if not rows:
        why = "nothing is held" if view.accounts else "no account: start with --account"
        rows = [fit([(f" {why}", Tone.DIM)], width)]
    return [heading([("Positions", Tone.TITLE)], [], width), *stack(rows, width, height - 1)]


def positions_height(view: View, width: int) -> int:
    """How many rows all of that takes, with the title."""
    return 1 + max(1, len(_rows(view, width)))


def _rows(view: View, width: int) -> list[Row]:
    rows: list[Row] = []
    for account in view.accounts:
        rows += [row for one in account.positions for row in _position(account, one, width)]
        rows += _balances(account, width)
    return rows


def _position(account: AccountView, one: PositionView, width: int) -> list[Row]:
    sign, tone = ("▲", Tone.BID) if one.quantity > 0 else ("▼", Tone.ASK)
    if not one.quantity:
        sign, tone = "·", Tone.DIM
    price = "" if one.average_price is None else f" @ {_money(one.average_price)}"
    groups: list[list[Piece]] = [
        [(f" {sign} ", tone), (f"{one.symbol} ", Tone.TITLE), (f"{account.venue} ", Tone.DIM)],
        [(f" {_short(one.quantity)}", Tone.PLAIN), (price, Tone.DIM)],
        [(" profit ", Tone.DIM), _profit(one.total)],
        [(f" realised {_money(one.realised)}", Tone.DIM)],
    ]
    if one.note:
        groups.append([(f" ! {one.note}", Tone.WARN)])
    return flow(groups, width, 3)


def _profit(total: Decimal | None) -> Piece:
    if total is None:
        return "? not known", Tone.WARN
    return f"{'+' if total > 0 else ''}{_money(total)}", Tone.BID if total >= 0 else Tone.ASK


def _balances(account: AccountView, width: int) -> list[Row]:
    rows: list[Row] = []
    for one in account.balances:
        held = "" if not one.held else f"  held {_short(one.held)}"
        groups: list[list[Piece]] = [
            [(f"   {one.asset} ", Tone.TITLE), (_short(one.total), Tone.PLAIN)],
            [(held, Tone.DIM)],
        ]
        if one.reason:
            groups.append([(f"  ! {one.reason}", Tone.WARN)])
        rows += flow(groups, width, 5)
    return rows


def _short(value: Decimal) -> str:
    """An exact number, without zeros at its end."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _money(value: Decimal) -> str:
    """An amount with at most eight decimals, and two at least."""
    whole, _, decimals = f"{value:.8f}".partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"
