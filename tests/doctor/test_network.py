"""Names, TLS and certificates, on this machine; names by a network of the test's own."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from fluxum.clock import SystemClock
from fluxum.doctor import Check, Handshake, LiveNetwork, Outcome, Resolved
from fluxum.doctor.network import check_network, check_proxy
from fluxum.errors import TransportError

DAY_S = 86_400
NOW_S = 1_767_225_600.0


class Known:
    """A network of some names, whose certificates end after so many days."""

    def __init__(self, days: Mapping[str, float], took_s: float = 0.02) -> None:
        self._days = days
        self._took_s = took_s
        self.connected: list[tuple[str, int, bool]] = []

    async def resolve(self, host: str, port: int) -> Resolved:
        if host not in self._days:
            raise TransportError(f"{host} has no address: Name or service not known")
        return Resolved(("192.0.2.1", "2001:db8::1"), self._took_s)

    async def connect(self, host: str, port: int, *, is_encrypted: bool) -> Handshake:
        self.connected.append((host, port, is_encrypted))
        if not is_encrypted:
            return Handshake(0.015)
        return Handshake(0.015, "TLSv1.3", NOW_S + self._days[host] * DAY_S)


def checked(network: Known, *urls: str) -> list[Check]:
    async def main() -> list[Check]:
        return [one async for one in check_network("kraken", urls, network, NOW_S)]

    return asyncio.run(main())


def test_each_host_is_checked_once() -> None:
    network = Known({"a": 90, "b": 90})

    checks = checked(network, "wss://a/v2", "wss://a:443/v3", "https://b/rest", "ws://b:99")

    assert [one.name for one in checks] == [
        *("name a", "tls a:443", "name b", "tls b:443", "name b", "tcp b:99"),
    ]
    assert {one.outcome for one in checks} == {Outcome.OK}
    assert checks[0].result == "1 IPv4 and 1 IPv6 addresses in 20 ms"
    assert checks[1].result == "connected in 15 ms, TLSv1.3, certificate valid for 90 days"
    assert checks[1].figures["certificate_days"] == 90.0
    assert network.connected == [("a", 443, True), ("b", 443, True), ("b", 99, False)]


def test_a_name_that_is_unknown_has_failed_and_nothing_is_dialled() -> None:
    network = Known({})

    (check,) = checked(network, "wss://nowhere.example")

    assert (check.outcome, check.result) == (
        Outcome.FAILED,
        "nowhere.example has no address: Name or service not known",
    )
    assert "resolv.conf" in check.advice
    assert network.connected == []


@pytest.mark.parametrize(("days", "outcome"), [(13.9, Outcome.WARNING), (14.1, Outcome.OK)])
def test_a_certificate_that_ends_soon_is_a_warning(days: float, outcome: Outcome) -> None:
    assert checked(Known({"a": days}), "wss://a")[1].outcome is outcome


def test_a_slow_resolver_is_a_warning() -> None:
    assert checked(Known({"a": 90}, took_s=1.5), "wss://a")[0].outcome is Outcome.WARNING


def test_a_proxy_is_told_without_its_password() -> None:
    check = check_proxy("kraken", "http://me:hunter2@proxy:3128")

    assert "http://***@proxy:3128" in check.result
    assert "hunter2" not in str(check)


# On real sockets


@asynccontextmanager
async def served(context: ssl.SSLContext | None) -> AsyncGenerator[int]:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]


def reached(not_after: datetime | None, *, is_trusted: bool = True) -> Check:
    """The check of a host on this machine whose certificate ends then."""

    async def main() -> Check:
        issuer, theirs = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        early = datetime(2020, 1, 1, tzinfo=UTC)
        made = issuer.issue_cert("localhost", not_before=early, not_after=not_after)
        with made.private_key_and_cert_chain_pem.tempfile() as file:
            theirs.load_cert_chain(file)
        ours = ssl.create_default_context()
        if is_trusted:
            ours.load_verify_locations(cadata=issuer.cert_pem.bytes().decode())
        async with served(theirs) as port:
            now_s = SystemClock().now_ns() / 1e9
            network = LiveNetwork(ours)
            urls = [f"wss://localhost:{port}"]
            name, tls = [one async for one in check_network("kraken", urls, network, now_s)]
        assert name.outcome is Outcome.OK
        return tls

    return asyncio.run(main())


def today() -> datetime:
    return datetime.fromtimestamp(SystemClock().now_ns() / 1e9, UTC)


@pytest.mark.network
def test_a_good_certificate_is_read() -> None:
    check = reached(today() + timedelta(days=60.5))

    assert check.outcome is Outcome.OK
    assert "TLSv1.3, certificate valid for 60 days" in check.result


@pytest.mark.network
@pytest.mark.parametrize(
    ("ago", "is_trusted", "reason"),
    [(1, True, "certificate has expired"), (-60, False, "unable to get local issuer certificate")],
    ids=["expired", "of a stranger"],
)
def test_a_certificate_that_proves_nothing_has_failed(
    ago: int, is_trusted: bool, reason: str
) -> None:
    check = reached(today() - timedelta(days=ago), is_trusted=is_trusted)

    assert check.outcome is Outcome.FAILED
    assert check.result == f"its certificate: {reason}"
    assert "clock of this machine" in check.advice


@pytest.mark.network
def test_a_port_that_is_closed_has_failed() -> None:
    async def main() -> None:
        async with served(None) as port:
            made = await LiveNetwork().connect("127.0.0.1", port, is_encrypted=False)
            assert (made.tls, made.expires_s) == ("", None)
        with pytest.raises(TransportError, match="no connection: "):
            await LiveNetwork().connect("127.0.0.1", port, is_encrypted=False)

    asyncio.run(main())


@pytest.mark.network
def test_a_name_that_is_nonsense_is_a_transport_error() -> None:
    async def main() -> None:
        with pytest.raises(TransportError, match="has no address"):
            await LiveNetwork().resolve(f"{'a' * 70}.example", 443)

    asyncio.run(main())
