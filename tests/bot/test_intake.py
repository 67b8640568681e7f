"""What reaches an engine: in one order, and never against that of its own pipe."""

from bot.bots import snapshot
from fluxum.bot.intake import in_order


def test_an_update_that_was_kept_for_its_snapshot_follows_it() -> None:
    before, book, after = snapshot(2), snapshot(5), snapshot(3)

    assert list(in_order([before, book, after])) == [
        before.received_ns,
        book.received_ns,
        book.received_ns,
    ]
