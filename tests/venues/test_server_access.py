"""The checks that every simulated venue makes of a signed call."""

import asyncio
from decimal import Decimal

import pytest

from fluxum.errors import VenueRefused
from fluxum.model.instrument import Symbol
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.venues.register import find_venue
from fluxum.venues.server.access import (
    Nonces,
    RateWindow,
    Used,
    account_of,
    check_signature,
    check_time,
    count,
    lowered,
)
from fluxum.venues.server.accounts import Account

S = 1_000_000_000
NO = VenueRefused("no", "1")


def account() -> Account:
    async def opened() -> Account:
        await asyncio.sleep(0)
        exchange = SimulatedExchange(
            find_venue("kraken"), [Symbol("BTC/USD")], seed=7, clock=SimulatedClock(), rate_per_s=0
        )
        return exchange.open_account("the-key", "c2VjcmV0", {"USD": Decimal(1)})

    return run(opened())


def test_a_key_is_the_one_of_an_account_or_refused() -> None:
    class One:
        def by_key(self, key: str) -> Account | None:
            return known if key == "the-key" else None

    known = account()

    assert account_of(One(), "the-key", NO) is known  # type: ignore[arg-type] # all that is called
    with pytest.raises(VenueRefused, match="no"):
        account_of(One(), "the-kez", NO)  # type: ignore[arg-type]


def test_a_signature_with_one_other_bit_is_refused_and_never_shown() -> None:
    check_signature("abc", "abc", NO)
    for given in ("abb", "", "abcd", "äbc"):
        with pytest.raises(VenueRefused) as caught:
            check_signature("abc", given, NO)
        assert "abc" not in repr(caught.value)


@pytest.mark.parametrize(
    ("sent_s", "is_refused"), [(94, True), (95, False), (100, False), (100.9, False), (101, True)]
)
def test_a_call_is_taken_from_its_window_on_until_a_second_ahead(
    sent_s: float, *, is_refused: bool
) -> None:
    try:
        check_time(int(sent_s * S), 100 * S, past_ns=5 * S, future_ns=S, refused=NO)
    except VenueRefused:
        assert is_refused
    else:
        assert not is_refused


def test_nonces_of_a_key_grow() -> None:
    nonces, one = Nonces(), account()
    nonces.check(one, "5", NO)
    for nonce in ("5", "4", "", "-1", "six", "6.5", str(2**64)):
        with pytest.raises(VenueRefused):
            nonces.check(one, nonce, NO)
    nonces.check(one, str(2**64 - 1), NO)


def test_a_window_begins_with_its_first_call_and_one_too_many_does_not_count() -> None:
    one, window = account(), RateWindow(3)

    assert count(one, "orders", window, 10 * S + 5, NO, 2) == Used(2, 1, 11 * S + 5)
    with pytest.raises(VenueRefused):
        count(one, "orders", window, 10 * S + 9, NO, 2)
    assert count(one, "orders", window, 11 * S + 4, NO) == Used(3, 0, 11 * S + 5)
    assert count(one, "orders", window, 11 * S + 5, NO) == Used(1, 2, 12 * S + 5)
    assert count(one, "others", window, 11 * S + 5, NO) == Used(1, 2, 12 * S + 5)


def test_an_aligned_window_begins_by_the_clock() -> None:
    one, minute = account(), RateWindow(10, 60 * S, is_aligned=True)

    assert count(one, "weight", minute, 119 * S, NO, 9).resets_ns == 120 * S
    assert count(one, "weight", minute, 120 * S, NO, 9) == Used(9, 1, 180 * S)


def test_names_of_headers_have_no_case() -> None:
    assert lowered({"API-Key": "A", "api-sign": "B"}) == {"api-key": "A", "api-sign": "B"}
