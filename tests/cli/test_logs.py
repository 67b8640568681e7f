"""The log: levels, files, and that nothing in it opens an account."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from fluxum.cli.logs import LogForm, begin_logs
from fluxum.errors import BadInput
from fluxum.logs import hide, masked

KEY = "8b5LkQ-public-part"
SECRET = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("fluxum")
    handlers, level, our_level = list(root.handlers), root.level, ours.level
    yield
    for one in list(root.handlers):
        if one not in handlers:
            root.removeHandler(one)
            one.close()
    root.setLevel(level)
    ours.setLevel(our_level)


def logged(verbose: int, path: Path) -> str:
    begin_logs(verbose, str(path))
    log = logging.getLogger("fluxum.session.feed")
    log.debug("a frame")
    log.info("a link")
    log.error("refused %s with key %s", SECRET, KEY)
    logging.getLogger("another").info("a word of another package")
    return path.read_text()


def test_a_log_file_has_what_happens_and_at_twice_the_wish_each_frame(tmp_path: Path) -> None:
    once, twice = logged(0, tmp_path / "once.log"), logged(2, tmp_path / "twice.log")

    assert "INFO fluxum.session.feed a link" in once
    assert "a frame" not in once
    assert "DEBUG fluxum.session.feed a frame" in twice
    assert "another package" not in once + twice


def test_a_log_file_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "fluxum.log"

    logged(1, path)

    assert logged(1, path).count("a link") == 2


def test_keys_that_were_read_are_in_no_line(tmp_path: Path) -> None:
    hide(KEY, SECRET, "")

    text = logged(1, tmp_path / "fluxum.log")

    assert KEY not in text
    assert SECRET not in text
    assert "refused *** with key ***" in text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('{"token":"abc123","x":1}', '{"token":"***","x":1}'),
        ("GET /?signature=0f3a&x=1", "GET /?signature=***&x=1"),
        ("API-Key: abc, 7", "API-Key: ***, 7"),
        ("{'API-Sign': 'a+b/c=='}", "{'API-Sign': '***'}"),
        ("listenKey=abc", "listenKey=***"),
        ("passphrase = hunter2", "passphrase = ***"),
        ("subscribed trade BTC/USD", "subscribed trade BTC/USD"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, left: str) -> None:
    assert masked(text) == left


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"was .*nowhere.*No such file"):
        begin_logs(0, str(tmp_path / "nowhere" / "fluxum.log"))


def test_the_format_may_come_after_the_file_and_changes_nothing_else(tmp_path: Path) -> None:
    """`fluxum --log-file FILE session --log-format json` begins the log twice."""
    path = tmp_path / "fluxum.log"
    begin_logs(1, str(path))
    begin_logs(0, "", LogForm.JSON)

    logging.getLogger("fluxum.session.feed").info("a link")

    (line,) = path.read_text().splitlines()
    assert json.loads(line)["message"] == "a link"
