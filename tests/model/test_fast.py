"""The compiled readers of numbers and instants against the plain ones: the same for any text."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Raw

from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.fast import IS_COMPILED, exact, exact_raw, instant, plain_exact_raw, recurring
from fluxum.model.instant import parse_plausible
from fluxum.model.numbers import exact as plain_exact

pytestmark = pytest.mark.skipif(not IS_COMPILED, reason="nothing was compiled: no C compiler here")

NUMBERS = st.text("0123456789.eE+-_ \u0661NaInf", max_size=45) | st.decimals().map(str)
SECONDS = st.integers(-400_000_000, 4_500_000_000).map(
    lambda second: datetime.fromtimestamp(second, UTC).isoformat()
)
FRACTIONS = st.text("0123456789", max_size=10).map(lambda digits: digits and f".{digits}")
ENDS = st.sampled_from(["Z", "", "z", "+00:00", " Z"])
INSTANTS = st.tuples(SECONDS, FRACTIONS, ENDS).map(
    lambda parts: parts[0][:19] + parts[1] + parts[2]
)


def outcome(read: Callable[[str], object], text: str) -> tuple[str, object]:
    """What reading a text brings: the value digit for digit, or the error's text."""
    try:
        return "read", repr(read(text))
    except (BadInput, RemoteProtocolError) as error:
        return type(error).__name__, str(error)


@given(NUMBERS)
@example("")
@example(".")
@example("1.2.3")
@example("9" * 30)
@example("9" * 31)
@example("0." + "0" * 38 + "1")
@example("0.00")
@example("-1")
@example("1e-999999")
@example("é")
def test_a_number_is_read_as_in_python(text: str) -> None:
    expected = outcome(plain_exact, text)

    assert outcome(exact, text) == expected
    assert outcome(recurring, text) == expected
    if text.isascii():
        raw = text.encode()
        assert outcome(lambda _: exact_raw(Raw(raw)), text) == expected
        assert outcome(lambda _: plain_exact_raw(Raw(raw)), text) == expected


@given(INSTANTS | st.text("0123456789-:.TZ", max_size=32))
@example("2024-02-29T23:59:59.999999Z")
@example("2023-02-29T00:00:00Z")
@example("2024-02-30T00:00:00Z")
@example("2026-12-31T23:59:60Z")
@example("2026-01-31T24:00:00Z")
@example("2026-01-31T12:00:00.Z")
@example("2026-01-31t12:00:00Z")
@example("2026-01-31T12:00:00.1234567890Z")
@example("2010-01-01T00:00:00")
@example("2009-01-03T18:15:05Z")
@example("2099-12-31T23:59:59.999999999Z")
@example("2100-02-29T00:00:00Z")
@example("1970-01-01T00:00:00Z")
def test_an_instant_is_read_as_in_python(text: str) -> None:
    assert outcome(instant, text) == outcome(parse_plausible, text)


@given(st.integers(1_300_000_000, 4_000_000_000), st.integers(0, 999_999))
def test_an_instant_is_that_of_the_calendar(second: int, micros: int) -> None:
    moment = datetime.fromtimestamp(second, UTC)

    found = instant(f"{moment:%Y-%m-%dT%H:%M:%S}.{micros:06d}Z")

    assert found == second * 1_000_000_000 + micros * 1000
