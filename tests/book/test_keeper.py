"""The keeper: a book is valid through a passed check, and through nothing else."""

from decimal import Decimal

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fluxum.book.book import Book
from fluxum.book.fast import IS_COMPILED
from fluxum.book.keeper import BookKeeper, Verdict
from fluxum.book.level3 import Level3Book
from fluxum.book.proof import BookProof, BookStatus
from fluxum.errors import NotSubscribed
from fluxum.model.instrument import Symbol
from fluxum.model.market import (
    BookSnapshot,
    BookUpdate,
    Level,
    Level3Snapshot,
    RestingOrder,
)

BTC = Symbol("BTC/USD")
ETH = Symbol("ETH/USD")


def top_sum(book: Book) -> int:
    """A checksum for tests: the best two levels' price times ten plus quantity, bids and asks."""
    best = [*book.bids.top(2), *book.asks.top(2)]
    return int(sum(level.price * 10 + level.quantity for level in best))


def keeper(depth_proved: int | None = 2) -> BookKeeper[Book]:
    return BookKeeper("kraken", Book, top_sum, depth_proved)


def levels(*pairs: tuple[int, int]) -> tuple[Level, ...]:
    return tuple(Level(Decimal(price), Decimal(quantity)) for price, quantity in pairs)


def snapshot(
    *bids: tuple[int, int],
    asks: tuple[tuple[int, int], ...] = (),
    depth: int | None = None,
    checksum: int | None = None,
    sequence: int | None = None,
    symbol: Symbol = BTC,
    received_ns: int = 1,
) -> BookSnapshot:
    return BookSnapshot(
        venue="kraken",
        symbol=symbol,
        bids=levels(*bids),
        asks=levels(*asks),
        depth=depth,
        checksum=checksum,
        sequence=sequence,
        venue_ns=received_ns - 1,
        received_ns=received_ns,
    )


def update(
    *bids: tuple[int, int],
    asks: tuple[tuple[int, int], ...] = (),
    checksum: int | None = None,
    sequence: int | None = None,
    received_ns: int = 2,
) -> BookUpdate:
    return BookUpdate(
        "kraken", BTC, levels(*bids), levels(*asks), None, received_ns, checksum, sequence
    )


def status(book: Book) -> tuple[BookStatus, str]:
    proof = book.proof()
    return proof.status, proof.reason


def test_a_passed_check_makes_a_book_valid_and_is_told_in_its_proof() -> None:
    books = keeper()
    book = books.open(BTC)
    assert status(book) == (BookStatus.SYNCING, "waiting for the first snapshot")

    # 10 * 10 + 1 + 9 * 10 + 1 = 192
    assert books.snapshot(snapshot((10, 1), (9, 1), depth=5, checksum=192)) is Verdict.RESTORED
    # The best two are now 11 and 10: 110 + 3 + 100 + 1 = 214.
    assert books.update(update((11, 3), checksum=214, received_ns=9)) is Verdict.PASSED

    assert book.proof() == BookProof(
        venue="kraken",
        symbol=BTC,
        status=BookStatus.VALID,
        reason="",
        generation=1,
        checks=2,
        checksum=214,
        sequence=None,
        proved_ns=9,
        updated_ns=9,
        depth_proved=2,
        depth=5,
    )
    assert book.proof().is_valid
    assert (books.passed, books.failed, books.unverified) == (2, 0, 0)


@pytest.mark.skipif(not IS_COMPILED, reason="the plain ladder places every price")
def test_a_price_without_a_place_withdraws_its_book_and_is_shown() -> None:
    books = BookKeeper("here", Book, None, None)
    book = books.open(BTC)
    books.snapshot(snapshot((10, 1), sequence=1))

    assert books.update(update((10**21, 1), sequence=2)) is Verdict.FAILED

    reason = f"a price below 1e20 of at most 18 decimals was expected, was '{10**21}'"
    assert status(book) == (BookStatus.DESYNCED, reason)
    assert book.bid is None
    assert books.snapshot(snapshot((10**21, 1), sequence=3)) is Verdict.FAILED
    assert books.snapshot(snapshot((11, 1), sequence=4)) is Verdict.RESTORED
    assert (books.passed, books.failed) == (2, 2)


@pytest.mark.parametrize(
    ("proved", "kept", "told"), [(10, 5, 5), (10, 25, 10), (None, 25, 25), (10, None, 10)]
)
def test_the_depth_proved_is_the_lesser(
    proved: int | None, kept: int | None, told: int | None
) -> None:
    books = keeper(depth_proved=proved)
    books.snapshot(snapshot((10, 1), depth=kept, checksum=101))

    assert books.get(BTC).proof().depth_proved == told


def test_a_failed_check_withdraws_the_book_and_says_why() -> None:
    books = keeper()
    books.snapshot(snapshot((10, 1), depth=5, checksum=101, received_ns=1))
    book = books.get(BTC)

    assert books.update(update((11, 1), checksum=999, received_ns=7)) is Verdict.FAILED

    assert status(book) == (BookStatus.DESYNCED, "checksum 212 is not the venue's 999")
    assert book.bid is None
    proof = book.proof()
    assert (proof.checksum, proof.depth_proved, proof.proved_ns, proof.updated_ns) == (212, 0, 1, 7)
    assert not proof.is_valid
    assert books.failed == 1


def test_after_a_failure_nothing_is_applied_until_a_snapshot() -> None:
    books = keeper()
    books.snapshot(snapshot((10, 1), checksum=101))
    books.update(update((11, 1), checksum=999))
    book = books.get(BTC)

    assert books.update(update((12, 1), checksum=121)) is Verdict.WITHHELD
    assert book.bid is None
    assert status(book)[0] is BookStatus.DESYNCED

    assert books.snapshot(snapshot((20, 1), checksum=201)) is Verdict.RESTORED
    assert (book.epoch, book.proof().checks) == (2, 1)


def test_a_snapshot_that_fails_its_check_is_withdrawn_as_well() -> None:
    books = keeper()

    assert books.snapshot(snapshot((10, 1), checksum=5)) is Verdict.FAILED

    book = books.get(BTC)
    assert (book.bid, book.epoch) == (None, 1)
    assert books.update(update((10, 1), checksum=101)) is Verdict.WITHHELD


def test_an_update_before_a_snapshot_is_withheld() -> None:
    books = keeper()
    assert books.update(update((10, 1), checksum=101)) is Verdict.WITHHELD

    book = books.open(BTC)
    assert books.update(update((10, 1), checksum=101)) is Verdict.WITHHELD
    assert book.bid is None
    assert book.proof().status is BookStatus.SYNCING


def test_a_failure_harms_no_other_symbol() -> None:
    books = keeper()
    books.snapshot(snapshot((10, 1), checksum=101))
    books.snapshot(snapshot((20, 1), checksum=5, symbol=ETH))

    assert books.get(BTC).proof().is_valid
    assert [book.symbol for book in books] == [BTC, ETH]


def test_without_a_checksum_or_sequence_a_book_is_unverified() -> None:
    books = keeper()

    assert books.snapshot(snapshot((10, 1))) is Verdict.UNVERIFIED

    book = books.get(BTC)
    assert status(book) == (BookStatus.UNVERIFIED, "the venue sends nothing to check it by")
    assert book.bid is not None
    assert books.snapshot(snapshot((10, 1), checksum=101)) is Verdict.RESTORED
    assert books.update(update((11, 1))) is Verdict.UNVERIFIED
    assert not book.proof().is_valid


def test_a_sequence_is_evidence_where_there_is_no_checksum() -> None:
    books = BookKeeper("other", Book, None, None)
    books.snapshot(snapshot((10, 1), depth=None, sequence=41, checksum=77))
    books.update(update((11, 1), sequence=42, received_ns=3))

    proof = books.get(BTC).proof()
    assert (proof.status, proof.sequence, proof.checksum) == (BookStatus.VALID, 42, None)
    assert (proof.checks, proof.proved_ns, proof.depth_proved) == (2, 3, None)


def test_a_crossed_book_is_never_valid_whatever_its_checksum() -> None:
    books = keeper()
    books.snapshot(snapshot((10, 1), asks=((11, 1),), checksum=212))
    book = books.get(BTC)

    assert books.update(update((11, 1), checksum=323)) is Verdict.UNVERIFIED
    assert status(book) == (
        BookStatus.UNVERIFIED,
        "the check passed, but the book is crossed",
    )
    assert (books.crossed, books.passed, book.proof().checks) == (1, 1, 1)

    assert books.update(update(asks=((11, 0), (12, 1)), checksum=333)) is Verdict.RESTORED
    assert book.proof().is_valid


def test_doubt_keeps_the_book_until_its_next_check() -> None:
    books = keeper()
    books.snapshot(snapshot((10, 1), checksum=101))
    book = books.get(BTC)
    books.mark_uncertain(BTC, BookStatus.STALE, "silent for 60 s")

    assert status(book) == (BookStatus.STALE, "silent for 60 s")
    assert book.bid is not None
    assert book.proof().depth_proved == 0

    assert books.update(update((10, 2), checksum=102)) is Verdict.RESTORED
    assert status(book) == (BookStatus.VALID, "")
    assert book.proof().depth_proved == 2


def test_levels_that_could_not_be_read_are_vouched_for_by_no_number() -> None:
    books: BookKeeper[Book] = BookKeeper("okx", Book, None, None)
    book = books.open(BTC)
    books.snapshot(snapshot((1, 5), asks=((2, 5),), sequence=1))

    books.flaw(BTC, "1 row could not be read", 2)
    assert status(book) == (BookStatus.UNVERIFIED, "1 row could not be read")
    assert books.update(update((1, 6), sequence=2, received_ns=2)) is Verdict.AS_BEFORE
    assert books.update(update((1, 7), sequence=3, received_ns=3)) is Verdict.AS_BEFORE
    assert status(book) == (BookStatus.UNVERIFIED, "1 row could not be read")
    assert books.snapshot(snapshot((1, 5), sequence=4, received_ns=4)) is Verdict.RESTORED


def test_a_snapshot_of_the_frame_with_the_flaw_has_it_still() -> None:
    books: BookKeeper[Book] = BookKeeper("okx", Book, None, None)
    book = books.open(BTC)

    books.flaw(BTC, "1 row could not be read", 4)
    books.snapshot(snapshot((1, 5), sequence=4, received_ns=4))

    assert status(book) == (BookStatus.UNVERIFIED, "1 row could not be read")


def test_a_checksum_vouches_for_a_book_whatever_could_not_be_read() -> None:
    books = keeper()
    book = books.open(BTC)
    books.snapshot(snapshot((1, 5), checksum=15))

    books.flaw(BTC, "1 row could not be read", 2)

    assert books.update(update((1, 6), checksum=16)) is Verdict.RESTORED
    assert status(book)[0] is BookStatus.VALID


def test_a_withdrawn_book_is_not_revived_by_doubt() -> None:
    books = keeper()
    books.snapshot(snapshot((10, 1), checksum=101))
    books.withdraw(BTC, BookStatus.SYNCING, "link lost")
    books.mark_uncertain(BTC, BookStatus.STALE, "silent")
    books.mark_uncertain(ETH, BookStatus.STALE, "silent")
    books.withdraw(ETH, BookStatus.SYNCING, "link lost")

    assert status(books.get(BTC)) == (BookStatus.SYNCING, "link lost")
    assert books.get(BTC).bid is None


def test_generations_count_snapshots() -> None:
    books = keeper()
    for generation in (1, 2, 3):
        books.snapshot(snapshot((10, 1), checksum=101))
        books.update(update((10, 2), checksum=102))
        proof = books.get(BTC).proof()
        assert (proof.generation, proof.checks) == (generation, 2)


def test_closing_empties_the_book_of_those_who_still_hold_it() -> None:
    books = keeper()
    book = books.open(BTC)
    assert books.open(BTC) is book
    books.snapshot(snapshot((10, 1), checksum=101))
    books.close(BTC)
    books.close(BTC)

    assert status(book) == (BookStatus.SYNCING, "unsubscribed")
    assert book.bid is None
    with pytest.raises(NotSubscribed, match="'BTC/USD' at kraken; kept: none"):
        books.get(BTC)


def test_without_cutting_to_its_depth_the_check_would_fail() -> None:
    """The venue sends no removal for what falls out of the depth; the cut must be ours."""
    books = keeper()
    # Two levels are subscribed, and 11 pushes 9 out. When 11 and 10 are gone again the venue has
    # sent 8 as the second level in place of the 9 it left out.
    said: list[BookSnapshot | BookUpdate] = [
        snapshot((10, 1), (9, 1), depth=2, checksum=192),
        update((11, 1), checksum=212),
        update((10, 0), (8, 1), checksum=192),  # 110 + 1 + 80 + 1
    ]
    uncut = Book("kraken", BTC)
    computed: list[int] = []
    for message in said:
        if isinstance(message, BookSnapshot):
            books.snapshot(message)
            uncut.apply(BookUpdate("kraken", BTC, message.bids, message.asks, None, 1))
        else:
            books.update(message)
            uncut.apply(message)
        computed.append(top_sum(uncut))

    assert books.get(BTC).proof().is_valid
    assert (books.passed, books.failed) == (3, 0)
    assert computed == [192, 212, 202]  # the ghost of 9 makes 110 + 1 + 90 + 1


def test_it_keeps_level_3_books_as_well() -> None:
    def count(book: Level3Book) -> int:
        return sum(len(queue) for queue in book.bids.queues())

    def told(checksum: int) -> Level3Snapshot:
        orders = (
            RestingOrder("a", Decimal(1), Decimal(1)),
            RestingOrder("b", Decimal(1), Decimal(1)),
        )
        return Level3Snapshot(
            venue="kraken", symbol=BTC, bids=orders, asks=(), received_ns=1, checksum=checksum
        )

    books = BookKeeper("kraken", Level3Book, count, 10)

    assert books.snapshot(told(2)) is Verdict.RESTORED
    assert books.snapshot(told(3)) is Verdict.FAILED
    assert books.get(BTC).proof().generation == 2


class KeeperMachine(RuleBasedStateMachine):
    """Valid means: the last message passed, and nothing has been doubted since."""

    quoted = st.lists(
        st.tuples(st.integers(1, 5), st.integers(0, 2)), max_size=3, unique_by=lambda pair: pair[0]
    )

    def __init__(self) -> None:
        super().__init__()
        self.books = keeper()
        self.twin = Book("kraken", BTC)  # what an honest venue's checksum is made of
        self.live = self.valid = False
        self.generation = 0
        self.books.open(BTC)

    @rule(bids=quoted, honest=st.booleans())
    def snapshot(self, bids: list[tuple[int, int]], honest: bool) -> None:
        said = snapshot(*bids, asks=((4, 1),), depth=2)
        self.twin.replace(said)
        checksum = top_sum(self.twin) + (not honest)
        self.books.snapshot(snapshot(*bids, asks=((4, 1),), depth=2, checksum=checksum))
        self.generation += 1
        self.live = honest
        self.valid = honest and not self.twin.is_crossed

    @rule(bids=quoted, honest=st.booleans())
    def update(self, bids: list[tuple[int, int]], honest: bool) -> None:
        self.twin.apply(update(*bids))
        self.books.update(update(*bids, checksum=top_sum(self.twin) + (not honest)))
        self.live = self.live and honest
        self.valid = self.live and not self.twin.is_crossed

    @rule()
    def silence(self) -> None:
        self.books.mark_uncertain(BTC, BookStatus.STALE, "silent")
        self.valid = False

    @rule()
    def link_lost(self) -> None:
        self.books.withdraw(BTC, BookStatus.SYNCING, "link lost")
        self.live = self.valid = False

    @invariant()
    def the_proof_says_no_more_than_is_known(self) -> None:
        book = self.books.get(BTC)
        proof = book.proof()
        assert proof.is_valid == self.valid
        assert proof.generation == self.generation
        if proof.status is not BookStatus.STALE:
            assert proof.depth_proved == (2 if self.valid else 0)
        if self.live:
            assert list(book.bids) == list(self.twin.bids)
        else:
            assert (book.bid, book.ask) == (None, None)


TestKeeperMachine = KeeperMachine.TestCase
