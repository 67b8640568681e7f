"""What is looked at before anything is sent."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random
from typing import Any
from uuid import RFC_4122, UUID

import pytest

from fluxum.errors import BadInput, RateLimited, RiskRefused, TransportError, VenueRefused
from fluxum.model.order import Amend, Cancel, CloseOrder, Command, OrderRequest, Place
from fluxum.orders.execution import OrderExecution
from fluxum.orders.journal import MemoryOrderJournal
from fluxum.orders.limits import RiskLimits
from fluxum.orders.pretrade import PreTradeChecks
from fluxum.orders.reconciler import ReconcilePolicy
from fluxum.orders.risk import Risk
from fluxum.sim.loop import run
from fluxum.venues.rates import Decaying
from fluxum.venues.trading import OrderRate, OrderRules, TradingAllowance
from orders.gateways import BTC, ETH, SECOND_NS, FakeGateway, request


class World:
    def __init__(
        self, rules: OrderRules | None = None, policy: ReconcilePolicy | None = None, **limits: Any
    ) -> None:
        rules, policy = rules or OrderRules(), policy or ReconcilePolicy()
        self.gateway = FakeGateway()
        self.execution = OrderExecution(self.gateway, MemoryOrderJournal(), rules, policy)
        self.orders = self.execution.orders
        exposure = self.orders.exposure
        self.risk = Risk(RiskLimits(**limits), self.gateway.book, exposure=exposure)
        self.checks = PreTradeChecks(
            self.gateway, self.execution, self.risk, Random(1), rules, policy
        )

    def begin(self, name: str = "mine", **changes: Any) -> None:
        wanted = request(client_order_id=name, **changes)
        self.orders.begin(wanted, self.gateway.now_ns(), None, wanted.user_reference)

    def check_new(self, requests: Sequence[OrderRequest]) -> None:
        self.checks.check_new(requests, self.gateway.venue_now_ns())

    def check_rate_limit(self, command: Command) -> None:
        self.checks.check_rate_limit(command, self.gateway.venue_now_ns())


def play(story: Callable[[], None]) -> None:
    async def main() -> None:
        story()

    run(main())


def test_an_order_without_a_name_is_given_one_like_no_other() -> None:
    def story() -> None:
        checks = World().checks

        names = {checks.named(request())[0].client_order_id for _ in range(100)}

        assert len(names) == 100
        assert all(UUID(name).version == 4 and UUID(name).hex == name for name in names)
        assert all(UUID(name).variant == RFC_4122 for name in names)
        named, wire, reference = checks.named(request(client_order_id="mine"))
        assert (named.client_order_id, wire, reference) == ("mine", named, None)

    play(story)


def test_a_name_the_venue_does_not_take_or_that_is_in_use_is_refused() -> None:
    def story() -> None:
        one = World(OrderRules(is_name=lambda name: name != "long"))
        one.begin("mine")

        with pytest.raises(BadInput, match="no such client order id: 'long'"):
            one.checks.named(request(client_order_id="long"))
        with pytest.raises(BadInput, match="not in use was expected, was 'mine'"):
            one.checks.named(request(client_order_id="mine"))

    play(story)


def test_where_no_name_is_taken_a_reference_stands_for_it() -> None:
    def story() -> None:
        one = World(OrderRules(supports_client_id=lambda wanted: wanted.close is None))
        close = CloseOrder(order_type="limit", limit_price="90")

        named, wire, reference = one.checks.named(request(client_order_id="mine", close=close))
        assert (named.client_order_id, wire.client_order_id) == ("mine", "")
        assert named.user_reference == wire.user_reference == reference
        assert reference is not None
        assert 0 < reference < 2**31

        _, wire, reference = one.checks.named(request(close=close, user_reference=7))
        assert (wire.user_reference, reference) == (7, 7)
        one.begin("other", user_reference=7)
        with pytest.raises(BadInput, match="which an open one has: 7"):
            one.checks.named(request(close=close, user_reference=7))

    play(story)


def test_a_new_reference_is_that_of_no_open_order_and_never_zero() -> None:
    class Few(Random):
        given = iter([0, 5, 6])

        def getrandbits(self, k: int, /) -> int:
            return next(self.given)

    def story() -> None:
        one = World()
        one.begin("mine", user_reference=5)
        one.checks._random = Few()

        assert one.checks.new_reference() == 6

    play(story)


def test_orders_of_one_batch_have_names_of_their_own() -> None:
    def story() -> None:
        one = World()
        twice = [request(client_order_id="a"), request(client_order_id="a")]
        with pytest.raises(BadInput, match="a name of its own"):
            one.check_new(twice)

        by_reference = World(OrderRules(supports_client_id=lambda _: False))
        tags = [
            request(client_order_id=name, user_reference=reference)
            for name, reference in (("a", 7), ("b", 7))
        ]
        one.check_new(tags)  # where names are taken, tags may repeat
        with pytest.raises(BadInput, match="references of their own"):
            by_reference.check_new(tags)

    play(story)


def test_so_many_orders_are_held_and_no_more() -> None:
    def story() -> None:
        one = World(policy=ReconcilePolicy(orders_max=2))
        one.begin("a")

        one.check_new([request(client_order_id="b")])
        with pytest.raises(BadInput, match="at most 2 orders are held, were 1"):
            one.check_new([request(client_order_id="b"), request(client_order_id="c")])

    play(story)


def test_orders_are_held_against_their_market_and_limits() -> None:
    def story() -> None:
        one = World(orders_max=1)

        with pytest.raises(BadInput, match="lots"):
            one.check_new([request(quantity="0.0001")])
        one.check_new([request(client_order_id="a")])
        one.begin("a")
        with pytest.raises(RiskRefused, match="open orders of at most 1"):
            one.check_new([request(client_order_id="b")])
        order = one.orders.named("a")
        assert order is not None
        assert order.request is not None
        one.checks.check_change(order, order.request, request(limit_price="101"), anew=False)
        with pytest.raises(BadInput, match="ticks"):
            one.checks.check_change(order, order.request, request(limit_price="1.01"), anew=False)
        one.risk.halt("why")
        with pytest.raises(RiskRefused, match="why"):
            one.checks.check_change(order, order.request, request(limit_price="101"), anew=False)

    play(story)


def test_a_market_whose_rules_nobody_told_is_refused() -> None:
    def story() -> None:
        one = World()
        del one.gateway.instruments[ETH]

        assert one.checks.instrument(BTC).symbol == BTC
        with pytest.raises(BadInput, match="the rules of ETH/USD are not known"):
            one.check_new([request(symbol=ETH)])

    play(story)


def test_what_the_venue_would_refuse_is_foreseen() -> None:
    def story() -> None:
        allowance = TradingAllowance(
            rates=(OrderRate(rate=Decaying(Decimal(2), Decimal("0.5")), by_symbol=True),),
            add=Decimal(2),
            amend=Decimal(5),
        )
        one = World(OrderRules(allowance=allowance))
        one.begin("mine")
        place = Place(request=request())
        assert one.execution.rate_limit is not None
        one.check_rate_limit(place)
        one.execution.rate_limit.book(1, place, one.gateway.now_ns())

        with pytest.raises(RateLimited) as limited:
            one.check_rate_limit(place)
        assert limited.value.retry_after_s == 4  # two too many, at a half each second
        with pytest.raises(VenueRefused) as never:
            one.check_rate_limit(Amend(client_order_id="mine", quantity="2"))
        assert not isinstance(never.value, RateLimited)
        World().check_rate_limit(place)  # where nothing is known of that
        one.check_rate_limit(Cancel(order_ids=("O-9",)))

    play(story)


@pytest.mark.parametrize(("timeout_s", "ahead_s"), [(0.1, 0.5), (5, 5), (600, 60)])
def test_a_deadline_is_as_far_ahead_as_the_venue_lets_it_be(
    timeout_s: float, ahead_s: float
) -> None:
    def story() -> None:
        one = World()
        one.gateway.ahead_ns = one.gateway.clock_offset_ns = 7 * SECOND_NS
        now_ns = one.gateway.clock.now_ns()

        assert one.checks.deadline_ns(timeout_s) == now_ns + round(ahead_s * SECOND_NS)
        assert one.checks.deadline_ns(timeout_s, 7) == 7 + round(ahead_s * SECOND_NS)
        assert one.checks.deadline_ns(2) == now_ns + 2 * SECOND_NS  # another than the last
        for nothing in (0, -1, float("nan")):
            with pytest.raises(BadInput, match="a time-out above zero"):
                one.checks.deadline_ns(nothing)

    play(story)


def test_an_account_that_is_not_followed_takes_no_orders() -> None:
    def story() -> None:
        one = World()
        one.checks.check_following()
        one.gateway.is_following = False

        with pytest.raises(TransportError, match="not followed"):
            one.checks.check_following()

    play(story)
