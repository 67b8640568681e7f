"""Tests of `venues.subscriptions`: one dialogue for every dialect, its answers scripted by hand."""

from collections import deque
from collections.abc import Callable, Container, Hashable

import pytest
from msgspec import json

from fluxum.errors import LocalProtocolError
from fluxum.model.event import Channel, Event, Refused, Subscribed, Subscription, Unsubscribed
from fluxum.model.instrument import Symbol
from fluxum.venues.conversation import Effect, Send, UnreadableStream
from fluxum.venues.subscriptions import Request, RequestLimits, Subscriptions

NOW = 1_700_000_000_000_000_000


def trades(name: str) -> Subscription:
    return Subscription(Channel.TRADE, Symbol(f"{name}/USD"))


A, B, C, D = (trades(name) for name in "ABCD")
STREAMS = {"a": A, "b": B, "c": C, "d": D}


class Link:
    """Subscriptions of one link, with what was written and which topics opened and closed."""

    def __init__(
        self,
        limits: RequestLimits | None = None,
        group: Callable[[str, Subscription | None], Hashable] = lambda _topic, _one: None,
        extra: Container[str] = (),
    ) -> None:
        self.outbox: deque[Effect] = deque()
        self.changes: list[str] = []
        self.subscriptions = Subscriptions(
            "venue",
            self.outbox,
            limits or RequestLimits(topics=10),
            lambda request: Send(json.encode([request.number, request.op, request.topics])),
            opened=lambda topic, _: self.changes.append(f"+{topic}"),
            closed=lambda topic, _: self.changes.append(f"-{topic}"),
            group=group,
            extra=extra,
        )

    def subscribe(self, topics: str) -> None:
        self.subscriptions.subscribe((topic, STREAMS[topic]) for topic in topics)

    def sent(self) -> list[str]:
        """The requests written since this was called last: `1 subscribe abc`."""
        frames = [json.decode(effect.frame) for effect in self.outbox if isinstance(effect, Send)]
        self.outbox.clear()
        return [f"{number} {op} {''.join(topics)}" for number, op, topics in frames]

    def request(self, number: int) -> Request:
        request = self.subscriptions.sent(number)
        assert request is not None
        return request

    def accept(self, number: int, topics: str | None = None) -> list[str]:
        return told(self.subscriptions.accepted(self.request(number), NOW, topics))

    def refuse(self, number: int, blamed: str = "") -> list[str]:
        return told(self.subscriptions.refused(self.request(number), "no", NOW, blamed))

    def unanswered(self) -> list[Subscription]:
        return list(self.subscriptions.unanswered())


def told(events: list[Event]) -> list[str]:
    """Events in short: `Subscribed A`."""
    lines: list[str] = []
    for one in events:
        assert isinstance(one, Subscribed | Unsubscribed | Refused)
        assert one.subscription is not None
        assert one.subscription.symbol is not None
        lines.append(f"{type(one).__name__} {one.subscription.symbol.base}")
    return lines


def test_one_request_for_all_that_is_new_and_its_answer_acknowledges_each() -> None:
    link = Link()
    link.subscribe("ab")
    link.subscribe("bc")

    assert link.sent() == ["1 subscribe ab", "2 subscribe c"]
    assert link.unanswered() == [A, B, C]
    assert link.accept(1) == ["Subscribed A", "Subscribed B"]
    assert link.unanswered() == [C]
    assert link.changes == ["+a", "+b", "+c"]


def test_an_answer_for_each_topic_leaves_the_others_unanswered() -> None:
    link = Link()
    link.subscribe("ab")

    assert link.accept(1, "b") == ["Subscribed B"]
    assert link.unanswered() == [A]
    assert link.accept(1, "a") == ["Subscribed A"]
    assert link.subscriptions.sent(1) is None


def test_an_answer_without_a_number_belongs_to_the_oldest_request_of_its_kind() -> None:
    link = Link()
    link.subscribe("a")
    link.subscriptions.unsubscribe([A])
    link.subscribe("b")
    oldest = link.subscriptions.oldest

    assert getattr(oldest("subscribe"), "number", None) == 1
    assert getattr(oldest("unsubscribe"), "number", None) == 2
    assert getattr(oldest("subscribe", "b"), "number", None) == 3
    assert oldest("subscribe", "c") is None


def test_answers_that_belong_to_no_request_change_nothing() -> None:
    link = Link()
    link.subscribe("a")

    assert link.subscriptions.accepted(None, NOW) == []
    (refused,) = link.subscriptions.refused(None, "what?", NOW)
    assert isinstance(refused, Refused)
    assert (refused.subscription, refused.message) == (None, "what?")
    assert link.unanswered() == [A]


def test_requests_keep_the_limits_of_topics_and_characters_and_groups() -> None:
    few = Link(RequestLimits(topics=2))
    few.subscribe("abc")
    short = Link(RequestLimits(topics=9, characters=3))
    short.subscribe("abcd")
    kinds = Link(group=lambda topic, _subscription: topic in "ac")
    kinds.subscribe("abcd")

    chinese = Link(RequestLimits(topics=9, characters=6))
    chinese.subscriptions.subscribe([("币安", A), ("人", B)])

    assert few.sent() == ["1 subscribe ab", "2 subscribe c"]
    assert chinese.sent() == ["1 subscribe 币安", "2 subscribe 人"]
    assert short.sent() == ["1 subscribe abc", "2 subscribe d"]
    assert kinds.sent() == ["1 subscribe ac", "2 subscribe bd"]


def test_with_one_in_flight_a_request_waits_and_its_time_begins_when_it_is_sent() -> None:
    link = Link(RequestLimits(topics=1, in_flight=1))
    link.subscribe("ab")

    assert link.sent() == ["1 subscribe a"]
    assert link.unanswered() == [A]
    assert link.accept(1) == ["Subscribed A"]
    assert link.sent() == ["2 subscribe b"]
    assert link.unanswered() == [B]


def test_with_one_in_flight_data_acknowledge_and_the_next_request_still_waits() -> None:
    link = Link(RequestLimits(topics=1, in_flight=1))
    link.subscribe("ab")
    link.sent()

    assert told(list(link.subscriptions.data("a", NOW))) == ["Subscribed A"]
    assert link.sent() == []
    assert link.accept(1) == []
    assert link.sent() == ["2 subscribe b"]


def test_data_acknowledge_once_and_the_late_answer_is_no_news() -> None:
    link = Link()
    link.subscribe("a")

    assert told(list(link.subscriptions.data("a", NOW))) == ["Subscribed A"]
    assert link.subscriptions.data("a", NOW) == ()
    assert link.subscriptions.sent(1) is None
    assert link.unanswered() == []


def test_data_between_an_end_and_its_answer_may_be_of_the_stream_before() -> None:
    link = Link()
    link.subscribe("a")
    link.accept(1)
    link.subscriptions.unsubscribe([A])
    link.subscribe("a")

    assert link.subscriptions.data("a", NOW) == ()
    assert link.accept(2) == ["Unsubscribed A"]
    assert told(list(link.subscriptions.data("a", NOW))) == ["Subscribed A"]


def test_a_stream_ended_and_begun_again_is_acknowledged_by_its_last_request_only() -> None:
    link = Link()
    link.subscribe("a")
    link.subscriptions.unsubscribe([A])
    link.subscribe("a")

    assert link.accept(1) == []
    assert link.accept(2) == ["Unsubscribed A"]
    assert link.accept(3) == ["Subscribed A"]


def test_a_refusal_that_blames_a_topic_ends_it_and_requests_the_others_again() -> None:
    link = Link()
    link.subscribe("abc")
    link.sent()

    assert link.refuse(1, "b") == ["Refused B"]
    assert link.sent() == ["2 subscribe ac"]
    assert link.changes[-1] == "-b"
    assert link.accept(2) == ["Subscribed A", "Subscribed C"]


def test_a_refusal_that_blames_none_is_narrowed_down_by_halves() -> None:
    link = Link()
    link.subscribe("abc")
    link.sent()

    assert link.refuse(1) == []
    assert link.sent() == ["2 subscribe ab", "3 subscribe c"]
    assert link.refuse(3) == ["Refused C"]
    assert link.accept(2) == ["Subscribed A", "Subscribed B"]
    assert link.unanswered() == []


def test_a_refusal_of_one_topic_leaves_the_others_of_its_request_unanswered() -> None:
    link = Link()
    link.subscribe("abc")
    link.sent()

    (refused,) = link.subscriptions.refused(link.request(1), "no", NOW, topics=["b"])

    assert isinstance(refused, Refused)
    assert refused.subscription == B
    assert link.unanswered() == [A, C]
    assert link.sent() == []
    assert link.accept(1, "ac") == ["Subscribed A", "Subscribed C"]


def test_a_refused_request_is_not_repeated_for_what_has_ended_or_was_requested_again() -> None:
    link = Link()
    link.subscribe("abcd")
    link.subscriptions.unsubscribe([A, B])
    link.subscribe("b")
    link.sent()

    assert link.refuse(1, "c") == ["Refused C"]
    assert link.sent() == ["4 subscribe d"]


def test_what_the_venue_does_not_end_is_not_active_for_it_either() -> None:
    link = Link()
    link.subscribe("ab")
    link.accept(1)
    link.subscriptions.unsubscribe([A, B])
    link.sent()

    assert link.refuse(2) == []
    assert link.sent() == ["3 unsubscribe a", "4 unsubscribe b"]
    assert link.refuse(3) == ["Unsubscribed A"]
    assert link.accept(4) == ["Unsubscribed B"]


def test_a_resync_publishes_nothing_and_is_not_repeated_while_an_answer_is_due() -> None:
    link = Link()
    link.subscribe("a")
    link.accept(1)
    link.sent()

    assert link.subscriptions.resubscribe("a")
    assert not link.subscriptions.resubscribe("a")
    assert link.sent() == ["2 unsubscribe a", "3 subscribe a"]
    assert link.unanswered() == [A]
    assert link.accept(2) + link.accept(3) == []
    assert link.subscriptions.resubscribe("a", ends_first=False)
    assert link.sent() == ["4 subscribe a"]
    assert not link.subscriptions.resubscribe("b")


def test_a_resync_that_is_refused_ends_the_stream() -> None:
    link = Link()
    link.subscribe("a")
    link.accept(1)
    link.subscriptions.resubscribe("a")

    assert link.refuse(3) == ["Refused A"]
    assert link.subscriptions.topic(A) is None


def test_a_postponed_request_is_unanswered_and_goes_out_with_the_next_ping() -> None:
    link = Link()
    link.subscribe("ab")
    link.sent()
    link.subscriptions.postponed(link.request(1))
    link.subscriptions.unsubscribe([B])
    link.sent()

    assert link.unanswered() == [A]
    link.subscriptions.pinged()
    assert link.sent() == ["3 subscribe a"]


def test_a_request_older_than_two_pings_has_lost_its_answer_and_holds_up_no_other() -> None:
    link = Link(RequestLimits(topics=1, in_flight=1))
    link.subscribe("ab")
    link.sent()
    link.subscriptions.pinged()

    assert link.sent() == []
    link.subscriptions.pinged()
    assert link.sent() == ["2 subscribe b"]
    assert link.unanswered() == [A, B]
    assert link.subscriptions.sent(1) is None


def test_an_end_whose_answer_is_lost_is_forgotten_and_data_count_again() -> None:
    link = Link()
    link.subscribe("a")
    link.accept(1)
    link.subscriptions.unsubscribe([A])
    link.subscriptions.pinged()
    link.subscribe("a")
    link.subscriptions.pinged()

    assert told(list(link.subscriptions.data("a", NOW))) == ["Subscribed A"]


def test_a_topic_for_anothers_sake_is_requested_and_published_nowhere() -> None:
    link = Link(extra={"q"})
    link.subscriptions.request("subscribe", ["q", "x"], is_internal=True)

    assert link.sent() == ["1 subscribe qx"]
    assert link.unanswered() == []
    assert link.refuse(1) == []
    assert link.sent() == ["2 subscribe q"]
    assert link.refuse(2) == []
    assert not link.subscriptions.is_unacknowledged("q")


def test_one_topic_stands_for_one_subscription() -> None:
    link = Link()
    link.subscribe("a")

    with pytest.raises(LocalProtocolError, match="cannot be distinguished"):
        link.subscriptions.open("a", B)


def test_data_belong_to_an_active_stream_or_are_late_or_were_never_requested() -> None:
    link = Link()
    link.subscribe("a")
    link.subscriptions.close("a")
    link.subscribe("b")
    owner = link.subscriptions.owner

    assert owner("b", STREAMS.get) == B
    assert owner("a", STREAMS.get) is None
    with pytest.raises(UnreadableStream, match="'c'"):
        owner("c", STREAMS.get)


def test_on_a_tape_an_unknown_topic_is_another_clients() -> None:
    link = Link()
    link.subscriptions.is_passive = True
    owner = link.subscriptions.owner

    assert owner("c", STREAMS.get) == C
    assert owner("?", STREAMS.get) is None
    assert owner("also c", lambda _topic: C) is None
    assert link.changes == ["+c"]
    assert link.sent() == []


def test_a_topic_of_a_tape_that_ended_can_be_tracked_anew() -> None:
    link = Link()
    link.subscriptions.is_passive = True
    track = link.subscriptions.track

    assert track("c", STREAMS.get) == C
    assert track("c", STREAMS.get) == C
    link.subscriptions.close("c")
    assert link.subscriptions.owner("c", STREAMS.get) is None
    assert track("c", STREAMS.get) == C
    assert track("also c", lambda _topic: C) is None
    assert track("?", STREAMS.get) is None
    assert link.changes == ["+c", "-c", "+c"]


def test_memory_of_what_ended_is_bounded() -> None:
    link = Link()
    for index in range(10_001):
        link.subscriptions.open(f"t{index}", trades(f"T{index}"))
        link.subscriptions.close(f"t{index}")

    assert not link.subscriptions.is_closed("t0")
    assert link.subscriptions.is_closed("t1")


def test_resyncs_of_a_group_share_their_requests_while_these_are_not_written() -> None:
    link = Link(RequestLimits(topics=3), group=lambda topic, _: topic == "d")
    link.subscribe("abcd")
    for number in (1, 2):
        link.accept(number)
    link.sent()

    link.subscriptions.renew("a")
    link.subscriptions.renew("b")
    link.subscriptions.renew("d")
    link.subscriptions.renew("ac")
    assert link.sent() == [
        "3 unsubscribe abc",
        "4 subscribe abc",
        "5 unsubscribe d",
        "6 subscribe d",
    ]
    link.subscriptions.renew("a")
    assert link.sent() == []

    for number in (3, 4):
        assert link.accept(number) == []
    link.subscriptions.renew("a")
    assert link.sent() == ["7 unsubscribe a", "8 subscribe a"]


def test_a_resync_does_not_wait_for_an_answer_that_may_be_lost() -> None:
    link = Link()
    link.subscribe("a")
    link.sent()
    assert not link.subscriptions.resubscribe("a")

    link.subscriptions.doubt()

    assert link.subscriptions.resubscribe("a")
    assert link.sent() == ["2 unsubscribe a", "3 subscribe a"]
    assert link.accept(3) == ["Subscribed A"]


def test_a_request_that_was_passed_over_is_kept_while_a_subscription_waits_for_it() -> None:
    link = Link(RequestLimits(topics=10, in_flight=10))
    link.subscribe("abc")
    link.accept(1, "a")
    link.subscriptions.unsubscribe([A])
    link.subscriptions.request("subscribe", "b", is_internal=True)

    for request in link.subscriptions.requests():
        link.subscriptions.passed_over(request)

    assert [one.number for one in link.subscriptions.requests()] == [1]
    assert link.unanswered() == [C]


def test_a_request_whose_data_came_waits_for_its_answer_where_requests_in_flight_count() -> None:
    link = Link(RequestLimits(topics=10, in_flight=10))
    link.subscribe("a")

    assert told([*link.subscriptions.data("a", NOW)]) == ["Subscribed A"]

    assert link.accept(1) == []
    assert link.subscriptions.requests() == []


def test_topics_may_end_with_others_and_publish_nothing() -> None:
    link = Link(extra={"b"})
    link.subscribe("a")
    link.accept(1)

    assert link.subscriptions.unsubscribe([A], "b") == ["a"]

    assert link.sent() == ["1 subscribe a", "2 unsubscribe ab"]
    assert link.accept(2) == ["Unsubscribed A"]


def test_a_repeated_request_is_of_what_has_no_answer_and_is_still_meant() -> None:
    link = Link()
    link.subscribe("abc")
    link.accept(1, "a")
    link.subscriptions.unsubscribe([B])
    link.sent()

    link.subscriptions.repeat(link.request(1))

    assert link.sent() == ["3 subscribe c"]
    assert link.unanswered() == [C]


def test_a_topic_whose_answer_is_not_expected_holds_up_no_other_and_is_not_requested() -> None:
    link = Link(RequestLimits(topics=1, in_flight=1))
    link.subscribe("abc")
    assert link.sent() == ["1 subscribe a"]

    link.subscriptions.drop("b")
    assert link.sent() == []
    link.subscriptions.drop("a")

    assert link.sent() == ["3 subscribe c"]
    assert link.unanswered() == [C]


def test_a_renewal_that_is_not_written_takes_more_topics_up_to_the_limit() -> None:
    link = Link(RequestLimits(topics=2))
    link.subscribe("abc")
    link.accept(1)
    link.accept(2)
    link.sent()

    for topic in "abc":
        link.subscriptions.renew([topic])

    assert link.sent() == [
        "3 unsubscribe ab",
        "4 subscribe ab",
        "5 unsubscribe c",
        "6 subscribe c",
    ]
