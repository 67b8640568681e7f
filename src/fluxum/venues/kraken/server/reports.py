"""Frames of the private channels, as Kraken writes them.

https://docs.kraken.com/api/docs/websocket-v2/executions and /balances; key orders are those of
the published frames. Numbers have the decimals of the pair or of the asset and never an exponent.
Only the first report of an order and those of a snapshot are whole.
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from fluxum.model.account import Balance, LedgerEntry
from fluxum.model.instrument import Asset, Instrument
from fluxum.model.order import FeeAsset, OrderStatus, PriceKind
from fluxum.venues.kraken.private.words import ORDER_TYPES, PRICE_KINDS, REFERENCES, STATUSES
from fluxum.venues.kraken.server.formats import micros, plain
from fluxum.venues.server.accounts import Accounts, OrderEventKind, OrderHappening, OrderState

__all__ = ["ReportWriter", "balances_frame", "executions_frame"]

_ZERO = Decimal(0)
_KINDS = {
    OrderEventKind.PENDING: b"pending_new",
    OrderEventKind.OPENED: b"new",
    OrderEventKind.TRADED: b"trade",
    OrderEventKind.FILLED: b"filled",
    OrderEventKind.REFILLED: b"iceberg_refill",
    OrderEventKind.AMENDED: b"amended",
    OrderEventKind.TRIGGER_MOVED: b"status",
    OrderEventKind.TRIGGERED: b"status",
    OrderEventKind.CANCELED: b"canceled",
    OrderEventKind.EXPIRED: b"expired",
}
_ENDS = frozenset({OrderEventKind.FILLED, OrderEventKind.CANCELED, OrderEventKind.EXPIRED})
_CATEGORIES = {"deposit": b"deposit", "withdrawal": b"withdrawal"}

Pairs = list[tuple[bytes, bytes]]


class ReportWriter:
    """Writes what happened to one account. `instruments` are by their symbol."""

    def __init__(self, instruments: Sequence[Instrument], accounts: Accounts) -> None:
        self._instruments = {one.symbol: one for one in instruments}
        self._accounts = accounts

    def happened(self, happening: OrderHappening, ratecount: Decimal | None) -> bytes:
        """The report of something that happened to an order; `ratecount` where it is wanted."""
        order = happening.order
        kind = _KINDS[happening.what]
        if happening.what is OrderEventKind.PENDING:
            pairs = self._whole(order, kind)
        elif happening.what is OrderEventKind.TRADED:
            pairs = self._trade(happening, order.update.status)
        else:
            pairs = self._delta(happening, kind)
        if ratecount is not None:
            pairs.append((b"ratecount", plain(ratecount, 2)))
        return _object(pairs)

    def standing(self, order: OrderState) -> bytes:
        """An open order in a snapshot."""
        is_live = order.update.status is not OrderStatus.PENDING
        pairs = self._whole(order, b"new" if is_live else b"pending_new")
        return _object(pairs)

    def executed(self, trade: OrderHappening, status: OrderStatus) -> bytes:
        """A fill in a snapshot; its order may be further by now."""
        return _object(self._trade(trade, status))

    def entry(self, entry: LedgerEntry) -> bytes:
        """A line of the account."""
        assert entry.balance is not None, "a simulated account knows its balances"
        decimals = self._accounts.decimals(entry.asset)
        category = _CATEGORIES.get(entry.venue_kind, b"trade")
        wallet_type, _, wallet_id = entry.wallet.partition("/")
        return _object(
            [
                (b"ledger_id", _text(entry.entry_id)),
                (b"ref_id", _text(entry.reference_id)),
                (b"timestamp", _time(entry.venue_ns)),
                (b"type", _text(entry.venue_kind)),
                (b"asset", _text(entry.asset)),
                (b"asset_class", b'"currency"'),
                (b"category", b'"%s"' % category),
                (b"wallet_type", _text(wallet_type)),
                (b"wallet_id", _text(wallet_id)),
                (b"amount", plain(entry.amount, decimals)),
                (b"fee", plain(entry.fee, decimals)),
                (b"balance", plain(entry.balance, decimals)),
            ]
        )

    def holding(self, balance: Balance) -> bytes:
        """A holding in a snapshot."""
        decimals = self._accounts.decimals(balance.asset)
        wallets = b",".join(
            b'{"type":%s,"id":%s,"balance":%s}'
            % (_text(one.kind), _text(one.name), plain(one.total, decimals))
            for one in balance.wallets
        )
        return b'{"asset":%s,"asset_class":"currency","balance":%s,"wallets":[%s]}' % (
            _text(balance.asset),
            plain(balance.total, decimals),
            wallets,
        )

    def _whole(self, order: OrderState, kind: bytes) -> Pairs:
        update, request = order.update, order.request
        instrument = self._instruments[update.symbol]
        price, quantity = instrument.price_precision, instrument.quantity_precision
        cost = self._accounts.decimals(instrument.quote)
        pairs: Pairs = [(b"order_id", _text(update.order_id))]
        if update.client_order_id:
            pairs.append((b"cl_ord_id", _text(update.client_order_id)))
        pairs += [
            (b"order_userref", b"%d" % (update.user_reference or 0)),
            (b"symbol", _text(instrument.venue_symbol)),
            (b"order_qty", plain(update.quantity, quantity)),
        ]
        if request.quote_quantity is not None:
            pairs.append((b"cash_order_qty", plain(request.quote_quantity, cost)))
        pairs += [
            (b"cum_qty", plain(update.filled, quantity)),
            (b"cum_cost", plain(update.cost, cost)),
            (b"time_in_force", _text(update.time_in_force.value.upper())),
            (b"exec_type", b'"%s"' % kind),
            (b"side", _text(update.side.value)),
            (b"order_type", _text(ORDER_TYPES[update.order_type])),
            (b"limit_price_type", _text(PRICE_KINDS[request.limit_price_kind or PriceKind.STATIC])),
        ]
        if update.limit_price is not None:
            pairs.append((b"limit_price", plain(update.limit_price, price)))
        pairs.append((b"stop_price", plain(update.trigger_price or _ZERO, price)))
        pairs += self._triggers(order, instrument)
        pairs += self._rarer(order, instrument)
        pairs += [
            (b"order_status", _text(STATUSES[update.status])),
            (b"fee_usd_equiv", plain(self._in_dollars(order, order.fee), 4)),
            (b"fee_ccy_pref", b'"fcib"' if order.fee_asset is FeeAsset.BASE else b'"fciq"'),
            (b"timestamp", _time(update.venue_ns)),
        ]
        return pairs

    def _rarer(self, order: OrderState, instrument: Instrument) -> Pairs:
        """What only some orders have."""
        update, request = order.update, order.request
        quantity = instrument.quantity_precision
        pairs: Pairs = []
        if update.average_price is not None:
            pairs.append((b"avg_price", plain(update.average_price, instrument.price_precision)))
        if update.display_quantity is not None:
            pairs.append((b"display_qty", plain(update.display_quantity, quantity)))
        if order.display_left is not None:
            pairs.append((b"display_qty_remain", plain(order.display_left, quantity)))
        if update.post_only:
            pairs.append((b"post_only", b"true"))
        if request.effective_ns is not None:
            pairs.append((b"effective_time", _time(request.effective_ns)))
        if request.expires_ns is not None:
            pairs.append((b"expire_time", _time(request.expires_ns)))
        if order.origin_id:
            pairs.append((b"ord_ref_id", _text(order.origin_id)))
        if order.is_amended:
            pairs.append((b"amended", b"true"))
        if request.close is not None:
            pairs.append((b"contingent", self._contingent(order, instrument)))
        return pairs

    def _contingent(self, order: OrderState, instrument: Instrument) -> bytes:
        close = order.request.close
        assert close is not None, "only an order with a close order has a template"
        precision = instrument.price_precision
        pairs: Pairs = [(b"order_type", _text(ORDER_TYPES[close.order_type]))]
        for name, price, kind in (
            (b"trigger_price", close.trigger_price, close.trigger_price_kind),
            (b"limit_price", close.limit_price, close.limit_price_kind),
        ):
            if price is not None:
                pairs.append((name, plain(price, precision)))
                pairs.append((name + b"_type", _text(PRICE_KINDS[kind or PriceKind.STATIC])))
        return _object(pairs)

    def _triggers(self, order: OrderState, instrument: Instrument) -> Pairs:
        trigger, update = order.request.trigger, order.update
        if trigger is None or update.trigger_price is None:
            return []
        precision = instrument.price_precision
        is_static = trigger.kind is PriceKind.STATIC
        pairs: Pairs = [
            (b"price", plain(trigger.price, precision if is_static else 2)),
            (b"price_type", _text(PRICE_KINDS[trigger.kind])),
            (b"reference", _text(REFERENCES[trigger.reference])),
            (b"actual_price", plain(update.trigger_price, precision)),
        ]
        if order.peak_price is not None:
            pairs.append((b"peak_price", plain(order.peak_price, precision)))
        pairs.append((b"status", b'"triggered"' if order.is_triggered else b'"untriggered"'))
        return [(b"triggers", _object(pairs))]

    def _delta(self, happening: OrderHappening, kind: bytes) -> Pairs:
        """What changed, and no more."""
        order, what = happening.order, happening.what
        update = order.update
        instrument = self._instruments[update.symbol]
        status = STATUSES[update.status]
        pairs: Pairs = [
            (b"timestamp", _time(happening.venue_ns)),
            (b"order_status", _text(status)),
            (b"exec_type", b'"%s"' % kind),
        ]
        if update.user_reference is not None:
            pairs.append((b"order_userref", b"%d" % update.user_reference))
        pairs.append((b"order_id", _text(update.order_id)))
        if what in _ENDS:
            pairs += self._sums(order, instrument)
        if update.reason and what is not OrderEventKind.FILLED:
            pairs.append((b"reason", _text(update.reason)))
        if what is OrderEventKind.AMENDED:
            pairs += self._amended(order, instrument)
        if what in (OrderEventKind.TRIGGERED, OrderEventKind.TRIGGER_MOVED):
            pairs += self._triggers(order, instrument)
        if what is OrderEventKind.REFILLED and order.display_left is not None:
            left = plain(order.display_left, instrument.quantity_precision)
            pairs.append((b"display_qty_remain", left))
        return pairs

    def _amended(self, order: OrderState, instrument: Instrument) -> Pairs:
        update = order.update
        quantity = instrument.quantity_precision
        pairs: Pairs = [(b"order_qty", plain(update.quantity, quantity))]
        if update.limit_price is not None:
            price = plain(update.limit_price, instrument.price_precision)
            pairs.append((b"limit_price", price))
        if update.display_quantity is not None:
            pairs.append((b"display_qty", plain(update.display_quantity, quantity)))
        if order.is_triggered is False:
            pairs += self._triggers(order, instrument)
        return [*pairs, (b"amended", b"true")]

    def _sums(self, order: OrderState, instrument: Instrument) -> Pairs:
        update = order.update
        quantity = instrument.quantity_precision
        pairs: Pairs = []
        if order.request.quote_quantity is not None:
            pairs.append((b"order_qty", plain(update.quantity, quantity)))
        cost = self._accounts.decimals(instrument.quote)
        pairs += [
            (b"cum_qty", plain(update.filled, quantity)),
            (b"cum_cost", plain(update.cost, cost)),
        ]
        if update.average_price is not None:
            pairs.append((b"avg_price", plain(update.average_price, instrument.price_precision)))
        pairs.append((b"fee_usd_equiv", plain(self._in_dollars(order, order.fee), 4)))
        return pairs

    def _trade(self, happening: OrderHappening, status: OrderStatus) -> Pairs:
        order, fill = happening.order, happening.fill
        assert fill is not None, "a trade has a fill"
        update = order.update
        instrument = self._instruments[update.symbol]
        price, quantity = instrument.price_precision, instrument.quantity_precision
        cost = self._accounts.decimals(instrument.quote)
        pairs: Pairs = [(b"order_id", _text(update.order_id))]
        if update.client_order_id:
            pairs.append((b"cl_ord_id", _text(update.client_order_id)))
        if update.user_reference is not None:
            pairs.append((b"order_userref", b"%d" % update.user_reference))
        fees = b",".join(
            b'{"asset":%s,"qty":%s}'
            % (_text(fee.asset), plain(fee.amount, self._accounts.decimals(fee.asset)))
            for fee in fill.fees or ()
        )
        liquidity = b'"t"' if fill.liquidity is None else _text(fill.liquidity.value[0])
        dollars = sum((self._in_dollars(order, fee.amount) for fee in fill.fees or ()), _ZERO)
        return [
            *pairs,
            (b"exec_id", _text(fill.fill_id)),
            (b"exec_type", b'"trade"'),
            (b"trade_id", happening.trade_id.encode()),
            (b"symbol", _text(instrument.venue_symbol)),
            (b"side", _text(update.side.value)),
            (b"last_qty", plain(fill.quantity, quantity)),
            (b"last_price", plain(fill.price, price)),
            (b"liquidity_ind", liquidity),
            (b"cost", plain(happening.cost, cost)),
            (b"order_type", _text(ORDER_TYPES[update.order_type])),
            (b"timestamp", _time(happening.venue_ns)),
            (b"order_status", _text(STATUSES[status])),
            (b"cum_qty", plain(update.filled, quantity)),
            (b"cum_cost", plain(update.cost, cost)),
            (b"avg_price", plain(update.average_price or fill.price, price)),
            (b"fee_usd_equiv", plain(dollars, 4)),
            (b"fees", b"[%s]" % fees),
        ]

    def _in_dollars(self, order: OrderState, fee: Decimal) -> Decimal:
        """A fee in dollars, where the pair has them; elsewhere zero stands for unknown."""
        update = order.update
        if update.symbol.quote != Asset("USD"):
            return _ZERO
        if order.fee_asset is FeeAsset.QUOTE:
            return fee
        return fee * (update.average_price or _ZERO)


def executions_frame(kind: bytes, reports: Sequence[bytes], number: int) -> bytes:
    """A message of the executions channel."""
    return b'{"channel":"executions","type":"%s","data":[%s],"sequence":%d}' % (
        kind,
        b",".join(reports),
        number,
    )


def balances_frame(kind: bytes, rows: Sequence[bytes], number: int) -> bytes:
    """A message of the balances channel; the key order is the published one of each kind."""
    data = b",".join(rows)
    if kind == b"snapshot":
        return b'{"channel":"balances","data":[%s],"type":"snapshot","sequence":%d}' % (
            data,
            number,
        )
    return b'{"channel":"balances","type":"update","data":[%s],"sequence":%d}' % (data, number)


def _object(pairs: Pairs) -> bytes:
    return b"{%s}" % b",".join(b'"%s":%s' % pair for pair in pairs)


def _text(text: str) -> bytes:
    return msgspec.json.encode(text)


def _time(instant_ns: int) -> bytes:
    return b'"%s"' % micros(instant_ns)
