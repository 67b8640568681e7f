"""Under which name the data of a product comes: its own, or that of the product it stands for.

`X-USDC` is an alias of `X-USD` on every public channel, and its data may come under that name
(https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels), but
some `X-USDC` are products of their own. The list of products has which, in `alias` and `alias_to`:
400 of 405 in August 2026. Until it has come, an answer or data may show it.
"""

from collections.abc import Iterable

import msgspec
from msgspec import Struct

__all__ = ["Aliases", "Names", "decode_aliases"]

_ALIAS = "-USDC"
# Products of their own by the same page; the list of 2026-08 has three more.
_OWN = frozenset({"USDT-USDC", "EURC-USDC"})


class Aliases(Struct, gc=False):
    """The names in a row of the list of products.

    `{"product_id":"BTC-USD","alias":"","alias_to":["BTC-USDC"]}` and
    `{"product_id":"BTC-USDC","alias":"BTC-USD","alias_to":[]}`
    """

    product_id: str
    alias: str | None = None
    alias_to: list[str] | None = None


decode_aliases = msgspec.json.Decoder(Aliases).decode


class Names:
    """The name each product's data comes under, as far as it is known."""

    def __init__(self) -> None:
        self.is_listed = False
        """Whether the venue's own list has come."""
        self._names: dict[str, str] = {}
        self._own: set[str] = set()  # those whose data came under their own name

    def of(self, product: str) -> str | None:
        """The name of a product's data; `None` while it may be either."""
        found = self._names.get(product)
        if found is not None or not product.endswith(_ALIAS):
            return found or product
        return product if self.is_listed else None

    def likely(self, product: str) -> str:
        """The name of a product's data, by the venue's documents where nothing else is known."""
        found = self._names.get(product)
        if found is not None or self.is_listed or not product.endswith(_ALIAS):
            return found or product
        return product if product in _OWN else product.removesuffix("C")

    def of_name(self, name: str) -> list[str]:
        """The products whose data may come under a name: its own, and those that stand for it."""
        aliases = [alias for alias, one in self._names.items() if one == name]
        return [name, *aliases, *(one for one in (f"{name}C",) if self.likely(one) == name)]

    def take(self, rows: Iterable[Aliases]) -> None:
        """The venue's list came: it decides, but for data that came under their own name."""
        names: dict[str, str] = {}
        for row in rows:
            if row.alias:
                names[row.product_id] = row.alias
            for alias in row.alias_to or ():
                names[alias] = row.product_id
        self._names = {alias: name for alias, name in names.items() if alias not in self._own}
        self.is_listed = True

    def saw(self, product: str) -> bool:
        """Note that data came under a product's own name; whether that is new."""
        if self.of(product) == product:
            return False
        self._own.add(product)
        self._names[product] = product
        return True

    def accept(self, product: str) -> None:
        """Note that the venue took a product for what it is likely to stand for."""
        if self.of(product) is None:
            self._names[product] = self.likely(product)
