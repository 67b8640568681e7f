"""From intents to the commands that the limits allow. Pure.

Every order gets its name here, from the run's seed and a count, so that a run that is repeated
names its orders alike. What a limit forbids becomes a `Verdict`. A quote that has to wait for the
answer to a command is planned again when that comes; a target stands until it is reached.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from hashlib import sha256

import fluxum.bot.intent as intents
from fluxum.bot.account import BotAccount, BotOrder, Pending
from fluxum.bot.books import BookSource
from fluxum.bot.decision import BotCommand
from fluxum.bot.engine_state import Paused
from fluxum.bot.gate import Gate
from fluxum.bot.intent import CancelAll, Halt, Intent, Note, Quote, Target, Together
from fluxum.bot.limits import BotFact, Verdict
from fluxum.bot.market import Market
from fluxum.bot.planner import (
    Change,
    End,
    New,
    Plan,
    in_lots,
    is_enough,
    plan_quote,
    plan_target,
)
from fluxum.bot.requests import amend_of, changed, of_leg, of_new, of_order, of_place
from fluxum.bot.together import TRIES_MAX, Group, hedges, opened
from fluxum.bot.view import OrderRole
from fluxum.errors import BadInput, NotSubscribed, RiskRefused
from fluxum.model.order import Cancel, OrderRequest, Place

__all__ = ["Commands"]

_GROUPS_MAX = 100
_PAUSE_NS = 100_000_000
_PAUSE_MAX_NS = 10_000_000_000
_AGAIN_NS = 1_000_000_000
_CANCEL = Pending.CANCEL  # to look up a member costs a call
_VARIANTS = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}
"""The digit of a random UUID's variant (RFC 9562, 4.1), by what was there."""


class Commands:
    """What one step of an engine sends, and what it has still to send."""

    def __init__(
        self,
        account: BotAccount,
        gate: Gate,
        books: BookSource,
        seed: int,
        can_amend: Callable[[str], bool],
    ) -> None:
        self.number = 0
        """How many orders were named."""
        self.quotes: dict[Market, Quote] = {}
        self.targets: dict[Market, Target] = {}
        self.groups: list[Group] = []
        self.paused: dict[Market, Paused] = {}
        self.is_canceling_late = bool(account.to_cancel())
        """Whether cancels that were refused may have to be sent again."""
        self.sent: list[BotCommand] = []
        self.facts: list[BotFact] = []
        self.intended = 0
        """How many orders and changes this step wanted to send, refused ones too."""
        self.halt_reason = ""
        self._account = account
        self._gate = gate
        self._books = books
        self._seed = seed
        self._can_amend = can_amend
        self._now_ns = 0

    def begin(self, now_ns: int) -> None:
        """Begin a step."""
        self._now_ns = now_ns
        self.sent, self.facts, self.intended, self.halt_reason = [], [], 0, ""

    @property
    def is_used(self) -> bool:
        """Whether the step sends, reports or halts anything, or meant to."""
        return bool(self.sent or self.facts or self.intended or self.halt_reason)

    @property
    def is_waiting(self) -> bool:
        """Whether a quote or a target waits for an answer, or a market for the end of a pause."""
        return bool(self.quotes or self.targets or self.paused)

    def carry_out(self, wanted: Sequence[Intent]) -> None:
        """Send what the intents of a step need, in their order."""
        if not wanted:
            return
        touched: dict[Market, None] = {}
        for one in wanted:
            match one:
                case Quote():
                    self.quotes[one.market] = one
                    touched[one.market] = None
                case Target():
                    self.targets[one.market] = one
                    touched[one.market] = None
                case Together():
                    self._together(one)
                case Halt():
                    self.halt_reason = one.reason or "the strategy halted itself"
                case Note():
                    pass
                case _:
                    self._single(one)
        for market in touched:
            self.plan(market)

    def _single(self, wanted: intents.Place | intents.Amend | intents.Cancel | CancelAll) -> None:
        match wanted:
            case intents.Place():
                self._place(wanted)
            case intents.Amend():
                self._amend(wanted)
            case intents.Cancel():
                order = self._labelled(wanted.market, wanted.label)
                self.end([] if order is None else [order])
            case CancelAll(market=market):
                self.drop(market)
                self.end(self._account.orders(market))

    def plan(self, market: Market) -> None:
        """Send what the quote and the target of a market need now."""
        if not self.quotes and not self.targets:
            return
        quote, target = self.quotes.get(market), self.targets.get(market)
        if quote is None and target is None:
            return
        orders = self._account.orders(market)
        rules = self._books.instrument(market)
        if quote is not None:
            can_amend = self._can_amend(market.venue)
            plan = self._unless_paused(
                market, plan_quote(quote, orders, rules, can_amend=can_amend)
            )
            self._send(market, plan)
            if not plan.is_blocked:
                del self.quotes[market]
        if target is not None:
            held = self._account.position(market)
            found = plan_target(target, held, orders, rules, self._worth(market))
            if found is None or not self._send(market, self._unless_paused(market, found)):
                del self.targets[market]

    def _unless_paused(self, market: Market, plan: Plan) -> Plan:
        """While a market is paused only cancels are sent, and the rest waits."""
        paused = self.paused.get(market)
        if paused is None or self._now_ns >= paused.until_ns:
            return plan
        ends = tuple(one for one in plan.changes if isinstance(one, End))
        return Plan(ends, is_blocked=plan.is_blocked or len(ends) < len(plan.changes))

    def refused(self, market: Market) -> None:
        """A command of a market was refused: its target is given up, and its quotes wait.

        The wait doubles with each refusal in a row.
        """
        self.drop(market)
        before = self.paused.get(market)
        delay_ns = _PAUSE_NS if before is None else min(2 * before.delay_ns, _PAUSE_MAX_NS)
        self.paused[market] = Paused(market, self._now_ns + delay_ns, delay_ns)

    def accepted(self, market: Market) -> None:
        """A command of a market was accepted."""
        self.paused.pop(market, None)

    def plan_late(self) -> None:
        """Send the cancels that are due again, and plan what waits for the end of a pause."""
        if self.is_canceling_late:
            self.end(self._account.to_cancel())
        for market, paused in list(self.paused.items()):
            is_waiting = market in self.quotes or market in self.targets
            if is_waiting and self._now_ns >= paused.until_ns:
                self.plan(market)

    def drop(self, market: Market) -> None:
        """Forget the quote and the target of a market."""
        self.quotes.pop(market, None)
        self.targets.pop(market, None)

    def end(self, orders: Sequence[BotOrder]) -> None:
        """Cancel orders, whatever is on its way, unless that is a cancel.

        If the cancel of an order was refused, as while a link is lost, the next one waits: 0.1 s,
        then twice as long each time, 1 s at most. Else its answer would lead to another at once.
        """
        for one in orders:
            if one.cancel_from_ns <= self._now_ns:
                self.end_at_once([one])
            elif one.pending is not _CANCEL:
                one.wants_cancel = self.is_canceling_late = True

    def end_at_once(self, orders: Sequence[BotOrder]) -> None:
        """Cancel orders, whatever was refused before."""
        for one in orders:
            if one.pending is not _CANCEL:
                self._account.cancel(one.name)
                named = Cancel(client_order_ids=(one.name,), symbols={one.name: one.market.symbol})
                self.sent.append(BotCommand(one.market, named))

    # Legs

    def fill_group(self, order: BotOrder, quantity: Decimal) -> None:
        """An order of some legs was filled."""
        for group in self.groups:
            if group.number == order.group:
                group.fill(order.market, order.side, quantity)

    def settle(self) -> None:
        """Make even what is due: its time has passed, or all of its orders have ended."""
        for group in self.groups:
            if group.is_settled:
                continue
            orders = [one for one in self._account.orders() if one.group == group.number]
            if orders and self._now_ns < group.due_ns:
                continue
            group.due_ns = max(group.due_ns, self._now_ns + _AGAIN_NS)
            self.end([one for one in orders if one.price is not None])
            if any(one.price is None for one in orders):
                continue  # what was ordered at the market is on its way
            self._hedge(group, is_over=not orders)
        del self.groups[:-_GROUPS_MAX]

    @property
    def due_ns(self) -> int | None:
        """When a group is to be made even, a pause ends, or a cancel is due again."""
        late = self._account.to_cancel() if self.is_canceling_late else []
        self.is_canceling_late = bool(late)
        if not self.groups and not self.paused and not late:
            return None
        due = [max(one.cancel_from_ns, self._now_ns) for one in late]
        due += [one.due_ns for one in self.groups if not one.is_settled]
        waiting = (one for one in self.paused.values() if one.until_ns > self._now_ns)
        due += [
            one.until_ns
            for one in waiting
            if one.market in self.quotes or one.market in self.targets
        ]
        return min(due, default=None)

    def _together(self, wanted: Together) -> None:
        group = opened(self.number + 1, wanted, self._now_ns)
        requests = [(leg.market, of_leg(leg, self._name())) for leg in wanted.legs]
        if self._allowed(requests):
            self.groups.append(group)
            for (market, request), leg in zip(requests, wanted.legs, strict=True):
                self._enter(market, request, OrderRole.LEG, leg.limit, group=group.number)

    def _hedge(self, group: Group, *, is_over: bool) -> None:
        missing = hedges(group, self._lots)
        if not missing:
            group.is_settled = is_over
            return
        if group.tries >= TRIES_MAX:
            what = ", ".join(f"{one.side.value} {one.quantity} {one.market}" for one in missing)
            self.halt_reason = f"legs stayed unhedged after {TRIES_MAX} tries: {what}"
            group.is_settled = True
            return
        group.tries += 1
        for one in missing:
            new = New(side=one.side, quantity=one.quantity, price=None, role=OrderRole.LEG)
            request = of_new(one.market, new, self._name())
            if self._allowed([(one.market, request)]):
                self._enter(one.market, request, OrderRole.LEG, None, group=group.number)

    # Single orders

    def _place(self, wanted: intents.Place) -> None:
        market = wanted.market
        if wanted.label and any(one.label == wanted.label for one in self._account.orders(market)):
            self._refuse("label", f"an open order has the label {wanted.label!r} already", market)
            return
        try:
            request = of_place(wanted, self._name())
        except BadInput as error:
            self._refuse("order", str(error), market)
            return
        if self._allowed([(market, request)]):
            self._enter(market, request, OrderRole.PLACE, wanted.limit, label=wanted.label)

    def _amend(self, wanted: intents.Amend) -> None:
        order = self._labelled(wanted.market, wanted.label)
        if order is not None and not order.is_certain:
            why = f"a command about {wanted.label!r} is on its way"
            self._refuse("label", why, wanted.market)
        elif order is not None:
            self._change(order, wanted.quantity, wanted.limit)

    def _labelled(self, market: Market, label: str) -> BotOrder | None:
        for one in self._account.orders(market):
            if one.label == label and label:
                return one
        self._refuse("label", f"no open order has the label {label!r}", market)
        return None

    # Plans

    def _send(self, market: Market, plan: Plan) -> bool:
        """Send a plan; returns whether all of it is allowed."""
        is_whole = True
        for change in plan.changes:
            match change:
                case End(order=view):
                    order = self._account.find(view.client_order_id)
                    self.end([] if order is None else [order])
                case Change(order=view):
                    order = self._account.find(view.client_order_id)
                    if order is not None:
                        is_whole &= self._change(order, change.quantity, change.price)
                case New():
                    request = of_new(market, change, self._name())
                    if self._allowed([(market, request)]):
                        self._enter(market, request, change.role, change.price)
                    else:
                        is_whole = False
        return is_whole

    def _change(self, order: BotOrder, quantity: Decimal | None, price: Decimal | None) -> bool:
        before = of_order(order)
        self.intended += 1
        try:
            after = changed(before, quantity, price)
            self._gate.check_change(order, before, after, self._now_ns)
        except RiskRefused as error:
            self._refuse(error.limit, str(error), order.market)
            return False
        self._account.amend(order.name, quantity, price)
        self._gate.changed(order.market, self._now_ns)
        self.sent.append(BotCommand(order.market, amend_of(order, quantity, price)))
        return True

    # Pieces

    def _allowed(self, orders: Sequence[tuple[Market, OrderRequest]]) -> bool:
        self.intended += len(orders)
        try:
            self._gate.check_new(orders, self._now_ns)
        except RiskRefused as error:
            self._refuse(error.limit, str(error), orders[0][0])
            return False
        return True

    def _enter(
        self,
        market: Market,
        request: OrderRequest,
        role: OrderRole,
        price: Decimal | None,
        *,
        label: str = "",
        group: int = 0,
    ) -> None:
        assert request.quantity is not None, "every order of a bot has a quantity"
        self._account.place(
            BotOrder(
                name=request.client_order_id,
                market=market,
                side=request.side,
                role=role,
                price=price,
                quantity=request.quantity,
                label=label,
                group=group,
                placed_ns=self._now_ns,
            )
        )
        self._gate.placed(market, self._now_ns)
        self.sent.append(BotCommand(market, Place(request=request)))

    def _refuse(self, limit: str, message: str, market: Market) -> None:
        self.facts.append(Verdict(limit=limit, message=message, market=market, at_ns=self._now_ns))

    def _name(self) -> str:
        self.number += 1
        made = sha256(b"%d:%d" % (self._seed, self.number)).hexdigest()
        return f"{made[:12]}4{made[13:16]}{_VARIANTS[made[16]]}{made[17:32]}"

    def _worth(self, market: Market) -> Decimal | None:
        try:
            return self._books.book(market).mid
        except NotSubscribed:
            return None

    def _lots(self, market: Market, quantity: Decimal) -> Decimal:
        """What of a quantity the market takes, zero for less than its least."""
        rules = self._books.instrument(market)
        cut = in_lots(quantity, rules)
        return cut if is_enough(cut, self._worth(market), rules) else Decimal(0)
