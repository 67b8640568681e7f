"""Records in four formats on any stdout, words beside them, and what a slow reader gets."""

import asyncio
import io
import json
import os
import sys
from collections.abc import Sequence
from decimal import Decimal

import pytest

from fluxum.cli.columns import Rows
from fluxum.cli.options import Format
from fluxum.cli.output import Output, TableFrame, live_output
from fluxum.cli.records import Candles
from fluxum.cli.writer import OutputClosed
from fluxum.errors import BadInput
from fluxum.model.codec import decode_event
from fluxum.model.event import Channel, Dropped, Event, LinkLost, Refused, Subscribed, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookUpdate, Candle, Level, Side, Trade

BTC = Symbol("BTC/USD")
FILLING = "x" * 200_000  # more than a pipe holds, less than may wait
LOST = LinkLost(venue="k", link="public-1", reason="cut", received_ns=1)
ACK = Subscribed(venue="k", subscription=Subscription(Channel.TRADE, BTC), received_ns=1)


def trade(number: int = 1, order_type: str = "market") -> Trade:
    return Trade(
        venue="k",
        symbol=BTC,
        side=Side.BUY,
        price=Decimal("100.50"),
        quantity=Decimal("0.1"),
        trade_id=str(number),
        order_type=order_type,
        venue_ns=1_700_000_000_000_000_000,
        received_ns=1_700_000_000_100_000_000,
    )


class Stdout:
    """A pipe of the system in the place of stdout, in any encoding."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, encoding: str = "utf-8") -> None:
        self.reader, writer = os.pipe()
        self.stream = os.fdopen(writer, "w", encoding=encoding)
        monkeypatch.setattr(sys, "stdout", self.stream)

    def text(self) -> str:
        """All that was written, once it is."""
        self.stream.close()
        with os.fdopen(self.reader, "rb") as file:
            return file.read().decode(self.stream.encoding)


def written(
    form: Format, events: Sequence[Event], capsys: pytest.CaptureFixture[str], kinds: str = ""
) -> tuple[str, str]:
    with Output(form, chosen=frozenset(kinds.split(",") if kinds else ())) as output:
        for event in events:
            output.event(event)
    said = capsys.readouterr()
    return said.out, said.err


def test_ndjson_is_a_record_a_line_links_included(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = written(Format.NDJSON, [ACK, trade(), LOST], capsys)

    assert [decode_event(line.encode()) for line in out.splitlines()] == [ACK, trade(), LOST]
    assert err == ""


@pytest.mark.parametrize("events", [[], [trade()], [ACK, trade(1), trade(2)]], ids=len)
def test_json_is_one_list(events: list[Event], capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = written(Format.JSON, events, capsys)

    assert [decode_event(json.dumps(one).encode()) for one in json.loads(out)] == events


def test_json_is_closed_when_the_command_is_interrupted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(output: Output) -> None:
        output.event(trade())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), live_output(Format.JSON) as output:
        interrupted(output)

    assert [one["type"] for one in json.loads(capsys.readouterr().out)] == ["trade"]


@pytest.mark.parametrize("form", [Format.TABLE, Format.CSV])
def test_links_are_words_beside_a_table(form: Format, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = written(form, [trade(), LOST], capsys)

    assert "link lost: cut" in err
    assert "cut" not in out
    assert out.count("100.50") == 1


def test_chosen_kinds_alone_are_written_and_the_others_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    update = BookUpdate("k", BTC, (Level(Decimal(1), Decimal(2)),), (), None, 1)

    out, err = written(Format.CSV, [update, trade(1), LOST, update, trade(2)], capsys, "trade")

    assert [line.split(",")[0] for line in out.splitlines()] == ["type", "trade", "trade"]
    assert "link lost: cut" in err
    assert "left out, as --kind was trade: 2 book_update" in err


def test_events_of_links_can_be_chosen_for_a_table_of_their_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, err = written(Format.CSV, [LOST, trade()], capsys, "link_lost")

    assert out.splitlines() == ["type,venue,link,reason,received_ns", "link_lost,k,public-1,cut,1"]
    assert "1 trade" in err


def test_another_kind_in_a_csv_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    update = BookUpdate("k", BTC, (), (), None, 1)

    with pytest.raises(BadInput, match="a record of book_update brings bids, asks, checksum"):
        written(Format.CSV, [trade(), update], capsys)


def test_a_running_candle_is_told_as_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    candle = Candle(
        venue="k",
        symbol=BTC,
        interval_s=60,
        start_ns=60_000_000_000,
        end_ns=120_000_000_000,
        open=Decimal(1),
        high=Decimal(1),
        low=Decimal(1),
        close=Decimal(1),
        volume=Decimal(1),
        received_ns=1,
    )
    candles = Candles()
    with Output(Format.TABLE) as output:
        for _ in range(3):
            output.event(candles.number(candle))

    first, second, third = capsys.readouterr().out.splitlines()
    assert first.endswith("running")
    assert second.endswith("running, update 2 of this candle")
    assert third.endswith("running, update 3 of this candle")


@pytest.mark.parametrize("form", Format)
def test_a_stdout_without_the_characters_gets_them_spelled(
    form: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    stdout = Stdout(monkeypatch, "ascii")
    refused = Refused(venue="k", message='\u20ac "\U0001f600"', received_ns=1)
    with Output(form) as output:
        output.write(refused, refused.message)
        output.message(refused.message)

    text = stdout.text()

    if form is Format.JSON:
        assert [decode_event(json.dumps(one).encode()) for one in json.loads(text)] == [refused]
    elif form is Format.NDJSON:
        assert decode_event(text.encode()) == refused
    else:
        assert "\\u20ac" in text


def test_a_paused_reader_loses_the_oldest_and_is_told_in_their_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stdout = Stdout(monkeypatch)
    with live_output(Format.JSON) as output:
        output.write({"filling": FILLING}, "")
        taken = os.read(stdout.reader, 1)
        for number in range(1000):
            output.event(trade(number))
        while len(taken) < len(FILLING):
            taken += os.read(stdout.reader, 1 << 10)

    _, dropped, *rest = json.loads(taken.decode() + stdout.text())

    assert dropped["type"] == "dropped"
    assert [int(one["trade_id"]) for one in rest] == list(range(dropped["count"], 1000))


def test_a_csv_has_its_header_above_the_first_row_that_is_written() -> None:
    rows = Rows()
    frame = TableFrame(rows)
    rows.line(trade(1))  # dropped before it was written
    kept = [rows.line(trade(number)).encode() for number in (2, 3)]

    assert frame(b"") == b""
    assert frame(kept[0]) == rows.header.encode() + kept[0]
    assert frame(kept[1]) == kept[1]


def test_words_for_a_reader_of_stderr_that_left_end_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    stderr = os.fdopen(writer, "w")
    monkeypatch.setattr(sys, "stderr", stderr)

    with live_output(Format.NDJSON) as output:
        for _ in range(3):
            output.message("a word")
        output.event(trade())

    stderr.close()
    assert capsys.readouterr().out.count('"type":"trade"') == 1


def test_a_table_says_on_stderr_what_it_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stdout = Stdout(monkeypatch)
    with live_output(Format.TABLE) as output:
        output.write({}, FILLING)
        taken = os.read(stdout.reader, 1)
        for number in range(2000):
            output.event(trade(number))
        while len(taken) < len(FILLING):
            taken += os.read(stdout.reader, 1 << 10)

    left = (taken.decode() + stdout.text()).count("\n") - 1
    assert 0 < left < 2000
    said = f"dropped {2000 - left} records: the reader of stdout is too slow"
    assert said in capsys.readouterr().err


def test_a_reader_that_left_ends_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = Stdout(monkeypatch)
    os.close(stdout.reader)

    async def main(output: Output) -> None:
        output.event(trade())
        await output.watch()

    with pytest.raises(BrokenPipeError), live_output(Format.JSON) as output:
        asyncio.run(main(output))
    stdout.stream.close()


def test_data_for_a_closed_stdout_are_an_error_and_words_for_a_closed_stderr_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)

    with live_output(Format.NDJSON) as output:
        output.message("a word")
        with pytest.raises(OutputClosed):
            output.event(trade())


def test_a_stdout_of_text_alone_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stdout)

    with Output(Format.NDJSON) as output:
        output.write(Dropped(venue="\u20ac", count=1, received_ns=2), "")

    assert json.loads(stdout.getvalue())["venue"] == "\u20ac"
