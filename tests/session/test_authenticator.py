"""Tokens in virtual time: one flight at a time, none kept too long, none ever shown."""

import asyncio
from collections.abc import Mapping

import pytest

from fluxum.errors import BadInput, NonceRefused, TransportError, VenueRefused
from fluxum.flow.background import background
from fluxum.session.authenticator import Authenticator, Nonces, TokenKeeper
from fluxum.sim.loop import SimulatedClock, run
from fluxum.venues.conversation import Fetch
from fluxum.venues.private import Signed, Token
from fluxum.venues.register import VENUES


class Bureau:
    """Gives out numbered tokens, each after a second; fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.asked = 0
        self.refusal: VenueRefused | None = None
        self._failures = failures

    async def fetch(self) -> Token:
        self.asked += 1
        number = self.asked
        await asyncio.sleep(1.0)
        if self.refusal is not None:
            raise self.refusal
        if number <= self._failures:
            raise TransportError("no answer")
        return Token(f"secret-{number}", 900)


def keeper(bureau: Bureau, renew_s: float | None = None) -> TokenKeeper:
    return TokenKeeper("kraken", bureau.fetch, asyncio.get_running_loop().time, renew_s)


def test_links_dialled_together_share_one_token_and_later_ones_get_another() -> None:
    async def main() -> None:
        bureau = Bureau()
        tokens = keeper(bureau)

        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(tokens.fresh())
        assert (bureau.asked, tokens.text) == (1, "secret-1")

        await asyncio.sleep(60)
        await tokens.fresh()
        assert tokens.text == "secret-2"

    run(main())


def test_links_that_must_not_share_a_token_get_one_each() -> None:
    async def story() -> None:
        bureau = Bureau()
        tokens = keeper(bureau)
        await tokens.fresh(0.0)
        first = tokens.text
        await asyncio.sleep(1)
        await tokens.fresh(0.0)
        assert tokens.text != first

    run(story())


def test_a_refused_token_is_replaced_once_for_all_who_used_it() -> None:
    async def main() -> None:
        bureau = Bureau()
        tokens = keeper(bureau)
        await tokens.fresh()

        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(tokens.renew("secret-1"))

        assert (bureau.asked, tokens.text) == (2, "secret-2")
        assert tokens.statistics().renewed == 1

    run(main())


def test_a_failed_call_is_raised_counted_and_the_next_one_tries_again() -> None:
    async def main() -> None:
        tokens = keeper(Bureau(failures=1))

        with pytest.raises(TransportError):
            await tokens.fresh()
        await tokens.fresh()

        statistics = tokens.statistics()
        assert (statistics.requested, statistics.fetched, statistics.failures) == (2, 1, 1)

    run(main())


def test_a_token_ages_and_is_valid_for_its_time_only() -> None:
    async def main() -> None:
        tokens = keeper(Bureau())
        assert not tokens.is_valid()
        await tokens.fresh()

        await asyncio.sleep(898)
        assert tokens.is_valid()
        await asyncio.sleep(2)

        assert not tokens.is_valid()
        assert tokens.statistics().age_s == pytest.approx(901)

    run(main())


def test_renewal_ahead_of_time_is_done_where_it_is_wanted() -> None:
    async def main() -> None:
        bureau = Bureau()
        tokens = keeper(bureau, renew_s=600)
        async with background(tokens.run()):
            await tokens.fresh()
            await asyncio.sleep(2900)

        # At 0, 600, 1200, 1800 and 2400 s: a token's time begins when it is asked for.
        assert bureau.asked == 5

    run(main())


def test_a_closed_keeper_has_no_token_and_fetches_none() -> None:
    async def main() -> None:
        tokens = keeper(Bureau())
        await tokens.fresh()
        tokens.close()

        with pytest.raises(BadInput, match="no token"):
            _ = tokens.text
        with pytest.raises(BadInput, match="after the end"):
            await tokens.fresh()

    run(main())


def test_a_token_shows_in_no_text() -> None:
    async def main() -> None:
        tokens = keeper(Bureau())
        await tokens.fresh()

        assert "secret" not in f"{tokens!r} {tokens} {tokens.statistics()!r}"

    run(main())


def test_a_renewal_at_once_is_refused() -> None:
    async def main() -> None:
        with pytest.raises(BadInput, match=r"was 0\.0"):
            keeper(Bureau(), renew_s=0.0)

    run(main())


def test_a_renewal_that_is_refused_for_good_is_not_asked_for_again() -> None:
    async def main() -> None:
        bureau = Bureau()
        tokens = keeper(bureau, renew_s=600)
        await tokens.fresh()
        bureau.refusal = VenueRefused(
            "no: EGeneral:Permission denied", "EGeneral:Permission denied"
        )

        async with background(tokens.run()):
            await asyncio.sleep(10_000)

        assert bureau.asked == 2
        assert tokens.text == "secret-1"

    run(main())


def test_a_renewal_of_which_others_were_answered_is_asked_for_again() -> None:
    async def main() -> None:
        bureau = Bureau()
        tokens = keeper(bureau, renew_s=600)
        await tokens.fresh()
        bureau.refusal = VenueRefused("no: EGeneral:Internal error")
        bureau.refusal.was_answered = True

        async with background(tokens.run()):
            await asyncio.sleep(700)
            bureau.refusal = None
            await asyncio.sleep(100)

        assert tokens.statistics().failures >= 1
        assert tokens.text == f"secret-{bureau.asked}" != "secret-1"

    run(main())


class Refusing:
    """Refuses every call with this body."""

    def __init__(self, body: str) -> None:
        self.body = body

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        raise VenueRefused(f"{method} {url} answered 400", "400", self.body)


class Unsigned:
    def call(self, fetch: Fetch, now_ns: int, nonce: int) -> Signed:
        return Signed(fetch.path, {}, b"")


@pytest.mark.parametrize(
    ("venue", "body", "kind"),
    [
        ("gemini", '{"reason":"InvalidNonce"}', NonceRefused),
        ("gemini", '{"reason":"MissingRole"}', VenueRefused),
        ("coinbase-exchange", '{"message":"request timestamp expired"}', NonceRefused),
        ("coinbase-exchange", '{"message":"Forbidden"}', VenueRefused),
    ],
)
def test_a_call_that_came_too_late_is_worth_another_signature(
    venue: str, body: str, kind: type[VenueRefused]
) -> None:
    private = VENUES[venue].private
    assert private is not None

    async def story() -> None:
        authenticator = Authenticator(
            venue,
            private,
            Unsigned(),  # type: ignore[arg-type]  # it makes no frames
            Refusing(body),
            Nonces(SimulatedClock()),
            lambda: 1,
        )
        await authenticator.call(Fetch("GET", "/orders", "orders"), "https://host")

    with pytest.raises(VenueRefused) as refused:
        run(story())
    assert type(refused.value) is kind
    assert refused.value.code == "400"
