"""When balances may be spent: after a snapshot of each channel, and after nothing less."""

from fluxum import BreakerState, Channel
from fluxum.ledger.balance_breaker import BalanceBreaker

BALANCE, EXECUTION = Channel.BALANCE, Channel.EXECUTION


def made() -> BalanceBreaker:
    return BalanceBreaker({BALANCE, EXECUTION}, 0)


def closed() -> BalanceBreaker:
    breaker = made()
    breaker.prove(BALANCE, 1)
    breaker.prove(EXECUTION, 2)
    return breaker


def test_it_is_open_until_a_snapshot_of_each_has_come() -> None:
    breaker = made()
    assert breaker.reading().state is BreakerState.OPEN

    breaker.prove(BALANCE, 5)
    reading = breaker.reading()
    assert (reading.state, reading.since_ns) == (BreakerState.HALF_OPEN, 5)
    assert reading.reason == "waiting for the snapshot of execution"

    breaker.prove(EXECUTION, 6)
    reading = breaker.reading()
    assert (reading.state, reading.reason, reading.since_ns) == (BreakerState.CLOSED, "", 6)
    assert reading.openings == 0


def test_a_loss_opens_it_and_an_answer_alone_does_not_close_it() -> None:
    breaker = closed()

    breaker.lose(BALANCE, "link lost", 10)
    reading = breaker.reading()
    assert (reading.state, reading.reason, reading.openings) == (
        BreakerState.OPEN,
        "link lost",
        1,
    )

    breaker.answer(BALANCE, 11)
    breaker.answer(BALANCE, 12)
    reading = breaker.reading()
    assert (reading.state, reading.since_ns) == (BreakerState.HALF_OPEN, 11)
    assert reading.reason == "waiting for the snapshot of balance"

    breaker.prove(EXECUTION, 13)
    assert not breaker.is_closed
    breaker.prove(BALANCE, 14)
    assert breaker.is_closed


def test_other_channels_do_not_concern_it() -> None:
    breaker = closed()
    breaker.lose(Channel.TICKER, "link lost", 10)
    breaker.answer(Channel.TICKER, 10)
    breaker.prove(Channel.TICKER, 10)
    assert breaker.is_closed

    half = made()
    half.prove(BALANCE, 1)
    half.answer(BALANCE, 2)  # proved already
    assert half.reading().since_ns == 1


def test_a_loss_while_it_is_open_is_no_second_opening() -> None:
    breaker = closed()
    breaker.lose(BALANCE, "one", 10)
    breaker.lose(EXECUTION, "two", 11)

    assert (breaker.reading().openings, breaker.reading().reason) == (1, "two")
