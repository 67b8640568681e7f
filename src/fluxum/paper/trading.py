"""Orders of the paper account in their markets: how they take, rest, wait for a price, and end."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from fluxum.fill.amendments import amended, check_amended
from fluxum.fill.fees import Fees, FeesIn
from fluxum.fill.order import LiveOrder
from fluxum.fill.queue import WORLDS, World
from fluxum.fill.refusal import CommandRefused, Refusal
from fluxum.fill.rules import check_request
from fluxum.fill.triggers import Watch
from fluxum.model.account import Fee, Fill, Liquidity
from fluxum.model.event import AccountEvent
from fluxum.model.instrument import Asset, InstrumentStatus, Symbol
from fluxum.model.market import Side
from fluxum.model.order import (
    Amend,
    FeeAsset,
    OrderRequest,
    OrderStatus,
    OrderType,
    SelfTrade,
    TimeInForce,
)
from fluxum.paper.account import PaperAccount
from fluxum.paper.market import PaperMarket
from fluxum.paper.records import PaperOrder

__all__ = ["PaperTrading"]

_ZERO = Decimal(0)
_CLOSED = frozenset(
    {InstrumentStatus.CANCEL_ONLY, InstrumentStatus.MAINTENANCE, InstrumentStatus.DELISTED}
)


class PaperTrading:
    """Every open order. `publish` is called with each event and its instant at the venue."""

    def __init__(
        self,
        markets: Mapping[Symbol, PaperMarket],
        account: PaperAccount,
        fees: Fees,
        world: World,
        quantum: Callable[[Asset], Decimal],
        name: Callable[[str], str],
        publish: Callable[[AccountEvent, int], None],
        ended: Callable[[PaperOrder], None],
    ) -> None:
        self.orders: dict[str, PaperOrder] = {}
        """The open orders by the venue's id, in the order they were placed."""
        self.expiring: dict[str, PaperOrder] = {}
        """Those of them that expire."""
        self._markets = markets
        self._instruments = {symbol: one.instrument for symbol, one in markets.items()}
        self._account = account
        self._fees = fees
        self._index = WORLDS.index(world)
        self._quantum = quantum
        self._name = name
        self._publish = publish
        self._ended = ended
        self._numbers: dict[int, PaperOrder] = {}
        self._last_number = 0

    # Commands

    def check(
        self, request: OrderRequest, now_ns: int, replaces: PaperOrder | None = None
    ) -> tuple[PaperMarket, LiveOrder]:
        """What a request would become; raises CommandRefused for one that is not taken.

        What the order holds that it `replaces` is free for it.
        """
        market = self._markets.get(request.symbol)
        last_price = None if market is None else market.reference_price
        instrument = check_request(request, self._instruments, last_price, now_ns)
        assert market is not None, "an instrument has a market"
        kind = request.order_type
        is_other = kind is OrderType.ICEBERG or request.close is not None
        if request.symbol.contract or is_other or request.effective_ns is not None:
            raise CommandRefused(Refusal.UNSUPPORTED, "not on paper")
        if instrument.status in _CLOSED:
            raise CommandRefused(Refusal.UNSUPPORTED, f"{request.symbol} is closed")
        if not market.is_known or last_price is None:
            raise CommandRefused(Refusal.UNSUPPORTED, "market data is lost")
        others = (one for one in self.orders.values() if one is not replaces)
        name = request.client_order_id
        if name and any(one.live.request.client_order_id == name for one in others):
            raise CommandRefused(Refusal.NAME_TAKEN, "client_order_id")
        live = self._make(request, market, last_price, now_ns)
        self._afford(live, market, _ZERO if replaces is None else replaces.live.held)
        if request.post_only and live.watch is None and self._would_take(live, market):
            raise CommandRefused(Refusal.WOULD_TAKE)
        return market, live

    def place(self, request: OrderRequest, now_ns: int) -> PaperOrder:
        """Enter an order; `begin` lets it trade. Raises CommandRefused."""
        market, live = self.check(request, now_ns)
        live.order_id = self._name("O")
        self._last_number += 1
        order = PaperOrder(live, self._last_number, now_ns, market.mid)
        self.orders[live.order_id] = order
        self._numbers[order.number] = order
        if request.expires_ns is not None:
            self.expiring[live.order_id] = order
        self._account.rehold(live)
        return order

    def begin(self, order: PaperOrder, now_ns: int) -> None:
        """Let an order trade, or wait for its price."""
        live, market = order.live, self._market(order)
        last_price = market.reference_price
        if live.is_waiting and not (
            live.watch is not None and last_price is not None and live.watch.see(last_price)
        ):
            self._publish_state(order, now_ns)
            return
        if live.is_waiting:
            self._trigger(order)
        live.status, live.moved_ns = OrderStatus.OPEN, now_ns
        self._publish_state(order, now_ns)
        self._work(order, market, now_ns)

    def amend(
        self, order: PaperOrder, command: Amend, now_ns: int, accept: Callable[[], None]
    ) -> None:
        """Change an order in place; it keeps its place if only its quantity becomes smaller.

        `accept` is called once it is certain that the order changes. Raises CommandRefused before.
        """
        live, market = order.live, self._market(order)
        last_price = market.reference_price
        request = amended(live, command)
        check_amended(live, request, last_price)
        assert last_price is not None, "an order that was taken has a market with a price"
        sought = live.as_sought(request, last_price)
        if not live.is_waiting:
            sought.resolve(last_price)
        if not sought.is_done:
            self._afford(sought, market, live.held)
            is_careful = command.post_only or request.post_only
            if is_careful and not live.is_waiting and self._would_take(sought, market):
                raise CommandRefused(Refusal.WOULD_TAKE)
        before = live.request
        accept()
        live.become(sought, now_ns)
        if live.remaining <= 0:
            self.end(order, OrderStatus.CANCELED, "the quantity is filled", now_ns)
            return
        self._account.rehold(live)
        assert before.quantity is not None, "an amount to spend is never amended"
        place = order.place
        if place is None:
            self._publish_state(order, now_ns)
        elif live.request.limit_price == before.limit_price and live.remaining <= (
            before.quantity - live.filled
        ):
            assert live.request.quantity is not None, "an amount to spend is never amended"
            place.resize(market.units(live.request.quantity))
            self._publish_state(order, now_ns)
        else:
            self._publish_state(order, now_ns)
            self._work(order, market, now_ns)

    def end(self, order: PaperOrder, status: OrderStatus, reason: str, now_ns: int) -> None:
        """End an order: it leaves its queue, and what it holds is released."""
        live = order.live
        self._leave(order)
        live.status, live.reason = status, reason
        live.moved_ns = live.closed_ns = now_ns
        del self.orders[live.order_id]
        del self._numbers[order.number]
        self.expiring.pop(live.order_id, None)
        self._account.rehold(live)
        self._publish_state(order, now_ns)
        self._ended(order)

    # Market data

    def news(self, market: PaperMarket, now_ns: int) -> None:
        """Book what the queues of a market filled since the last time."""
        for side, queue in market.queues.items():
            if not queue.news:
                continue
            news = [
                (self._numbers[place.order_id], place.key, index, market.quantity(units))
                for place, index, units in queue.news
            ]
            queue.news.clear()
            sign = market.instrument.tick * (1 if side is Side.BUY else -1)
            for order, key, index, quantity in news:
                order.note(index, now_ns, key * sign, quantity)
            for order, key, index, quantity in news:
                if index == self._index:
                    self._execute(order, key * sign, quantity, Liquidity.MAKER, now_ns)
                    if order.live.is_done:
                        self.end(order, OrderStatus.FILLED, "", now_ns)

    def see(self, market: PaperMarket, price: Decimal, now_ns: int) -> None:
        """Start the orders that waited for this price."""
        for order in list(self.orders.values()):
            live = order.live
            if not live.is_waiting or live.request.symbol != market.instrument.symbol:
                continue
            if live.watch is not None and live.watch.see(price):
                self.begin(order, now_ns)

    # Pieces

    def _make(
        self, request: OrderRequest, market: PaperMarket, last_price: Decimal, now_ns: int
    ) -> LiveOrder:
        tier = self._fees.tier(self._account.volume(now_ns))
        live = LiveOrder(
            "", request, market.instrument, (tier.maker, tier.taker), self._quantum, now_ns
        )
        if request.fee_asset is None:
            charged = self._fees.charged
            is_base = charged is FeesIn.BASE or (
                charged is FeesIn.RECEIVED and request.side is Side.BUY
            )
            live.fee_asset = FeeAsset.BASE if is_base else FeeAsset.QUOTE
        if request.trigger is None:
            live.resolve(last_price)
            return live
        live.watch = Watch(
            request.order_type, request.side, request.trigger, last_price, market.instrument
        )
        if live.watch.price <= 0:
            raise CommandRefused(Refusal.INVALID_TRIGGER, "triggers")
        return live

    def _afford(self, live: LiveOrder, market: PaperMarket, held: Decimal = _ZERO) -> None:
        """Raise CommandRefused if funds are missing, beside those that the order holds already."""
        if self._needs(live, market) > self._account.free(live.held_asset) + held:
            raise CommandRefused(Refusal.INSUFFICIENT_FUNDS)

    def _needs(self, live: LiveOrder, market: PaperMarket) -> Decimal:
        """What an order could cost: without a limit, what it would pay in the book now."""
        if live.is_waiting or not live.is_market:
            return live.hold()
        if live.side is Side.SELL or live.request.quote_quantity is not None:
            return live.needs(_ZERO)
        left, cost = market.units(live.remaining), _ZERO
        for price, free in market.offered(live.side, None):
            units = min(left, free)
            cost += market.quantity(units) * price
            left -= units
            if not left:
                break
        return live.needs(cost)

    def _would_take(self, live: LiveOrder, market: PaperMarket) -> bool:
        return next(market.offered(live.side, live.limit_price), None) is not None

    def _trigger(self, order: PaperOrder) -> None:
        live = order.live
        assert live.watch is not None, "an order that waits has a trigger"
        live.is_triggered = True
        live.resolve(live.watch.price)

    def _work(self, order: PaperOrder, market: PaperMarket, now_ns: int) -> None:
        """Take what the limit allows; the rest goes to the queue if the order may rest."""
        live = order.live
        reason = self._hindrance(live, market)
        if not reason:
            reason = self._take(order, market, now_ns)
            if live.status.is_final:
                return
        if not reason:
            reason = _end_of_rest(live)
        if not reason:
            self._rest(order, market)
        elif live.request.quote_quantity is not None and live.filled:
            self.end(order, OrderStatus.FILLED, "", now_ns)
        else:
            self.end(order, OrderStatus.CANCELED, reason, now_ns)

    def _hindrance(self, live: LiveOrder, market: PaperMarket) -> str:
        """Why an order may not begin to trade; empty if it may."""
        if not market.is_known:
            return "market data is lost"
        if self._needs(live, market) > self._account.free(live.held_asset) + live.held:
            return "insufficient funds"
        if live.request.time_in_force is TimeInForce.FOK and live.request.quantity is not None:
            limit = None if live.is_market else live.limit_price
            reach = sum(units for _, units in market.offered(live.side, limit))
            if reach < market.units(live.remaining):
                return "fill or kill"
        return ""

    def _take(self, order: PaperOrder, market: PaperMarket, now_ns: int) -> str:
        """Trade level by level; returns why the order must end, if it must."""
        live = order.live
        limit = None if live.is_market else live.limit_price
        for price, free in list(market.offered(live.side, limit)):
            if self._meets_own(order, price, now_ns):
                return "self trade"
            units = min(market.units(live.wanted(price)), free)
            if not units:
                break
            market.take(live.side, price, units)
            quantity = market.quantity(units)
            order.note_taking(now_ns, price, quantity)
            self._execute(order, price, quantity, Liquidity.TAKER, now_ns)
            if live.is_done:
                self.end(order, OrderStatus.FILLED, "", now_ns)
                return ""
        if limit is not None and self._meets_own(order, limit, now_ns):
            return "self trade"
        return ""

    def _meets_own(self, order: PaperOrder, price: Decimal, now_ns: int) -> bool:
        """Whether the order must end, as it would trade with another of the account first."""
        rule = order.live.request.self_trade or SelfTrade.CANCEL_NEWEST
        is_buy = order.side is Side.BUY
        for rival in list(self.orders.values()):
            is_across = rival.place is not None and rival.side is order.side.opposite
            if not is_across or self._market(rival) is not self._market(order):
                continue
            limit = rival.live.limit_price
            assert limit is not None, "only orders with a limit rest"
            if limit > price if is_buy else limit < price:
                continue
            if rule is not SelfTrade.CANCEL_NEWEST:
                self.end(rival, OrderStatus.CANCELED, "self trade", now_ns)
            if rule is not SelfTrade.CANCEL_OLDEST:
                return True
        return False

    def _rest(self, order: PaperOrder, market: PaperMarket) -> None:
        """Enter the queue, anew if the order had another place."""
        live = order.live
        limit, quantity = live.limit_price, live.request.quantity
        assert limit is not None, "only orders with a limit rest"
        assert quantity is not None, "only market orders spend an amount"
        queue, best = market.queues[live.side], market.best_key(live.side)
        key, shown = market.key(live.side, limit), market.shown(live.side, limit)
        place, units, filled = order.place, market.units(quantity), market.units(live.filled)
        if place is None:
            done = filled, filled, filled
            order.place = queue.enter(order.number, key, units, shown, best, done)
        else:
            order.was_alone |= place.was_alone
            taken = filled - place.fills[self._index]
            order.place = queue.move(place, key, units, shown, best, taken)
        live.is_resting = True

    def _leave(self, order: PaperOrder) -> None:
        if order.place is not None:
            order.was_alone |= order.place.was_alone
            self._market(order).queues[order.side].leave(order.place)
            order.place, order.live.is_resting = None, False

    def _execute(
        self,
        order: PaperOrder,
        price: Decimal,
        quantity: Decimal,
        liquidity: Liquidity,
        now_ns: int,
    ) -> None:
        live = order.live
        cost, charged = live.fill(price, quantity, is_maker=liquidity is Liquidity.MAKER)
        fill = Fill(
            venue=live.instrument.venue,
            symbol=live.request.symbol,
            side=live.side,
            price=price,
            quantity=quantity,
            fees=(self._fee(live, charged, price),),
            liquidity=liquidity,
            fill_id=self._name("F"),
            order_id=live.order_id,
            client_order_id=live.request.client_order_id,
            venue_ns=now_ns,
            received_ns=now_ns,
        )
        live.fill_ids.append(fill.fill_id)
        live.status = OrderStatus.FILLED if live.is_done else OrderStatus.PARTIALLY_FILLED
        live.moved_ns = now_ns
        entries = self._account.book(fill, cost)
        self._account.rehold(live)
        self._publish(fill, now_ns)
        if not live.is_done:
            self._publish_state(order, now_ns)
        for entry in entries:
            self._publish(entry, now_ns)
            self._publish(self._account.balance(entry.asset, now_ns), now_ns)

    def _fee(self, live: LiveOrder, charged: Decimal, price: Decimal) -> Fee:
        """The fee in the third asset, if it can be charged there; else as it is."""
        usual = Fee(live.charged_asset, charged)
        third, quote = self._fees.third, live.instrument.quote
        if third is None or not charged:
            return usual
        market = self._markets.get(Symbol(f"{third}/{quote}")) if third != quote else None
        worth = None if market is None else market.mid
        if worth is None:
            return usual
        value = charged if usual.asset == quote else charged * price
        amount = value * self._fees.third_rate / worth
        fee = Fee(third, amount.quantize(self._quantum(third)))
        return fee if self._account.can_pay(fee) else usual

    def _publish_state(self, order: PaperOrder, now_ns: int) -> None:
        """Publish the state of an order."""
        self._publish(order.live.update(), now_ns)

    def _market(self, order: PaperOrder) -> PaperMarket:
        return self._markets[order.live.request.symbol]


def _end_of_rest(live: LiveOrder) -> str:
    """Why the rest of an order does not go to the queue; empty if it does."""
    if live.is_market:
        return "no liquidity"
    if live.request.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
        return "immediate or cancel"
    return ""
