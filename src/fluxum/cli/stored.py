"""`columns`: recordings as Parquet files, whether these are right, and questions to them in SQL."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from fluxum.cli.options import Format, FormatOption
from fluxum.cli.output import Output
from fluxum.cli.table import Column, Table
from fluxum.cli.tapes import BookDepth, RecordedBy, recordings
from fluxum.clock import SystemClock
from fluxum.errors import BadInput, FluxumError, TapeError
from fluxum.model.codec import plain
from fluxum.store.build import AlreadyBuilt, build
from fluxum.store.check import check
from fluxum.store.compact import compact
from fluxum.store.manifest import Manifest
from fluxum.store.query import query

__all__ = ["Incomplete", "build_columns", "check_columns", "compact_columns", "query_columns"]

_TURN = 200
_NAMED = 3


class Incomplete(FluxumError):
    """A recording could not be read to its end, or columns are not what they should be."""


Folder = Annotated[Path, typer.Argument(help="A folder of columns.")]


def build_columns(
    files: Annotated[
        list[Path], typer.Argument(help="Tapes, bare recordings, or folders of them.")
    ],
    folder: Annotated[Path, typer.Option("--output", "-o", help="The folder of columns.")],
    exchange: RecordedBy = None,
    depth: BookDepth = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Make columns of recordings: Parquet files, with a row for each trade, book level and so on.

    Tables: trade, book_level, candle, ticker, and always gap and coverage. Prices and quantities
    are exact decimals. Each event is in a table, or counted as being in none; the sums are written.
    Nothing is written over: a recording that the folder has already is passed over. A build that
    is interrupted leaves nothing that counts, and can be started again.

    Exit status 0 if all is built, 1 if a recording could not be read to its end, 2 for bad usage
    or a recording that cannot be read; the others are built all the same.

    Example: fluxum columns build tapes/ -o columns/
    """
    is_whole = is_readable = True
    with Output(form) as output:
        for recording in recordings(files, output):
            try:
                manifest = build(recording, folder, exchange, depth)
            except AlreadyBuilt as error:
                output.message(f"passed over: {error}")
                continue
            except (BadInput, TapeError) as error:  # report it, and build the others
                output.message(f"fluxum: {error}")
                is_readable = False
                continue
            output.write(_record(manifest), _text(manifest))
            if manifest.damage:
                output.message(f"fluxum: {manifest.damage}")
            is_whole = is_whole and not manifest.damage
    if not is_readable:
        raise typer.Exit(2)
    if not is_whole:
        raise typer.Exit(1)


def check_columns(
    folder: Folder,
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Recordings that are replayed, and compared row by row."),
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Check all files of a folder: their digests, their rows, and that all sums close.

    With recordings, their columns are made again and compared row by row.

    Exit status 0 if all is right, 1 if not, 2 for bad usage.

    Example: fluxum columns check columns/

    Example: fluxum columns check columns/ tapes/
    """
    with Output(form) as output:
        found = check(folder, recordings(files or [], output))
        for manifest in found.manifests:
            is_again = all(one.name in found.replayed for one in manifest.merged or (manifest,))
            again = ", replayed and equal row by row" if is_again else ""
            output.write(_record(manifest), _text(manifest) + ("" if found.faults else again))
        for fault in found.faults:
            output.message(f"fluxum: {fault}")
    if found.faults:
        count = len(found.faults)
        raise Incomplete(f"{count} fault{'s' if count > 1 else ''} in {folder}")


def compact_columns(
    folder: Folder,
    before: Annotated[
        str,
        typer.Option("--before", help="Days before this date, as 2026-11-30. Without: today, UTC."),
    ] = "",
    form: FormatOption = Format.TABLE,
) -> None:
    """Make the many files of each past day one for each table and market.

    Rows and sums stay as they are. The new files are compared with the old ones, which are removed
    when the new ones are on disk: a crash at any instant loses and doubles nothing. Programs that
    read the files themselves, without `columns sql`, see both while the old ones are removed.

    Example: fluxum columns compact columns/
    """
    now_s = SystemClock().now_ns() // 10**9
    date = _date(before) if before else datetime.fromtimestamp(now_s, UTC).date().isoformat()
    with Output(form) as output:
        made = compact(folder, date)
        for manifest in made:
            output.write(_record(manifest), _text(manifest))
        if not made:
            output.message(f"every day before {date} is one already")


def _date(text: str) -> str:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date().isoformat()
    except ValueError as error:
        raise BadInput(f"a date like 2026-11-30 was expected, was {text!r}") from error


def query_columns(
    folder: Folder,
    sql: Annotated[str, typer.Argument(help="One SELECT; without: read from stdin.")] = "",
    form: FormatOption = Format.TABLE,
) -> None:
    """Answer a question in SQL, by DuckDB, which has to be installed (the extra frames).

    Each table is a view of its name, with venue, symbol and date of its files. The query can read
    that folder only, and writes nothing. Decimals are exact.

    Example: fluxum columns sql columns/ "SELECT symbol, sum(quantity) FROM trade GROUP BY 1"

    Example: fluxum columns sql columns/ "SELECT * FROM gap ORDER BY received_ns" --format csv
    """
    answer = query(folder, sql or sys.stdin.read())
    columns = [Column(*one) for one in zip(answer.names, answer.are_numbers, strict=True)]
    table = Table(columns)
    waiting: list[list[str]] = []
    with Output(form) as output:
        count = 0
        for row in answer:
            record: dict[str, Any] = plain(dict(zip(answer.names, row, strict=True)))
            count += 1
            if form is not Format.TABLE:
                output.write(record, "")
                continue
            waiting.append([_cell(one) for one in record.values()])
            if len(waiting) == _TURN:
                output.write({}, "\n".join(table.lines(waiting)))
                waiting.clear()
        if form is Format.TABLE and (waiting or not count):
            output.write({}, "\n".join(table.lines(waiting)))


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def _record(manifest: Manifest) -> dict[str, Any]:
    """A manifest without its list of files."""
    record: dict[str, Any] = plain(manifest)
    counts = {"files": len(manifest.files), "merged": len(manifest.merged)}
    return {**record, **counts, "sums_close": manifest.sums_close}


def _text(manifest: Manifest) -> str:
    tapes = ", ".join(one.name for one in manifest.tapes[:_NAMED])
    if len(manifest.tapes) > _NAMED:
        tapes += f" and {len(manifest.tapes) - _NAMED} more"
    proved = "proved" if manifest.proved else "NOT PROVED"
    parts = [
        f"{one.events} {table}" + (f" ({one.rows} rows)" if one.rows != one.events else "")
        for table, one in manifest.tables.items()
        if table != "coverage"
    ]
    parts += [f"{count} {kind} in no table" for kind, count in manifest.elsewhere.items()]
    if manifest.unfit:
        parts.append(f"{manifest.unfit} that do not fit")
    close = "the sums close" if manifest.sums_close else "THE SUMS DO NOT CLOSE"
    made = f"{manifest.frames} frames, {proved}, {len(manifest.files)} files"
    sums = f"{manifest.events} events = {' + '.join(parts)}: {close}"
    return f"{manifest.name} {tapes}: {made}\n  {sums}"
