"""What DuckDB, polars, pandas and pyarrow read of columns: the same rows, the same exact sums."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fluxum.errors import BadInput
from fluxum.model.market import BookSnapshot, BookUpdate, Trade
from fluxum.replay import Replay
from fluxum.store.arrow import parquet
from fluxum.store.build import build
from fluxum.store.query import query
from store.taped import taped
from store.test_build import handmade, trade

pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'fluxum[frames]'")
PRICES = ("65000.1", "0.00000123456", "7")
EXACT = Decimal("65007.10000123456")


@pytest.fixture(scope="module")
def columns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A market of dollars beside one of millionths, which DuckDB read as 0.0 by other types."""
    folder = tmp_path_factory.mktemp("readers")
    names = ("BTC/USD", "ELON/USD", "1INCH/USD")
    frames = [trade(at, price, names[at - 1]) for at, price in enumerate(PRICES, 1)]
    build([handmade(folder / "a.jsonl", *frames)], folder / "out")
    return folder / "out"


def test_duckdb(columns: Path) -> None:
    duckdb: Any = pytest.importorskip("duckdb", reason="duckdb is not installed")
    files = str(columns / "trade" / "**" / "*.parquet")

    (row,) = duckdb.sql(
        f"SELECT sum(price), sum(price * quantity), count(DISTINCT symbol), min(venue)"
        f" FROM read_parquet('{files}', hive_partitioning = true)"
    ).fetchall()

    assert row == (EXACT, EXACT / 2, 3, "kraken")


def test_polars(columns: Path) -> None:
    polars: Any = pytest.importorskip("polars", reason="polars is not installed")

    frame = polars.scan_parquet(
        columns / "trade" / "**" / "*.parquet", hive_partitioning=True
    ).collect()

    assert frame["price"].sum() == EXACT
    assert set(frame["symbol"]) == {"BTC/USD", "ELON/USD", "1INCH/USD"}


def test_pandas(columns: Path) -> None:
    pandas: Any = pytest.importorskip("pandas", reason="pandas is not installed")

    frame = pandas.read_parquet(columns / "trade")

    assert sum(frame["price"], Decimal(0)) == EXACT
    assert set(frame["symbol"]) == {"BTC/USD", "ELON/USD", "1INCH/USD"}


def test_pyarrow(columns: Path) -> None:
    table = parquet().read_table(columns / "trade")

    assert sum(table["price"].to_pylist(), Decimal(0)) == EXACT
    assert set(table["symbol"].to_pylist()) == {"BTC/USD", "ELON/USD", "1INCH/USD"}


@pytest.mark.parametrize("venue", ["kraken", "binance", "bybit", "coinbase", "gemini", "okx"])
def test_sums_of_every_exchange_are_those_of_its_events(venue: str, tmp_path: Path) -> None:
    pytest.importorskip("duckdb", reason="duckdb is not installed")
    path = tmp_path / "tape.jsonl.gz"
    taped(path, 20, venue=venue)
    events = [event for moment in Replay(path) for event in moment.events]
    turnover = levels = Decimal(0)
    messages = 0
    for event in events:
        if isinstance(event, Trade):
            turnover += event.price * event.quantity
        elif isinstance(event, BookSnapshot | BookUpdate):
            messages += 1
            levels += sum(one.price * one.quantity for one in (*event.bids, *event.asks))

    manifest = build([path], tmp_path / "out")

    assert manifest.sums_close
    assert turnover > 0 < levels
    trades = query(tmp_path / "out", "SELECT sum(price * quantity) FROM trade")
    books = query(
        tmp_path / "out",
        "SELECT sum(price * quantity), count(DISTINCT (symbol, n)) FROM book_level",
    )
    assert list(trades) == [(turnover,)]
    assert list(books) == [(levels, messages)]


# Queries


def test_a_query_has_names_and_numbers(columns: Path) -> None:
    pytest.importorskip("duckdb", reason="duckdb is not installed")

    answer = query(columns, "SELECT symbol, price, 1, 1 FROM trade ORDER BY price")

    assert answer.names == ["symbol", "price", "1", "1_2"]
    assert answer.are_numbers == [False, True, True, True]
    assert [row[:2] for row in answer] == [
        ("ELON/USD", Decimal("0.00000123456")),
        ("1INCH/USD", Decimal(7)),
        ("BTC/USD", Decimal("65000.1")),
    ]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("COPY trade TO 'x.csv'", "one SELECT was expected, was COPY"),
        ("SELECT 1; SELECT 2", "one SELECT was expected, was SELECT and SELECT"),
        ("", "one SELECT was expected, was nothing"),
        ("SELEC 1", "DuckDB: .*syntax error"),
        ("SELECT * FROM trades", "trades does not exist"),
        ("SELECT * FROM read_text('/etc/hostname')", "Cannot access file"),
    ],
)
def test_what_is_no_question_to_the_folder_is_refused(
    columns: Path, sql: str, message: str
) -> None:
    pytest.importorskip("duckdb", reason="duckdb is not installed")

    with pytest.raises(BadInput, match=message):
        list(query(columns, sql))


def test_only_finished_builds_are_read(columns: Path, tmp_path: Path) -> None:
    pytest.importorskip("duckdb", reason="duckdb is not installed")
    with pytest.raises(BadInput, match="has no columns"):
        query(tmp_path, "SELECT 1")
    path = handmade(tmp_path / "it's.jsonl", trade(1, "2"))
    build([path], tmp_path / "it's")
    (file,) = (tmp_path / "it's").glob("trade/**/*.parquet")
    file.with_name("left.parquet").write_bytes(file.read_bytes())

    assert list(query(tmp_path / "it's", "SELECT count(*) FROM trade")) == [(1,)]
