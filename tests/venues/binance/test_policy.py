"""What calls weigh, by the published tables of both markets."""

import pytest

from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.venues.binance.policy import SPOT, USDM, Policy
from fluxum.venues.binance.venue import BINANCE, BINANCE_USDM
from fluxum.venues.venue import Venue
from venues.binance.wire import listening

# https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md#order-book: up to 100
# levels 5, 500 25, 1000 50, 5000 250; futures: up to 50 levels 2, 100 5, 500 10, 1000 20.
WEIGHTS = [
    (SPOT, 1, 5),
    (SPOT, 100, 5),
    (SPOT, 101, 25),
    (SPOT, 500, 25),
    (SPOT, 501, 50),
    (SPOT, 1000, 50),
    (SPOT, 1001, 250),
    (SPOT, 5000, 250),
    (SPOT, 9999, 250),
    (USDM, 5, 2),
    (USDM, 50, 2),
    (USDM, 100, 5),
    (USDM, 500, 10),
    (USDM, 1000, 20),
]


@pytest.mark.parametrize(("policy", "levels", "weight"), WEIGHTS)
def test_a_snapshot_weighs_by_its_levels(policy: Policy, levels: int, weight: int) -> None:
    assert policy.depth_weight(levels) == weight


@pytest.mark.parametrize(("depth", "weight"), [(100, 5), (1000, 50), (5000, 250)])
def test_the_fetch_of_a_snapshot_costs_what_it_weighs(depth: int, weight: int) -> None:
    _, fetch = listening(SPOT, Subscription(Channel.BOOK, Symbol("BTC/USDT"), depth))

    assert fetch.path.endswith(f"limit={depth}")
    assert fetch.cost == weight


def test_other_calls_weigh_by_their_name_and_by_how_many_markets_they_are_of() -> None:
    assert SPOT.weight("exchangeInfo") == 20
    assert SPOT.weight("ticker/24hr", of_all=False) == 2
    assert SPOT.weight("ticker/24hr") == 80
    assert USDM.weight("exchangeInfo") == USDM.weight("ping") == 1


@pytest.mark.parametrize(("venue", "allowed"), [(BINANCE, 6000), (BINANCE_USDM, 2400)])
def test_no_minute_gets_more_weight_than_the_venue_allows(venue: Venue, allowed: int) -> None:
    limits = venue.limits

    assert limits.fetch_cost_max + 60 * limits.fetch_cost_per_s <= 0.81 * allowed
