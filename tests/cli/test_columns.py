"""No value of a record is missing from its row, whichever record came first."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, cast, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from facts import EVENT_TYPES, structs
from fluxum.cli.columns import CHANNEL_KINDS, KINDS, Rows, columns, kind_of_type, parse_kinds
from fluxum.cli.records import BookRecord, CandleRecord, HeldRecord
from fluxum.errors import BadInput
from fluxum.ledger.audit import AuditLine
from fluxum.ledger.view import Position
from fluxum.model.account import Fee, Fill
from fluxum.model.codec import plain
from fluxum.model.event import AccountEvent, Channel, MarketEvent
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side, Ticker, Trade
from fluxum.orders.order import Order

BTC = Symbol("BTC/USD")
RECORD_TYPES: tuple[type[Struct], ...] = (
    *EVENT_TYPES,
    BookRecord,
    CandleRecord,
    HeldRecord,
    Position,
    AuditLine,
    Order,
)
FAMILIES: list[tuple[type[Struct], ...]] = [
    *CHANNEL_KINDS.values(),
    *((one,) for one in RECORD_TYPES),
]


def table(records: Iterable[Any], kinds: Iterable[type[Struct]] = ()) -> list[dict[str, str]]:
    """The records as a CSV file has them, read by another program's reader."""
    rows = Rows(kinds)
    lines = [rows.line(record) for record in records]
    text = "".join([rows.header, *lines])
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True, restval="short row"))


def leaves(record: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a record in JSON, by its path; lists are values."""
    for name, value in record.items():
        if isinstance(value, dict):
            yield from leaves(cast("dict[str, Any]", value), f"{before}{name}.")
        else:
            yield before + name, value


def assert_whole(row: dict[str, str], record: Any) -> None:
    written = json.loads(json.dumps(plain(record)))
    for path, value in leaves(written):
        if value is None:  # of a fact that is not there its own columns are empty
            cells = [cell for name, cell in row.items() if f"{name}.".startswith(f"{path}.")]
            assert cells, path
            assert not any(cells), path
        elif isinstance(value, str):
            assert row[path] == value, path
        else:
            assert json.loads(row[path]) == value, path


@pytest.mark.parametrize("kinds", FAMILIES, ids=lambda kinds: kinds[0].__name__)
def test_every_value_of_every_kind_is_in_its_row(kinds: tuple[type[Struct], ...]) -> None:
    @given(st.lists(st.one_of([structs(one) for one in kinds]), min_size=1, max_size=4))
    def check(records: list[Struct]) -> None:
        rows = table(records, kinds)

        assert len(rows) == len(records)
        for row, record in zip(rows, records, strict=True):
            assert_whole(row, record)

    check()


@pytest.mark.parametrize("kinds", CHANNEL_KINDS.values(), ids=lambda kinds: kinds[0].__name__)
def test_a_header_is_whole_without_a_word_beforehand(kinds: tuple[type[Struct], ...]) -> None:
    @given(st.lists(st.one_of([structs(one) for one in kinds]), min_size=1, max_size=4))
    def check(records: list[Struct]) -> None:
        for row, record in zip(table(records), records, strict=True):
            assert_whole(row, record)
        as_mappings = table(map(plain, records))
        assert as_mappings == table(records)

    check()


def test_every_kind_of_data_comes_over_a_channel() -> None:
    of_channels = {one for kinds in CHANNEL_KINDS.values() for one in kinds}

    assert set(CHANNEL_KINDS) == set(Channel)
    assert of_channels == set(get_args(MarketEvent | AccountEvent))


def test_a_fill_after_a_trade_is_refused_by_the_columns_it_brings() -> None:
    trade = Trade(
        venue="k",
        symbol=BTC,
        side=Side.BUY,
        price=Decimal(1),
        quantity=Decimal(2),
        trade_id="T",
        received_ns=1,
    )
    fill = Fill(
        venue="k",
        symbol=BTC,
        side=Side.BUY,
        price=Decimal(1),
        quantity=Decimal(2),
        fees=(Fee(Asset("USD"), Decimal("0.1")),),
        fill_id="F",
        order_id="O",
        venue_ns=1,
        received_ns=1,
    )
    rows = Rows()
    rows.line(trade)

    with pytest.raises(BadInput) as caught:
        rows.line(fill)

    message = str(caught.value)
    assert "columns of trade" in message
    assert "a record of fill brings fees, liquidity, fill_id, order_id, client_order_id" in message
    assert "--kind" in message


def test_a_mapping_of_an_unknown_kind_has_the_columns_of_its_first() -> None:
    rows = Rows()

    row = rows.line({"type": "valid", "warnings": ["a", "b"], "x": None, "y": True})

    assert (rows.header, row) == ("type,warnings,x,y\n", 'valid,"[""a"",""b""]",,true\n')
    with pytest.raises(BadInput, match="a record of valid brings z"):
        rows.line({"type": "valid", "z": 1})


def test_a_ticker_that_lacks_fields_has_empty_cells() -> None:
    ticker = Ticker(venue="k", symbol=BTC, last=Decimal("1E-7"), received_ns=2)

    (row,) = table([ticker])

    assert (row["last"], row["bid"], row["trades"]) == ("0.0000001", "", "")


@pytest.mark.parametrize(
    "text", ["a,b", 'say "no"', "two\nlines", "cr\rhere", "crlf\r\n", " x ", ""]
)
def test_a_text_comes_back_from_a_cell_as_it_was(text: str) -> None:
    (row, other) = table([{"message": text, "n": 1}, {"message": "next", "n": 2}])

    assert (row, other) == ({"message": text, "n": "1"}, {"message": "next", "n": "2"})


def test_a_fact_in_a_fact_gives_its_fields_with_a_point() -> None:
    found = columns(BookRecord)

    assert found[:7] == ("type", "venue", "symbol", "bid", "bid_quantity", "ask", "ask_quantity")
    assert {"bids", "asks", "proof.status", "proof.checks", "proof.depth"} <= set(found)
    assert "proof" not in found


def test_kinds_are_named_by_their_tags_and_a_slip_is_told_what_may_be_meant() -> None:
    assert parse_kinds("") == frozenset()
    assert parse_kinds("trade, book_update") == {"trade", "book_update"}
    with pytest.raises(BadInput, match=r"a kind was expected \(ticker, .*did you mean 'trade'\?"):
        parse_kinds("trad")


def test_the_names_of_kinds_are_those_in_the_records() -> None:
    for name, kind in KINDS.items():
        assert kind_of_type(kind) == name


def test_no_two_kinds_share_a_name() -> None:
    assert len(KINDS) == len(EVENT_TYPES)
