"""The contract of a venue's private half: what can be asked."""

from typing import Any

import pytest

from fluxum.errors import BadInput
from fluxum.model.account import EntryKind
from fluxum.venues.private import EntryQuery, FillQuery


def test_a_query_of_text_is_the_query_of_values() -> None:
    query = EntryQuery(asset="BTC", kind="deposit", since_ns=5)

    assert (query.kind, query.asset) == (EntryKind.DEPOSIT, "BTC")
    assert EntryQuery(kind="other").kind is EntryKind.OTHER  # lines may be of any kind


@pytest.mark.parametrize(
    "fields", [{"kind": "gift"}, {"asset": ""}, {"since_ns": "7d"}, {"until_ns": 1.5}]
)
def test_a_query_that_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="expected, was"):
        EntryQuery(**fields)


@pytest.mark.parametrize(
    ("since_ns", "until_ns", "wanted"),
    [(None, None, [4, 5, 6, 7]), (5, None, [6, 7]), (None, 6, [4, 5, 6]), (5, 6, [6])],
)
def test_a_time_begins_after_its_first_instant_and_ends_with_its_last(
    since_ns: int | None, until_ns: int | None, wanted: list[int]
) -> None:
    query = FillQuery(since_ns=since_ns, until_ns=until_ns)

    assert [one for one in (4, 5, 6, 7) if query.is_within(one)] == wanted
