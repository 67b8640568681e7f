"""What can be asked of Kraken about an account, and how the answers are read.

https://docs.kraken.com/api/docs/guides/spot-rest-ratelimits: calls for lines and executions count
two, all others one; Kraken's own tool counts two for orders as well, and so does this one. Lists
begin with the newest, fifty a page; `start` is exclusive, `end` inclusive.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import TypeVar
from urllib.parse import urlencode

from fluxum.errors import RemoteProtocolError
from fluxum.model.account import Balance, EntryKind, Fee, Fill, LedgerEntry, Liquidity, Wallet
from fluxum.model.instrument import Asset
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus, OrderType, OrderUpdate
from fluxum.venues.conversation import Fetch
from fluxum.venues.kraken.envelope import asked
from fluxum.venues.kraken.normalize import VENUE
from fluxum.venues.kraken.private import rest
from fluxum.venues.kraken.private.names import Names
from fluxum.venues.kraken.private.words import ENTRY_KINDS, order_type, time_in_force
from fluxum.venues.private import EntryQuery, Token
from fluxum.venues.questions import Page, Question

__all__ = ["KrakenQuestions"]

Said = TypeVar("Said")
Read = TypeVar("Read")

_PRIVATE = "/0/private/"
_FILTERS = {
    EntryKind.DEPOSIT: "deposit",
    EntryKind.WITHDRAWAL: "withdrawal",
    EntryKind.TRANSFER: "transfer",
}
_ENDED = {
    "closed": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELED,
    "expired": OrderStatus.EXPIRED,
}


class KrakenQuestions:
    """Questions about one account; see AccountQuestions for what each call promises."""

    def __init__(self) -> None:
        self._names = Names()

    def preparations(self) -> Sequence[Question[None]]:
        """Names of assets, then of pairs, as REST has names of its own."""
        return (
            self._public("Assets", rest.decode_assets, self._names.learn_assets),
            self._public("AssetPairs", rest.decode_pairs, self._names.learn_pairs),
        )

    def token(self) -> Question[Token]:
        """A token for private links (.../get-websockets-token)."""

        def read(result: rest.TokenResult, _received_ns: int) -> Token:
            return Token(result.token, result.expires)

        return self._ask("GetWebSocketsToken", {}, rest.decode_token, read)

    def balances(self) -> Question[Sequence[Balance]]:
        """All balances; the wallets of an asset are summed up (.../get-extended-balance)."""
        return self._ask("BalanceEx", {}, rest.decode_holdings, self._balances)

    def open_orders(self, client_order_id: str = "") -> Question[Sequence[OrderUpdate]]:
        """All open orders, or one (.../get-open-orders)."""

        def read(result: rest.OpenResult, received_ns: int) -> Sequence[OrderUpdate]:
            return [self._order(name, row, received_ns) for name, row in result.open.items()]

        form = {"cl_ord_id": client_order_id} if client_order_id else {}
        return self._ask("OpenOrders", form, rest.decode_open, read, cost=2.0)

    def closed_orders(
        self, client_order_id: str = "", since_ns: int | None = None, offset: int = 0
    ) -> Question[Page[OrderUpdate]]:
        """Orders that ended, by when they did (.../get-closed-orders)."""

        def read(result: rest.ClosedResult, received_ns: int) -> Page[OrderUpdate]:
            rows = result.closed.items()
            orders = [self._order(name, row, received_ns) for name, row in rows]
            orders.sort(key=lambda order: order.venue_ns, reverse=True)
            return Page(tuple(orders), result.count)

        form = _span(since_ns, None, offset)
        if client_order_id:
            form["cl_ord_id"] = client_order_id
        return self._ask("ClosedOrders", form, rest.decode_closed, read, cost=2.0)

    def fills(
        self, since_ns: int | None = None, until_ns: int | None = None, offset: int = 0
    ) -> Question[Page[Fill]]:
        """Executions one by one, not summed up by order (.../get-trade-history)."""

        def read(result: rest.TradesResult, received_ns: int) -> Page[Fill]:
            fills = [self._fill(name, row, received_ns) for name, row in result.trades.items()]
            fills.sort(key=lambda fill: (fill.venue_ns, fill.fill_id), reverse=True)
            return Page(tuple(fills), result.count)

        form = {**_span(since_ns, until_ns, offset), "consolidate_taker": "false"}
        return self._ask("TradesHistory", form, rest.decode_trades, read, cost=2.0)

    def entries(self, query: EntryQuery, offset: int = 0) -> Question[Page[LedgerEntry]]:
        """Lines of the account (.../get-ledgers).

        Kraken has more words than we have kinds, so most kinds are told apart by whoever asks.
        """

        def read(result: rest.LedgerResult, received_ns: int) -> Page[LedgerEntry]:
            rows = result.ledger.items()
            entries = [self._entry(name, bytes(raw), received_ns) for name, raw in rows]
            entries.sort(key=lambda entry: (entry.venue_ns, entry.entry_id), reverse=True)
            return Page(tuple(entries), result.count)

        form = _span(query.since_ns, query.until_ns, offset)
        if query.asset is not None:
            form["asset"] = self._names.spell(query.asset)
        if query.kind in _FILTERS:
            form["type"] = _FILTERS[query.kind]
        return self._ask("Ledgers", form, rest.decode_ledger, read, cost=2.0)

    # How a question is put

    def _ask(
        self,
        call: str,
        form: dict[str, str],
        decode: Callable[[bytes], Said],
        read: Callable[[Said, int], Read],
        cost: float = 1.0,
    ) -> Question[Read]:
        fetch = Fetch("POST", _PRIVATE + call, call, body=urlencode(form).encode(), cost=cost)
        return asked(fetch, decode, read)

    def _public(
        self, call: str, decode: Callable[[bytes], Said], learn: Callable[[Said], None]
    ) -> Question[None]:
        def read(result: Said, _received_ns: int) -> None:
            learn(result)

        fetch = Fetch("GET", f"/0/public/{call}", call, cost=0.0)
        return asked(fetch, decode, read)

    # How rows are read

    def _balances(
        self, holdings: dict[str, rest.HoldingRow], received_ns: int
    ) -> Sequence[Balance]:
        by_asset: dict[Asset, list[tuple[str, rest.HoldingRow]]] = {}
        for name, row in holdings.items():
            asset, wallet = self._names.asset(name)
            by_asset.setdefault(asset, []).append((wallet, row))
        return [
            Balance(
                venue=VENUE,
                asset=asset,
                total=sum((row.balance for _, row in rows), Decimal(0)),
                held=sum((row.hold_trade for _, row in rows), Decimal(0)),
                wallets=tuple(
                    Wallet("spot" if not wallet else "earn", wallet or "main", row.balance)
                    for wallet, row in rows
                ),
                received_ns=received_ns,
            )
            for asset, rows in by_asset.items()
        ]

    def _order(self, name: str, row: rest.OrderRow, received_ns: int) -> OrderUpdate:
        kind = order_type(row.descr.ordertype)
        flags = row.oflags.split(",")
        opened_ns = _nanos(row.opentm)
        return OrderUpdate(
            venue=VENUE,
            order_id=name,
            client_order_id=row.cl_ord_id or "",
            user_reference=row.userref or None,
            symbol=self._names.market(row.descr.pair),
            side=_side(row.descr.type),
            order_type=kind,
            status=_status(row),
            # An amount to spend is not a quantity: what it buys is known when it is bought.
            quantity=row.vol_exec if "viqc" in flags else max(row.vol, row.vol_exec),
            filled=row.vol_exec,
            cost=row.cost,
            average_price=row.price if row.vol_exec else None,
            limit_price=_limit_price(kind, row),
            trigger_price=_trigger_price(kind, row),
            time_in_force=time_in_force(row.timeinforce),
            post_only="post" in flags,
            reason=row.reason or "",
            opened_ns=opened_ns,
            venue_ns=opened_ns if row.closetm is None else _nanos(row.closetm),
            received_ns=received_ns,
        )

    def _fill(self, name: str, row: rest.TradeRow, received_ns: int) -> Fill:
        market = self._names.market(row.pair)
        liquidity = None
        if row.maker is not None:
            liquidity = Liquidity.MAKER if row.maker else Liquidity.TAKER
        return Fill(
            venue=VENUE,
            symbol=market,
            side=_side(row.type),
            price=row.price,
            quantity=row.vol,
            fees=(Fee(market.quote, row.fee),),
            liquidity=liquidity,
            fill_id=name,
            order_id=row.ordertxid,
            backfilled=True,
            venue_ns=_nanos(row.time),
            received_ns=received_ns,
        )

    def _entry(self, name: str, raw: bytes, received_ns: int) -> LedgerEntry:
        row = rest.decode_ledger_row(raw)
        asset, wallet = self._names.asset(row.asset)
        return LedgerEntry(
            venue=VENUE,
            entry_id=name,
            reference_id=row.refid,
            kind=ENTRY_KINDS.get(row.type, EntryKind.OTHER),
            venue_kind=row.type,
            asset=asset,
            amount=row.amount,
            fee=row.fee,
            balance=row.balance,
            wallet=f"earn/{wallet}" if wallet else "spot/main",
            backfilled=True,
            venue_ns=_nanos(row.time),
            received_ns=received_ns,
            raw=raw,
        )


def _span(since_ns: int | None, until_ns: int | None, offset: int) -> dict[str, str]:
    form: dict[str, str] = {}
    if since_ns is not None:
        form["start"] = _seconds(since_ns)
    if until_ns is not None:
        form["end"] = _seconds(until_ns)
    if offset:
        form["ofs"] = str(offset)
    return form


def _seconds(instant_ns: int) -> str:
    seconds, fraction = divmod(instant_ns, 1_000_000_000)
    return f"{seconds}.{fraction:09d}".rstrip("0").rstrip(".")


def _nanos(seconds: Decimal) -> int:
    if not seconds.is_finite() or not 0 <= seconds < 10**11:
        raise RemoteProtocolError(f"a time in seconds was expected, was {seconds}")
    return int(seconds * 1_000_000_000)


def _status(row: rest.OrderRow) -> OrderStatus:
    if row.status in _ENDED:
        return _ENDED[row.status]
    if row.status == "pending":
        return OrderStatus.PENDING
    if row.status == "open":
        return OrderStatus.PARTIALLY_FILLED if row.vol_exec else OrderStatus.OPEN
    raise RemoteProtocolError(f"an order status was expected, was {row.status!r}")


def _limit_price(kind: OrderType, row: rest.OrderRow) -> Decimal | None:
    """Of triggered orders `price` is the trigger and `price2` the limit."""
    if not kind.has_limit:
        return None
    text = row.descr.price2 if kind.is_triggered else row.descr.price
    return _static(text) or row.limitprice or None


def _trigger_price(kind: OrderType, row: rest.OrderRow) -> Decimal | None:
    """Of trailing orders the trigger moves, and is named beside the distance."""
    return (row.stopprice or _static(row.descr.price)) if kind.is_triggered else None


def _static(text: str) -> Decimal | None:
    """A price that is one; distances (`+50.0000%`, `#5`) are none."""
    if text[:1] in "+-#" or text.endswith("%"):
        return None
    try:
        price = Decimal(text)
    except InvalidOperation:
        raise RemoteProtocolError(f"a price was expected, was {text[:40]!r}") from None
    return price if price.is_finite() and price else None


def _side(word: str) -> Side:
    try:
        return Side(word)
    except ValueError:
        raise RemoteProtocolError(f"a side was expected, was {word!r}") from None
