"""Answers to commands, in whichever way they are read."""

import pytest

from fluxum.errors import RemoteProtocolError
from fluxum.model.instrument import Symbol
from fluxum.model.order import Accepted, Declined, OrderRequest, Place
from fluxum.venues.kraken.private.protocol import KrakenPrivateProtocol

NOW = 1_700_000_000_000_000_000
# https://docs.kraken.com/api/docs/websocket-v2/add_order, with our number
ADDED = (
    b'{"method":"add_order","req_id":1,"result":{"order_id":"AA5JGQ-SBMRC-SCJ7J7",'
    b'"order_userref":100054},"success":true,"time_in":"2023-09-21T14:15:07.197274Z",'
    b'"time_out":"2023-09-21T14:15:07.205301Z"}'
)


def asked(name: str = "") -> KrakenPrivateProtocol:
    """A link over which an order was sent, as its first request."""
    protocol = KrakenPrivateProtocol()
    order = OrderRequest(
        symbol=Symbol("BTC/USD"),
        side="buy",
        quantity="1",
        limit_price="26500",
        client_order_id=name,
    )
    protocol.command(42, Place(request=order), NOW)
    return protocol


@pytest.mark.parametrize(
    "frame",
    [
        ADDED,
        ADDED.replace(b'":"add', b'": "add'),  # read as an answer to any request
        ADDED.replace(b'"success"', b'"warnings":["late"],"success"'),
    ],
)
def test_an_order_that_was_entered_is_accepted_once(frame: bytes) -> None:
    protocol = asked("mine")

    assert protocol.receive(frame, NOW) == (
        Accepted(
            venue="kraken",
            command_id=42,
            order_id="AA5JGQ-SBMRC-SCJ7J7",
            client_order_id="mine",
            received_ns=NOW,
        ),
    )
    assert protocol.receive(frame, NOW) == ()


def test_the_venues_warnings_and_name_of_an_order_are_kept() -> None:
    result = b'{"order_id":"O-1","cl_ord_id":"theirs","warnings":["post only"]}'
    frame = b'{"method":"add_order","req_id":1,"result":%s,"success":true}' % result

    (accepted,) = asked("mine").receive(frame, NOW)

    assert isinstance(accepted, Accepted)
    assert (accepted.client_order_id, accepted.warnings) == ("theirs", ("post only",))


def test_an_order_that_was_refused_is_declined() -> None:
    frame = b'{"method":"add_order","req_id":1,"error":"EOrder:Insufficient funds","success":false}'

    (declined,) = asked("mine").receive(frame, NOW)

    assert isinstance(declined, Declined)
    assert (declined.message, declined.client_order_id) == ("EOrder:Insufficient funds", "mine")


@pytest.mark.parametrize("result", [b"null", b"7", b'{"order_id":7}', b'{"warnings":{}}'])
def test_a_result_that_makes_no_sense_is_an_error(result: bytes) -> None:
    frame = b'{"method":"add_order","req_id":1,"result":%s,"success":true}' % result

    with pytest.raises(RemoteProtocolError):
        asked().receive(frame, NOW)
