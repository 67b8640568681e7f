"""Updates of books that were received together, handled at once as far as each passes its check."""

from collections.abc import Callable

from fluxum.book.book import Book
from fluxum.book.keeper import BookKeeper, Verdict
from fluxum.flow.bus import Bus
from fluxum.model.event import Event
from fluxum.model.market import BookUpdate
from fluxum.venues.book_scan import ScannedBooks

__all__ = ["take_books"]

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
        passed, verdict = books.follow(updates, at)
        if passed:
            bus.put_all(updates if passed == count else updates[at : at + passed])
            at += passed
        if verdict is not None:
            update = updates[at]
            at += 1
            if verdict is _PASSED or verdict is _AS_BEFORE:
                bus.put(update)
            else:
                judged(verdict, update)
            if verdict is Verdict.FAILED:
                break
    return at
