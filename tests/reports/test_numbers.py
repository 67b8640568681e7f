"""The numbers of a run against arithmetic by hand."""

from decimal import Decimal

import pytest

from fluxum.model.instrument import Asset, Symbol
from fluxum.report.numbers import is_separated, run_numbers
from fluxum.report.run import ByWorld, Held, RunFacts, World
from runs import BTC_USD, fill, header, order, point, run, synthetic

MARK = Decimal(97)


def by_hand() -> RunFacts:
    """Buys 2 at 100 as maker, sells 1 at 98 as taker; the rest is worth 97 at the end.

    Cash: -200 - 0.2 + 98 - 0.196 = -102.396; with 1 held at 97 the equity is 9994.604.
    """
    bought = fill(
        2, "100", "2", mid_1s=Decimal("100.4"), mid_10s=Decimal(99)
    )  # a fee of 0.001 * 200
    sold = fill(
        5,
        "98",
        "1",
        is_maker=False,
        fee=Decimal("0.196"),
        fee_value=None,
        mid_1s=Decimal(98),
        mid_10s=Decimal(97),
        mid_60s=Decimal(97),
    )
    buy = order("o1", "buy", "2", bought, decision_mid=Decimal(101), arrival_mid=Decimal("100.5"))
    sell = order("o2", "sell", "3", sold, limit=None, decision_mid=Decimal(99), arrival_mid=None)
    return run(
        buy,
        sell,
        order("o3", "buy", "1", arrived_ns=None),
        equity=(
            point(2, "9999.8", held=(Held("kraken", BTC_USD, Decimal(2), Decimal(100)),)),
            point(6, "9994.604", held=(Held("kraken", BTC_USD, Decimal(1), MARK),)),
        ),
    )


def test_profit_is_the_change_of_equity_and_gross_is_before_fees() -> None:
    one = run_numbers(by_hand()).worlds.expected

    assert (one.net, one.gross) == (Decimal("-5.396"), Decimal("-5.000"))
    assert one.trading.fees_value == Decimal("0.396")


def test_profit_is_explained_by_fills_fees_and_marks_to_the_last_digit() -> None:
    found = run_numbers(by_hand())

    assert [one.closing.unexplained for one in found.worlds.all] == [0, 0, 0]
    assert found.findings == ()


def test_a_profit_that_fills_do_not_explain_is_a_finding() -> None:
    facts = by_hand()
    wrong = point(6, "9994.605", held=facts.equity[-1].held)

    found = run_numbers(run(*facts.orders, equity=(wrong,)))

    assert found.worlds.expected.closing.unexplained == Decimal("0.001")
    assert found.findings == (
        "+0.001 USD of the profit is not explained by fills, fees and marks (pessimistic, expected,"
        " optimistic)",
    )


def test_a_position_that_is_not_the_sum_of_its_fills_is_a_finding() -> None:
    facts = by_hand()
    wrong = point(6, "9994.604", held=(Held("kraken", BTC_USD, Decimal(2), MARK),))

    found = run_numbers(run(*facts.orders, equity=(wrong,)))

    assert found.findings == ("kraken BTC/USD: fills make a position of 1, the run ended with 2",)


def test_what_was_held_before_is_part_of_the_sums() -> None:
    # 1 held at 100 from the begin, now at 97: three less, with no order at all.
    facts = run(
        equity=(point(6, "9997", held=(Held("kraken", BTC_USD, Decimal(1), MARK),)),),
        held_begins=(Held("kraken", BTC_USD, Decimal(1), Decimal(100)),),
    )

    found = run_numbers(facts)

    assert found.worlds.expected.closing.unexplained == 0
    assert found.findings == ()


def test_a_fee_in_the_base_asset_is_taken_from_the_position() -> None:
    # 1 bought at 100, 0.01 of it is the fee: 0.99 * 97 - 100 = -3.97.
    bought = fill(1, "100", "1", fee=Decimal("0.01"), fee_asset=Asset("BTC"), fee_value=Decimal(1))
    held = (Held("kraken", BTC_USD, Decimal("0.99"), MARK),)

    found = run_numbers(
        run(order("o", "buy", "1", bought), equity=(point(2, "9996.03", held=held),))
    )

    assert found.worlds.expected.closing.unexplained == 0
    assert found.worlds.expected.gross == Decimal("-2.97")


def test_fees_in_a_third_asset_are_summed_apart_and_stop_the_explanation() -> None:
    other = fill(1, "100", "1", fee=Decimal("0.5"), fee_asset=Asset("KFEE"), fee_value=None)
    facts = run(order("o", "buy", "2", other, fill(2, "100", "1")), equity=(point(3, "10000"),))

    one = run_numbers(facts).worlds.expected

    assert (one.net, one.gross, one.trading.fees_value) == (Decimal(0), None, None)
    assert one.trading.fees_unvalued == 1
    assert [(fee.asset, fee.amount) for fee in one.trading.fees] == [
        ("KFEE", Decimal("0.5")),
        ("USD", Decimal("0.1")),
    ]
    assert (one.closing.unexplained, one.closing.why) == (None, "a fee was charged in KFEE")


def test_slippage_is_a_cost_against_the_middles_at_decision_and_at_arrival() -> None:
    (one,) = run_numbers(by_hand()).worlds.expected.trading.quotes

    # Decision: the buy paid 1 less than 101, twice; the sale got 1 less than 99: -2 + 1.
    assert one.slippage_decision.amount == -1
    assert one.slippage_decision.value == 301  # 2 * 101 + 1 * 99
    assert f"{one.slippage_decision.bps:.6f}" == "-33.222591"  # -10,000 / 301
    assert (one.slippage_decision.fills, one.slippage_decision.unmeasured) == (2, 0)
    # Arrival: 0.5 less than 100.5, twice; the sale had no book.
    assert one.slippage_arrival.amount == -1
    assert (one.slippage_arrival.fills, one.slippage_arrival.unmeasured) == (1, 1)


def test_mark_outs_are_gains_after_one_ten_and_sixty_seconds() -> None:
    (one,) = run_numbers(by_hand()).worlds.expected.trading.quotes

    assert one.after_1s.amount == Decimal("0.8")  # 2 * 0.4, and the sale 98 - 98
    assert one.after_10s.amount == -1  # 2 * (99 - 100), and the sale 98 - 97
    assert one.after_60s.amount == 1
    assert (one.after_60s.fills, one.after_60s.unmeasured) == (1, 1)


def test_turnover_and_the_share_of_makers() -> None:
    (one,) = run_numbers(by_hand()).worlds.expected.trading.quotes

    assert (one.turnover, one.turnover_maker) == (Decimal(298), Decimal(200))
    assert f"{one.maker_share:.6f}" == "0.671141"


def test_the_counts_of_orders_and_fills_close() -> None:
    for facts in (by_hand(), synthetic()):
        for one in run_numbers(facts).worlds.all:
            orders, fills = one.trading.orders, one.trading.fills
            assert (
                orders.all == orders.filled + orders.partly + orders.unfilled == len(facts.orders)
            )
            assert fills.all == fills.maker + fills.taker + fills.unknown
            assert fills.all == sum(fee.fills for fee in one.trading.fees)

    orders = run_numbers(by_hand()).worlds.expected.trading.orders
    assert (orders.filled, orders.partly, orders.unfilled, orders.never_arrived) == (1, 1, 1, 1)


def test_amounts_of_different_quote_assets_are_never_added() -> None:
    euro = order("e", "buy", "1", fill(1, "90", "1"), symbol=Symbol("BTC/EUR"))

    one = run_numbers(run(euro, order("d", "buy", "1", fill(1, "100", "1")))).worlds.expected

    assert {each.asset: each.turnover for each in one.trading.quotes} == {
        Asset("EUR"): Decimal(90),
        Asset("USD"): Decimal(100),
    }


def test_contracts_are_valued_as_far_as_their_size_is_known() -> None:
    inverse = order("i", "buy", "50", fill(1, "100", "50"), symbol=Symbol("BTC/USD:PERP-INVERSE"))
    unknown = order("u", "buy", "5", fill(1, "100", "5"), symbol=Symbol("X/USD:PERP-CONTRACTS"))

    one = run_numbers(run(inverse, unknown, equity=(point(2, "10000"),))).worlds.expected

    (quote,) = one.trading.quotes
    assert (quote.turnover, one.trading.untotalled) == (Decimal(50), 1)
    assert (quote.slippage_decision.fills, quote.slippage_decision.unmeasured) == (0, 2)
    assert "is not valued in USD by price times quantity" in one.closing.why


@pytest.mark.parametrize(
    ("net", "is_it"),
    [
        (("1", "2", "3"), True),
        (("-1", "-2", "-3"), True),
        (("-1", "2", "3"), False),
        (("1", "2", "0"), False),
        (("1", "2", None), False),
    ],
)
def test_a_result_is_separated_only_if_all_worlds_agree_in_sign(
    net: tuple[str | None, ...], is_it: bool
) -> None:
    values = [None if one is None else Decimal(one) for one in net]

    assert is_separated(ByWorld(*values)) is is_it


def test_orders_that_cannot_be_are_findings() -> None:
    facts = run(
        order("more", "buy", "1", fill(1, "100", "2")),
        order("early", "buy", "1", fill(0, "100", "1")),
        order("order", "buy", "1", fills=ByWorld((fill(1, "100", "1"),), (), ())),
        ends_ns=None,
    )

    found = "\n".join(run_numbers(facts).findings)

    assert "the run did not end in order" in found
    assert "more filled than their quantity: 1, such as more" in found
    assert "a fill before they arrived: 1, such as early" in found
    assert "more filled in a worse world than in a better one: 1, such as order" in found


def test_a_run_without_orders_or_equity_has_no_profit_rather_than_none_at_all() -> None:
    found = run_numbers(RunFacts(header=header()))

    assert found.worlds.expected.net is None
    assert found.worlds.expected.closing.why == "the equity at the end is not known"
    assert not found.is_separated
    assert found.worlds.expected.trading.orders.all == 0


def test_a_synthetic_run_closes_in_every_world() -> None:
    found = run_numbers(synthetic())

    assert found.findings == ()
    assert [found.worlds.of(world).closing.unexplained for world in World] == [0, 0, 0]
