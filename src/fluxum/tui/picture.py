"""The screen at one moment: the rows of every pane. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import Enum

from msgspec import Struct

from fluxum.tui.accounts import draw_positions, positions_height
from fluxum.tui.candles import draw_candles
from fluxum.tui.consolidated import draw_consolidated
from fluxum.tui.ladder import draw_ladder, ladder_width
from fluxum.tui.layout import Pane, Place, lay_out
from fluxum.tui.lights import draw_lights
from fluxum.tui.losses import draw_gaps, draw_losses
from fluxum.tui.notes import draw_help, draw_missing
from fluxum.tui.numbers import Widths
from fluxum.tui.palette import Tone
from fluxum.tui.row import Piece, Row, blank, fit, length, spread, text_of
from fluxum.tui.trades import draw_trades
from fluxum.view.facts import ConsolidatedView, MarketView, View

__all__ = ["Beside", "Choice", "Memory", "Page", "Picture", "draw", "entries", "text"]


class Page(Enum):
    """What is in place of the markets."""

    NONE = "none"
    GAPS = "gaps"
    MISSING = "missing"
    HELP = "help"


class Beside(Enum):
    """What is beside the ladder."""

    TRADES = "trades"
    CANDLES = "candles"
    POSITIONS = "positions"


class Choice(Struct, frozen=True, kw_only=True):
    """What the user chose. `entry` counts the entries from 0; `status` is at the footer's end.

    `is_tape` is true for a recording, which has more keys.
    """

    entry: int = 0
    page: Page = Page.NONE
    beside: Beside = Beside.TRADES
    is_summed: bool = False
    is_tape: bool = False
    status: str = ""


class Memory:
    """The widths of the columns of every market so far, so that columns stand still."""

    def __init__(self) -> None:
        self._widths: defaultdict[tuple[str, str], Widths] = defaultdict(Widths)

    def take(self, view: View) -> None:
        """Make room for all that a view has."""
        for market in view.markets:
            self.of(market).take(market)
        for book in view.consolidated:
            self.of(book).take_levels((one.price, one.quantity) for one in book.bids + book.asks)

    def of(self, entry: "Entry") -> Widths:
        """The columns of a market."""
        venue = entry.venue if isinstance(entry, MarketView) else ""
        return self._widths[venue, entry.symbol]


Entry = MarketView | ConsolidatedView
"""What can be chosen: a market of a venue, or the book of all venues."""
Picture = Mapping[Pane, tuple[Place, Sequence[Row]]]
"""The place and the rows of every pane that is shown."""


def entries(view: View) -> Sequence[Entry]:
    """What can be chosen, in the order of `tab`: all markets, then the consolidated books."""
    return (*view.markets, *view.consolidated)


def draw(view: View, choice: Choice, memory: Memory, width: int, height: int) -> Picture:
    """The whole screen, in exactly this size."""
    memory.take(view)
    every = entries(view)
    chosen = every[choice.entry % len(every)] if every else None
    needed = 0 if chosen is None else ladder_width(memory.of(chosen))
    is_page = choice.page is not Page.NONE or chosen is None
    places = lay_out(width, height, needed, is_page=is_page)
    painter = _Painter(view, choice, memory, chosen)
    return {pane: (place, painter.rows(pane, place)) for pane, place in places.items()}


def text(picture: Picture, width: int, height: int) -> str:
    """The screen as text, a line a row."""
    cells = [[" "] * width for _ in range(height)]
    for place, rows in picture.values():
        for y, row in enumerate(rows):
            cells[place.y + y][place.x : place.x + place.width] = text_of(row)
    return "\n".join("".join(line).rstrip() for line in cells) + "\n"


class _Painter:
    """Draws the panes of one screen."""

    def __init__(self, view: View, choice: Choice, memory: Memory, chosen: Entry | None) -> None:
        self._view = view
        self._choice = choice
        self._memory = memory
        self._chosen = chosen

    def rows(self, pane: Pane, place: Place) -> Sequence[Row]:
        """The rows of one pane."""
        view, width, height = self._view, place.width, place.height
        match pane:
            case Pane.LIGHTS:
                return [draw_lights(view, width)]
            case Pane.FOOTER:
                return [_footer(self._choice, len(entries(view)), width)]
            case Pane.LOSSES:
                return draw_losses(view, width, height)
            case Pane.PAGE:
                return self._page(width, height)
            case Pane.FIRST:
                return self._entry(self._chosen, width, height)
            case Pane.SECOND:
                return self._second(width, height)
            case Pane.BESIDE:
                return self._beside(self._choice.beside, width, height)
            case Pane.BELOW:
                return self._beside(Beside.CANDLES, width, height)
            case Pane.RIGHT:
                return self._right(width, height)

    def _page(self, width: int, height: int) -> Sequence[Row]:
        match self._choice.page:
            case Page.GAPS:
                return draw_gaps(self._view, width, height)
            case Page.HELP:
                return draw_help(width, height, is_tape=self._choice.is_tape)
            case Page.MISSING | Page.NONE:
                return draw_missing(self._view, width, height)

    def _entry(self, entry: Entry | None, width: int, height: int) -> Sequence[Row]:
        if entry is None:
            return [blank(width)] * height
        widths = self._memory.of(entry)
        if isinstance(entry, ConsolidatedView):
            return draw_consolidated(entry, widths, width, height)
        return draw_ladder(entry, widths, width, height, is_summed=self._choice.is_summed)

    def _second(self, width: int, height: int) -> Sequence[Row]:
        """The entry after the chosen one; if there is no other, candles."""
        every = entries(self._view)
        if len(every) < 2:
            return self._beside(Beside.CANDLES, width, height)
        return self._entry(every[(self._choice.entry + 1) % len(every)], width, height)

    def _beside(self, what: Beside, width: int, height: int) -> Sequence[Row]:
        market = self._market()
        if what is Beside.POSITIONS or market is None:
            return draw_positions(self._view, width, height)
        draw_it = draw_trades if what is Beside.TRADES else draw_candles
        return draw_it(market, self._memory.of(market), width, height)

    def _right(self, width: int, height: int) -> Sequence[Row]:
        """Positions if there are accounts, the book of all venues if there is one; else links."""
        view = self._view
        symbol = None if self._chosen is None else self._chosen.symbol
        books = [one for one in view.consolidated if one.symbol == symbol]
        if not books:
            draw_it = draw_positions if view.accounts else draw_missing
            return draw_it(view, width, height)
        lower = min(height // 2, positions_height(view, width)) if view.accounts else 0
        book = draw_consolidated(books[0], self._memory.of(books[0]), width, height - lower)
        return [*book, *(draw_positions(view, width, lower) if lower else ())]

    def _market(self) -> MarketView | None:
        """The chosen market; of a consolidated book the first of its symbol."""
        chosen = self._chosen
        if chosen is None or isinstance(chosen, MarketView):
            return chosen
        return next((one for one in self._view.markets if one.symbol == chosen.symbol), None)


_FOOTER = (
    ("q", "quit", 0),
    ("space", "pause", 2),
    ("tab", "market", 2),
    ("g", "gaps", 4),
    ("m", "missing", 4),
    ("d", "depth", 5),
    ("c", "candles", 6),
    (", .", "speed", 3),
    ("[ ]", "seek", 3),
    ("?", "help", 1),
)
_OF_TAPES = {", .", "[ ]"}


def _footer(choice: Choice, count: int, width: int) -> Row:
    """The keys, as many as fit, the less important ones left out first; the status at the end."""
    end: list[Piece] = [(f" {choice.status} ", Tone.NOTE)] if choice.status else []
    for least in range(6, -1, -1):
        pieces: list[Piece] = []
        for key, word, rank in _FOOTER:
            if rank <= least and (choice.is_tape or key not in _OF_TAPES):
                pieces += [
                    (f" {key}", Tone.KEY),
                    (f" {_word(key, word, choice, count)} ", Tone.DIM),
                ]
        if length(pieces) + length(end) + 1 <= width:
            return spread(pieces, end, width)
    return fit(end, width)


def _word(key: str, word: str, choice: Choice, count: int) -> str:
    """What a key does; of the markets also which one is shown, and of how many."""
    if key != "tab" or not count:
        return word
    place = f"{choice.entry % count + 1}/{count}"
    return place if choice.is_tape else f"{word} {place}"
