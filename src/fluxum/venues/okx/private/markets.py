"""The markets of an account's rows: symbol, size of a contract, and the number that orders need.

Names of spot markets can be read without a list; of contracts the list alone has the size, and for
orders over a link OKX takes no names, only `instIdCode`, which differs from one environment to the
other (https://www.okx.com/docs-v5/en/#public-data-rest-api-get-instruments). Spot markets, margin
and linear contracts are offered; rows of inverse contracts, options and others are passed over.
"""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Raw, Struct

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.instrument import Symbol
from fluxum.venues.okx import native, normalize, topics
from fluxum.venues.okx.listing import LISTS, rows
from fluxum.venues.queries import RestQuery, rest_query
from fluxum.venues.rows import LeftOutRows, read_rows

__all__ = ["CONTRACT_LISTS", "KINDS", "Market", "Markets"]

KINDS = ("SPOT", "MARGIN", "SWAP", "FUTURES")
"""The kinds of markets whose rows are read."""
CONTRACT_LISTS = LISTS[1:]
_CONTRACTS = frozenset(KINDS[2:])
_ONE = Decimal(1)
_PAUSE_NS = 60 * 1_000_000_000


class Market(Struct, frozen=True):
    """A market: OKX's name, our symbol, what one unit of its sizes is, and its number."""

    name: str
    symbol: Symbol
    size: Decimal = _ONE
    code: int | None = None
    is_offered: bool = True


class Markets:
    """The markets that were listed; empty at first."""

    def __init__(self) -> None:
        self._by_name: dict[str, Market] = {}
        self._lacks_one = False  # that an answer named
        self._renewed_ns = 0

    def learn(self, listed: Sequence[Raw]) -> LeftOutRows | None:
        """Take the rows of a list; returns those that could not be read."""
        found = read_rows(listed, _market)
        self._by_name |= {one.name: one for one in found.items}
        return found.left_out

    def named(self, name: str, kind: str) -> Market | None:
        """The market of a row, None for one that is not offered.

        Raises RemoteProtocolError for a contract that is on no list.
        """
        if kind not in KINDS:
            return None
        market = self._by_name.get(name)
        if market is None and kind in _CONTRACTS:
            self._lacks_one = True
            raise RemoteProtocolError(f"a contract of the list was expected, was {name[:40]!r}")
        if market is None:
            market = Market(name, topics.parse_symbol(name))
        return market if market.is_offered else None

    def of(self, symbol: Symbol) -> Market:
        """The market to send an order for; raises BadInput for one that is not offered."""
        name = topics.format_symbol(symbol)
        market = self._by_name.get(name)
        if market is None or market.symbol != symbol or not market.is_offered:
            raise BadInput(
                f"a spot market or linear contract that OKX lists was expected, was {symbol}"
            )
        return market

    def order_id(self, name: str) -> dict[str, object]:
        """What names a market in operations of a link."""
        market = self._by_name.get(name)
        if market is None or market.code is None:
            return {"instId": name}
        return {"instIdCode": market.code}

    # Queries

    def lists(self) -> Sequence[RestQuery[LeftOutRows | None]]:
        """The queries of all contracts."""
        return [
            rest_query(fetch, rows, lambda listed, _now_ns: self.learn(listed))
            for fetch in CONTRACT_LISTS
        ]

    def renewals(self, now_ns: int) -> Sequence[RestQuery[LeftOutRows | None]]:
        """The same once more where a contract was on no list, at most once a minute."""
        is_due = self._lacks_one and now_ns >= self._renewed_ns + _PAUSE_NS
        self._lacks_one = False
        if not is_due:
            return ()
        self._renewed_ns = now_ns
        return self.lists()


def _market(row: Raw) -> Market | None:
    """The market of a row; None for an option, which no list here has."""
    wire = native.decode_instrument(row)
    one = normalize.instrument(wire, 0)
    if one is None:
        return None
    is_offered = not one.is_inverse
    return Market(wire.instId, one.symbol, one.contract_size, wire.instIdCode, is_offered)
