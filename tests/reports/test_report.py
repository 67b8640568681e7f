"""The tables of a report: cells by hand, and assumptions that fit the run."""

from decimal import Decimal

from fluxum.report.money_tables import cost_tables, dearest_table, fee_table, order_table
from fluxum.report.record import report_record
from fluxum.report.report import Row, Table, headline, make_report
from fluxum.report.run import FeeTerms, RunFacts
from fluxum.report.run_tables import all_tables
from runs import BTC_USD, fill, header, order, point, run, synthetic


def row_of(table: Table, name: str) -> Row:
    return next(row for row in table.rows if row.name.strip() == name)


def with_fees(*tiers: str, tier: str = "") -> RunFacts:
    terms = tuple(
        FeeTerms(venue="kraken", tier=one, maker=Decimal("0.001"), taker=Decimal("0.002"))
        for one in tiers
    )
    return run(order("o", "buy", "1", fill(1, "100", "1", tier=tier)), fees=terms)


def test_fees_have_the_terms_of_their_tier() -> None:
    for facts in (with_fees("low", tier="low"), with_fees("low")):
        (row,) = fee_table(make_report(facts)).rows
        assert row.cells == ("0.1", "0.1", "0.1")
        assert row.assumes == "Maker 0.1 %, taker 0.2 % of the value."


def test_fees_of_unknown_terms_say_so() -> None:
    (unknown,) = fee_table(make_report(with_fees("low", tier="high"))).rows
    (several,) = fee_table(make_report(with_fees("low", "high"))).rows

    assert unknown.assumes == "The run does not have its terms."
    assert several.assumes.startswith("By the tier of the volume")


def test_the_dearest_orders_come_first() -> None:
    facts = run(
        *(
            order(f"o{number}", "buy", "2", fill(1, str(100 + number), "1"))
            for number in range(1, 31)
        )
    )

    table = dearest_table(make_report(facts))

    assert [row.name for row in table.rows[:2]] == ["o30", "o29"]
    assert len(table.rows) == 20
    # 30 above the middle of 100, for 1 of 2.
    assert table.rows[0].cells == (
        "buy",
        "1/2",
        "130.00",
        "+30.00",
        "+3000.00",
        "+3000.00",
        "unknown",
    )
    assert "20 of 30 filled orders" in table.note


def test_orders_of_several_markets_have_their_market() -> None:
    facts = run(
        order("a", "buy", "1", fill(1, "100", "1")),
        order("b", "buy", "1", fill(1, "100", "1"), venue="coinbase"),
    )

    table = dearest_table(make_report(facts))

    assert table.columns[0] == "Market"
    assert {row.cells[0] for row in table.rows} == {f"kraken {BTC_USD}", f"coinbase {BTC_USD}"}


def test_what_was_not_measured_is_beside_the_number() -> None:
    facts = run(order("o", "buy", "1", fill(1, "100", "1"), decision_mid=None))

    (table,) = cost_tables(make_report(facts))

    row = row_of(table, "Slippage from decision")
    assert row.cells == ("unknown", "unknown", "unknown")
    assert "Not measured: 1 fills" in row.assumes


def test_counts_are_by_world() -> None:
    table = order_table(make_report(synthetic()))

    filled, partly, unfilled, every = (
        [int(cell) for cell in row_of(table, name).cells]
        for name in ("filled whole", "filled in part", "not filled", "Orders")
    )
    assert [sum(three) for three in zip(filled, partly, unfilled, strict=True)] == every
    assert filled[0] <= filled[1] <= filled[2]


def test_every_table_has_as_many_cells_as_columns() -> None:
    for facts in (synthetic(), RunFacts(header=header()), run(world=None, provenance=None)):
        for table in all_tables(make_report(facts)):
            assert {len(row.cells) for row in table.rows} <= {len(table.columns)}


def test_the_headline_has_the_spread_and_the_findings() -> None:
    facts = run(
        order("o", "buy", "1", fill(1, "100", "2")), equity=(point(2, "9990", "10005", "10000"),)
    )

    first, verdict, *findings = headline(make_report(facts))

    assert first == "+5.00 USD net in 10 d (-10.00 to +5.00), by simulated fills."
    assert verdict.startswith("Not separated")
    assert any("more filled than their quantity" in one for one in findings)


def test_the_record_has_no_rounded_number() -> None:
    record = report_record(make_report(run(equity=(point(2, "10000.000000000000000001"),))))

    assert record["numbers"]["worlds"]["expected"]["net"] == "0.000000000000000001"
    assert record["type"] == "bot_report"


def test_a_run_without_profit_or_loss_has_no_sign_to_agree_on() -> None:
    _, verdict, *findings = headline(
        make_report(run(equity=(point(2, "10000"),), halted="too fast"))
    )

    assert verdict == "No profit and no loss in any of the three worlds."
    assert findings == ["the bot was halted: too fast"]
