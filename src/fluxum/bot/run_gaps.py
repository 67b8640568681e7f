"""When a live run had no trustworthy data of its markets. Pure.

A market whose book the strategy wants has a gap while that book is not valid. Another market has
one from a lost link of its venue to its next data.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence

from fluxum.bot.books import BookSource
from fluxum.bot.market import Market
from fluxum.bot.strategy import BotEvent, Steering
from fluxum.bot.wanted import MARKET_DATA
from fluxum.model.event import LinkLost
from fluxum.report.run import GapFact

__all__ = ["RunGaps"]

_DATA = frozenset(MARKET_DATA)


class RunGaps:
    """The gaps of one run, which are facts once they are over."""

    def __init__(
        self, markets: Sequence[Market], books: BookSource, booked: Collection[Market]
    ) -> None:
        self._markets = tuple(markets)
        self._books = books
        self._by_key = {(one.venue, str(one.symbol)): one for one in markets}
        self._booked = frozenset(booked)
        self.begun: list[Market] = []
        """The markets whose gap the last event began."""
        self._open: dict[Market, GapFact] = {}
        self._has_begun = False

    def is_open(self, market: Market) -> bool:
        """Whether a market has a gap now."""
        return market in self._open

    def of_stop(self, since_ns: int, until_ns: int) -> Iterator[GapFact]:
        """The time in which the bot did not run, at each venue."""
        for venue in dict.fromkeys(one.venue for one in self._markets):
            yield GapFact(
                venue=venue,
                begins_ns=since_ns,
                ends_ns=max(since_ns, until_ns),
                reason="the bot did not run",
            )

    def begin(self, now_ns: int) -> None:
        """The run begins: books that are not valid yet are gaps."""
        self._has_begun = True
        for market in self._markets:
            self._look(market, now_ns, "the book was not valid when the run began")

    def take(self, event: BotEvent | Steering) -> Iterable[GapFact]:
        """Take in an event; returns the gaps that it ends."""
        self.begun.clear()
        if not self._has_begun:
            return ()
        kind, venue = type(event), getattr(event, "venue", "")
        if kind in _DATA:
            market = self._by_key.get((venue, getattr(event, "symbol", "")))
            if market is not None and (market in self._booked or market in self._open):
                return self._look(market, event.received_ns, kind.__name__)
            return ()
        if not venue:
            return ()
        reason = getattr(event, "reason", "")
        text = f"{kind.__name__}: {reason}" if reason else kind.__name__
        ended: list[GapFact] = []
        for market in self._markets:
            if market.venue == venue:
                ended += self._look(market, event.received_ns, text, is_lost=kind is LinkLost)
        return ended

    def end(self) -> Iterable[GapFact]:
        """The gaps that were not over when the run ended."""
        return tuple(self._open.values())

    # Pieces

    def _look(
        self, market: Market, now_ns: int, reason: str, *, is_lost: bool = False
    ) -> list[GapFact]:
        is_known = self._books.book(market).is_valid if market in self._booked else not is_lost
        if is_known:
            gap = self._open.pop(market, None)
            return [] if gap is None else [_ended(gap, now_ns)]
        if market not in self._open:
            self.begun.append(market)
            self._open[market] = GapFact(
                venue=market.venue, symbol=str(market.symbol), begins_ns=now_ns, reason=reason
            )
        return []


def _ended(gap: GapFact, now_ns: int) -> GapFact:
    return GapFact(
        venue=gap.venue,
        symbol=gap.symbol,
        begins_ns=gap.begins_ns,
        ends_ns=max(now_ns, gap.begins_ns),
        reason=gap.reason,
    )
