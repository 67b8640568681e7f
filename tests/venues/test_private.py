"""The contract of a venue's private half: what can be asked."""

from typing import Any

import pytest

from fluxum.errors import BadInput
from fluxum.model.account import EntryKind
from fluxum.venues.private import EntryQuery


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
