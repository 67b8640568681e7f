"""Tests of the login: vectors shared by independent clients, and that nothing shows a secret.

The first vector is that of the REST calls, published by several clients; that of the feed was
computed with the same secret by another program (protocol notes, Exchange, A4).
"""

import json

import pytest

from fluxum.errors import LocalProtocolError
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.venues.coinbase.exchange import native
from fluxum.venues.coinbase.exchange.protocol import ExchangeProtocol
from fluxum.venues.coinbase.exchange.signing import AccountConfig, signature
from fluxum.venues.venue import Send

SECRET = "+xT7GWTDRHi09EZEhkOC8S7ktzngKtoT1ZoZ6QclGURlq3ePfUd7kLQzK4+P54685NEqYDaIerYj9cuYFILOhQ=="
SIGNATURE = "LsMgSoRPsykYuSCvN+yO4wSlBsd11Sr4aemZHFe5KNg="


def test_the_vector() -> None:
    assert signature(SECRET, "1610075590") == SIGNATURE


def test_a_login_takes_books_unbatched_and_signs_them() -> None:
    protocol = ExchangeProtocol()
    protocol.authenticate("the-key", SECRET, "the-phrase", "1610075590")
    protocol.subscribe([Subscription(Channel.BOOK, Symbol("BTC/USD"))])

    effect = protocol.outbox.popleft()
    assert isinstance(effect, Send)
    assert json.loads(effect.frame) == {
        "type": "subscribe",
        "product_ids": ["BTC-USD"],
        "channels": ["level2", "heartbeat"],
        "signature": SIGNATURE,
        "key": "the-key",
        "passphrase": "the-phrase",
        "timestamp": "1610075590",
    }


def test_later_requests_are_signed_with_the_time_of_the_last_heartbeat() -> None:
    protocol = ExchangeProtocol()
    protocol.authenticate("the-key", SECRET, "the-phrase", "1610075000")
    heartbeat = b'{"type":"heartbeat","last_trade_id":1,"product_id":"BTC-USD"}'
    protocol.receive(heartbeat, 1_610_075_590_123_456_789)

    protocol.subscribe([Subscription(Channel.BOOK, Symbol("BTC/USD"))])

    effect = protocol.outbox.popleft()
    assert isinstance(effect, Send)
    assert json.loads(effect.frame)["signature"] == SIGNATURE


def test_a_secret_that_is_none_is_refused_without_being_shown() -> None:
    with pytest.raises(LocalProtocolError) as raised:
        ExchangeProtocol().authenticate("key", "not base64!", "phrase", "1610075590")

    assert "not base64!" not in str(raised.value)


def test_nothing_shows_a_secret() -> None:
    account_config = AccountConfig("the-key", SECRET, "the-phrase")
    signed = account_config.sign(native.Request("subscribe", ["BTC-USD"], ["level2"]), "1610075590")

    for text in (repr(account_config), str(account_config), repr(signed), str(signed)):
        assert "the-" not in text
        assert SECRET not in text
        assert SIGNATURE not in text
