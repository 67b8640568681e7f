"""The screen: ladders in place, the trade tape, the connection's light and the proof."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from fluxum.book.proof import BookProof, BookStatus
from fluxum.cli.layout import BookSize, Plan, plan_screen, wrapped
from fluxum.cli.lines import level_text, number_text, printable, time_text
from fluxum.model.event import State
from fluxum.model.market import Level, Trade
from fluxum.session.books import BookReading

__all__ = ["Picture", "screen"]

_STATUS_STYLE = {
    BookStatus.VALID: "bold green",
    BookStatus.UNVERIFIED: "yellow",
    BookStatus.STALE: "bold yellow",
    BookStatus.SYNCING: "cyan",
    BookStatus.DESYNCED: "bold red",
}
_STATE_STYLE = {State.READY: "bold green", State.FAILED: "bold red", State.CLOSED: "dim"}
_BAR_WIDTH = 8
_PRICE_WIDTH, _QUANTITY_WIDTH = 10, 12


class Picture(Struct, frozen=True, kw_only=True):
    """What is drawn. `failures` are the reasons why some books are not there, shown instead."""

    states: Sequence[tuple[str, State]]
    readings: Sequence[BookReading]
    failures: Sequence[str]
    trades: Sequence[Trade]
    log: Sequence[str]
    rows: int
    now_ns: int


def screen(
    picture: Picture, width: int, height: int, page: int = 0, *, is_ascii: bool = False
) -> RenderableType:
    """The whole screen, of this width and height: lights, books, notes, events."""
    dot = "*" if is_ascii else "●"
    lights = _lights(picture.states, width, dot)
    if len(lights) > height // 3:  # many exchanges on a small terminal
        ready = sum(state is State.READY for _, state in picture.states)
        lights = [Text(f"{dot} {ready} of {len(picture.states)} exchanges are ready")]
    sizes = [
        _size(one, why, picture)
        for one, why in zip(picture.readings, picture.failures, strict=True)
    ]
    room = height - len(lights)
    plan = plan_screen(width, room, sizes, picture.rows, _BAR_WIDTH, page)
    notes = _notes(plan, width)
    while len(notes) > height - len(lights) - room:  # notes take lines, and then less fits
        room = height - len(lights) - len(notes)
        plan = plan_screen(width, room, sizes, picture.rows, _BAR_WIDTH, page)
        notes = _notes(plan, width)
    books = _books(picture, sizes, plan, is_ascii=is_ascii)
    return Group(
        *lights, books, *[Text(one, "dim") for one in notes], *_below(picture, plan, width)
    )


def _notes(plan: Plan, width: int) -> list[str]:
    """Notes of what a plan leaves out, in lines."""
    return wrapped("; ".join(plan.notes), width) if plan.notes else []


def _lights(states: Sequence[tuple[str, State]], width: int, dot: str) -> list[Text]:
    """Each connection's light, green only if ready, in as many lines as they need."""
    lines: list[Text] = []
    for name, state in states:
        style = _STATE_STYLE.get(state, "bold yellow")
        light = Text.assemble((f"{dot} ", style), (f"{name} ", "bold"), (state.value, style))
        if lines and lines[-1].cell_len + 3 + light.cell_len <= width:
            lines[-1] = Text("   ").join([lines[-1], light])
        else:
            lines.append(light)
    return lines


def _size(reading: BookReading, failure: str, picture: Picture) -> BookSize:
    snapshot = reading.snapshot
    levels = [*snapshot.bids[: picture.rows], *snapshot.asks[: picture.rows]]
    prices = max((len(number_text(one.price)) for one in levels), default=0)
    quantities = max((len(number_text(one.quantity)) for one in levels), default=0)
    return BookSize(
        title=f"{snapshot.symbol} {snapshot.venue}",
        levels_width=max(prices, _PRICE_WIDTH) + 1 + max(quantities, _QUANTITY_WIDTH),
        line=_line(reading, failure),
        proof=printable(failure) or _proof_text(reading.proof, picture.now_ns),
    )


def _line(reading: BookReading, failure: str) -> str:
    """A book as a line, as short as possible."""
    snapshot, proof = reading.snapshot, reading.proof
    name = f"{snapshot.symbol} {snapshot.venue}"
    if failure:
        return printable(f"{name}: {failure}")
    bid = level_text(snapshot.bids[0]) if snapshot.bids else "no bid"
    ask = level_text(snapshot.asks[0]) if snapshot.asks else "no ask"
    why = f" ({proof.reason})" if proof.reason else ""
    return printable(f"{name} {bid} | {ask} {proof.status.value}{why}")


def _books(
    picture: Picture, sizes: Sequence[BookSize], plan: Plan, *, is_ascii: bool
) -> RenderableType:
    chosen = range(plan.first, min(plan.first + plan.shown, len(sizes)))
    if not plan.rows:
        return Group(*[Text("\n".join(wrapped(sizes[one].line, plan.width))) for one in chosen])
    ladders = [
        _ladder(picture.readings[one], sizes[one], plan, is_ascii=is_ascii) for one in chosen
    ]
    grid = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
    for at in range(0, len(ladders), plan.columns):
        grid.add_row(*ladders[at : at + plan.columns])
    return grid


def _ladder(reading: BookReading, size: BookSize, plan: Plan, *, is_ascii: bool) -> RenderableType:
    """One book: asks above, spread, bids below, quantities also as bars, the proof beneath."""
    snapshot = reading.snapshot
    asks, bids = snapshot.asks[: plan.rows], snapshot.bids[: plan.rows]
    table = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(justify="right", min_width=_QUANTITY_WIDTH, no_wrap=True)
    table.add_column(justify="right", min_width=_PRICE_WIDTH, no_wrap=True)
    table.add_column(min_width=_BAR_WIDTH if plan.has_bars else 0, no_wrap=True)
    most = max((level.quantity for level in (*asks, *bids)), default=Decimal(0))
    bar = ("#" if is_ascii else "█") if plan.has_bars else ""
    for _ in range(plan.rows - len(asks)):
        table.add_row("", "", "")
    for level in reversed(asks):
        table.add_row(*_row(level, most, bar, "red"))
    table.add_row(*_spread_row(bids, asks))
    for level in bids:
        table.add_row(*_row(level, most, bar, "green"))
    for _ in range(plan.rows - len(bids)):
        table.add_row("", "", "")
    status = _STATUS_STYLE[reading.proof.status]
    lines = wrapped(size.proof, plan.width - 4)
    proof = Text("\n".join(lines + [""] * (plan.proof_lines - len(lines))), "dim")
    proof.highlight_words([reading.proof.status.value], status)
    return Panel(
        Group(table, proof),
        title=f"[bold]{snapshot.symbol}[/] {snapshot.venue}",
        border_style=status,
        width=plan.width,
    )


def _row(level: Level, most: Decimal, bar: str, style: str) -> tuple[Text, Text, Text]:
    bars = bar * max(1, int(level.quantity / most * _BAR_WIDTH)) if most else ""
    return (
        Text(number_text(level.quantity)),
        Text(number_text(level.price), style),
        Text(bars, style),
    )


def _spread_row(bids: Sequence[Level], asks: Sequence[Level]) -> tuple[str, Text, str]:
    spread = number_text(asks[0].price - bids[0].price) if bids and asks else "-"
    return "spread", Text(spread, "dim"), ""


def _proof_text(proof: BookProof, now_ns: int) -> str:
    if proof.status is BookStatus.VALID:
        age_s = proof.age_s(now_ns)
        since = "" if age_s is None else f" {max(age_s, 0.0):.1f} s ago"
        reach = "all levels" if proof.depth_proved is None else f"{proof.depth_proved} levels"
        why = f"{reach}, {proof.checks:,} checks{since}"
    else:
        why = printable(proof.reason)
    return f"{proof.status.value} {why}, generation {proof.generation}"


def _below(picture: Picture, plan: Plan, width: int) -> list[RenderableType]:
    """Events and the last trades: side by side, or one above the other."""
    if not plan.below:
        return []
    trades = [_trade_line(one) for one in reversed(picture.trades)]
    if plan.is_beside:
        beside = max([26, *(len(one) for one in trades)]) + 4
        table = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
        table.add_row(
            _panel("trades", trades, beside, plan.below, is_newest_first=True),
            _panel("link", picture.log, width - beside - 1, plan.below),
        )
        return [table]
    link = _panel("link", picture.log, width, plan.below - plan.above)
    if not plan.above:
        return [link]
    return [_panel("trades", trades, width, plan.above, is_newest_first=True), link]


def _trade_line(trade: Trade) -> str:
    instant_ns = trade.venue_ns or trade.received_ns
    return (
        f"{time_text(instant_ns)} {trade.symbol} {trade.side.value:<4} "
        f"{number_text(trade.quantity)} @ {number_text(trade.price)}"
    )


def _panel(
    title: str, entries: Sequence[str], width: int, height: int, *, is_newest_first: bool = False
) -> Panel:
    """The newest of some entries, each in as many lines as it needs."""
    lines = [line for entry in entries for line in wrapped(entry, width - 4)]
    room = height - 2
    shown = lines[:room] if is_newest_first else lines[-room:]
    return Panel(Text("\n".join(shown)), title=title, width=width)
