"""`replay` and `verify`: what they say of whole, empty, torn and damaged recordings, and exit."""

import gzip
import json
from pathlib import Path

import pytest

from fluxum.cli.main import app
from fluxum.cli.process import exit_code
from fluxum.tape import TapeHeader
from fluxum.tape.lines import encode_lines, frame_line

HEARTBEAT = b'{"channel":"heartbeat"}'


def run(*words: str | Path) -> int:
    try:
        return exit_code(lambda: app([str(word) for word in words]))
    except SystemExit as end:
        return int(end.code or 0)


def tape(
    path: Path, *frames: bytes, segment: int = 1, recording_ns: int = 0, behind: bytes = b""
) -> Path:
    header = TapeHeader(
        fluxum_tape=1, venue="kraken", started_ns=1, segment=segment, recording_ns=recording_ns
    )
    lines = [
        encode_lines([frame_line(number, frame, 1, sent=False)])
        for number, frame in enumerate(frames)
    ]
    path.write_bytes(encode_lines([header]) + b"".join(lines) + behind)
    return path


def test_a_replay_is_summed_up_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tape(tmp_path / "a.jsonl", HEARTBEAT, b"nonsense", HEARTBEAT)

    assert run("replay", path, "-f", "ndjson") == 0

    said = capsys.readouterr()
    assert said.err == "3 frames of kraken, 1 events, 1 rejected\n"
    assert [json.loads(line)["type"] for line in said.out.splitlines()] == ["rejected"]


@pytest.mark.parametrize("command", ["replay", "verify"])
def test_a_recording_of_which_every_frame_was_rejected_is_a_failure_that_says_why(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tape(tmp_path / "a.jsonl", b"nonsense", b"more of it")

    assert run(command, path) == 1

    said = capsys.readouterr().err
    assert f"{path}: all 2 frames were rejected, the first because " in said
    assert "is it a recording of kraken?" in said


def test_a_recording_of_another_exchange_is_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bare.jsonl"
    path.write_text('{"ts":1,"raw":"{\\"stream\\":\\"btcusdt@trade\\",\\"data\\":{}}"}\n' * 3)

    assert run("replay", path, "-x", "kraken") == 1
    assert "all 3 frames were rejected" in capsys.readouterr().err


def test_a_tape_without_frames_can_be_replayed_and_proves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tape(tmp_path / "a.jsonl")

    assert run("replay", path) == 0
    assert capsys.readouterr().err == "0 frames of kraken, 0 events, 0 rejected\n"
    assert run("verify", path) == 1
    assert "it holds no frames: there is nothing to prove" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["replay", "verify"])
def test_an_empty_file_is_refused(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.touch()

    assert run(command, path) == 2
    assert f"{path} is empty: there is nothing to replay" in capsys.readouterr().err


def test_what_a_crash_cut_off_is_told_and_fails_a_proof_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tape(tmp_path / "a.jsonl", HEARTBEAT, HEARTBEAT, behind=b'{"ns":9,"li')

    assert run("replay", path) == 0
    assert "2 frames of kraken, 0 events, 0 rejected, cut off by a crash at 1 place(s)" in (
        capsys.readouterr().err
    )
    assert run("verify", path) == 1
    assert "a crash cut it off at 1 place(s)" in capsys.readouterr().out


def test_what_a_recorder_lost_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lost = b'{"ns":9,"link":0,"lost":7,"since_ns":3}\n'
    path = tape(tmp_path / "a.jsonl", HEARTBEAT, behind=lost)

    assert run("replay", path) == 0
    assert "7 lost by the recorder" in capsys.readouterr().err
    assert run("verify", path) == 1
    assert "7 frames are missing that the recorder could not write" in capsys.readouterr().out


def test_what_is_in_front_of_damage_is_played_and_the_damage_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tape(tmp_path / "a.jsonl", HEARTBEAT, b"x", behind=b"nonsense\n")

    assert run("replay", path) == 2
    said = capsys.readouterr().err
    assert "2 frames of kraken, 1 events, 1 rejected" in said
    assert f"fluxum: {path}:4 is no recorded frame" in said
    assert run("verify", path) == 1
    assert f"{path}:4 is no recorded frame" in capsys.readouterr().out


def test_files_of_one_recording_are_taken_together_in_their_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, name in enumerate(("c", "a", "b"), 1):
        tape(tmp_path / f"{name}.jsonl", *[HEARTBEAT] * number, segment=number, recording_ns=7)
    tape(tmp_path / "d.jsonl", *[HEARTBEAT] * 9, segment=5, recording_ns=7)
    tape(tmp_path / "e.jsonl", *[HEARTBEAT] * 20)

    assert run("verify", tmp_path, "-f", "json") == 0

    reports = json.loads(capsys.readouterr().out)
    found = {(Path(one["file"]).name, one["files"], one["frames"]) for one in reports}
    assert found == {("c.jsonl", 3, 6), ("d.jsonl", 1, 9), ("e.jsonl", 1, 20)}

    assert run("replay", *(tmp_path / f"{name}.jsonl" for name in "abc")) == 0
    assert "6 frames" in capsys.readouterr().err
    assert run("replay", tmp_path / "c.jsonl", tmp_path / "e.jsonl") == 2
    assert "one recording is replayed at a time, was 2" in capsys.readouterr().err


def test_one_file_that_cannot_be_read_costs_a_folder_that_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tape(tmp_path / "good.jsonl", HEARTBEAT)
    (tmp_path / "cut.jsonl.gz").write_bytes(
        gzip.compress(b"x" * 1000, mtime=0)[:9] + b"rubbish" * 9
    )
    (tmp_path / "header.jsonl").write_text('{"fluxum_tape": 1}\n')
    (tmp_path / "later.jsonl").write_text('{"fluxum_tape": 9, "venue": "x", "started_ns": 1}\n')
    tape(tmp_path / "unknown.jsonl", HEARTBEAT)
    unknown = (tmp_path / "unknown.jsonl").read_text().replace("kraken", "mtgox")
    (tmp_path / "unknown.jsonl").write_text(unknown)

    assert run("verify", tmp_path, "-f", "ndjson") == 2

    said = capsys.readouterr()
    assert [json.loads(line)["file"] for line in said.out.splitlines()] == [
        str(tmp_path / "good.jsonl")
    ]
    for name in ("cut.jsonl.gz", "header.jsonl", "later.jsonl"):
        assert f"fluxum: {tmp_path / name}" in said.err
    assert "was 'mtgox'" in said.err


def test_json_is_a_list_and_ndjson_is_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tape(tmp_path / "a.jsonl", HEARTBEAT)

    assert run("verify", path, path, "-f", "json") == 0
    assert len(json.loads(capsys.readouterr().out)) == 2
    assert run("verify", path, path, "-f", "ndjson") == 0
    assert [json.loads(line)["frames"] for line in capsys.readouterr().out.splitlines()] == [1, 1]
