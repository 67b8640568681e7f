"""The headers a private link is opened with: the signer's own, or those of a signed call."""

from collections.abc import Mapping

import pytest
from msgspec import structs

from fluxum.errors import VenueRefused
from fluxum.model.account import Credentials
from fluxum.session.authenticator import Authenticator, Nonces
from fluxum.sim.loop import SimulatedClock, run
from fluxum.venues.conversation import Fetch
from fluxum.venues.private import Private, Signed
from fluxum.venues.register import find_venue


class Signer:
    """Says what it was asked for."""

    def __init__(self, _credentials: Credentials) -> None:
        pass

    def call(self, fetch: Fetch, now_ns: int, nonce: int) -> Signed:
        return Signed(fetch.path, {"call": f"{fetch.method} {fetch.path}", "at": f"{now_ns}"}, b"")

    def frame(self, frame: bytes, now_ns: int, nonce: int) -> bytes:
        return frame

    def headers(self, now_ns: int, nonce: int) -> Mapping[str, str]:
        return {"own": f"{now_ns}"}


class NoHttp:
    """Calls nothing."""

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        raise AssertionError(url)


def test_an_upgrade_is_signed_as_a_call_where_the_venue_wants_that() -> None:
    private = find_venue("bybit").private
    assert private is not None
    given: Private = structs.replace(
        private, authenticated={"events", "trade"}, handshakes={"events": "/v1/events"}
    )

    async def headers(endpoint: str) -> Mapping[str, str]:
        signer = Signer(Credentials("key", "secret"))
        keeper = Authenticator("toy", given, signer, NoHttp(), Nonces(SimulatedClock()), lambda: 7)
        return await keeper.prepare(endpoint)

    assert run(headers("events")) == {"call": "GET /v1/events", "at": "7"}
    assert run(headers("trade")) == {"own": "7"}
    assert run(headers("public")) == {}


class Telling:
    """Refuses every call, and repeats what it was sent."""

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        raise VenueRefused(f"{url} of key {headers['key']}", "403", f"key {headers['key']}")


def test_an_error_shows_nothing_that_signs_a_call() -> None:
    private = find_venue("bybit").private
    assert private is not None

    class WithKey(Signer):
        """Puts its key in a header and in the path."""

        def call(self, fetch: Fetch, now_ns: int, nonce: int) -> Signed:
            return Signed(f"{fetch.path}?sign=123456", {"key": "the-key", "kind": "text"}, b"")

    async def refused() -> VenueRefused:
        signer = WithKey(Credentials("the-key", "secret"))
        keeper = Authenticator(
            "toy", private, signer, Telling(), Nonces(SimulatedClock()), lambda: 7
        )
        with pytest.raises(VenueRefused) as error:
            await keeper.call(Fetch("GET", "/orders", ""), "https://toy")
        return error.value

    error = run(refused())

    assert str(error) == "https://toy/orders of key ***"
    assert (error.code, error.body) == ("403", "key ***")
