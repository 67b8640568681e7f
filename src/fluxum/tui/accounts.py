"""Positions and balances of the accounts, for reading only."""

from decimal import Decimal

from fluxum.tui.palette import Tone
from fluxum.tui.row import Piece, Row, fit, heading, stack, wrapped
from fluxum.view.facts import AccountView, PositionView, View

__all__ = ["draw_positions"]


def draw_positions(view: View, width: int, height: int) -> list[Row]:
    """Each position in two rows: what is held, and what it has gained; then the balances."""
    rows: list[Row] = []
    for account in view.accounts:
        rows += [row for one in account.positions for row in _position(account, one, width)]
        rows += _balances(account, width)
    if not rows:
        why = "nothing is held" if view.accounts else "no account: start with --account"
        rows = [fit([(f" {why}", Tone.DIM)], width)]
    return [heading([("Positions", Tone.TITLE)], [], width), *stack(rows, width, height - 1)]


def _position(account: AccountView, one: PositionView, width: int) -> list[Row]:
    sign, tone = ("▲", Tone.BID) if one.quantity > 0 else ("▼", Tone.ASK)
    if not one.quantity:
        sign, tone = "·", Tone.DIM
    held: list[Piece] = [
        (f" {sign} ", tone),
        (f"{one.symbol} ", Tone.TITLE),
        (f"{account.venue}  ", Tone.DIM),
        (f"{one.quantity:f}", Tone.PLAIN),
        ("" if one.average_price is None else f" @ {_money(one.average_price)}", Tone.DIM),
    ]
    gained: list[Piece] = [
        ("   profit ", Tone.DIM),
        _profit(one.total),
        (f"  realised {_money(one.realised)}", Tone.DIM),
    ]
    rows = [fit(held, width), fit(gained, width)]
    if one.note:
        rows += [fit([(f"   {line}", Tone.WARN)], width) for line in wrapped(one.note, width - 3)]
    return rows


def _profit(total: Decimal | None) -> Piece:
    if total is None:
        return "? not known", Tone.WARN
    return f"{'+' if total > 0 else ''}{_money(total)}", Tone.BID if total >= 0 else Tone.ASK


def _balances(account: AccountView, width: int) -> list[Row]:
    return [
        fit(
            [
                (f"   {one.asset} ", Tone.TITLE),
                (f"{one.total:f}", Tone.PLAIN),
                ("" if not one.held else f"  held {one.held:f}", Tone.DIM),
                (f"  ! {one.reason}" if one.reason else "", Tone.WARN),
            ],
            width,
        )
        for one in account.balances
    ]


def _money(value: Decimal) -> str:
    """An amount with at most eight decimals, and two at least."""
    whole, _, decimals = f"{value:.8f}".partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"
