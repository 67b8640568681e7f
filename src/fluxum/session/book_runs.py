"""Updates of books that were received together, handled at once as far as each passes its check."""

from collections.abc import Callable

from fluxum.book.book import Book
from fluxum.book.keeper import BookKeeper, Verdict
from fluxum.flow.bus import Bus
from fluxum.model.event import Event
from fluxum.model.market import BookUpdate
from fluxum.venues.book_scan import ScannedBooks

__all__ = ["follow_books", "publish", "take_books"]

_AS_BEFORE, _PASSED = Verdict.AS_BEFORE, Verdict.PASSED  # to look up a member costs a call


def take_books(
    updates: ScannedBooks,
    books: BookKeeper[Book],
    bus: Bus[Event],
    judged: Callable[[Verdict, BookUpdate], None],
) -> int:
    """Apply and publish updates up to one that fails its check; returns how many that are.

    `judged` takes those that neither passed nor were as the one before.
    """
    at, count = 0, len(updates)
    while at < count:
        passed, verdict = follow_books(updates, at, books, bus)
        at += passed
        if verdict is not None:
            publish(verdict, updates[at], bus, judged)
            at += 1
            if verdict is Verdict.FAILED:
                break
    return at


def follow_books(
    updates: ScannedBooks, at: int, books: BookKeeper[Book], bus: Bus[Event]
) -> tuple[int, Verdict | None]:
    """Apply updates from a place on, and publish them as far as each passes its check.

    Returns how many passed, and the verdict on the one behind them, which is applied and not
    published; `None` if all passed.
    """
    passed, verdict = books.follow(updates, at)
    if passed:
        bus.put_all(updates if passed == len(updates) else updates[at : at + passed])
    return passed, verdict


def publish(
    verdict: Verdict,
    update: BookUpdate,
    bus: Bus[Event],
    judged: Callable[[Verdict, BookUpdate], None],
) -> None:
    """Publish an update by the verdict of `follow_books`."""
    if verdict is _PASSED or verdict is _AS_BEFORE:
        bus.put(update)
    else:
        judged(verdict, update)
