"""REST calls of a tape: each answer belongs to the call that was made then, as it did live."""

import json
from pathlib import Path
from typing import Any

from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.replay import Replay
from fluxum.tape import RecordedAnswers, TapeFrame
from fluxum.tape.answers import NEVER_NS
from fluxum.tape.calls import RecordedCalls, WantedCall
from fluxum.venues.conversation import Fetch

PATH = "/api/v3/depth?symbol=BTCUSDT&limit=1000"
URL = "https://api.binance.com" + PATH
BOOK = Subscription(Channel.BOOK, Symbol("BTC/USDT"))


def wanted(purpose: str, link: int = 1, since_ns: int = 0) -> WantedCall:
    return WantedCall(Fetch("GET", PATH, purpose, subscription=BOOK), link, since_ns)


def request(call: int, ns: int = 5) -> TapeFrame:
    return TapeFrame(ns=ns, link=0, sent=True, url=URL, call=call)


def answer(call: int, text: str, ns: int = 9) -> TapeFrame:
    return TapeFrame(ns=ns, link=0, url=URL, call=call, raw=text)


def calls_of(folder: Path) -> tuple[RecordedCalls, RecordedAnswers]:
    answers = RecordedAnswers(folder / "tape.jsonl")
    return RecordedCalls(answers), answers


def test_an_answer_is_to_the_call_that_was_made_before_it(tmp_path: Path) -> None:
    calls, _ = calls_of(tmp_path)
    calls.want(wanted("first"))
    assert calls.made(request(1))
    calls.want(wanted("second"))
    calls.want(wanted("third"))  # a session makes the last of those that are alike

    assert calls.answered(answer(1, "old")) == wanted("first")
    assert calls.made(request(2))
    assert not calls.made(request(3))
    assert calls.answered(answer(2, "new")) == wanted("third")
    assert calls.answered(answer(3, "another's")) is None


def test_a_call_without_an_answer_is_made_again(tmp_path: Path) -> None:
    calls, _ = calls_of(tmp_path)
    calls.want(wanted("first"))
    assert calls.made(request(1))

    calls.failed(TapeFrame(ns=7, link=0, url=URL, call=1, closed=True))

    assert calls.answered(answer(1, "late")) is None
    assert calls.made(request(2))
    assert calls.answered(answer(2, "x")) == wanted("first")


def test_a_call_that_no_link_waits_with_is_of_the_newest_that_made_one(tmp_path: Path) -> None:
    calls, _ = calls_of(tmp_path)
    assert calls.stream_of(request(1)) is None
    for link in (1, 2, 3):
        calls.want(wanted("first", link))
    calls.forget(3)

    assert calls.stream_of(request(1)) == (2, BOOK)
    assert calls.made(request(1))
    calls.forget(1)
    assert calls.answered(answer(1, "its link is closed")) is None


def test_an_answer_that_was_asked_for_too_early_is_left_out(tmp_path: Path) -> None:
    calls, answers = calls_of(tmp_path)
    answers.add(request(1, ns=5))
    answers.add(answer(1, "early"))
    calls.want(wanted("later", since_ns=6))
    assert calls.next_answered(9) is None

    answers.add(answer(0, "of an older tape"))

    assert calls.next_answered(9) == (wanted("later", since_ns=6), b"of an older tape")


def test_a_book_that_the_session_fetches_again_by_itself_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "binance.jsonl"
    topic = "btcusdt@depth@100ms"
    start_ns = 1_767_225_600 * 10**9
    rows: list[dict[str, Any]] = [{"fluxum_tape": 1, "venue": "binance", "started_ns": start_ns}]

    def line(second: int, content: Any = None, **more: Any) -> None:
        raw = {} if content is None else {"raw": json.dumps(content)}
        rows.append({"ns": start_ns + second * 10**9, "link": 1} | raw | more)

    def update(second: int, number: int) -> None:
        data = {"e": "depthUpdate", "E": 1, "s": "BTCUSDT", "U": number, "u": number}
        line(second, {"stream": topic, "data": data | {"b": [["100", "2"]], "a": []}})

    def fetched(second: int, call: int, number: int) -> None:
        line(second, link=0, url=URL, call=call, sent=True)
        book = {"lastUpdateId": number, "bids": [["100", "1"]], "asks": [["101", "1"]]}
        line(second + 1, book, link=0, url=URL, call=call)

    line(0, {"method": "SUBSCRIBE", "params": [topic], "id": 1}, sent=True)
    line(0, {"result": None, "id": 1}, sent=False)
    update(1, 11)
    fetched(2, 1, 10)
    update(4, 12)
    fetched(5, 2, 12)  # nothing on the tape is the reason
    update(7, 13)
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")

    events = [event for moment in Replay(path).moments() for event in moment.events]

    books = [type(one) for one in events if isinstance(one, BookSnapshot | BookUpdate)]
    assert books == [BookSnapshot, BookUpdate, BookUpdate, BookSnapshot, BookUpdate]


def test_a_call_is_tried_again_when_an_answer_has_come_since(tmp_path: Path) -> None:
    calls, answers = calls_of(tmp_path)
    assert calls.soonest_ns == NEVER_NS  # nothing waits
    answers.add(answer(0, "late", ns=30))
    calls.want(wanted("first"))
    assert calls.soonest_ns == 0

    assert calls.next_answered(10) is None
    assert calls.soonest_ns == 30
    answers.add(answer(0, "soon", ns=20))
    assert calls.soonest_ns == 0
    assert calls.next_answered(10) is None
    assert calls.soonest_ns == 20

    assert calls.next_answered(20) == (wanted("first"), b"soon")
    assert calls.soonest_ns == NEVER_NS
