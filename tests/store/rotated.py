"""A recording that was rotated: a simulated minute in several files."""

from pathlib import Path

from fluxum.tape import TapeHeader, TapeReader
from fluxum.tape.lines import encode_lines
from store.taped import taped


def rotated(folder: Path, count: int, *, seconds: float = 90, faults: str = "") -> list[Path]:
    """Cut a simulated recording into so many files, as a recorder that rotates does."""
    whole = folder / "whole.jsonl"
    taped(whole, seconds, faults=faults, is_kept=False)
    reader = TapeReader(whole)
    lines, header = list(reader), reader.header
    assert header is not None
    each = -(-len(lines) // count)
    paths: list[Path] = []
    for number in range(count):
        ours = lines[number * each : (number + 1) * each]
        paths.append(folder / f"kraken-{number}.jsonl")
        begin = TapeHeader(
            fluxum_tape=1,
            venue=header.venue,
            started_ns=ours[0].ns or 0 if number else header.started_ns,
            recording_ns=header.started_ns,
            segment=number + 1,
        )
        paths[-1].write_bytes(encode_lines([begin, *ours]))
    whole.unlink()
    return paths
