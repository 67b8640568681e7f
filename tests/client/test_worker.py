"""The thread of a plain callback."""

import threading

import pytest

from fluxum.client.worker import Worker


def threads(name: str) -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == name]


def test_calls_run_in_order_in_one_thread_and_raise_where_they_are_awaited() -> None:
    worker = Worker("ordered")
    idents: list[int] = []

    futures = [worker.submit(lambda: idents.append(threading.get_ident())) for _ in range(3)]
    failed = worker.submit(int, "x")
    for one in futures:
        one.result(5)

    with pytest.raises(ValueError, match="'x'"):
        failed.result(5)
    assert len(set(idents)) == 1
    assert threading.get_ident() not in idents
    worker.rest()


def test_a_worker_that_rests_has_no_thread_and_starts_again() -> None:
    worker = Worker("resting")
    assert worker.submit(str, 1).result(5) == "1"
    (first,) = threads("resting")

    worker.rest()
    first.join(5)
    assert not threads("resting")

    assert worker.submit(str, 2).result(5) == "2"
    worker.shutdown()


def test_a_call_that_does_not_end_keeps_its_thread_and_later_calls_wait_for_it() -> None:
    worker, go = Worker("busy"), threading.Event()
    endless = worker.submit(go.wait, 10)

    worker.rest()
    later = worker.submit(str, 1)
    assert len(threads("busy")) == 1
    assert not later.done()

    go.set()
    assert (endless.result(5), later.result(5)) == (True, "1")
    worker.rest()
