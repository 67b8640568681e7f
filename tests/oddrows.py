"""Lists with one odd row: that row alone may be missing, and then it is counted.

A test gives good rows as JSON values, what builds the frame or body around them, and what receives
it: the facts that were read, by the key of their row, and how many rows were left out.

    @given(odd_row(ROWS))
    @often
    def test_an_odd_trade_costs_itself_alone(odd: OddRow) -> None:
        odd.costs_itself_alone(build, receive)
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from hypothesis import settings
from hypothesis import strategies as st

__all__ = ["JSON", "OddRow", "Received", "odd_row", "often"]

often = settings(
    max_examples={"quick": 15, "all": 500}.get(settings.get_current_profile_name(), 100)
)
"""How many odd rows a list is tried with: fewer in `make quick`, more in `make all`."""

Row = Any
"""A row as JSON: an object, a list, or whatever the venue writes."""

# Numbers as venues write them and as nobody does, words that mean something elsewhere.
_TEXTS = st.sampled_from(
    ["", "0", "-1", "1e400", "NaN", "Infinity", "null", "buy", "1970-01-01T00:00:00Z", "0001-01-01"]
)
_NUMBERS = st.sampled_from([0, -1, 1, 10**30, -(2**63), 2**64, 1e-300, 0.1])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | _NUMBERS | st.text(max_size=10) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
"""Any JSON value."""


class Received(NamedTuple):
    """What was read of a list: a fact for each row that could be, by key, and how many not."""

    facts: Mapping[Any, object]
    left_out: int


class OddRow(NamedTuple):
    """Good rows, and the same with one of them replaced."""

    good: Sequence[Row]
    at: int
    odd: Row

    def costs_itself_alone(
        self,
        build: Callable[[Sequence[str]], bytes],
        receive: Callable[[bytes], Received],
    ) -> None:
        """Assert that every other row is read as before, and that the odd one is kept or counted.

        `build` is given the rows as JSON text.
        """
        texts = [json.dumps(row) for row in self.good]
        before = receive(build(texts))
        assert before.left_out == 0, "a good row is left out"
        assert len(before.facts) == len(self.good), "a fact for each good row is expected"
        texts[self.at] = "null"
        without = receive(build(texts)).facts
        (own_key,) = before.facts.keys() - without.keys()
        texts[self.at] = json.dumps(self.odd)

        after = receive(build(texts))

        others = {key: fact for key, fact in before.facts.items() if key != own_key}
        kept = {key: fact for key, fact in after.facts.items() if key in others}
        assert kept == others, "another row is missing, or is read otherwise"
        of_its_own = len(after.facts) - len(others)
        assert of_its_own + after.left_out == 1, "the odd row is neither kept nor counted"


def odd_row(rows: Sequence[Row]) -> st.SearchStrategy[OddRow]:
    """One of these rows replaced: all of it by any JSON value, or one of its fields, or cut out."""

    @st.composite
    def replaced(draw: st.DrawFn) -> OddRow:
        index = draw(st.integers(0, len(rows) - 1))
        row = rows[index]
        fields = list(_fields(row))
        how = draw(st.sampled_from(["row", "field", "field", "field", "without"]))
        if not fields or how == "row":
            return OddRow(rows, index, draw(JSON))
        path = draw(st.sampled_from(fields))
        if how == "without":
            return OddRow(rows, index, _changed(row, path))
        return OddRow(rows, index, _changed(row, path, draw(JSON)))

    return replaced()


_CUT = object()


def _fields(value: Row, path: tuple[object, ...] = ()) -> Sequence[tuple[object, ...]]:
    """The paths of every field of a row, nested ones as well."""
    found: list[tuple[object, ...]] = []
    for name in _names(value):
        found += [(*path, name), *_fields(value[name], (*path, name))]
    return found


def _names(value: Row) -> Sequence[object]:
    if hasattr(value, "keys"):
        return list(value)
    return range(len(value)) if hasattr(value, "append") else ()


def _changed(value: Row, path: tuple[object, ...], new: object = _CUT) -> Row:
    """A copy of a value with the field at a path replaced, or cut out."""
    name, *rest = path
    copy = value.copy()
    if rest:
        copy[name] = _changed(value[name], tuple(rest), new)
    elif new is _CUT:
        del copy[name]
    else:
        copy[name] = new
    return copy
