"""Tests of `sim.accounts`: keys, tokens and followers."""

from decimal import Decimal

import pytest

from box import SECOND, START, Box, Ear
from fluxum.errors import BadInput

MINUTE = 60 * SECOND


def test_a_token_opens_its_account_until_it_is_too_old() -> None:
    box = Box()
    account, _ = box.open(USD="1")
    accounts = box.exchange.accounts

    token = accounts.issue_token(account, START, 900)

    assert len(token) == 43
    assert accounts.by_token(token, START + 15 * MINUTE - 1) is account
    assert accounts.by_token(token, START + 15 * MINUTE) is None
    assert accounts.by_token("nonsense", START) is None


def test_a_token_that_is_followed_with_does_not_age() -> None:
    box = Box()
    account, _ = box.open(USD="1")
    accounts = box.exchange.accounts
    token = accounts.issue_token(account, START, 900)
    ear = Ear()

    accounts.follow(ear, token)

    assert accounts.by_token(token, START + 1000 * MINUTE) is account
    accounts.leave(ear)
    assert accounts.by_token(token, START + 1000 * MINUTE) is None


def test_a_follower_hears_until_it_leaves() -> None:
    box = Box()
    account, _ = box.open(USD="1")
    accounts = box.exchange.accounts
    ear = Ear()
    accounts.follow(ear, accounts.issue_token(account, START, 900))
    account.deposit({"USD": Decimal(1)})
    assert len(ear.heard) == 1

    accounts.drop(ear)
    account.deposit({"USD": Decimal(1)})

    assert len(ear.heard) == 1
    assert not accounts.is_followed_by(ear)


def test_tokens_can_end_all_at_once_and_streams_go_on() -> None:
    box = Box()
    account, _ = box.open(USD="1")
    accounts = box.exchange.accounts
    token = accounts.issue_token(account, START, 900)
    ear = Ear()
    accounts.follow(ear, token)

    box.exchange.expire_tokens()

    assert accounts.by_token(token, START) is None
    account.deposit({"USD": Decimal(1)})
    assert len(ear.heard) == 1
    accounts.leave(ear)


def test_a_key_has_one_account() -> None:
    box = Box()
    box.open("planted", USD="1")

    with pytest.raises(BadInput) as refused:
        box.open("planted", USD="1")

    assert "planted" not in str(refused.value)


def test_names_never_repeat() -> None:
    accounts = Box().exchange.accounts

    names = {accounts.name("O") for _ in range(5000)}

    assert len(names) == 5000
    assert all(len(name) == 19 and name[6] == name[12] == "-" for name in names)
