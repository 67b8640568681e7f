"""Taking a quantity from several venues at once: the best price first, in each venue's lots.

Theory of operation. The offers of all venues are walked from the best price after fees to the
worst. A venue's share grows by whole lots only: what is less than a lot stays on offer and is taken
together with that venue's next level. If shares end below their venue's minimums, one of those
venues is left out and the walk begins again without it; of all such ways the one that fills most is
taken, and of those the cheapest.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import ROUND_DOWN, Decimal
from heapq import merge

from msgspec import Struct

from fluxum.model.instrument import Instrument, InstrumentStatus, Symbol
from fluxum.model.market import Side

__all__ = ["ConsolidatedPrice", "Offer", "Share", "split"]

_ZERO = Decimal(0)
_Key = tuple[str, Symbol]


class Offer(Struct, frozen=True, gc=False):
    """A level of one venue as a taker sees it; `net` is the price with the taker's fee."""

    venue: str
    market: Symbol
    price: Decimal
    net: Decimal
    quantity: Decimal
    fee: Decimal


class Share(Struct, frozen=True, kw_only=True):
    """What one venue fills: quantity, notional, the fee in the quote asset, and the last price."""

    venue: str
    market: Symbol
    quantity: Decimal
    notional: Decimal
    fee: Decimal
    worst: Decimal

    @property
    def average(self) -> Decimal:
        """The notional for one unit of the base asset, rounded at the 28th digit."""
        return self.notional / self.quantity


class ConsolidatedPrice(Struct, frozen=True, kw_only=True):
    """What taking a quantity from several venues would cost or bring, if no book moved.

    `side` is the taker's. `notional` is without fees, `fees` are in the quote asset. `unfilled` is
    the part of the quantity that cannot be filled; `left_out` are the markets that fill nothing
    although their books could, as `VENUE SYMBOL`, with the reason. Of the markets in `unchecked`
    the lots and minimums are not known, so they were not kept there.
    """

    side: Side
    quantity: Decimal
    notional: Decimal
    fees: Decimal
    unfilled: Decimal
    shares: tuple[Share, ...]
    left_out: Mapping[str, str]
    unchecked: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Whether all that was requested can be filled."""
        return not self.unfilled

    @property
    def average(self) -> Decimal | None:
        """The notional for one unit, rounded at the 28th digit; `None` if nothing is filled."""
        return self.notional / self.quantity if self.quantity else None

    @property
    def total(self) -> Decimal:
        """What a buyer pays or a seller gets, with the fees."""
        return self.notional + (self.fees if self.side is Side.BUY else -self.fees)


def split(
    side: Side,
    quantity: Decimal,
    books: Callable[[_Key], Iterable[Offer]],
    rules: Mapping[_Key, Instrument | None],
) -> ConsolidatedPrice:
    """Split a quantity over several books: one for each key of `rules`.

    `books` returns the offers of a book, best first; it is called again for each walk.
    """
    left_out = {
        key: f"the market is {rule.status.value}"
        for key, rule in rules.items()
        if rule is not None and rule.status is not InstrumentStatus.ONLINE
    }
    return _best(side, quantity, books, rules, left_out)


def _best(
    side: Side,
    quantity: Decimal,
    books: Callable[[_Key], Iterable[Offer]],
    rules: Mapping[_Key, Instrument | None],
    left_out: Mapping[_Key, str],
) -> ConsolidatedPrice:
    """The best split without the markets that are left out, and some more if it must be."""
    taking = {key: rule for key, rule in rules.items() if key not in left_out}
    shares = _walk(side, quantity, [books(key) for key in taking], taking)
    small = {key: reason for key in shares if (reason := _below(shares[key], taking[key]))}
    if not small:
        return _price(side, quantity, list(shares.values()), left_out, taking)
    without = (
        _best(side, quantity, books, rules, {**left_out, key: reason})
        for key, reason in small.items()
    )
    sign = 1 if side is Side.BUY else -1
    return min(without, key=lambda price: (price.unfilled, sign * price.total))


class _Taking:
    """One venue's share while the books are walked."""

    __slots__ = ("_lot", "_offered", "available", "fee", "notional", "quantity", "worst")

    def __init__(self, lot: Decimal | None, fee: Decimal) -> None:
        self.available = self.quantity = self.notional = self.worst = _ZERO
        self.fee = fee
        self._lot = lot
        self._offered: deque[tuple[Decimal, Decimal]] = deque()  # prices and quantities not taken

    def take(self, offer: Offer, left: Decimal) -> Decimal:
        """Take of all that was offered so far, at most `left`, in whole lots; returns how much."""
        self._offered.append((offer.price, offer.quantity))
        self.available += offer.quantity
        whole = min(self.available, self.quantity + left)
        if self._lot:
            whole = (whole / self._lot).to_integral_value(ROUND_DOWN) * self._lot
        taken = rest = max(_ZERO, whole - self.quantity)
        while rest:
            price, there = self._offered.popleft()
            now = min(rest, there)
            if now < there:
                self._offered.appendleft((price, there - now))
            self.notional += now * price
            self.worst = price
            rest -= now
        self.quantity += taken
        return taken


def _walk(
    side: Side,
    quantity: Decimal,
    books: Iterable[Iterable[Offer]],
    rules: Mapping[_Key, Instrument | None],
) -> dict[_Key, Share]:
    """The shares of venues that fill something, the best price first."""
    takings: dict[_Key, _Taking] = {}
    lots = [_ZERO if rule is None else rule.lot for rule in rules.values()]
    finest = min(lots, default=_ZERO)
    left = quantity
    for offer in merge(*books, key=_net, reverse=side is Side.SELL):
        if not left or left < finest:
            break
        key = offer.venue, offer.market
        taking = takings.get(key)
        if taking is None:
            rule = rules[key]
            taking = takings[key] = _Taking(None if rule is None else rule.lot, offer.fee)
        left -= taking.take(offer, left)
    return {
        key: Share(
            venue=key[0],
            market=key[1],
            quantity=one.quantity,
            notional=one.notional,
            fee=one.notional * one.fee,
            worst=one.worst,
        )
        for key, one in takings.items()
        if one.quantity
    }


def _net(offer: Offer) -> Decimal:
    return offer.net


def _below(share: Share, rule: Instrument | None) -> str:
    """The minimum of the venue that a share is below; empty if none."""
    if rule is None:
        return ""
    if share.quantity < rule.quantity_min:
        return f"its share of {share.quantity:f} is below the minimum of {rule.quantity_min:f}"
    if rule.notional_min is not None and share.notional < rule.notional_min:
        return f"its share is worth {share.notional:f}, below the minimum of {rule.notional_min:f}"
    return ""


def _price(
    side: Side,
    quantity: Decimal,
    shares: Sequence[Share],
    left_out: Mapping[_Key, str],
    taking: Mapping[_Key, Instrument | None],
) -> ConsolidatedPrice:
    filled = sum((one.quantity for one in shares), _ZERO)
    return ConsolidatedPrice(
        side=side,
        quantity=filled,
        notional=sum((one.notional for one in shares), _ZERO),
        fees=sum((one.fee for one in shares), _ZERO),
        unfilled=quantity - filled,
        shares=tuple(shares),
        left_out={f"{venue} {market}": reason for (venue, market), reason in left_out.items()},
        unchecked=tuple(
            f"{venue} {market}" for (venue, market), rule in taking.items() if rule is None
        ),
    )
