"""Tests of `venues.members`: what can be read of an object, member by member."""

import pytest
from msgspec import MsgspecError

from fluxum.venues.members import Members


def test_each_member_is_read_by_itself() -> None:
    members = Members(b'{"name":"A","count":7,"rows":[1,"x"],"nothing":null}')

    assert members.text("name") == "A"
    assert members.count("count") == 7
    assert [bytes(row) for row in members.rows("rows")] == [b"1", b'"x"']
    assert bytes(members.raw("count")) == b"7"
    assert list(members.names) == ["name", "count", "rows", "nothing"]


def test_what_is_missing_is_null() -> None:
    members = Members(b'{"nothing":null,"name":"A"}')

    assert [members.has(name) for name in ("nothing", "other", "name")] == [False, False, True]
    assert bytes(members.raw("other")) == b"null"


@pytest.mark.parametrize("name", ["text", "rows", "count"])
@pytest.mark.parametrize("value", [b"null", b"-1", b'{"a":1}', b"9223372036854775808"])
def test_a_member_of_another_form_is_refused(name: str, value: bytes) -> None:
    members = Members(b'{"one":%s}' % value)

    with pytest.raises(MsgspecError):
        getattr(members, name)("one")
    assert members.text_or_empty("one") == ""


@pytest.mark.parametrize("raw", [b"", b"[]", b"7", b"{", b'{"a":}'])
def test_what_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(MsgspecError):
        Members(raw)
