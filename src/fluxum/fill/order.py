"""One open order of an account: its request, its fills, and what it holds.

Amounts are kept to the digits of their asset. Costs and fees are rounded (half up) in sum over an
order, so many small fills never cost more than a single one, and what the order holds from the
beginning always suffices. An order for a contract holds a tenth of what it is worth, on either
side.
"""

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from msgspec import structs

from fluxum.fill.triggers import Watch, offset
from fluxum.model.instrument import Asset, Instrument
from fluxum.model.market import Side
from fluxum.model.order import FeeAsset, OrderRequest, OrderStatus, OrderUpdate
from fluxum.model.position import Forced

__all__ = ["LiveOrder"]

_ZERO = Decimal(0)
_MARGIN = Decimal("0.1")


class LiveOrder:
    """An order of one account. `rates` are the fee rates of makers and of takers.

    `quantum` is the smallest amount of an asset, to which costs and fees are rounded.
    """

    def __init__(
        self,
        order_id: str,
        request: OrderRequest,
        instrument: Instrument,
        rates: tuple[Decimal, Decimal],
        quantum: Callable[[Asset], Decimal],
        now_ns: int,
        origin_id: str = "",
    ) -> None:
        self.order_id = order_id
        self.request = request
        self.instrument = instrument
        self.origin_id = origin_id
        self.status = OrderStatus.PENDING
        self.reason = ""
        self.forced: Forced | None = None
        """Set for an order of the exchange itself, which closes a position."""
        self.watch: Watch | None = None
        self.limit_price = request.limit_price
        self.is_triggered: bool | None = False if request.order_type.is_triggered else None
        self.triggered_ns: int | None = None
        """When the price that it waited for came."""
        self.is_resting = False
        self.is_amended = False
        self.filled = _ZERO
        self.cost = _ZERO
        self.fee = _ZERO
        self.fill_ids: list[str] = []
        self.opened_ns = self.changed_ns = self.moved_ns = now_ns
        self.closed_ns: int | None = None
        self.held = _ZERO
        """How much of `held_asset` it holds now, as its account has recorded."""
        self.fee_asset = FeeAsset.QUOTE if request.fee_asset is None else request.fee_asset
        self._rates = rates
        self._quantum = quantum
        self._exact_cost = _ZERO
        self._exact_fee = _ZERO

    @property
    def side(self) -> Side:
        """The side it trades on."""
        return self.request.side

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for a trigger price, outside the book."""
        return self.is_triggered is False

    @property
    def remaining(self) -> Decimal:
        """The quantity that is not filled yet; unknown for an order by an amount of quote asset."""
        assert self.request.quantity is not None, "an amount to spend has no quantity"
        return self.request.quantity - self.filled

    @property
    def is_done(self) -> bool:
        """Whether all of it is filled."""
        return self.request.quantity is not None and self.request.quantity <= self.filled

    @property
    def is_contract(self) -> bool:
        """Whether it trades a contract, which moves money alone."""
        return bool(self.instrument.symbol.contract)

    @property
    def is_market(self) -> bool:
        """Whether it trades at any price."""
        return not self.request.order_type.has_limit

    def wanted(self, price: Decimal) -> Decimal:
        """How much it would trade at a price."""
        if self.request.quote_quantity is None:
            return self.remaining
        lots = (self.request.quote_quantity - self._exact_cost) / price / self.instrument.lot
        return lots.to_integral_value(ROUND_FLOOR) * self.instrument.lot

    def fill(self, price: Decimal, quantity: Decimal, *, is_maker: bool) -> tuple[Decimal, Decimal]:
        """Record a trade; returns its cost and its fee, as booked."""
        notional = price * quantity
        rate = self._rates[0] if is_maker else self._rates[1]
        self.filled += quantity
        self._exact_cost += notional
        self._exact_fee += (
            notional if self.charged_asset == self.instrument.quote else quantity
        ) * rate
        cost = self._round(self._exact_cost, self.instrument.quote) - self.cost
        fee = self._round(self._exact_fee, self.charged_asset) - self.fee
        self.cost += cost
        self.fee += fee
        return cost, fee

    @property
    def charged_asset(self) -> Asset:
        """The asset that fees are charged in."""
        is_base = self.fee_asset is FeeAsset.BASE and not self.is_contract
        return self.instrument.base if is_base else self.instrument.quote

    @property
    def held_asset(self) -> Asset:
        """The asset that it holds: the one it sells, or pays with."""
        is_sold = self.side is Side.SELL and not self.is_contract
        return self.instrument.base if is_sold else self.instrument.quote

    def needs(self, rest: Decimal) -> Decimal:
        """How much it has to hold so that the rest can cost so much, fees included.

        For an amount to spend the rest is known; for a sale only the quantity counts.
        """
        base, quote = self.instrument.base, self.instrument.quote
        rate = max(*self._rates, _ZERO)
        if self.is_contract:
            return self._up(rest * (_MARGIN + rate), quote)
        if self.side is Side.SELL:
            if self.fee_asset is FeeAsset.QUOTE:  # taken from the proceeds
                return self.remaining
            return (
                self.remaining + self._up(self._exact_fee + self.remaining * rate, base) - self.fee
            )
        if self.request.quote_quantity is not None:
            rest = self.request.quote_quantity - self._exact_cost
        bound = self._up(self._exact_cost + rest, quote) - self.cost
        if self.fee_asset is FeeAsset.QUOTE:
            bound += self._up(self._exact_fee + rest * rate, quote) - self.fee
        return bound

    def hold(self) -> Decimal:
        """How much it holds while open: by its limit price, while waiting by its trigger price."""
        price = self.limit_price
        if self.is_waiting and self.watch is not None:
            is_price = price is not None and self.request.limit_price_kind is None
            price = max(self.watch.price, price or _ZERO) if is_price else self.watch.price
        return _ZERO if price is None else self.needs(self.remaining * price)

    def update(self) -> OrderUpdate:
        """The order in the model's form; for an amount to spend, the quantity is the filled one."""
        request = self.request
        return OrderUpdate(
            venue=self.instrument.venue,
            order_id=self.order_id,
            client_order_id=request.client_order_id,
            user_reference=request.user_reference,
            symbol=request.symbol,
            side=request.side,
            order_type=request.order_type,
            status=self.status,
            quantity=self.filled if request.quantity is None else request.quantity,
            filled=self.filled,
            cost=self.cost,
            average_price=self._average(),
            limit_price=self.limit_price,
            trigger_price=None if self.watch is None else self.watch.price,
            display_quantity=request.display_quantity,
            time_in_force=request.time_in_force,
            post_only=request.post_only,
            reduce_only=request.reduce_only,
            forced=self.forced,
            reason=self.reason,
            opened_ns=self.opened_ns,
            venue_ns=self.moved_ns,
            received_ns=self.moved_ns,
        )

    def as_sought(self, request: OrderRequest, last_price: Decimal) -> "LiveOrder":
        """A copy of this order with another request, to compute what it would need."""
        sought = LiveOrder(
            self.order_id,
            request,
            self.instrument,
            self._rates,
            self._quantum,
            self.opened_ns,
            self.origin_id,
        )
        sought.filled, sought.cost, sought.fee = self.filled, self.cost, self.fee
        sought._exact_cost, sought._exact_fee = self._exact_cost, self._exact_fee
        sought.is_triggered, sought.watch = self.is_triggered, self.watch
        trigger = request.trigger
        if self.watch is not None and trigger is not None and trigger != self.request.trigger:
            sought.watch = self.watch.moved(trigger, last_price)
        return sought

    def become(self, sought: "LiveOrder", now_ns: int) -> None:
        """Take the request of a copy that was accepted."""
        self.request, self.limit_price, self.watch = (
            sought.request,
            sought.limit_price,
            sought.watch,
        )
        self.is_amended = True
        self.changed_ns = self.moved_ns = now_ns

    def resolve(self, price: Decimal) -> None:
        """Replace a limit given as a distance by one at that distance from a price."""
        kind, limit = self.request.limit_price_kind, self.request.limit_price
        if kind is None or limit is None:
            return
        resolved = max(offset(price, limit, kind, self.instrument), self.instrument.tick)
        self.limit_price = resolved
        self.request = structs.replace(self.request, limit_price=resolved, limit_price_kind=None)

    def _average(self) -> Decimal | None:
        if not self.filled:
            return None
        step = Decimal((0, (1,), -self.instrument.price_precision))
        return (self._exact_cost / self.filled).quantize(step, ROUND_HALF_UP)

    def _round(self, amount: Decimal, asset: Asset) -> Decimal:
        return amount.quantize(self._quantum(asset), ROUND_HALF_UP)

    def _up(self, amount: Decimal, asset: Asset) -> Decimal:
        return amount.quantize(self._quantum(asset), ROUND_CEILING)
