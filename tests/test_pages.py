"""Pages that are made from types: the schema fits every line, each error and exchange is there."""

import json
from typing import Any, get_args

import jsonschema  # type: ignore[import-untyped]
import pytest
from pages import PAGES, errors_page, events_page, exchange_page, schema

import fluxum
from fluxum import errors
from fluxum.venues.register import VENUES
from model.test_codec_bytes import LINES

SCHEMA: dict[str, Any] = json.loads(schema())
VALIDATOR: Any = jsonschema.Draft202012Validator(SCHEMA)


def test_every_kind_of_event_fits_the_schema() -> None:
    for event, line in LINES:
        found = [one.message for one in VALIDATOR.iter_errors(json.loads(line))]

        assert found == [], type(event)


def test_every_field_of_a_line_is_in_the_schema() -> None:
    kinds = {name: set(one.get("properties", ())) for name, one in SCHEMA["$defs"].items()}
    for event, line in LINES:
        assert set(json.loads(line)) <= kinds[type(event).__name__]


@pytest.mark.parametrize(
    ("field", "value"),
    [("price", 1.5), ("symbol", "BTCUSD"), ("side", "up"), ("received_ns", "now"), ("type", "x")],
)
def test_a_line_that_is_no_event_does_not_fit(field: str, value: object) -> None:
    (line,) = (line for event, line in LINES if type(event) is fluxum.Trade)

    assert not VALIDATOR.is_valid({**json.loads(line), field: value})


def test_every_kind_every_error_and_every_exchange_has_its_place() -> None:
    for kind in get_args(fluxum.Event):
        assert f"| `{kind.__struct_config__.tag}` |" in events_page()
    for name in errors.__all__:
        assert f"| `{name}` |" in errors_page()
    for venue in VENUES:
        assert f"exchanges/{venue}.md" in PAGES
        assert exchange_page(venue)().startswith(f"# {venue}\n")
