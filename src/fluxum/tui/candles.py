"""Candles of blocks, with the gaps of their market as bands."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Struct

from fluxum.model.event import Channel
from fluxum.model.interval import interval_text
from fluxum.tui.numbers import Widths, clock_text
from fluxum.tui.palette import Tone
from fluxum.tui.row import Piece, Row, fit, heading, stack
from fluxum.view.facts import CandleView, GapView, MarketView

__all__ = ["draw_candles"]

_STEPS = (6, 4, 2)  # cells a candle takes, with one to its left
_WICK = "│"
_FEW = 6  # rows from which on there are volumes below
_VOLUMES = " ▁▂▃▄▅▆▇█"


class _Scale(Struct, frozen=True):
    """Prices as half rows, counted from the lowest."""

    low: Decimal
    high: Decimal
    rows: int

    def half(self, price: Decimal) -> int:
        span = self.high - self.low
        place = (price - self.low) / span if span else Decimal("0.5")
        return min(2 * self.rows - 1, int(place * 2 * self.rows))


def draw_candles(market: MarketView, widths: Widths, width: int, height: int) -> list[Row]:
    """One column a candle, a blank between; empty columns are intervals without a candle.

    A rising body is solid, a falling one shaded. A gap of the candles or trades is a band.
    """
    interval = "" if market.interval_s is None else f" {interval_text(market.interval_s)}"
    title: list[Piece] = [("Candles", Tone.TITLE), (f"{interval} {market.symbol}", Tone.DIM)]
    cells = width - widths.price.width - 3
    columns = _columns(market.candles, market.interval_s, max(0, cells // _STEPS[-1]))
    step = next((one for one in _STEPS if one * len(columns) <= cells), _STEPS[-1])
    known = [one for one in columns if isinstance(one, CandleView)]
    if not known:
        why = "no candle yet" if market.interval_s else "candles are not subscribed"
        return [heading(title, [], width), *stack([((f" {why}", Tone.DIM),)], width, height - 1)]
    last = known[-1]
    has_volumes = height > _FEW
    rows = max(1, height - 2 - has_volumes)
    scale = _Scale(min(one.low for one in known), max(one.high for one in known), rows)
    bands = [_is_in_gap(one, market.gaps) for one in columns]
    empty: Piece = (" " * (cells - step * len(columns)), Tone.PLAIN)
    shapes = [_shape(one, scale) for one in columns]
    chart = [_chart_row(row, shapes, bands, step) for row in range(rows - 1, -1, -1)]
    labels = _labels(scale, last, widths, rows)
    pieces = [
        fit([empty, *row, (f"  {label}", tone)], width)
        for row, (label, tone) in zip(chart, labels, strict=True)
    ]
    if has_volumes:
        pieces.append(fit([empty, *_volumes(columns, step)], width))
    pieces.append(fit([empty, *_times(known, step * len(columns))], width))
    return [heading(title, _change(known), width), *stack(pieces, width, height - 1)]


Column = CandleView | tuple[int, int]
"""A candle, or the begin and end of an interval that has none."""


def _columns(candles: Sequence[CandleView], interval_s: int | None, room: int) -> Sequence[Column]:
    """The last candles, and a place for every one that is missing among them."""
    columns: list[Column] = []
    interval_ns = (interval_s or 0) * 1_000_000_000
    for candle in candles[-room:] if room > 0 else ():
        while columns and interval_ns and len(columns) < 10 * room:
            end_ns = _span(columns[-1])[1]
            if end_ns >= candle.start_ns:
                break
            columns.append((end_ns, end_ns + interval_ns))
        columns.append(candle)
    return columns[-room:]


def _span(column: Column) -> tuple[int, int]:
    return column if isinstance(column, tuple) else (column.start_ns, column.end_ns)


def _is_in_gap(column: Column, gaps: Iterable[GapView]) -> bool:
    begin_ns, end_ns = _span(column)
    return any(
        one.since_ns < end_ns and (one.until_ns is None or one.until_ns > begin_ns)
        for one in gaps
        if one.channel in {Channel.CANDLE, Channel.TRADE}
    )


class _Shape(Struct, frozen=True):
    """A candle in half rows: the ends of its body and of its wick."""

    is_up: bool
    bottom: int
    top: int
    low: int
    high: int


def _shape(column: Column, scale: _Scale) -> _Shape | None:
    if not isinstance(column, CandleView):
        return None
    bottom, top = sorted((scale.half(column.open), scale.half(column.close)))
    is_up = column.close >= column.open
    return _Shape(is_up, bottom, top, scale.half(column.low), scale.half(column.high))


def _chart_row(
    row: int, shapes: Sequence[_Shape | None], bands: Sequence[bool], step: int
) -> list[Piece]:
    pieces: list[Piece] = []
    body = step - 1
    for shape, is_band in zip(shapes, bands, strict=True):
        blank = "░" if is_band else " "
        sign, tone = (" ", Tone.GAP) if shape is None else _cell(row, shape)
        if sign == " ":
            pieces.append((blank * step, Tone.GAP))
            continue
        pieces.append((blank, Tone.GAP))
        if sign == _WICK:
            side = blank * (body // 2)
            pieces += [(side, Tone.GAP), (sign, tone), (side, Tone.GAP)]
        else:
            pieces.append((sign * body, tone))
    return pieces


def _cell(row: int, shape: _Shape) -> Piece:
    """What a candle has in a row: its body, by halves, or its wick."""
    is_up = shape.is_up
    tone = Tone.BID if is_up else Tone.ASK
    lower, upper = 2 * row, 2 * row + 1
    has_lower, has_upper = (shape.bottom <= half <= shape.top for half in (lower, upper))
    if has_lower and has_upper:
        return ("█" if is_up else "▒"), tone
    if has_lower or has_upper:
        return ("▒" if not is_up else "▄" if has_lower else "▀"), tone
    is_wick = shape.low <= upper and shape.high >= lower
    return (_WICK if is_wick else " "), tone


def _labels(scale: _Scale, last: CandleView, widths: Widths, rows: int) -> list[tuple[str, Tone]]:
    """The price beside the highest, the lowest and the last row."""
    labels = [("", Tone.DIM)] * rows
    labels[-1] = (widths.price.text(scale.low), Tone.DIM)
    labels[0] = (widths.price.text(scale.high), Tone.DIM)
    place = rows - 1 - scale.half(last.close) // 2
    labels[place] = (widths.price.text(last.close), Tone.TITLE)
    return labels


def _volumes(columns: Sequence[Column], step: int) -> list[Piece]:
    most = max((one.volume for one in columns if isinstance(one, CandleView)), default=Decimal(0))
    pieces: list[Piece] = []
    for one in columns:
        volume = one.volume if isinstance(one, CandleView) else Decimal(0)
        eighths = int(volume / most * 8) if most else 0
        sign = _VOLUMES[max(eighths, 1 if volume else 0)]
        pieces.append((f" {sign * (step - 1)}", Tone.DIM))
    return pieces


def _times(candles: Sequence[CandleView], width: int) -> list[Piece]:
    """When the first candle begins and the last one ends, below them as far as they reach."""
    first, last = clock_text(candles[0].start_ns)[:5], clock_text(candles[-1].end_ns)[:5]
    room = width - len(first) - len(last) - 1
    return [(f" {first}{' ' * room}{last}", Tone.DIM)] if room > 0 else []


def _change(candles: Sequence[CandleView]) -> list[Piece]:
    """How far the last close is from the first open, in per cent."""
    first, last = candles[0].open, candles[-1].close
    if not first:
        return []
    sign, tone = ("▲", Tone.BID) if last > first else ("▼", Tone.ASK)
    if last == first:
        sign, tone = "·", Tone.DIM
    return [(f"{sign} {(last / first - 1) * 100:+.2f} %", tone)]
