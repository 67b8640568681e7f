"""Missed candles of a replay, from the answers on its tape."""

from fluxum.errors import FluxumError
from fluxum.model.market import Candle
from fluxum.session.candles import Candles, Missed
from fluxum.tape import RecordedAnswers
from fluxum.venues.queries import Page, RestQuery
from fluxum.venues.venue import Venue

__all__ = ["RecordedHistory"]

# How long a session waits for history (see `session.backfill`).
_HISTORY_NS = 60 * 1_000_000_000


class RecordedHistory:
    """Missed candles, from the answers on a tape; with the timeout of a session."""

    def __init__(self, venue: Venue, answers: RecordedAnswers, candles: Candles) -> None:
        self._venue = venue
        self._answers = answers
        self._candles = candles
        self._lookups: list[tuple[Missed, RestQuery[Page[Candle]], list[Candle]]] = []

    @property
    def is_waiting(self) -> bool:
        """Whether candles are looked up."""
        return bool(self._lookups)

    def look_up(self, missed: Missed) -> bool:
        """Prepare the query that a session sends; false if the venue offers none."""
        symbol, interval_s = missed.subscription.symbol, missed.subscription.interval_s
        if self._venue.queries is None or symbol is None or interval_s is None:
            return False
        queries = self._venue.queries()
        self._lookups.append(
            (missed, queries.candles(symbol, interval_s, missed.since_ns), list[Candle]())
        )
        return True

    def answer(self, now_ns: int) -> None:
        """Pass on what has been answered by now, or what has waited too long."""
        lookups, self._lookups = self._lookups, []
        for missed, query, items in lookups:
            body = self._answers.take_exact(query.fetch.path, now_ns)
            if body is None:
                if now_ns - missed.ready_ns > _HISTORY_NS:
                    self._candles.not_found(missed, "no history is on the tape", now_ns)
                else:
                    self._lookups.append((missed, query, items))
                continue
            try:
                page = query.read(body, now_ns)
            except FluxumError as error:
                self._candles.not_found(missed, str(error), now_ns)
                continue
            items += page.items
            if page.next is not None:
                self._lookups.append((missed, page.next, items))
            else:
                self._candles.found(missed, items, now_ns)
