"""The compiled writer of a Struct's text gives what the one in Python gives, and that is JSON."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from fluxum.bot.canonical import canonical
from fluxum.bot.fast import IS_COMPILED, StructText
from fluxum.bot.struct_text import PlainStructText


class Given(Struct):
    """One value of each kind, side by side."""

    one: Any
    two: Any
    three: Any


class _Writers(dict[type, Any]):
    def __missing__(self, kind: type) -> Any:
        return canonical


class Inner(Struct, tag="inner"):
    """A value within a value."""

    name: str
    count: int


INNER = st.builds(Inner, st.text(), st.integers())
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(),
    st.text(st.characters(max_codepoint=127)),
    st.binary(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.lists(st.text(), max_size=2),
    st.lists(st.integers(), max_size=2).map(tuple),
    INNER,
    st.lists(INNER, max_size=2).map(tuple),
)


def writer(kind: type[PlainStructText]) -> PlainStructText:
    return kind(['"type":"given"'], ['"one":', '"two":', '"three":'], _Writers())


@pytest.mark.skipif(not IS_COMPILED, reason="it was not compiled")
@given(VALUES, VALUES, VALUES)
def test_compiled_and_plain_write_the_same(one: object, two: object, three: object) -> None:
    value = Given(one, two, three)

    assert writer(StructText)(value) == writer(PlainStructText)(value)


@pytest.mark.parametrize("kind", [PlainStructText, StructText])
def test_what_is_empty_is_left_out_and_zero_is_not(kind: type[PlainStructText]) -> None:
    write = writer(kind)

    assert write(Given(None, False, "")) == '{"type":"given"}'
    assert write(Given((), b"x", b"")) == '{"type":"given"}'
    assert write(Given(0, Decimal("0.00"), [])) == ('{"type":"given","one":0,"two":"0","three":[]}')


@pytest.mark.parametrize("kind", [PlainStructText, StructText])
@pytest.mark.parametrize("text", ['a"b', "a\\b", "\n", "\x00", "\x7f", "é", "€", "a/b", "\u2028"])
def test_text_is_escaped_as_json(kind: type[PlainStructText], text: str) -> None:
    written = writer(kind)(Given(text, None, None))

    assert json.loads(written) == {"type": "given", "one": text}


@pytest.mark.parametrize("kind", [PlainStructText, StructText])
def test_what_has_no_writer_is_an_error(kind: type[PlainStructText]) -> None:
    write = kind([], ['"one":', '"two":', '"three":'], {})

    with pytest.raises(KeyError):
        write(Given(1, None, None))
