"""Audits: chains that add up, and differences by the ids between which they lie."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fluxum.errors import BadInput
from fluxum.ledger.audit import Audit, AuditLine, Difference, audit
from fluxum.model.account import Balance, Balances, EntryKind, LedgerEntry, Wallet
from fluxum.model.instrument import Asset

BTC, USD = Asset("BTC"), Asset("USD")


def values(*found: object) -> tuple[object, ...]:
    """Side by side, to be compared with what was worked out."""
    return found


def entry(
    entry_id: str,
    amount: str,
    balance: str,
    fee: str = "0",
    *,
    asset: str = "USD",
    wallet: str = "",
    at_ns: int | None = None,
) -> LedgerEntry:
    """A line; its time is the number in its id."""
    return LedgerEntry(
        venue="here",
        entry_id=entry_id,
        reference_id="R",
        kind=EntryKind.TRADE,
        venue_kind="trade",
        asset=Asset(asset),
        amount=Decimal(amount),
        fee=Decimal(fee),
        balance=Decimal(balance),
        wallet=wallet,
        venue_ns=int(entry_id[1:]) if at_ns is None else at_ns,
        received_ns=99,
    )


def balance(total: str, asset: str = "USD", **wallets: str) -> Balance:
    """What is held; of wallets by their name, all of kind `spot` or `earn`."""
    return Balance(
        venue="here",
        asset=Asset(asset),
        total=Decimal(total),
        wallets=tuple(
            Wallet("spot" if name == "main" else "earn", name, Decimal(held))
            for name, held in wallets.items()
        ),
        received_ns=99,
    )


def difference(after_id: str, before_id: str, expected: str, found: str) -> Difference:
    return Difference(
        after_id=after_id, before_id=before_id, expected=Decimal(expected), found=Decimal(found)
    )


def only(told: Audit) -> AuditLine:
    (line,) = told.lines
    return line


# 100 + 10 - 0.1 = 109.9; - 20 - 0.2 = 89.7; a fee alone: - 5.95 = 83.75.
CHAIN = (
    entry("L1", "10", "109.9", "0.1"),
    entry("L2", "-20", "89.7", "0.2"),
    entry("L3", "0.00", "83.75", "5.95"),
)


def test_lines_that_continue_each_other_are_clean() -> None:
    told = audit(CHAIN, [balance("83.75")], [balance("100")])

    assert told.is_clean
    assert only(told) == AuditLine(
        venue="here",
        asset=USD,
        wallet="",
        entries=3,
        opening=Decimal(100),
        change=Decimal("-16.25"),
        last=Decimal("83.75"),
        closing=Decimal("83.75"),
        differences=(),
    )


def test_without_balances_the_lines_alone_are_followed() -> None:
    line = only(audit(CHAIN))

    assert line.is_clean
    assert values(line.opening, line.closing) == (100, None)


def test_lines_in_any_order_or_twice_are_the_same() -> None:
    assert audit([CHAIN[2], CHAIN[0], CHAIN[1], CHAIN[0]]) == audit(CHAIN)


def test_a_missing_line_is_found_between_its_neighbours() -> None:
    told = audit([CHAIN[0], CHAIN[2]], [balance("83.75")], [balance("100")])

    # 109.9 - 5.95 is not 83.75: the line of -20.2 is missing.
    assert not told.is_clean
    assert only(told).differences == (difference("L1", "L3", "103.95", "83.75"),)
    assert only(told).differences[0].amount == Decimal("-20.2")
    assert told.differences == ((only(told), only(told).differences[0]),)


def test_a_last_digit_is_enough() -> None:
    told = audit([CHAIN[0], replace(CHAIN[1], balance=Decimal("89.7000000001")), CHAIN[2]])

    assert only(told).differences == (
        difference("L1", "L2", "89.7", "89.7000000001"),
        difference("L2", "L3", "83.7500000001", "83.75"),
    )


def test_an_opening_balance_that_does_not_fit_is_told() -> None:
    told = audit(CHAIN, opening=[balance("101")])

    assert only(told).differences == (difference("", "L1", "110.9", "109.9"),)


def test_a_closing_balance_that_does_not_fit_is_told() -> None:
    told = audit(CHAIN, [balance("83.76")])

    assert only(told).differences == (difference("L3", "", "83.75", "83.76"),)


def test_all_differences_are_what_the_sums_lack() -> None:
    line = only(audit([CHAIN[0], CHAIN[2]], [balance("90")], [balance("101")]))

    assert line.closing is not None
    lacking = line.closing - (line.opening + line.change)
    assert sum(one.amount for one in line.differences) == lacking


def test_assets_are_audited_apart() -> None:
    told = audit([*CHAIN, entry("L9", "1", "3", asset="BTC")], [balance("3", "BTC")])

    assert [(line.asset, line.entries, line.closing) for line in told.lines] == [
        (BTC, 1, 3),
        (USD, 3, None),
    ]


def test_an_asset_missing_in_all_balances_is_not_held() -> None:
    nothing = Balances(venue="here", balances=(), received_ns=99)

    assert only(audit(CHAIN, nothing)).differences == (difference("L3", "", "83.75", "0"),)
    assert only(audit(CHAIN, nothing, nothing)).differences[0] == difference(
        "", "L1", "9.9", "109.9"
    )


def test_a_balance_that_moved_without_lines_is_told() -> None:
    told = audit([], [balance("6"), balance("1", "BTC")], [balance("5"), balance("1", "BTC")])

    assert [line.is_clean for line in told.lines] == [True, False]
    assert told.lines[1].differences == (difference("", "", "5", "6"),)


def test_a_balance_that_went_away_without_lines_is_told() -> None:
    nothing = Balances(venue="here", balances=(), received_ns=99)

    told = audit([], nothing, [balance("5")])

    assert only(told).differences == (difference("", "", "5", "0"),)


def test_a_wallet_that_went_away_without_lines_is_told() -> None:
    told = audit([], [balance("5", main="5")], [balance("7", main="5", bonded="2")])

    assert [(line.wallet, line.is_clean) for line in told.lines] == [
        ("earn/bonded", False),
        ("spot/main", True),
    ]


def test_nothing_at_all_is_clean() -> None:
    assert audit([], [balance("6")]) == Audit(())
    assert Audit(()).is_clean


def test_a_line_without_a_balance_continues_its_chain() -> None:
    lines = [entry("L1", "10", "110"), entry("L2", "-5", "104", fee="1"), entry("L3", "7", "111")]
    for odd in range(3):
        some = [replace(one, balance=None) if at == odd else one for at, one in enumerate(lines)]

        told = only(audit(some, [balance("111")], [balance("100")]))

        assert told.is_clean
        assert values(told.opening, told.change, told.last) == (100, 11, 111)
        assert only(audit(some)).opening == 100  # what was before follows from any other line
    nothing = [replace(one, balance=None) for one in lines]
    assert values(only(audit(nothing)).opening, only(audit(nothing)).last) == (0, 11)


def test_a_line_without_a_balance_hides_no_hole() -> None:
    lines = [entry("L1", "10", "110"), replace(entry("L2", "-5", "1"), balance=None)]

    told = only(audit([*lines, entry("L4", "7", "120")], opening=[balance("100")]))

    assert told.differences == (difference("L2", "L4", "112", "120"),)


def test_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(BadInput, match="line L1"):
        audit([entry("L1", "NaN", "1")])
    with pytest.raises(BadInput, match="the balance of USD"):
        audit(CHAIN, [balance("Infinity")])


# Published lines: https://docs.kraken.com/api/docs/rest-api/get-ledgers (`rest_ledgers`) and
# https://docs.kraken.com/api/docs/websocket-v2/balances, with today's names of the assets.

PUBLISHED = (
    replace(
        entry("L4UESK-KG3EQ-UFO4T5", "-24.5000", "459567.9171", "0.0490", asset="GBP", at_ns=0),
        reference_id="TJKLXF-PGMUI-4NTLXU",
        venue_ns=1688464484_178700000,
    ),
    replace(
        entry("LMKZCZ-Z3GVL-CXKK4H", "0.9852", "52732.1132", "0.0010", asset="USD", at_ns=0),
        reference_id="TBZIP2-F6QOU-TMB6FY",
        venue_ns=1688444262_888800000,
    ),
)


def test_published_lines_lead_from_balance_to_balance() -> None:
    # 459567.9171 + 24.5 + 0.049 and 52732.1132 - 0.9852 + 0.001, by hand.
    opening = [balance("459592.4661", "GBP"), balance("52731.1290")]
    closing = [balance("459567.9171", "GBP"), balance("52732.1132")]

    told = audit(PUBLISHED, closing, opening)

    assert told.is_clean
    assert [line.change for line in told.lines] == [Decimal("-24.549"), Decimal("0.9842")]


def test_published_lines_that_do_not_add_up_are_found_out() -> None:
    # The documentation's own examples: 0.02 after the deposit, 0.005 after selling 0.005.
    deposit = entry("A1", "0.01", "0.02", asset="BTC", wallet="spot/main")
    sale = entry("A2", "-0.005", "0.005", asset="BTC", wallet="spot/main")

    line = only(audit([deposit, sale]))

    assert line.wallet == "spot/main"
    assert line.differences == (difference("A1", "A2", "0.015", "0.005"),)


# Wallets

# 10 move from a wallet that held 100 into one that held 5; then 1 is earned there.
BY_WALLET = (
    entry("L1", "-10", "90", wallet="spot/main"),
    entry("L2", "10", "15", wallet="earn/bonded"),
    entry("L3", "1", "16", wallet="earn/bonded"),
)


def test_each_wallet_is_followed_by_itself() -> None:
    told = audit(
        BY_WALLET,
        [balance("106", main="90", bonded="16")],
        [balance("105", main="100", bonded="5")],
    )

    assert told.is_clean
    assert [values(line.wallet, line.opening, line.closing) for line in told.lines] == [
        ("earn/bonded", 5, 16),
        ("spot/main", 100, 90),
    ]


def test_lines_that_tell_the_balance_of_the_asset_are_followed_as_a_whole() -> None:
    as_whole = [
        replace(line, balance=Decimal(total))
        for line, total in zip(BY_WALLET, ("95", "105", "106"), strict=True)
    ]

    told = audit(as_whole, [balance("106", main="90", bonded="16")])

    assert told.is_clean
    assert values(only(told).wallet, only(told).opening, only(told).closing) == ("", 105, 106)


def test_a_wallet_that_does_not_fit_is_named() -> None:
    told = audit(BY_WALLET[:2], [balance("106", main="90", bonded="16")])

    assert [line.is_clean for line in told.lines] == [False, True]
    assert told.lines[0].wallet == "earn/bonded"
    assert told.lines[0].differences == (difference("L2", "", "15", "16"),)


def test_a_wallet_that_a_balance_does_not_name_is_empty() -> None:
    told = audit(BY_WALLET[:1], [balance("90", bonded="90")], [])

    # Nothing is left in the wallet by its own lines nor by those of the asset.
    assert only(told).wallet == ""
    assert told.is_clean


def test_a_balance_that_names_no_wallet_is_held_against_all_together() -> None:
    told = audit(BY_WALLET, [balance("106")], [balance("105")])

    assert told.is_clean
    assert [values(line.wallet, line.opening, line.last) for line in told.lines] == [
        ("earn/bonded", 5, 16),
        ("spot/main", 100, 90),
        ("", 105, 106),
    ]

    lacking = audit(BY_WALLET, [balance("107")])
    assert [line.is_clean for line in lacking.lines] == [True, True, False]
    assert lacking.lines[2].differences == (difference("", "", "106", "107"),)


def test_a_balance_that_names_no_wallet_is_held_against_the_only_one() -> None:
    assert audit(BY_WALLET[:1], [balance("90")], [balance("100")]).is_clean
    assert not audit(BY_WALLET[:1], [balance("91")]).is_clean


def test_a_wallet_that_moved_without_lines_is_told() -> None:
    told = audit(
        BY_WALLET[:1],
        [balance("96", main="90", bonded="6")],
        [balance("105", main="100", bonded="5")],
    )

    assert [(line.wallet, line.entries, line.is_clean) for line in told.lines] == [
        ("earn/bonded", 0, False),
        ("spot/main", 1, True),
    ]


# Lines of one instant


def test_lines_of_one_instant_are_laid_so_that_they_fit() -> None:
    # 100 - 1 = 99, + 1 = 100, - 40 = 60: by id the last would come first and fit badly.
    tied = [
        entry("L1", "-40", "60", at_ns=5),
        entry("L2", "1", "100", at_ns=5),
        entry("L3", "-1", "99", at_ns=5),
        entry("L4", "0", "60", at_ns=5),
    ]

    assert audit(tied).is_clean
    assert audit([entry("L9", "100", "100", at_ns=4), *tied]).is_clean
    assert audit(tied, [balance("60")], [balance("100")]).is_clean


def test_lines_of_one_instant_that_cannot_fit_stay_sorted_by_id() -> None:
    tied = [entry("L2", "1", "8", at_ns=5), entry("L1", "1", "3", at_ns=5)]

    assert only(audit(tied)).differences == (difference("L1", "L2", "4", "8"),)


def test_a_hole_before_lines_of_one_instant_does_not_disorder_them() -> None:
    before = entry("L1", "5", "5", at_ns=1)
    tied = [entry("L3", "1", "9", at_ns=5), entry("L2", "1", "10", at_ns=5)]

    assert only(audit([before, *tied])).differences == (difference("L1", "L3", "6", "9"),)


changes = st.lists(
    st.tuples(st.integers(-3, 3), st.integers(0, 2), st.booleans()), min_size=1, max_size=9
)


def chained(steps: Sequence[tuple[int, int, bool]], ids: Sequence[int]) -> list[LedgerEntry]:
    """A true chain from 7, with ids in any order and some lines at the same instant."""
    lines: list[LedgerEntry] = []
    held, instant = 7, 0
    for (amount, fee, is_later), number in zip(steps, ids, strict=True):
        held += amount - fee
        instant += is_later
        lines.append(entry(f"L{number}", str(amount), str(held), str(fee), at_ns=instant))
    return lines


@given(steps=changes, data=st.data())
def test_a_true_chain_is_clean_whatever_its_ids_and_instants(
    steps: list[tuple[int, int, bool]], data: st.DataObject
) -> None:
    lines = chained(steps, data.draw(st.permutations(range(len(steps)))))
    shuffled = data.draw(st.permutations(lines))

    told = audit(shuffled, [balance(str(lines[-1].balance))], [balance("7")])

    assert told.is_clean


@given(steps=changes, data=st.data())
def test_a_line_that_is_lost_is_never_overlooked(
    steps: list[tuple[int, int, bool]], data: st.DataObject
) -> None:
    lines = chained(steps, range(len(steps)))
    lost = lines.pop(data.draw(st.integers(0, len(lines) - 1)))
    closing = balance(str(7 + sum(amount - fee for amount, fee, _ in steps)))

    told = audit(lines, [closing], [balance("7")])

    line = only(told)
    assert sum(one.amount for one in line.differences) == lost.change
    assert line.is_clean is (lost.change == 0)
