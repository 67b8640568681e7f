"""Frames of trades in the form in which a venue writes them now, scanned at once if compiled.

A venue describes the form: what stands before the rows, the members of a row, what stands behind.
A scanner makes the trades of frames of this form in one pass. It returns `None` for any other
frame: one with an escape, an exponent, a space, a member twice, a market that is not subscribed, a
number of zero. Then the venue's own Python reads the frame, which is right for all frames. Without
a compiler there are no scanners.

`ScannedTrades` are trades of one market that were received together, in a list that is read only.
`is_unbroken` is true if their numbers follow one on another from `first` to `last`, and where the
venue numbers no trades, which makes both -1. `latest_ns` is the latest instant of the venue, -1 if
there is none, and `frames` how many frames they are from.
"""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from fluxum.model.instrument import Symbol
from fluxum.venues.fast import IS_COMPILED, CompiledScanner, ScannedTrades
from fluxum.venues.subscriptions import Subscriptions
from fluxum.venues.trade_form import TradeForm

__all__ = ["ScannedTrades", "ScansTrades", "TradeScan", "acknowledged_trade_scan", "trade_scan"]


class TradeScan(Protocol):
    """Scans frames that were received together."""

    def __call__(
        self, frames: list[bytes], at: int, received_ns: int, due: int = 0, /
    ) -> ScannedTrades | None:
        """The trades of the frames from `at` on; `None` if that frame is not of the form.

        It ends before the first frame of another form or market, and behind a number that does not
        follow on; `ScannedTrades.frames` has how many frames that are. `due` is the number that the
        first frame has to have, where frames are numbered.
        """
        ...


@runtime_checkable
class ScansTrades(Protocol):
    """A venue's protocol whose frames of trades may be scanned instead of received.

    A scanned frame has the events that `receive` returns, and leaves the protocol in the same
    state. A protocol that reads trades in its own way has `scan_trades` `None`.
    """

    scan_trades: TradeScan | None


def trade_scan(
    form: TradeForm,
    symbols: Mapping[str, Symbol],
    last: dict[str, int] | None = None,
) -> TradeScan | None:
    """A scanner of frames of this form, `None` without a compiler.

    `symbols` are those of active subscriptions by the text on the wire; the caller may change the
    dictionary. The scanner writes the number of the last trade of each market to `last`, by the
    text on the wire.
    """
    return CompiledScanner(form, symbols, last).scan if IS_COMPILED else None


def acknowledged_trade_scan(
    form: TradeForm, symbols: Mapping[str, Symbol], subscriptions: Subscriptions
) -> TradeScan | None:
    """The same at a venue whose trades acknowledge their request: none while one is open."""
    scan = trade_scan(form, symbols)
    if scan is None:
        return None

    def scan_acknowledged(
        frames: list[bytes], at: int, received_ns: int, due: int = 0, /
    ) -> ScannedTrades | None:
        if subscriptions.has_unacknowledged:
            return None
        return scan(frames, at, received_ns, due)

    return scan_acknowledged
