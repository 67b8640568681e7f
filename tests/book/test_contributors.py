"""Who takes part in a consolidated book: by proof, and told before it is read."""

from hypothesis import given
from hypothesis import strategies as st

from consolidations import BTC, NOW_NS, Books
from fluxum.book.consolidated import ConsolidatedBook
from fluxum.model.event import VenueRemoved, VenueReturned
from fluxum.model.instrument import Symbol


def test_a_book_takes_part_from_its_first_proof() -> None:
    books = Books()
    books.put("a", [("100", "1")], number=None)
    book = ConsolidatedBook(books.contributors)
    assert not book.venues
    assert not book.bids()
    assert dict(book.removed) == {"a": "unverified: the venue sends nothing to check it by"}

    books.put("a", [("100", "1")], number=1)
    assert book.venues == ("a",)
    assert books.events == [
        VenueReturned(venue="a", symbol=BTC, market=BTC, generation=1, received_ns=NOW_NS)
    ]


def test_a_failed_check_removes_a_venue_before_the_next_read() -> None:
    books = Books()
    books.put("a", [("100", "1")])
    books.put("b", [("101", "1")])
    book = ConsolidatedBook(books.contributors)
    assert book.bid is not None
    generation = book.generation
    books.events.clear()

    books.now_ns += 7_000_000_000
    books.withdraw("b", "checksum 1 instead of 2")
    assert books.events == []  # nobody has read yet
    bid = book.bid

    assert bid is not None
    assert bid.venues == ("a",)
    assert books.events == [
        VenueRemoved(
            venue="b",
            symbol=BTC,
            market=BTC,
            generation=generation + 1,
            reason="desynced: checksum 1 instead of 2",
            received_ns=NOW_NS + 7_000_000_000,
        )
    ]
    assert dict(book.removed) == {
        "b": "desynced since 1970-01-01T00:16:47Z: checksum 1 instead of 2"
    }


def test_silence_removes_a_venue_and_the_next_proof_returns_it() -> None:
    books = Books()
    books.put("a", [("100", "1")])
    book = ConsolidatedBook(books.contributors)
    assert book.venues == ("a",)

    books.doubt("a")
    assert not book.venues
    books.update("a", [("100", "2")])
    assert book.venues == ("a",)

    assert [type(one) for one in books.events] == [VenueReturned, VenueRemoved, VenueReturned]
    assert [one.generation for one in books.events] == [1, 2, 3]
    assert book.generation == 3


def test_the_generation_changes_with_that_of_any_book() -> None:
    books = Books()
    books.put("a")
    books.put("b")
    book = ConsolidatedBook(books.contributors)
    before = book.generation

    books.update("a", [("100", "2")])
    assert book.generation == before
    books.put("b", [("100", "1")], number=5)
    assert book.generation == before + 1


def test_a_book_that_is_dropped_leaves_with_an_event() -> None:
    books = Books()
    books.put("a")
    books.put("a", market=Symbol("BTC/USDT"), haircut="0.01")
    book = ConsolidatedBook(books.contributors)
    assert book.venues == ("a",)
    books.events.clear()

    books.contributors.drop("a", BTC)
    books.contributors.drop("a", BTC)
    (event,) = books.events
    assert isinstance(event, VenueRemoved)
    assert (event.market, event.reason) == (BTC, "it is not subscribed any more")
    assert book.venues == ("a",)
    assert books.contributors.keys() == [("a", Symbol("BTC/USDT"))]

    books.keepers["a"].close(Symbol("BTC/USDT"))
    assert list(book.removed) == ["a BTC/USDT"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c"]),
            st.sampled_from(["prove", "withdraw", "doubt", "read"]),
        ),
        max_size=30,
    )
)
def test_every_removal_is_told_before_a_newer_read(acts: list[tuple[str, str]]) -> None:
    books = Books()
    for venue in ("a", "b", "c"):
        books.put(venue, [("100", "1")])
    book = ConsolidatedBook(books.contributors)
    proved = {"a", "b", "c"}
    told: set[str] = set()
    for number, (venue, act) in enumerate(acts, start=2):
        match act:
            case "prove":
                books.put(venue, [("100", "1")], number=number)
                proved.add(venue)
            case "withdraw":
                books.withdraw(venue)
                proved.discard(venue)
            case "doubt" if venue in proved:
                books.doubt(venue)
                proved.discard(venue)
            case _:
                pass
        bid = book.bid
        for event in books.events:  # what was told up to this read
            if isinstance(event, VenueRemoved):
                told.discard(event.venue)
            else:
                told.add(event.venue)
        books.events.clear()
        assert told == proved
        assert set(() if bid is None else bid.venues) == proved
