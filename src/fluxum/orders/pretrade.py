"""What is looked at before anything is sent: names, rules, limits, allowance, the link."""

from collections.abc import Sequence
from random import Random
from uuid import UUID

from msgspec import structs

from fluxum.errors import BadInput, RateLimited, TransportError, VenueRefused
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.order import Command, OrderRequest
from fluxum.orders.check import check, check_change
from fluxum.orders.execution import OrderExecution
from fluxum.orders.gateway import AccountGateway
from fluxum.orders.order import TrackedOrder
from fluxum.orders.reconciler import ReconcilePolicy
from fluxum.orders.risk import Risk
from fluxum.venues.trading import OrderRules

__all__ = ["PreTradeChecks"]

_SECOND_NS = 1_000_000_000


class PreTradeChecks:
    """Lets out what makes sense and is allowed; nothing waits in here, and nothing changes."""

    def __init__(
        self,
        gateway: AccountGateway,
        execution: OrderExecution,
        risk: Risk,
        random: Random,
        rules: OrderRules,
        policy: ReconcilePolicy,
    ) -> None:
        self._gateway = gateway
        self._execution = execution
        self._orders = execution.orders
        self._risk = risk
        self._random = random
        self._rules = rules
        self._policy = policy

    def named(self, request: OrderRequest) -> tuple[OrderRequest, OrderRequest, int | None]:
        """The request with our name, the same as the venue gets it, and what names it there.

        The last is a user reference where the venue does not take the name, else none. Raises
        BadInput for names that the venue does not take or that are in use.
        """
        name = request.client_order_id or UUID(int=self._random.getrandbits(128), version=4).hex
        if not self._rules.is_name(name):
            raise BadInput(f"the venue takes no such client order id: {name!r}")
        if self._orders.named(name) is not None:
            raise BadInput(f"a client order id that is not in use was expected, was {name!r}")
        named = structs.replace(request, client_order_id=name)
        if self._rules.supports_client_id(request):
            return named, named, None
        reference = request.user_reference
        if reference is None:
            reference = self.new_reference()
        elif self._orders.is_reference_taken(reference):
            raise BadInput(
                f"this order is found by its user reference, which an open one has: {reference}"
            )
        wire = structs.replace(request, client_order_id="", user_reference=reference)
        return structs.replace(named, user_reference=reference), wire, reference

    def new_reference(self) -> int:
        """A number no order of ours goes by."""
        while True:
            reference = self._random.getrandbits(31)
            if reference and not self._orders.is_reference_taken(reference):
                return reference

    def check_new(self, requests: Sequence[OrderRequest]) -> None:
        """Raise BadInput or RiskRefused for orders that must not be placed."""
        names = {request.client_order_id for request in requests}
        references = [one.user_reference for one in requests if one.user_reference is not None]
        if len(names) < len(requests):
            raise BadInput(f"each order of a batch needs a name of its own, were {sorted(names)}")
        if not self._rules.supports_client_id(requests[0]) and len(set(references)) < len(
            references
        ):
            raise BadInput(f"user references of their own were expected, were {references}")
        for request in requests:
            check(request, self.instrument(request.symbol), self._gateway.venue_now_ns())
        count = len(self._orders.live)
        if count + len(requests) > self._policy.orders_max:
            raise BadInput(f"at most {self._policy.orders_max} orders are held, were {count}")
        self._risk.check(requests, count, self._gateway.now_ns())

    def check_change(
        self, order: TrackedOrder, before: OrderRequest, changed: OrderRequest, *, anew: bool
    ) -> None:
        """Raise BadInput or RiskRefused for what an order must not become.

        `anew` is whether another order takes its place, of which nothing is filled.
        """
        now_ns = self._gateway.venue_now_ns()
        check_change(changed, order.filled, self.instrument(order.symbol), now_ns)
        self._risk.check_change(order, before, changed, self._gateway.now_ns(), anew=anew)

    def check_rate_limit(self, command: Command) -> None:
        """Raise RateLimited, or VenueRefused where waiting does not help, as the venue would."""
        rate_limit = self._execution.rate_limit
        refusal = (
            None
            if rate_limit is None
            else rate_limit.would_refuse(command, self._gateway.venue_now_ns())
        )
        if refusal is None:
            return
        if refusal.wait_s is None:
            raise VenueRefused(refusal.reason, "foreseen")
        raise RateLimited(refusal.reason, "foreseen", refusal.wait_s)

    def refuse_unfollowed(self) -> None:
        """Raise TransportError while the account is not followed."""
        if not self._gateway.is_following:
            raise TransportError("the account is not followed now: nothing was sent")

    def instrument(self, symbol: Symbol) -> Instrument:
        """The rules of a market; raises BadInput while nobody told them."""
        instrument = self._gateway.instrument(symbol)
        if instrument is None:
            raise BadInput(
                f"the rules of {symbol} are not known: is it listed, and does the session "
                f"subscribe to instruments?"
            )
        return instrument

    def deadline_ns(self, timeout_s: float) -> int:
        """When a command that is sent now must have arrived, by the venue's clock."""
        if not timeout_s > 0:
            raise BadInput(f"a time-out above zero was expected, was {timeout_s}")
        rules = self._rules
        ahead_s = min(max(timeout_s, rules.deadline_min_s), rules.deadline_max_s)
        return self._gateway.venue_now_ns() + round(ahead_s * _SECOND_NS)

    def settle_ns(self, timeout_s: float) -> int:
        """From when on a command that is sent now can no longer arrive, by the venue's clock."""
        return self.deadline_ns(timeout_s) + round(self._policy.margin_s * _SECOND_NS)
