"""What a library reads of a folder of columns: `column_readers.py FOLDER`, in any environment.

Prints a line of JSON for each library that is installed: how many rows the tables of trades and of
levels have, and the sum of price times quantity, as text.
"""

import json
import sys
from collections.abc import Callable, Iterator
from decimal import Context, Decimal
from importlib import import_module
from importlib.metadata import version
from typing import Any

TABLES = ("trade", "book_level")
EXACT = Context(prec=200)


def by_pyarrow(pattern: str, folder: str) -> tuple[int, Decimal]:
    """It reads the columns; it has no product of two, so Python multiplies."""
    del pattern
    count, total = 0, Decimal(0)
    dataset = import_module("pyarrow.dataset").dataset(folder, partitioning="hive")
    for batch in dataset.to_batches(columns=["price", "quantity"]):
        for price, quantity in zip(*(one.to_pylist() for one in batch.columns), strict=True):
            if price is not None:
                count += 1
                total = EXACT.add(total, EXACT.multiply(price, quantity))
    return count, total


def by_duckdb(pattern: str, folder: str) -> tuple[int, Decimal]:
    """It reads the files by their names, and their folders as columns."""
    del folder
    sql = (
        "SELECT count(price), sum(price * quantity) FROM read_parquet(?, hive_partitioning = true)"
    )
    ((count, total),) = import_module("duckdb").execute(sql, [pattern]).fetchall()
    return count, total


def by_polars(pattern: str, folder: str) -> tuple[int, Decimal]:
    """It scans the files; a product has the decimals of its factors, so they get more before."""
    del folder
    polars: Any = import_module("polars")
    price = polars.col("price").cast(polars.Decimal(38, 24))
    product = (price * polars.col("quantity")).sum().alias("sum")
    scan = polars.scan_parquet(pattern, hive_partitioning=True)
    count, total = scan.select(polars.col("price").count(), product).collect().row(0)
    return count, total


def by_chdb(pattern: str, folder: str) -> tuple[int, Decimal]:
    """ClickHouse, in this process."""
    del folder
    sql = f"SELECT count(price), sum(price * quantity) FROM file('{pattern}', Parquet)"
    answer = str(import_module("chdb").query(sql, "CSV")).strip().split(",")
    return int(answer[0]), Decimal(answer[1].strip('"'))


READERS: dict[str, Callable[[str, str], tuple[int, Decimal]]] = {
    "pyarrow": by_pyarrow,
    "duckdb": by_duckdb,
    "polars": by_polars,
    "chdb": by_chdb,
}


def found(folder: str) -> Iterator[dict[str, Any]]:
    """A record for each library; `error` is what it said instead."""
    for name, read in READERS.items():
        try:
            record: dict[str, Any] = {"reader": f"{name} {version(name)}"}
        except ImportError:
            continue
        for table in TABLES:
            try:
                count, total = read(f"{folder}/{table}/**/*.parquet", f"{folder}/{table}")
                record[table] = [count, str(total)]
            except Exception as error:  # noqa: BLE001 - a library's own, it is a finding
                record[table] = [0, f"{type(error).__name__}: {str(error)[:200]}"]
        yield record


if __name__ == "__main__":
    for one in found(sys.argv[1]):
        print(json.dumps(one))
