"""What a person sees: ladders in place, the trade tape, the connection's light and the proof."""

from collections import deque
from collections.abc import Sequence
from decimal import Decimal

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from fluxum.book.proof import BookProof, BookStatus
from fluxum.cli.output import clock_text
from fluxum.model.event import State
from fluxum.model.market import Level, Side, Trade
from fluxum.session.books import BookReading

__all__ = ["ladder", "light", "log_panel", "screen", "tape_panel"]

_STATUS_STYLE = {
    BookStatus.VALID: "bold green",
    BookStatus.UNVERIFIED: "yellow",
    BookStatus.STALE: "bold yellow",
    BookStatus.SYNCING: "cyan",
    BookStatus.DESYNCED: "bold red",
}
_STATE_STYLE = {State.READY: "bold green", State.FAILED: "bold red", State.CLOSED: "dim"}
_BAR_WIDTH = 8


def screen(
    states: Sequence[tuple[str, State]],
    ladders: Sequence[RenderableType],
    trades: deque[Trade],
    log: deque[str],
) -> RenderableType:
    """The whole picture: lights, ladders side by side, then the tape beside what happened."""
    lights = Text("   ").join([light(name, state) for name, state in states])
    below = Columns([tape_panel(trades), log_panel(log)], padding=(0, 1))
    return Group(lights, Columns(ladders, padding=(0, 1)), below)


def light(name: str, state: State) -> Text:
    """A connection's light: green only when ready."""
    style = _STATE_STYLE.get(state, "bold yellow")
    return Text.assemble(("● ", style), (f"{name} ", "bold"), (state.value, style))


def ladder(reading: BookReading, rows: int, now_ns: int) -> RenderableType:
    """One book: asks above, spread, bids below, quantities also as bars, the proof beneath."""
    snapshot = reading.snapshot
    asks, bids = snapshot.asks[:rows], snapshot.bids[:rows]
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", min_width=14)
    table.add_column(justify="right", min_width=12)
    table.add_column(min_width=_BAR_WIDTH)
    most = max((level.quantity for level in (*asks, *bids)), default=Decimal(0))
    for _ in range(rows - len(asks)):
        table.add_row("", "", "")
    for level in reversed(asks):
        table.add_row(*_row(level, most, "red"))
    table.add_row(*_spread_row(bids, asks))
    for level in bids:
        table.add_row(*_row(level, most, "green"))
    for _ in range(rows - len(bids)):
        table.add_row("", "", "")
    style = _STATUS_STYLE[reading.proof.status]
    return Panel(
        Group(table, _proof_text(reading.proof, now_ns)),
        title=f"[bold]{snapshot.symbol}[/] {snapshot.venue}",
        border_style=style,
        expand=False,
    )


def tape_panel(trades: deque[Trade]) -> Panel:
    """The last trades, newest first."""
    table = Table.grid(padding=(0, 1))
    for trade in reversed(trades):
        style = "green" if trade.side is Side.BUY else "red"
        table.add_row(
            Text(clock_text(trade.venue_ns or trade.received_ns)[:10], "dim"),
            trade.symbol,
            Text(trade.side.value, style),
            Text(f"{trade.quantity:f}", justify="right"),
            Text(f"{trade.price:f}", style, justify="right"),
        )
    return Panel(table, title="trades", expand=False)


def log_panel(log: deque[str]) -> Panel:
    """What happened lately, newest last."""
    return Panel(Text("\n".join(log), no_wrap=True, overflow="ellipsis"), title="link", width=64)


def _row(level: Level, most: Decimal, style: str) -> tuple[Text, Text, Text]:
    bar = "█" * max(1, int(level.quantity / most * _BAR_WIDTH)) if most else ""
    return Text(f"{level.quantity:f}"), Text(f"{level.price:f}", style), Text(bar, style)


def _spread_row(bids: Sequence[Level], asks: Sequence[Level]) -> tuple[str, Text, str]:
    spread = f"{asks[0].price - bids[0].price:f}" if bids and asks else "-"
    return "spread", Text(spread, "dim"), ""


def _proof_text(proof: BookProof, now_ns: int) -> Text:
    age_s = proof.age_s(now_ns)
    since = "" if age_s is None else f" {max(age_s, 0.0):.1f} s ago"
    status = Text(proof.status.value, _STATUS_STYLE[proof.status])
    if proof.status is BookStatus.VALID:
        reach = "all levels" if proof.depth_proved is None else f"{proof.depth_proved} levels"
        status.append(f" {reach}, {proof.checks:,} checks{since}", "dim")
    else:
        status.append(f" {proof.reason[:44]}", "dim")
    status.append(f"\ngeneration {proof.generation}", "dim")
    return status
