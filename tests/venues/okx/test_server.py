"""OKX's half of the conversation: its answers, its texts and its patience.

Sources: https://www.okx.com/docs-v5/en/#overview-websocket and #error-code-websocket-public.
"""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from fluxum.model.instrument import Symbol
from fluxum.sim.exchange import SimulatedExchange
from fluxum.venues.okx.server.link import OkxServer
from fluxum.venues.okx.venue import OKX
from fluxum.venues.server.contract import Close, Outgoing, StatusServer

BTC = Symbol("BTC/USDT")
SECOND = 1_000_000_000
NOW = 1_790_358_506_844 * 1_000_000

Message = dict[str, Any]


class Stopped:
    """A clock that shows one instant."""

    def now_ns(self) -> int:
        return NOW


def exchange() -> SimulatedExchange:
    symbols = (BTC, Symbol("UNI/USD:PERP"))
    return SimulatedExchange(OKX, symbols, seed=1, clock=Stopped(), resolution_ns=1_000_000)


def served(endpoint: str = "public") -> OkxServer:
    server = OkxServer(exchange(), endpoint)
    assert server.opened(NOW) == ()
    return server


def read(sent: Sequence[Outgoing]) -> list[Message]:
    frames: list[Message] = []
    for frame in sent:
        assert isinstance(frame, bytes), frame
        frames.append(json.loads(frame))
    return frames


def requested(
    server: OkxServer, op: str, *args: Message, number: str = "1512", now_ns: int = NOW
) -> list[Message]:
    request = {"id": number, "op": op, "args": list(args)}
    return read(server.receive(json.dumps(request).encode(), now_ns))


def arg(channel: str, name: str = "BTC-USDT") -> Message:
    return {"channel": channel, "instId": name}


def test_a_ping_is_answered_in_plain_text() -> None:
    assert served().receive(b"ping", NOW) == [b"pong"]


def test_each_argument_is_accepted_with_the_id_and_the_links_own_name() -> None:
    server = served()

    first, _, second, _ = requested(
        server, "subscribe", arg("tickers"), arg("books", "UNI-USD-SWAP")
    )

    name = first["connId"]
    assert len(name) == 8
    assert int(name, 16)
    assert list(first) == ["id", "event", "arg", "connId"]
    assert first == {
        "id": "1512",
        "event": "subscribe",
        "arg": {"channel": "tickers", "instId": "BTC-USDT"},
        "connId": name,
    }
    assert (second["arg"], second["connId"]) == (arg("books", "UNI-USD-SWAP"), name)


def test_an_end_is_acknowledged_and_ends() -> None:
    simulated = exchange()
    server = OkxServer(simulated, "public")
    requested(server, "subscribe", arg("books"))
    simulated.step(BTC)
    assert server.publish(BTC, NOW)

    (answered,) = requested(server, "unsubscribe", arg("books"))
    simulated.step(BTC)

    assert (answered["event"], answered["arg"]) == ("unsubscribe", arg("books"))
    assert not server.publish(BTC, NOW)


def test_one_refused_argument_takes_no_other_with_it() -> None:
    refused, accepted, _ = requested(
        served(), "subscribe", arg("tickers", "LTC-USD"), arg("tickers")
    )

    assert list(refused) == ["id", "event", "code", "msg", "connId"]
    assert (refused["id"], refused["event"], refused["code"]) == ("1512", "error", "60018")
    assert refused["msg"] == (
        "Wrong URL or channel:tickers,instId:LTC-USD doesn't exist. Please use the correct URL, "
        "channel and parameters referring to API document."
    )
    assert accepted["event"] == "subscribe"


@pytest.mark.parametrize(
    ("endpoint", "channel", "code"),
    [
        ("public", "candle1m", "60018"),
        ("public", "trades-all", "60018"),
        ("public", "nonsense", "60018"),
        ("public", "books-l2-tbt", "60011"),
        ("public", "books50-l2-tbt", "60011"),
        ("business", "books", "60018"),
        ("business", "tickers", "60018"),
        ("business", "books-l2-tbt", "60018"),
        ("business", "candle6M", "60018"),
    ],
)
def test_a_channel_lives_at_its_own_url(endpoint: str, channel: str, code: str) -> None:
    (refused,) = requested(served(endpoint), "subscribe", arg(channel))

    assert refused["code"] == code


@pytest.mark.parametrize(
    ("endpoint", "channel"),
    [
        ("public", "books"),
        ("public", "books5"),
        ("public", "bbo-tbt"),
        ("public", "trades"),
        ("public", "tickers"),
        ("business", "trades-all"),
        ("business", "candle1s"),
        ("business", "candle1Dutc"),
        ("business", "candle1D"),
    ],
)
def test_every_channel_is_followed_by_what_there_is(endpoint: str, channel: str) -> None:
    accepted, data = requested(served(endpoint), "subscribe", arg(channel))

    assert accepted["event"] == "subscribe"
    assert data["arg"] == arg(channel)
    assert len(data["data"]) == 1


def test_the_channel_of_instruments_publishes_changes_only() -> None:
    wanted = {"channel": "instruments", "instType": "SPOT"}

    (accepted,) = requested(served(), "subscribe", wanted)
    (refused,) = requested(served(), "subscribe", {"channel": "instruments", "instType": "X"})

    assert accepted["arg"] == wanted
    assert refused["code"] == "60018"
    assert "instType:X" in refused["msg"]


@pytest.mark.parametrize(
    "text",
    [
        '{"op": "subscribe", "argss":[{ "channel" : "books", "instId" : "BTC-USD-191227"}]}',
        '{"id":"7","args":[]}',
        "hello",
        "[]",
        '{"op":"subscribe","args":[7]}',
    ],
)
def test_what_is_malformed_is_repeated_in_the_refusal(text: str) -> None:
    (refused,) = read(served().receive(text.encode(), NOW))

    assert (refused["event"], refused["code"]) == ("error", "60012")
    assert refused["msg"] == f"Invalid request: {text}"
    assert refused.get("id", "") == ("7" if '"7"' in text else "")


def test_bytes_that_are_no_text_are_refused() -> None:
    (refused,) = read(served().receive(b"\xff\xfe{", NOW))

    assert refused["code"] == "60012"


def test_other_requests_are_refused_by_their_own_codes() -> None:
    (unknown,) = requested(served(), "order", {"instId": "BTC-USDT"})
    (account_config,) = requested(served(), "login", {"apiKey": "k"})

    assert (unknown["code"], unknown["msg"]) == ("60019", "Invalid op: order")
    assert (account_config["code"], account_config["msg"]) == ("60009", "Login failed.")


def test_a_request_over_64_kilobytes_closes_the_link() -> None:
    assert served().receive(b" " * 65_537, NOW) == (
        Close(1009, "Request message exceeds the maximum frame length"),
    )


def test_the_481st_request_of_an_hour_is_refused_and_pings_do_not_count() -> None:
    server = served()
    for _ in range(480):
        requested(server, "unsubscribe", arg("books"))
        server.receive(b"ping", NOW)

    (refused,) = requested(server, "unsubscribe", arg("books"), now_ns=NOW + 3599 * SECOND)
    (later,) = requested(server, "unsubscribe", arg("books"), now_ns=NOW + 3600 * SECOND)

    assert (refused["code"], refused["msg"]) == ("60014", "Requests too frequent")
    assert later["event"] == "unsubscribe"


def test_a_link_to_which_nothing_was_sent_for_30_seconds_is_closed() -> None:
    server = served()

    assert server.tick(NOW + 29 * SECOND) == []
    server.receive(b"ping", NOW + 29 * SECOND)
    assert server.tick(NOW + 58 * SECOND) == []
    assert server.tick(NOW + 59 * SECOND) == (Close(4004, "No data received in 30s"),)


def test_a_cut_is_announced_a_minute_ahead() -> None:
    server = served()

    (notice,) = read(server.going_away(NOW))

    assert notice == {
        "event": "notice",
        "code": "64008",
        "msg": "The connection will soon be closed for a service upgrade. Please reconnect.",
        "connId": notice["connId"],
    }
    server.receive(b"ping", NOW + 40 * SECOND)
    assert server.tick(NOW + 59 * SECOND) == []
    assert server.tick(NOW + 60 * SECOND) == (Close(1001, "service upgrade"),)


def test_maintenance_is_not_sent_here() -> None:
    assert not isinstance(served(), StatusServer)
