"""The journal: lines once each, questions about them, balances that move on."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from fluxum.errors import BadInput
from fluxum.ledger.statement import Journal
from fluxum.model.account import Balance, Balances, EntryKind, LedgerEntry, Wallet
from fluxum.model.event import LinkLost
from fluxum.model.instrument import Asset

BTC, USD = Asset("BTC"), Asset("USD")
TRADE, DEPOSIT = EntryKind.TRADE, EntryKind.DEPOSIT


def values(*found: object) -> tuple[object, ...]:
    """Side by side, to be compared with what was worked out."""
    return found


def entry(
    entry_id: str,
    amount: str = "1",
    balance: str = "1",
    fee: str = "0",
    *,
    asset: Asset = USD,
    kind: EntryKind = TRADE,
    wallet: str = "",
    backfilled: bool = False,
) -> LedgerEntry:
    """A line; its time is the number in its id."""
    return LedgerEntry(
        venue="here",
        entry_id=entry_id,
        reference_id="R",
        kind=kind,
        venue_kind=kind.value,
        asset=asset,
        amount=Decimal(amount),
        fee=Decimal(fee),
        balance=Decimal(balance),
        wallet=wallet,
        backfilled=backfilled,
        venue_ns=int(entry_id[1:]),
        received_ns=int(entry_id[1:]) + 100,
    )


def balance(total: str, asset: Asset = USD, *wallets: Wallet) -> Balance:
    return Balance(
        venue="here",
        asset=asset,
        total=Decimal(total),
        held=Decimal(0),
        wallets=wallets,
        received_ns=50,
    )


def snapshot(*balances: Balance) -> Balances:
    return Balances(venue="here", balances=balances, received_ns=50)


def journal(*entries: LedgerEntry, capacity: int = 100) -> Journal:
    made = Journal(capacity)
    for one in entries:
        made.add(one)
    return made


def ids(entries: list[LedgerEntry]) -> list[str]:
    return [one.entry_id for one in entries]


LINES = (
    entry("L1", kind=DEPOSIT),
    entry("L2", asset=BTC),
    entry("L3"),
    entry("L4", kind=DEPOSIT, asset=BTC),
    entry("L5"),
)


# Questions


def test_lines_are_sorted_by_time_and_id_however_they_come() -> None:
    tied = replace(entry("L0"), venue_ns=3)

    made = journal(LINES[4], LINES[0], LINES[2], tied, LINES[1])

    assert ids(made.entries()) == ["L1", "L2", "L0", "L3", "L5"]
    assert len(made) == 5


def test_lines_are_asked_by_asset_and_kind() -> None:
    made = journal(*LINES)

    assert ids(made.entries(asset=BTC)) == ["L2", "L4"]
    assert ids(made.entries(kind=DEPOSIT)) == ids(made.entries(kind="deposit")) == ["L1", "L4"]
    with pytest.raises(BadInput, match=r"kind: one of deposit, .* was 'gift'"):
        made.entries(kind="gift")
    assert ids(made.entries(asset=BTC, kind=DEPOSIT)) == ["L4"]
    assert made.entries(venue="there") == []


def test_lines_are_asked_by_time_from_and_before() -> None:
    made = journal(*LINES)

    assert ids(made.entries(since_ns=2, until_ns=4)) == ["L2", "L3"]
    assert ids(made.entries(until_ns=2)) == ["L1"]
    assert ids(made.entries(since_ns=5)) == ["L5"]
    assert made.entries(since_ns=4, until_ns=2) == []


def test_a_limit_keeps_the_latest() -> None:
    made = journal(*LINES)

    assert ids(made.entries(limit=2)) == ["L4", "L5"]
    assert ids(made.entries(asset=USD, until_ns=5, limit=1)) == ["L3"]
    with pytest.raises(BadInput, match="a limit above zero was expected, was 0"):
        made.entries(limit=0)


# Each once


def test_a_line_counts_once_from_whichever_channel() -> None:
    made = journal(*LINES)

    assert not made.add(replace(LINES[0], backfilled=True, venue_ns=77, balance=Decimal(9)))
    assert (len(made), made.repeated, made.contradicted) == (5, 1, 0)


def test_a_line_that_comes_again_with_another_amount_is_told() -> None:
    made = journal(*LINES)

    assert not made.add(replace(LINES[0], amount=Decimal(7)))
    assert (made.repeated, made.contradicted) == (1, 1)
    assert made.entries()[0].amount == 1


def test_lines_of_two_venues_may_share_an_id() -> None:
    made = journal(LINES[0], replace(LINES[0], venue="there"))

    assert len(made) == 2
    assert len(made.entries(venue="there")) == 1


def test_the_oldest_are_let_go_and_counted() -> None:
    made = journal(*LINES, capacity=3)

    assert ids(made.entries()) == ["L3", "L4", "L5"]
    assert made.dropped == 2


def test_a_line_older_than_what_was_let_go_is_not_taken_again() -> None:
    made = journal(*LINES, capacity=3)

    assert not made.add(LINES[1])
    assert not made.add(entry("L0"))
    assert (made.late, len(made)) == (2, 3)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (replace(LINES[0], entry_id=""), "a line with an id"),
        (entry("L1", amount="NaN"), "line L1"),
        (entry("L1", fee="Infinity"), "line L1"),
        (entry("L1", balance="1E+60"), "line L1"),
    ],
)
def test_a_line_that_makes_no_sense_is_refused(bad: LedgerEntry, words: str) -> None:
    made = Journal()

    with pytest.raises(BadInput, match=words):
        made.apply(bad)

    assert len(made) == 0


def test_no_room_is_refused() -> None:
    with pytest.raises(BadInput, match="was 0"):
        Journal(0)


# Balances


def test_balances_are_unknown_until_they_are_told() -> None:
    made = journal(*LINES)

    assert made.balance("here", USD) is None
    assert made.balances() == []


def test_all_balances_replace_those_before() -> None:
    made = Journal()
    made.apply(snapshot(balance("5"), balance("1", BTC)))

    assert made.apply(snapshot(balance("6")))

    assert made.balances() == [balance("6")]
    # What they do not name is not held.
    assert made.balance("here", BTC) == Balance(
        venue="here", asset=BTC, total=Decimal(0), received_ns=50
    )
    assert made.balance("there", BTC) is None


def test_one_balance_replaces_its_own() -> None:
    made = Journal()
    made.apply(snapshot(balance("5"), balance("1", BTC)))

    made.apply(balance("7"))

    assert made.balances() == [balance("1", BTC), balance("7")]
    assert made.balances("there") == []


def test_a_live_line_moves_the_balance_on() -> None:
    made = Journal()
    made.apply(snapshot(balance("5")))

    made.apply(entry("L60", "10", "14.9", "0.1"))
    made.apply(entry("L60", "10", "14.9", "0.1"))
    made.apply(entry("L61", "2", "2", asset=BTC))

    # 5 + 10 - 0.1. What orders hold of it now, nobody has said.
    told = made.balance("here", USD)
    assert told is not None
    assert (told.total, told.held, told.venue_ns, told.received_ns) == (
        Decimal("14.9"),
        None,
        60,
        160,
    )
    assert [one.total for one in made.balances()] == [2, Decimal("14.9")]


def test_two_lines_of_one_instant_both_move_it() -> None:
    made = Journal()
    made.apply(snapshot(balance("5")))

    for name in ("L60", "L061"):
        made.apply(replace(entry(name), venue_ns=60))

    told = made.balance("here", USD)
    assert told is not None
    assert told.total == 7


def test_lines_that_the_balance_knew_do_not_move_it() -> None:
    made = Journal()
    made.apply(replace(balance("5"), venue_ns=60))

    made.apply(entry("L60"))
    made.apply(entry("L70", backfilled=True))

    assert made.balance("here", USD) == replace(balance("5"), venue_ns=60)


def test_a_line_from_history_that_continues_the_balance_moves_it() -> None:
    made = Journal()
    made.apply(balance("5", USD, Wallet("spot", "main", Decimal(3))))

    made.apply(entry("L60", "1", "6", backfilled=True))
    made.apply(entry("L61", "1", "5", wallet="spot/main", backfilled=True))
    made.apply(replace(entry("L61", "1", "5", wallet="spot/main"), venue_ns=62))

    # The second is of a wallet: none is known any more after the first, which named none.
    told = made.balance("here", USD)
    assert told is not None
    assert values(told.total, made.repeated) == (6, 1)


def test_a_line_from_history_that_continues_its_wallet_moves_it() -> None:
    made = Journal()
    made.apply(balance("5", USD, Wallet("spot", "main", Decimal(3))))

    made.apply(entry("L60", "1", "4", wallet="spot/main", backfilled=True))

    told = made.balance("here", USD)
    assert told is not None
    assert values(told.total, told.wallets) == (6, (Wallet("spot", "main", Decimal(4)),))


def test_a_line_of_long_ago_does_not_move_the_balance() -> None:
    now_ns = 400 * 1_000_000_000
    made = Journal()
    made.apply(replace(snapshot(), received_ns=now_ns))
    made.apply(replace(balance("5"), received_ns=now_ns))

    made.apply(entry("L60", "1", "6", backfilled=True))
    made.apply(entry("L61", "1", "1", asset=BTC, backfilled=True))
    assert [one.total for one in made.balances()] == [5]

    made.apply(entry(f"L{now_ns}", "1", "1", asset=BTC, backfilled=True))
    assert [one.total for one in made.balances()] == [1, 5]


def test_a_line_moves_the_wallet_it_names() -> None:
    main, flex = Wallet("spot", "main", Decimal(3)), Wallet("earn", "flex", Decimal(2))
    made = Journal()
    made.apply(balance("5", USD, main, flex))

    made.apply(entry("L60", "-1", "2", wallet="spot/main"))
    made.apply(entry("L61", "1", "1", wallet="earn/bonded"))

    told = made.balance("here", USD)
    assert told is not None
    assert told.total == 5
    assert told.wallets == (
        Wallet("spot", "main", Decimal(2)),
        flex,
        Wallet("earn", "bonded", Decimal(1)),
    )


def test_a_line_that_names_no_wallet_leaves_them_unknown() -> None:
    made = Journal()
    made.apply(balance("5", USD, Wallet("spot", "main", Decimal(5))))

    made.apply(entry("L60"))

    told = made.balance("here", USD)
    assert told is not None
    assert values(told.total, told.wallets) == (6, ())


def test_a_balance_that_is_no_number_is_refused() -> None:
    with pytest.raises(BadInput, match="the balance of USD"):
        Journal().apply(balance("NaN"))
    with pytest.raises(BadInput, match="the balance of USD"):
        Journal().apply(balance("1", USD, Wallet("spot", "main", Decimal("NaN"))))


def test_other_events_are_ignored() -> None:
    assert not Journal().apply(LinkLost(venue="here", link="1", reason="gone", received_ns=1))


# Its audit


def test_lines_and_balances_that_were_followed_are_clean() -> None:
    made = Journal()
    made.apply(snapshot(balance("5")))
    made.apply(entry("L60", "10", "14.9", "0.1"))
    made.apply(entry("L61", "-4.9", "10"))

    told = made.audit(opening=[balance("5")])

    assert told.is_clean
    assert values(told.lines[0].opening, told.lines[0].closing) == (5, 10)


def test_a_line_that_was_missed_is_named() -> None:
    made = Journal()
    made.apply(snapshot(balance("5")))
    made.apply(entry("L60", "1", "6"))
    made.apply(entry("L62", "1", "9"))

    # The balance moved by the two lines that came: 7. The venue's own says 9.
    (line,) = made.audit().lines

    assert [values(one.after_id, one.before_id, one.amount) for one in line.differences] == [
        ("L60", "L62", 2),
        ("L62", "", -2),
    ]


def test_lines_that_were_let_go_still_hold_the_chain_together() -> None:
    lines = [entry(f"L{n}", "1", str(n)) for n in range(1, 6)]
    made = journal(*lines, capacity=2)
    assert made.audit([balance("5")]).is_clean

    broken = journal(*lines[:3], *lines[4:], capacity=1)
    (line,) = broken.audit().lines
    assert [(one.after_id, one.before_id) for one in line.differences] == [("L3", "L5")]


def test_lines_that_were_let_go_hold_a_chain_over_all_wallets_together() -> None:
    # The venue tells the balance of the asset, whichever wallet moves: 1, 2, 3, 4.
    wallets = ("earn/flex", "spot/main", "spot/main", "spot/main")
    lines = [entry(f"L{n}", "1", str(n), wallet=name) for n, name in enumerate(wallets, 1)]

    (line,) = journal(*lines, capacity=1).audit([balance("4")]).lines

    assert values(line.is_clean, line.wallet, line.closing) == (True, "", 4)


def test_given_balances_are_what_it_is_held_against() -> None:
    made = journal(entry("L1", "1", "1"))

    assert not made.audit(snapshot(balance("2"))).is_clean
    assert made.audit(snapshot(balance("1"))).is_clean
