"""`frame`: the types and values of data frames, against events made by hand."""

import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

import fluxum
from facts import EVENT_TYPES, structs
from fluxum import BookSnapshot, BookUpdate, Fee, Fill, Level, Side, Symbol, Trade, frame
from fluxum.errors import BadInput
from fluxum.model.account import Balance, Balances, Liquidity
from fluxum.model.event import Channel, Gap, GapCause, Repair, Subscription
from fluxum.model.market import (
    Level3Snapshot,
    Level3Update,
    OrderAction,
    OrderChange,
    RestingOrder,
)

pa: Any = pytest.importorskip(
    "pyarrow", reason="pyarrow is not installed: pip install 'fluxum[frames]'"
)

BTC = Symbol("BTC/USD")
NS = 1_785_585_600_123_456_789  # 2026-08-01T12:00:00.123456789Z
ONE = Trade(
    venue="kraken",
    symbol=BTC,
    side=Side.BUY,
    price=Decimal("65000.1"),
    quantity=Decimal("0.00000001"),
    trade_id="7",
    sequence=7,
    venue_ns=None,
    received_ns=NS,
)
TWO = replace(ONE, price=Decimal("0.000000123456"), venue_ns=NS - 1)


def rows(table: Any) -> list[dict[str, Any]]:
    """The rows, with times in nanoseconds: Python's own have none, and pandas need not be there."""
    for number, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type):
            table = table.set_column(number, column.name, table[number].cast("int64"))
    found: list[dict[str, Any]] = table.to_pylist()
    return found


def test_prices_are_exact_with_the_places_that_the_data_have() -> None:
    table = frame([ONE, TWO])

    assert table["price"].type == pa.decimal128(38, 12)
    assert table["quantity"].type == pa.decimal128(38, 8)
    assert table["price"].to_pylist() == [Decimal("65000.1"), Decimal("0.000000123456")]
    assert frame([ONE])["price"].type == pa.decimal128(38, 1)


def test_times_are_timestamps_to_the_nanosecond() -> None:
    table = frame([ONE, TWO])

    assert table["received_ns"].type == table["venue_ns"].type == pa.timestamp("ns", "UTC")
    assert table["received_ns"].cast("int64").to_pylist() == [NS, NS]
    assert table["venue_ns"].cast("int64").to_pylist() == [None, NS - 1]


def test_every_field_is_a_column_in_its_order() -> None:
    table = frame(iter([ONE]))

    assert table.column_names == list(Trade.__struct_fields__)
    row = rows(table)[0]
    assert (row["venue"], row["symbol"], row["side"]) == ("kraken", "BTC/USD", "buy")
    assert (row["trade_id"], row["sequence"], row["backfilled"]) == ("7", 7, False)


def test_fields_inside_fields_and_lists() -> None:
    gap = Gap(
        venue="kraken",
        subscription=Subscription(Channel.TRADE, BTC),
        cause=GapCause.VENUE,
        repair=Repair.LOST,
        since_ns=NS - 5,
        until_ns=NS,
        missing=3,
        received_ns=NS,
    )
    fill = Fill(
        venue="kraken",
        symbol=BTC,
        side=Side.SELL,
        price=Decimal("1.50"),
        quantity=Decimal(2),
        fees=(Fee(fluxum.Asset("USD"), Decimal("0.0010")),),
        liquidity=Liquidity.MAKER,
        fill_id="a",
        order_id="b",
        venue_ns=NS,
        received_ns=NS,
    )

    (lost,) = rows(frame([gap]))
    (filled,) = rows(frame([fill]))

    assert (lost["subscription_channel"], lost["subscription_symbol"]) == ("trade", "BTC/USD")
    assert (lost["cause"], lost["missing"]) == ("venue", 3)
    assert filled["fees"] == '[{"asset":"USD","amount":"0.0010"}]'
    assert filled["liquidity"] == "maker"


def test_books_are_a_row_a_level() -> None:
    snapshot = BookSnapshot(
        venue="kraken",
        symbol=BTC,
        bids=(Level(Decimal("9.5"), Decimal(1)), Level(Decimal(9), Decimal(2))),
        asks=(Level(Decimal("9.75"), Decimal(3)),),
        depth=10,
        received_ns=NS,
        checksum=5,
    )
    empty = BookUpdate("kraken", BTC, (), (), None, NS + 1, checksum=6)
    update = BookUpdate("kraken", BTC, (Level(Decimal("9.5"), Decimal(0)),), (), NS, NS + 2)

    table = frame([snapshot, empty, update])

    names = ("event", "kind", "side", "price", "quantity", "checksum")
    assert [tuple(row[name] for name in names) for row in rows(table)] == [
        (0, "snapshot", "bid", Decimal("9.50"), 1, 5),
        (0, "snapshot", "bid", Decimal("9.00"), 2, 5),
        (0, "snapshot", "ask", Decimal("9.75"), 3, 5),
        (1, "update", None, None, None, 6),
        (2, "update", "bid", Decimal("9.50"), 0, None),
    ]


def test_level3_is_a_row_an_order() -> None:
    first = RestingOrder("a", Decimal("9.5"), Decimal(1), NS - 7)
    snapshot = Level3Snapshot(
        venue="kraken", symbol=BTC, bids=(first,), asks=(), depth=10, received_ns=NS, checksum=5
    )
    change = OrderChange(OrderAction.DELETE, RestingOrder("b", Decimal("9.75"), Decimal(0)))
    update = Level3Update(
        venue="kraken", symbol=BTC, bids=(), asks=(change,), received_ns=NS + 1, venue_ns=NS
    )
    empty = Level3Update(venue="kraken", symbol=BTC, bids=(), asks=(), received_ns=NS + 2)

    table = frame([snapshot, update, empty])

    names = (
        "event",
        "kind",
        "side",
        "action",
        "order_id",
        "price",
        "quantity",
        "checksum",
        "depth",
    )
    assert [tuple(row[name] for name in names) for row in rows(table)] == [
        (0, "snapshot", "bid", None, "a", Decimal("9.50"), 1, 5, 10),
        (1, "update", "ask", "delete", "b", Decimal("9.75"), 0, None, None),
        (2, "update", None, None, None, None, None, None, None),
    ]
    assert table["order_ns"].cast("int64").to_pylist() == [NS - 7, None, None]


def test_a_list_of_balances_is_a_row_a_balance() -> None:
    usd, btc = fluxum.Asset("USD"), fluxum.Asset("BTC")
    held = tuple(
        Balance(venue="kraken", asset=asset, total=Decimal(total), received_ns=NS)
        for asset, total in ((usd, "10.5"), (btc, "0.00000001"))
    )
    both = Balances(venue="kraken", balances=held, received_ns=NS + 1)
    none = Balances(venue="kraken", balances=(), received_ns=NS + 2)

    table = frame([both, none])

    names = ("event", "venue", "asset", "total")
    assert [tuple(row[name] for name in names) for row in rows(table)] == [
        (0, "kraken", "USD", Decimal("10.5")),
        (0, "kraken", "BTC", Decimal("1E-8")),
        (1, "kraken", None, None),
    ]
    assert table["received_ns"].cast("int64").to_pylist() == [NS + 1, NS + 1, NS + 2]


@pytest.mark.parametrize("kind", EVENT_TYPES, ids=lambda kind: kind.__name__)
def test_every_kind_of_event_is_a_frame(kind: type[fluxum.Event]) -> None:
    @given(st.lists(structs(kind), min_size=1, max_size=3))
    def check(events: list[Any]) -> None:
        try:
            table = frame(events)
        except BadInput:  # a random number that no column holds
            return
        named = set(kind.__struct_fields__) - {"bids", "asks", "balances", "positions", "orders"}
        columns = table.column_names
        assert all(
            any(one == name or one.startswith(f"{name}_") for one in columns) for name in named
        )
        assert table.num_rows >= len(events)
        assert frame([], kind).schema.names == columns

    check()


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([], r"there are no events: name their kind, as in frame\(\[\], Trade\)"),
        ([ONE, BookUpdate("kraken", BTC, (), (), None, NS)], "were BookUpdate, Trade"),
        (
            [ONE, replace(ONE, price=Decimal("1E-34"))],
            "price of Trade needs 5 digits before the point and 34 behind it, as in 1E-34",
        ),
        ([replace(ONE, quantity=Decimal("NaN"))], "quantity of Trade was NaN"),
        ([replace(ONE, sequence=1 << 63)], "sequence of Trade does not fit into 64 bits"),
    ],
)
def test_what_cannot_be_a_frame_is_refused_by_name(
    events: Sequence[fluxum.Event], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        frame(events)


@pytest.mark.parametrize("kind", [Trade, BookUpdate])
def test_no_events_of_a_kind_are_a_frame_without_rows(kind: type[fluxum.Event]) -> None:
    table = frame([], kind)

    assert table.num_rows == 0
    assert {"price", "received_ns"} <= set(table.column_names) or kind is Trade


def test_a_kind_beside_events_changes_nothing() -> None:
    assert frame([ONE], Trade).equals(frame([ONE]))


def test_pandas_and_polars_take_it() -> None:
    pandas: Any = pytest.importorskip("pandas", reason="pandas is not installed")
    polars: Any = pytest.importorskip("polars", reason="polars is not installed")

    ours = frame([ONE, TWO])

    assert isinstance(ours.to_pandas(), pandas.DataFrame)
    assert ours.to_pandas()["received_ns"].iloc[0].value == NS
    assert sum(ours.to_pandas()["price"]) == Decimal("65000.100000123456")
    assert polars.from_arrow(ours)["price"].sum() == Decimal("65000.100000123456")


def test_without_pyarrow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(BadInput, match=r"pip install 'fluxum\[frames\]'"):
        frame([ONE])


def test_importing_fluxum_imports_no_frames() -> None:
    code = "import sys, fluxum; print({'pyarrow', 'duckdb', 'numpy', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"
