"""Real frames through the live code, with the counts their keeper published beside them."""

from fluxum.verify import verify
from recordings import recording


def test_advanced_trade_is_proved_frame_by_frame() -> None:
    """617 steps of 617, 452 book messages with both whole books, never crossed."""
    report = verify(recording("coinbase/advanced_trade_BTC-ETH_20260809.jsonl.gz"), "coinbase")

    assert report.is_proved
    assert report.frames == 618
    assert (report.steps, report.breaks) == (617, 0)
    assert (report.book_messages, report.checks_passed, report.crossed) == (452, 452, 0)
    assert report.generations == {"BTC/USD": 1, "ETH/USD": 1}
    assert (report.trades, report.trades_backfilled) == (257, 200)
    assert (report.trade_steps, report.gaps) == (255, 0)


def test_the_exchange_feed_is_whole_though_nothing_proves_its_books() -> None:
    """Six books of the ten that the lists name, 6,547 updates, 77 matches without a gap."""
    file = recording("coinbase/exchange_6products_20210417.jsonl.gz")

    report = verify(file, "coinbase-exchange")

    assert report.frames == 6722
    assert len(report.generations) == 6
    assert (report.applied, report.crossed, report.rejected) == (6547, 0, 0)
    assert (report.checks_passed, report.unverified) == (0, 6553)
    assert (report.trades, report.trades_backfilled) == (83, 6)
    assert (report.trade_steps, report.gaps) == (77, 0)
