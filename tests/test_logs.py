"""Lines of the log: their form, and that no secret is in them."""

import json
import logging
import sys

from fluxum.logs import JsonFormatter, TextFormatter, hide

KEY = "9c6M-another-public-part"


def record(message: str, *arguments: object, is_error: bool = False) -> logging.LogRecord:
    """A record of 2026-01-01T00:00:00.250Z."""
    error = None
    if is_error:
        try:
            int(KEY)
        except ValueError:
            error = sys.exc_info()
    made = logging.LogRecord("fluxum.feed", logging.WARNING, "", 1, message, arguments, error)
    made.created, made.msecs = 1_767_225_600.25, 250.0
    return made


def test_a_line_for_machines_is_one_object_with_the_same_keys() -> None:
    line = JsonFormatter().format(record('said "%s"\nand more', "no"))

    assert "\n" not in line
    assert json.loads(line) == {
        "time": "2026-01-01T00:00:00.250Z",
        "level": "WARNING",
        "logger": "fluxum.feed",
        "message": 'said "no"\nand more',
    }


def test_a_line_for_people() -> None:
    line = TextFormatter().format(record("lost %s", "a link"))

    assert line == "2026-01-01T00:00:00.250Z WARNING fluxum.feed lost a link"


def test_secrets_are_masked_in_messages_and_tracebacks_of_both() -> None:
    hide(KEY)
    for form in (TextFormatter(), JsonFormatter()):
        line = form.format(record("key %s token=%s", KEY, "abcdef", is_error=True))

        assert KEY not in line
        assert "abcdef" not in line
        assert "key *** token=***" in line
        assert "ValueError: invalid literal for int() with base 10: '***'" in line


def test_a_traceback_has_a_key_of_its_own() -> None:
    line = JsonFormatter().format(record("a fault", is_error=True))

    assert json.loads(line)["message"] == "a fault"
    assert json.loads(line)["traceback"].startswith("Traceback")


def test_a_secret_with_quotes_is_masked_before_it_is_escaped() -> None:
    hide('pass"word"')

    line = JsonFormatter().format(record("%s", 'pass"word"'))

    assert json.loads(line)["message"] == "***"
