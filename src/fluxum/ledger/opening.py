"""A ledger of a period: the quantities held when it began, and their cost.

A period of an account begins with coins that were bought before it. If fills of that time are
known, they give the open quantity and its cost. The account's balances give the total, as far as
balances and account entries go back: coins that no fill explains came at an unknown cost, coins
that fills explain and that are gone have left without being sold. If nothing else is known, a spot
market that sells more than it bought has sold older coins: its fills give the least quantity. So
older coins are never shown as a short, and their cost is reported as unknown.

Contracts hold nothing of their base asset, so for them only fills count, and a short is a short.
Inverse ones are not counted (see Ledger).
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, localcontext

from fluxum.errors import BadInput
from fluxum.ledger.arithmetic import EXACT
from fluxum.ledger.ledger import Ledger
from fluxum.ledger.policy import Policy
from fluxum.model.account import Balance, Fill, FillIdentity, LedgerEntry
from fluxum.model.instrument import Asset, Symbol

__all__ = ["held_at", "ledger_between"]

_ZERO = Decimal(0)


def held_at(
    balances: Iterable[Balance], entries: Iterable[LedgerEntry], at_ns: int
) -> dict[Asset, Decimal]:
    """The balances of each asset at an instant: the balances now, less the changes since.

    `entries` are all entries of the account from `at_ns` up to the balances, in any order; each
    counts once. Raises BadInput for an entry that is repeated with other amounts.
    """
    held: dict[Asset, Decimal] = {}
    moved: dict[tuple[str, str], tuple[Asset, Decimal]] = {}
    with localcontext(EXACT):
        for balance in balances:
            held[balance.asset] = held.get(balance.asset, _ZERO) + balance.total
        for entry in entries:
            if entry.venue_ns <= at_ns:
                continue
            line = entry.asset, entry.change
            known = moved.setdefault((entry.venue, entry.entry_id), line)
            if known != line:
                raise BadInput(f"line {entry.entry_id} was {known} and {line}")
        for asset, change in moved.values():
            held[asset] = held.get(asset, _ZERO) - change
    return held


def ledger_between(
    venue: str,
    fills: Iterable[Fill],
    since_ns: int,
    until_ns: int | None = None,
    *,
    symbols: Sequence[Symbol] = (),
    held: Mapping[Asset, Decimal] | None = None,
    policy: Policy | None = None,
) -> Ledger:
    """The positions of a period: opened at `since_ns`, with the fills up to `until_ns` counted.

    `fills` are the known ones of the venue, from before and from within the period, in any order.
    `held` are the balances at `since_ns` (see `held_at`); an asset that is not in it had none, and
    `None` means that they are not known. Without `symbols`, each market with a fill has a position.
    If several markets have one base asset, each opens with what it needs for not going short in the
    period, and the first with the rest.
    """
    before: dict[Symbol, list[Fill]] = {symbol: [] for symbol in symbols}
    within: dict[Symbol, list[Fill]] = {symbol: [] for symbol in symbols}
    for fill in _unique_fills(fills):
        if symbols and fill.symbol not in before:
            continue
        if fill.venue_ns <= since_ns:
            before.setdefault(fill.symbol, []).append(fill)
        elif until_ns is None or fill.venue_ns <= until_ns:
            within.setdefault(fill.symbol, []).append(fill)
    ledger = Ledger(policy)
    markets = [symbol for symbol in before | within if not symbol.is_inverse]
    opened = {symbol: _replayed(ledger, venue, symbol, before) for symbol in markets}
    for symbol, quantity in _openings(opened, within, held).items():
        ledger.begin(venue, symbol, since_ns, quantity)
    for fills_of_market in within.values():
        ledger.load(fills_of_market)
    return ledger


def _unique_fills(fills: Iterable[Fill]) -> list[Fill]:
    """Each fill once, with its fees if they are known, oldest first."""
    found: dict[FillIdentity, Fill] = {}
    for fill in fills:
        known = found.get(fill.identity)
        if known is None or (known.fees is None and fill.fees is not None):
            found[fill.identity] = fill
    return sorted(found.values(), key=lambda fill: (fill.venue_ns, fill.fill_id))


def _replayed(
    ledger: Ledger, venue: str, symbol: Symbol, before: Mapping[Symbol, Sequence[Fill]]
) -> Decimal:
    """Count the fills before the period; returns the quantities that they leave open."""
    fills = before.get(symbol, ())
    older = _ZERO if symbol.contract else _needed(_ZERO, fills)
    if older:
        ledger.open_with(venue, symbol, older, None, fills[0].venue_ns - 1)
    ledger.load(fills)
    position = ledger.position(venue, symbol)
    return _ZERO if position is None else position.quantity


def _openings(
    opened: Mapping[Symbol, Decimal],
    within: Mapping[Symbol, Sequence[Fill]],
    held: Mapping[Asset, Decimal] | None,
) -> dict[Symbol, Decimal]:
    """The quantity that each market opens with."""
    openings: dict[Symbol, Decimal] = {}
    by_asset: dict[Asset, list[Symbol]] = {}
    for symbol, quantity in opened.items():
        if symbol.contract:
            openings[symbol] = quantity
        else:
            by_asset.setdefault(symbol.base, []).append(symbol)
    with localcontext(EXACT):
        for asset, markets in by_asset.items():
            needs = {one: _needed(opened[one], within.get(one, ())) for one in markets}
            if held is None:
                openings |= {one: opened[one] + needs[one] for one in markets}
            else:
                known = {one: opened[one] for one in markets}
                openings |= _shared(held.get(asset, _ZERO), known, needs)
    return openings


def _shared(
    held: Decimal, opened: Mapping[Symbol, Decimal], needs: Mapping[Symbol, Decimal]
) -> dict[Symbol, Decimal]:
    """The held quantity of an asset, by market: by the fills, and by need for the rest."""
    left = held - sum(opened.values(), _ZERO)
    shares = dict(opened)
    for symbol in opened:
        part = min(left, needs[symbol]) if left > 0 else max(left, -shares[symbol])
        shares[symbol] += part
        left -= part
    first = next(iter(shares))
    shares[first] += left
    return shares


def _needed(quantity: Decimal, fills: Iterable[Fill]) -> Decimal:
    """How much more than a quantity has to be held so that the fills do not go below zero."""
    lowest = min(quantity, _ZERO)
    with localcontext(EXACT):
        for fill in fills:
            quantity += fill.signed_quantity - _taken(fill)
            lowest = min(lowest, quantity)
    return -lowest


def _taken(fill: Fill) -> Decimal:
    """How much of the base asset the fees of a fill take."""
    base = fill.symbol.base
    return sum((fee.amount for fee in fill.fees or () if fee.asset == base), _ZERO)
