"""The shared conversation of an account's link, with a dialect of one letter a message."""

from collections.abc import Callable, Sequence

import pytest
from msgspec import Raw

from fluxum.errors import BadInput, LocalProtocolError, RemoteProtocolError
from fluxum.model.event import (
    Channel,
    Desync,
    Event,
    LeftOut,
    Refused,
    Subscribed,
    Subscription,
    Unsubscribed,
    VenueNotice,
)
from fluxum.model.instrument import Symbol
from fluxum.model.order import (
    Accepted,
    CancelAll,
    Command,
    Declined,
    OrderRequest,
    PlaceBatch,
)
from fluxum.venues.account_link import (
    AccountDialect,
    AccountLink,
    Data,
    Ending,
    LoginAnswer,
    Message,
    Nothing,
    TopicAnswer,
)
from fluxum.venues.command_answers import CommandAnswer, OrderAnswer
from fluxum.venues.conversation import (
    Auth,
    Effect,
    Fetch,
    Handover,
    Hangup,
    Send,
    UnreadableStream,
)
from fluxum.venues.requests import Request

NOW = 1_700_000_000_000_000_000
EXECUTIONS, BALANCES = Subscription(Channel.EXECUTION), Subscription(Channel.BALANCE)
LOGIN, PING = Send(b"login", Auth.SIGNED), Send(b"ping")
MESSAGES: dict[bytes, Message] = {
    b"in": LoginAnswer(),
    b"no": LoginAnswer("no such key"),
    b"late": LoginAnswer("too late", is_untimely=True),
    b"ok": TopicAnswer("subscribe"),
    b"bad": TopicAnswer("subscribe", "no such topic"),
    b"end": TopicAnswer("unsubscribe"),
    b"fills": Data("fills", (Raw(b"1"), Raw(b"2"))),
    b"odd": Data("fills", (Raw(b"1"), Raw(b"x"))),
    b"odd wallet": Data("wallet", (Raw(b"x"),)),
    b"other": Data("other", ()),
    b"done": CommandAnswer("5.0", canceled=2, venue_ns=NOW - 1),
    b"refused": CommandAnswer("", error="no"),
    b"second": CommandAnswer("5.1", order=OrderAnswer("O-2")),
    b"first": CommandAnswer("5.0", error="too dear"),
    b"moved": Data("wallet", ()),
    b"stranger": CommandAnswer("99"),
    b"pong": Nothing(),
    b"extra": Data("extra", (Raw(b"1"),)),
    b"shutdown": Ending("the venue shuts down", is_announced=True),
    b"over": Ending("the stream is over"),
    b"listed": CommandAnswer("5", then=(Send(b"cancel 5.0"), Send(b"cancel 5.1"))),
    b"one": CommandAnswer("5.0", canceled=1),
    b"two": CommandAnswer("5.1.last", canceled=2),
    b"b refused": CommandAnswer("5.1", error="too small"),
    b"a placed": CommandAnswer("5.0.order", order=OrderAnswer("O-1")),
    b"leave": Ending("an upgrade"),
}


def message(frame: bytes) -> Message:
    try:
        return MESSAGES[frame]
    except KeyError as error:
        raise ValueError(f"odd frame {frame!r}") from error


def read(data: Data, row: Raw, received_ns: int) -> Sequence[Event]:
    text = bytes(row).decode()
    if text == "x":
        raise RemoteProtocolError("an odd row")
    return (VenueNotice(venue="toy", message=f"{data.topic} {text}", received_ns=received_ns),)


def write(request: Request) -> Send:
    return Send(f"{request.op} {' '.join(request.streams)}".encode())


def effects(command: Command, number: str) -> Sequence[Effect]:
    if isinstance(command, PlaceBatch):
        return [Send(f"place {number}.{at}".encode()) for at in range(len(command.requests))]
    assert isinstance(command, CancelAll)
    return (Send(f"cancel {number}.0".encode()),)


def streams() -> AccountLink:
    topics = {Channel.EXECUTION: ("orders", "fills"), Channel.BALANCE: ("wallet",)}
    return AccountLink(
        AccountDialect(
            venue="toy",
            login=LOGIN,
            ping=PING,
            message=message,
            topics=topics,
            unrequested=frozenset({"extra"}),
            write=write,
            read=read,
        )
    )


def orders() -> AccountLink:
    return AccountLink(
        AccountDialect(
            venue="toy",
            login=LOGIN,
            ping=PING,
            message=message,
            effects=effects,
            called=lambda _fetch, _body: CommandAnswer("5", canceled=1),
        )
    )


def queued(link: AccountLink) -> list[bytes]:
    effects = [link.outbox.popleft() for _ in range(len(link.outbox))]
    return [one.frame if isinstance(one, Send) else repr(one).encode() for one in effects]


def test_what_is_wanted_waits_for_one_login() -> None:
    link = streams()
    link.subscribe([EXECUTIONS])
    link.subscribe([BALANCES])
    assert queued(link) == [b"login"]
    assert link.unanswered() == [EXECUTIONS, BALANCES]

    link.receive(b"in", NOW)

    assert queued(link) == [b"subscribe orders fills wallet"]
    events = link.receive(b"ok", NOW)
    assert [one.subscription for one in events if isinstance(one, Subscribed)] == [
        EXECUTIONS,
        BALANCES,
    ]
    assert link.unanswered() == []


def test_what_is_not_wanted_any_more_is_not_subscribed_after_the_login() -> None:
    link = streams()
    link.subscribe([EXECUTIONS, BALANCES])
    link.unsubscribe([EXECUTIONS])
    queued(link)

    link.receive(b"in", NOW)

    assert queued(link) == [b"subscribe wallet"]


def test_a_refused_login_refuses_what_waited_and_an_untimely_one_hangs_up() -> None:
    link = streams()
    link.subscribe([EXECUTIONS])
    (refused,) = link.receive(b"no", NOW)
    assert isinstance(refused, Refused)
    assert refused.message == "the login: no such key"

    link.subscribe([EXECUTIONS])
    assert link.receive(b"late", NOW) == ()
    assert link.outbox[-1] == Hangup("the login: too late")


def test_a_refused_request_refuses_its_streams() -> None:
    link = streams()
    link.subscribe([EXECUTIONS])
    link.receive(b"in", NOW)

    events = link.receive(b"bad", NOW)

    assert [one.subscription for one in events if isinstance(one, Refused)] == [EXECUTIONS]


def test_topics_of_one_stream_begin_again_and_end_together() -> None:
    link = streams()
    link.subscribe([EXECUTIONS, BALANCES])
    link.receive(b"in", NOW)
    link.receive(b"ok", NOW)
    queued(link)

    link.unsubscribe([EXECUTIONS])

    assert queued(link) == [b"unsubscribe orders fills"]
    events = link.receive(b"end", NOW)
    assert [one.subscription for one in events if isinstance(one, Unsubscribed)] == [EXECUTIONS]
    link.ping()
    assert queued(link) == [b"ping"]
    assert link.receive(b"pong", NOW) == ()


def test_rows_are_those_of_the_stream_that_requested_their_topic() -> None:
    link = streams()
    link.subscribe([EXECUTIONS])
    link.receive(b"in", NOW)
    link.receive(b"ok", NOW)

    first, second = link.receive(b"fills", NOW)
    left_out, notice, desync = link.receive(b"odd", NOW)

    assert [one.message for one in (first, second) if isinstance(one, VenueNotice)] == [
        "fills 1",
        "fills 2",
    ]
    assert isinstance(left_out, LeftOut)
    assert isinstance(notice, VenueNotice)
    assert isinstance(desync, Desync)
    assert desync.subscription == EXECUTIONS
    for frame in (b"other", b"?"):
        with pytest.raises(RemoteProtocolError):
            link.receive(frame, NOW)


def test_a_link_without_topics_is_subscribed_by_its_login_and_takes_commands() -> None:
    link = orders()
    link.subscribe([EXECUTIONS])
    (subscribed,) = link.receive(b"in", NOW)
    assert isinstance(subscribed, Subscribed)
    queued(link)

    link.command(5, CancelAll(), NOW)

    assert queued(link) == [b"cancel 5.0"]
    assert link.receive(b"done", NOW) == (
        Accepted(venue="toy", command_id=5, count=2, received_ns=NOW),
    )
    assert link.venue_time is not None
    assert link.venue_time.venue_ns == NOW - 1
    assert link.receive(b"stranger", NOW) == ()


def test_an_answer_without_a_number_and_a_call_are_answers_to_a_command() -> None:
    link, fetch = orders(), Fetch("POST", "/cancel", "5")
    answers: list[Callable[[], Sequence[Event]]] = [
        lambda: link.receive(b"refused", NOW),
        lambda: link.receive_refusal(fetch, "403", NOW),
        lambda: link.receive_response(fetch, b"", NOW),
    ]
    for answer in answers:
        link.command(5, CancelAll(), NOW)
        (event,) = answer()
        assert isinstance(event, Accepted | Declined)
        assert (event.command_id, event.is_last) == (5, True)


def test_topics_that_come_unrequested_are_passed_over() -> None:
    link = streams()
    link.subscribe([EXECUTIONS])

    assert link.receive(b"extra", NOW) == ()
    with pytest.raises(RemoteProtocolError, match="not requested"):
        link.receive(b"fills", NOW)


def test_a_link_that_ends_is_replaced_or_closed() -> None:
    link = streams()

    assert link.receive(b"shutdown", NOW) == ()
    assert link.receive(b"over", NOW) == ()

    assert list(link.outbox) == [Handover("the venue shuts down"), Hangup("the stream is over")]


def test_a_command_goes_on_with_what_an_answer_lists() -> None:
    link = orders()
    link.command(5, CancelAll(), NOW)
    queued(link)

    assert link.receive(b"listed", NOW) == ()
    assert queued(link) == [b"cancel 5.0", b"cancel 5.1"]
    assert link.receive(b"one", NOW) == ()
    assert link.receive(b"two", NOW) == (
        Accepted(venue="toy", command_id=5, count=3, received_ns=NOW),
    )


def test_each_answer_to_a_batch_that_is_sent_order_by_order_names_its_order() -> None:
    link = orders()
    requests = [
        OrderRequest(symbol="A/B", side="buy", quantity=1, limit_price=1, client_order_id=name)
        for name in "ab"
    ]
    link.command(5, PlaceBatch(requests=tuple(requests)), NOW)

    assert queued(link) == [b"place 5.0", b"place 5.1"]
    assert link.receive(b"b refused", NOW) == (
        Declined(
            venue="toy",
            command_id=5,
            client_order_id="b",
            message="too small",
            is_last=False,
            received_ns=NOW,
        ),
    )
    assert link.receive(b"a placed", NOW) == (
        Accepted(venue="toy", command_id=5, order_id="O-1", client_order_id="a", received_ns=NOW),
    )


def test_a_link_of_streams_takes_no_commands_and_no_calls() -> None:
    link = streams()

    with pytest.raises(BadInput, match="link of orders, was CancelAll"):
        link.command(5, CancelAll(), NOW)
    with pytest.raises(LocalProtocolError):
        link.receive_response(Fetch("GET", "/x", ""), b"", NOW)


MARKETS, LEVEL = Fetch("GET", "/markets", "markets"), Fetch("GET", "/level", "level")


def prepared(learned: list[bytes]) -> AccountLink:
    def prepare(_fetch: Fetch, body: bytes) -> None:
        if body == b"?":
            raise RemoteProtocolError("an odd list")
        learned.append(body)

    return AccountLink(
        AccountDialect(
            venue="toy",
            login=LOGIN,
            ping=PING,
            message=message,
            topics={Channel.BALANCE: ("wallet",)},
            write=write,
            preparations=(MARKETS, LEVEL),
            prepare=prepare,
            read=read,
        )
    )


def test_a_row_that_cannot_be_read_has_the_preparations_made_again() -> None:
    learned: list[bytes] = []
    link = prepared(learned)
    link.subscribe([BALANCES])
    for fetch in (MARKETS, LEVEL):
        link.receive_response(fetch, b"1", NOW)
    link.receive(b"in", NOW)
    link.receive(b"ok", NOW)
    link.outbox.clear()

    with pytest.raises(UnreadableStream):
        link.receive(b"odd wallet", NOW)

    assert list(link.outbox) == [MARKETS, LEVEL]
    link.outbox.clear()
    assert link.receive_response(MARKETS, b"2", NOW) == ()
    assert learned == [b"1", b"1", b"2"]
    assert not link.outbox


def test_the_login_waits_for_the_preparations() -> None:
    learned: list[bytes] = []
    link = prepared(learned)
    link.subscribe([BALANCES])
    assert [link.outbox.popleft(), link.outbox.popleft()] == [MARKETS, LEVEL]
    with pytest.raises(RemoteProtocolError, match="an odd list"):
        link.receive_response(MARKETS, b"?", NOW)

    assert link.receive_response(LEVEL, b"1", NOW) == ()
    assert not link.outbox
    assert link.unanswered() == [BALANCES]
    link.receive_response(MARKETS, b"2", NOW)

    assert queued(link) == [b"login"]
    assert learned == [b"1", b"2"]
    link.receive_response(MARKETS, b"3", NOW)  # an answer that comes twice
    assert queued(link) == []


def test_a_preparation_that_is_refused_refuses_what_waited_and_is_made_again() -> None:
    link = prepared([])
    link.subscribe([BALANCES])
    link.receive_response(LEVEL, b"1", NOW)

    (refused,) = link.receive_refusal(MARKETS, "no such key", NOW)

    assert isinstance(refused, Refused)
    assert (refused.subscription, refused.message) == (BALANCES, "markets: no such key")
    link.outbox.clear()
    link.subscribe([BALANCES])
    assert list(link.outbox) == [MARKETS]


def test_a_link_that_is_about_to_end_is_left() -> None:
    link = streams()

    assert link.receive(b"leave", NOW) == ()
    assert list(link.outbox) == [Hangup("an upgrade")]


def test_a_command_may_be_carried_out_by_what_follows_from_its_first_answer() -> None:
    first = Fetch("GET", "/orders", "5", is_once=True)
    parts = (Send(b"cancel 5.0"), Send(b"cancel 5.1"))
    link = AccountLink(
        AccountDialect(
            venue="toy",
            login=LOGIN,
            ping=PING,
            message=message,
            effects=lambda _command, _number: (first,),
            called=lambda _fetch, _body: CommandAnswer("5", then=parts),
        )
    )
    link.command(5, CancelAll(), NOW)
    assert link.outbox.popleft() == first

    assert link.receive_response(first, b"", NOW) == ()
    assert queued(link) == [b"cancel 5.0", b"cancel 5.1"]
    assert link.receive(b"done", NOW) == ()
    (accepted,) = link.receive(b"done", NOW)

    assert isinstance(accepted, Accepted)
    assert (accepted.count, accepted.is_last) == (4, True)


LIST = Fetch("POST", "/wallet", "wallet", subscription=BALANCES, auth=Auth.SIGNED)


def both() -> AccountLink:
    """A link of a wallet, which is listed when it changes, and of orders, one a frame."""
    return AccountLink(
        AccountDialect(
            venue="toy",
            login=LOGIN,
            ping=PING,
            message=message,
            topics={Channel.BALANCE: ("wallet",)},
            write=write,
            read=read,
            effects=lambda _command, number: [
                Send(f"place {number}.{at}".encode()) for at in range(2)
            ],
            look_up=lambda data: None if data.rows else LIST,
            called=lambda _fetch, body: Data("wallet", (Raw(body),)),
        )
    )


def test_a_stream_of_commands_alone_is_acknowledged_by_the_login_whenever_it_is_wanted() -> None:
    link = both()
    link.subscribe([BALANCES])
    link.receive(b"in", NOW)
    assert queued(link) == [b"login", b"subscribe wallet"]

    link.subscribe([EXECUTIONS])

    assert queued(link) == [b"login"]
    assert EXECUTIONS in link.unanswered()
    (subscribed,) = link.receive(b"in", NOW)
    assert subscribed == Subscribed(venue="toy", subscription=EXECUTIONS, received_ns=NOW)


def test_what_a_frame_does_not_hold_is_looked_up_and_its_answer_is_data() -> None:
    link = both()
    link.subscribe([BALANCES])
    link.receive(b"in", NOW)
    link.receive(b"ok", NOW)
    queued(link)

    assert link.receive(b"moved", NOW) == ()

    assert list(link.outbox) == [LIST]
    (notice,) = link.receive_response(LIST, b"7", NOW)
    assert isinstance(notice, VenueNotice)
    assert notice.message == "wallet 7"
    assert list(link.outbox) == [LIST]
    (refused,) = link.receive_refusal(LIST, "403", NOW)
    assert isinstance(refused, Refused)
    assert (refused.subscription, refused.message) == (BALANCES, "/wallet: 403")


def test_a_batch_that_is_sent_order_by_order_is_answered_by_the_places_of_its_orders() -> None:
    link = both()
    requests = tuple(
        OrderRequest(
            symbol=Symbol("BTC/USD"), side="buy", quantity=1, limit_price=9, client_order_id=name
        )
        for name in ("a", "b")
    )

    link.command(5, PlaceBatch(requests=requests), NOW)

    assert queued(link) == [b"place 5.0", b"place 5.1"]
    (second,) = link.receive(b"second", NOW)
    (first,) = link.receive(b"first", NOW)
    assert second == Accepted(
        venue="toy",
        command_id=5,
        order_id="O-2",
        client_order_id="b",
        is_last=False,
        received_ns=NOW,
    )
    assert first == Declined(
        venue="toy", command_id=5, client_order_id="a", message="too dear", received_ns=NOW
    )
    assert link.receive(b"first", NOW) == ()
