"""`record` as far as it goes without an exchange: what it refuses, and how its options read."""

from pathlib import Path

import pytest

from fluxum.cli.main import app
from fluxum.cli.process import exit_code
from fluxum.cli.record import parse_size, parse_span
from fluxum.errors import BadInput


def record(*words: str) -> int:
    def command() -> None:
        app(["record", *words, "-s", "BTC/USD", "--endpoint", "ws://127.0.0.1:9"])

    try:
        return exit_code(command)
    except SystemExit as end:
        return int(end.code or 0)


@pytest.mark.parametrize(
    ("text", "size"),
    [("", None), ("500kB", 500_000), ("100MB", 10**8), ("2GiB", 2 << 30), ("1kib", 1024)],
)
def test_sizes_have_a_unit(text: str, size: int | None) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "seconds"), [("", None), ("30s", 30), ("15m", 900), ("1h", 3600), ("1d", 86_400)]
)
def test_times_have_a_unit(text: str, seconds: int | None) -> None:
    assert parse_span(text) == seconds


@pytest.mark.parametrize(
    "text", ["100", "MB", "0MB", "-1MB", "1.5MB", "1 MB", "1TB", "9" * 5000 + "MB", "²MB", "1MBs"]
)
def test_what_is_no_size_is_refused_as_it_was_given(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_size(text)
    assert f"a size like 500kB, 100MB or 2GiB was expected, was {text!r}" in str(caught.value)


@pytest.mark.parametrize("text", ["1", "h", "0h", "1H", "1M", "1.5h", "1h30m", "٣h"])
def test_what_is_no_time_is_refused_as_it_was_given(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_span(text)
    assert f"a time like 30s, 15m, 1h or 1d was expected, was {text!r}" in str(caught.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("tape.jsonl.gz",), "tape.jsonl.gz exists, and no tape is written over: append to it"),
        (("--append", "tape.jsonl.gz"), "tape.jsonl.gz is no tape; one of kraken was expected"),
        (("--append", "."), "one tape is appended to: no folder, no {time}, no rotation"),
        (("--append", "{time}.gz"), "one tape is appended to"),
        (("--append", "x.gz", "--rotate-every", "1h"), "one tape is appended to"),
        (("x.gz", "--rotate-size", "100"), "a size like 500kB, 100MB or 2GiB was expected"),
        (("x.gz", "--rotate-every", "1M"), "a time like 30s, 15m, 1h or 1d was expected"),
        (("absent/x.gz",), "cannot write absent/x.gz: No such file or directory"),
        (("tapes/",), "a folder that exists was expected, was 'tapes/': make it first"),
        (("/dev/full",), "/dev/full exists"),
        (("--append", "/dev/full"), "/dev/full is no regular file"),
        (("x.gz", "--columns"), "columns are made in a folder: name it with -o FOLDER"),
        (("x.gz", "-o", "data"), "one of -o data and x.gz was expected"),
        (("-o", "tape.jsonl.gz"), "cannot make tape.jsonl.gz/tapes: Not a directory"),
    ],
    ids=str,
)
def test_a_tape_that_cannot_be_is_refused_before_anything_is_dialled(
    words: tuple[str, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tape.jsonl.gz").write_text('{"ts":1,"raw":"precious"}\n')

    assert record(*words) == 2

    said = capsys.readouterr()
    assert message in said.err
    assert (tmp_path / "tape.jsonl.gz").read_text() == '{"ts":1,"raw":"precious"}\n'
    assert [one.name for one in tmp_path.iterdir()] == ["tape.jsonl.gz"]
