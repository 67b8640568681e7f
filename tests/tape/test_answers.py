"""Answers to REST calls: given out once, and not before their time."""

from pathlib import Path

from fluxum.tape import RecordedAnswers, TapeFrame


def test_recorded_answers_are_given_out_once_and_not_before_their_time(tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl"
    path.write_text('{"ts": 1, "raw": "{}"}\n')
    (tmp_path / "book.rest.jsonl").write_text(
        '{"ts": 5, "url": "https://old.host/api/v1/depth?symbol=ABC&limit=1000", "raw": "first"}\n'
        '{"ts": 7, "url": "https://old.host/api/v1/depth?symbol=ABC&limit=1000", "raw": "second"}\n'
        '{"ts": 6, "url": "https://old.host/api/v1/depth?symbol=XYZ&limit=1000", "raw": "other"}\n'
    )
    answers = RecordedAnswers(path)
    call = "/api/v3/depth?symbol=ABC&limit=500"

    assert answers.take(call, 4 * 10**9) is None
    assert answers.take(call, 5 * 10**9) == b"first"
    assert answers.take(call, 6 * 10**9) is None
    assert answers.take(call, 7 * 10**9) == b"second"
    assert answers.take(call, 9 * 10**9) is None
    assert answers.take("/api/v3/depth?symbol=XYZ&limit=5", None) == b"other"
    answers.add(TapeFrame(url="https://host/fapi/v1/depth?symbol=ABC", raw="met on the way"))
    assert answers.take(call, 9 * 10**9) == b"met on the way"


def test_a_list_of_another_kind_is_no_answer(tmp_path: Path) -> None:
    answers = RecordedAnswers(tmp_path / "tape.jsonl")
    listed = "https://www.okx.com/api/v5/public/instruments?instType="
    for kind in ("SPOT", "SWAP"):
        answers.add(TapeFrame(ns=1, raw=kind, url=listed + kind))

    assert answers.take("/api/v5/public/instruments?instType=SWAP", None) == b"SWAP"
    assert answers.take("/api/v5/public/instruments?instType=FUTURES", None) is None
