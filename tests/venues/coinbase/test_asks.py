"""Tests of how lists of all subscriptions answer the requests that wait."""

from fluxum.venues.coinbase.asks import Ask, Asks


def begin(asks: Asks, method: str, *products: str, quiet: bool = False) -> Ask:
    return asks.begin(method, "ticker", products, quiet=quiet)


def test_a_list_answers_the_oldest_request_it_agrees_with() -> None:
    asks = Asks()
    first, second = begin(asks, "subscribe", "A"), begin(asks, "subscribe", "B")

    assert [one.ask for one in asks.listed({"ticker": ["A"]})] == [first]
    assert list(asks.unanswered()) == [("ticker", "B")]
    assert [one.ask for one in asks.listed({"ticker": ["A", "B"]})] == [second]
    assert not asks.unanswered()
    assert asks.listed({"ticker": ["A", "B"]}) == ()


def test_an_end_and_a_new_beginning_are_answered_in_turn() -> None:
    asks = Asks()
    end = begin(asks, "unsubscribe", "A", quiet=True)
    again = begin(asks, "subscribe", "A", quiet=True)

    assert [one.ask for one in asks.listed({})] == [end]
    assert asks.is_coming("ticker", "A")
    assert [one.ask for one in asks.listed({"ticker": ["A"]})] == [again]
    assert not asks.is_coming("ticker", "A")


def test_a_lost_answer_holds_up_nobody() -> None:
    asks = Asks()
    begin(asks, "unsubscribe", "A", quiet=True)
    again = begin(asks, "subscribe", "A", quiet=True)

    assert [one.ask for one in asks.listed({"ticker": ["A"]})] == [again]
    assert not asks.unanswered()


def test_data_answers_too_and_tells_whether_anybody_waited() -> None:
    asks = Asks()
    begin(asks, "subscribe", "A", "B")

    assert asks.told("ticker", "A")
    assert not asks.told("ticker", "A")
    assert list(asks.unanswered()) == [("ticker", "B")]
    (settled,) = asks.listed({"ticker": ["A", "B"]})
    assert settled.accepted == ["B"]


def test_a_list_that_grants_nothing_refuses_the_oldest_in_part() -> None:
    asks = Asks()
    begin(asks, "subscribe", "A", "B")

    assert asks.listed({"ticker": ["A"]}) == ()
    settled = asks.omitted({"ticker": ["A"]})

    assert settled is not None
    assert (settled.accepted, settled.refused) == (["A"], ["B"])
    assert asks.omitted({}) is None


def test_a_list_that_grants_something_refuses_nobody() -> None:
    asks = Asks()
    begin(asks, "subscribe", "A")

    assert asks.omitted({"ticker": ["A"]}) is None


def test_what_may_be_lost_is_not_waited_for() -> None:
    asks = Asks()
    begin(asks, "subscribe", "A")

    asks.doubt()

    assert not asks.is_coming("ticker", "A")
    assert list(asks.unanswered()) == [("ticker", "A")]
