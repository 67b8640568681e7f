"""The way into an account shows nothing of its keys."""

from random import Random

import pytest

from fluxum.errors import BadInput
from fluxum.model.account import Credentials
from fluxum.session.account_config import AccountConfig
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.venues.register import find_venue

GEMINI_V2 = find_venue("gemini-v2")


def test_a_login_prints_as_stars() -> None:
    account_config = AccountConfig(Credentials("the-key", "the-secret", "the-phrase"), tier="pro")

    shown = f"{account_config!r} {account_config}"

    assert "pro" in shown
    assert "the-" not in shown


def test_an_exchange_without_accounts_says_so() -> None:
    async def main() -> None:
        clock = SimulatedClock()
        exchange = SimulatedExchange(
            GEMINI_V2, GEMINI_V2.sample_symbols[:1], seed=1, clock=clock, rate_per_s=0.0
        )

        with pytest.raises(BadInput, match="accounts at gemini-v2 are not supported yet"):
            Session(
                GEMINI_V2,
                dial=exchange.dial,
                clock=clock,
                random=Random(1),
                account_config=AccountConfig(Credentials("k", "s")),
            )

    run(main())
