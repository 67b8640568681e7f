"""The URL that a client dials."""

import pytest

from fluxum.errors import VenueRefused
from fluxum.venues.binance.policy import SPOT, USDM, Policy
from fluxum.venues.binance.server.target import Target, read_target
from fluxum.venues.server.contract import Dialled


@pytest.mark.parametrize(
    ("policy", "dialled", "target"),
    [
        (SPOT, Dialled("public"), Target(None, True)),
        (SPOT, Dialled("public", "/"), Target(None, True)),
        (SPOT, Dialled("public", "/stream"), Target(None, True)),
        (SPOT, Dialled("public", "/ws"), Target(None, False)),
        (SPOT, Dialled("public", "/ws/a@b/c@d"), Target(None, False, ("a@b", "c@d"))),
        (SPOT, Dialled("public", "/stream", "streams=a@b/"), Target(None, True, ("a@b",))),
        (SPOT, Dialled("public", "/ws/%21m%40arr"), Target(None, False, ("!m@arr",))),
        (
            SPOT,
            Dialled("public", "/stream", "streams=a@k@+08:00&timeUnit=MILLISECOND"),
            Target(None, True, ("a@k@+08:00",)),
        ),
        (USDM, Dialled("market"), Target("market", True)),
        (USDM, Dialled("public", "/market/ws/a@b"), Target("market", False, ("a@b",))),
        (USDM, Dialled("public", "/public"), Target("public", True)),
        (USDM, Dialled("public", "/ws"), Target(None, False)),
    ],
)
def test_a_url_names_streams_and_their_form(
    policy: Policy, dialled: Dialled, target: Target
) -> None:
    assert read_target(policy, dialled) == target


@pytest.mark.parametrize(
    ("policy", "dialled", "status"),
    [
        (SPOT, Dialled("public", "/stream/garbage"), "404"),
        (SPOT, Dialled("public", "/ws-api/v3"), "404"),
        (SPOT, Dialled("public", "/market/ws"), "404"),
        (USDM, Dialled("public", "/private/ws"), "404"),
        (SPOT, Dialled("public", "/stream", "timeUnit=MICROSECOND"), "400"),
    ],
)
def test_a_url_that_is_not_served_is_refused_with_a_status(
    policy: Policy, dialled: Dialled, status: str
) -> None:
    with pytest.raises(VenueRefused) as error:
        read_target(policy, dialled)

    assert error.value.code == status
