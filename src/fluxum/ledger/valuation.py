"""What an amount of one asset is worth in another, over a venue's own markets.

A route leads over at most three markets, such as `SOL/USDT`, then `USDT/USD`. Nothing is guessed:
two assets are equal only if they have the same name, and without a route there is no value.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Context, Decimal

from msgspec import Struct

from fluxum.model.instrument import Asset, Symbol

__all__ = ["Leg", "Routes", "converted"]

_LEGS_MAX = 3
_WIDE = Context(prec=40)
_SHOWN = Context(prec=28)


class Leg(Struct, frozen=True):
    """One market of a route: its base asset is sold, or its quote asset spent."""

    symbol: Symbol
    is_sale: bool

    @property
    def gives(self) -> Asset:
        """The asset that this market gives."""
        return self.symbol.quote if self.is_sale else self.symbol.base


class Routes:
    """The ways from one asset to another over spot markets."""

    def __init__(self, symbols: Iterable[Symbol]) -> None:
        self._from: dict[Asset, list[Leg]] = {}
        for symbol in sorted(symbols):
            if not symbol.contract:
                self._from.setdefault(symbol.base, []).append(Leg(symbol, is_sale=True))
                self._from.setdefault(symbol.quote, []).append(Leg(symbol, is_sale=False))
        self._markets = Counter({asset: len(legs) for asset, legs in self._from.items()})

    def between(self, asset: Asset, target: Asset) -> Iterator[tuple[Leg, ...]]:
        """The routes, the shortest first; of equal length, over the asset with most markets.

        An asset is worth itself: then the one route is empty.
        """
        if asset == target:
            yield ()
            return
        legs_to = self._legs_to(target)
        for length in range(legs_to.get(asset, _LEGS_MAX + 1), _LEGS_MAX + 1):
            found = self._of_length(asset, target, length, {asset}, legs_to)
            yield from sorted(found, key=self._by_markets)

    def _legs_to(self, target: Asset) -> dict[Asset, int]:
        """How many legs each asset is away, those that are too far left out."""
        legs_to = {target: 0}
        edge = [target]
        for away in range(1, _LEGS_MAX + 1):
            near = {leg.gives for asset in edge for leg in self._from.get(asset, ())}
            edge = [asset for asset in sorted(near) if asset not in legs_to]
            legs_to |= dict.fromkeys(edge, away)
        return legs_to

    def _of_length(
        self,
        asset: Asset,
        target: Asset,
        length: int,
        passed: set[Asset],
        legs_to: Mapping[Asset, int],
    ) -> Iterator[tuple[Leg, ...]]:
        for leg in self._from.get(asset, ()):
            gives = leg.gives
            if length == 1 and gives == target:
                yield (leg,)
            elif (
                length > 1
                and gives not in {target, *passed}
                and legs_to.get(gives, length) < length
            ):
                further = {*passed, gives}
                for rest in self._of_length(gives, target, length - 1, further, legs_to):
                    yield (leg, *rest)

    def _by_markets(self, route: tuple[Leg, ...]) -> tuple[int, tuple[Symbol, ...]]:
        least = min((self._markets[leg.gives] for leg in route[:-1]), default=0)
        return -least, tuple(leg.symbol for leg in route)


def converted(amount: Decimal, route: Iterable[Leg], prices: Mapping[Symbol, Decimal]) -> Decimal:
    """The amount at the end of a route, to 28 digits; every market of it needs a price above 0."""
    for leg in route:
        price = prices[leg.symbol]
        step = _WIDE.multiply if leg.is_sale else _WIDE.divide
        amount = step(amount, price)
    return _SHOWN.plus(amount)
