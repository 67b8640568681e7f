"""Which requests are admitted: tokens, cookies, names of this machine, pages."""

from pathlib import Path

import pytest

from fluxum.errors import BadInput
from fluxum.web.guard import Guard, read_token

TOKEN, COOKIE = "t" * 43, "c" * 43
LOCAL = Guard(TOKEN, COOKIE, "127.0.0.1")
OPEN = Guard(TOKEN, COOKIE, "0.0.0.0", ["Dash.example"])


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8866", "localhost:8866", "localhost", "[::1]:8866", "127.0.0.2:1"]
)
def test_loopback_names_are_admitted(host: str) -> None:
    assert LOCAL.admits_host(host)
    assert OPEN.admits_host(host)


@pytest.mark.parametrize(
    "host", ["", "evil.example", "evil.example:8866", "[", "localhost.evil.example"]
)
def test_a_name_that_was_pointed_here_is_not(host: str) -> None:
    assert not LOCAL.admits_host(host)
    assert not OPEN.admits_host(host)


def test_on_all_addresses_those_in_digits_and_the_names_given_are_admitted() -> None:
    assert OPEN.admits_host("192.168.1.7:8866")
    assert OPEN.admits_host("dash.example")
    assert not LOCAL.admits_host("192.168.1.7:8866")
    assert not LOCAL.admits_host("dash.example")


@pytest.mark.parametrize(
    ("origin", "host", "is_admitted"),
    [
        (None, "127.0.0.1:8866", True),
        ("http://127.0.0.1:8866", "127.0.0.1:8866", True),
        ("https://dash.example", "dash.example", True),
        ("http://127.0.0.1:3000", "127.0.0.1:8866", False),
        ("http://localhost:8866", "127.0.0.1:8866", False),
        ("https://evil.example", "127.0.0.1:8866", False),
        ("null", "127.0.0.1:8866", False),
        ("", "127.0.0.1:8866", False),
        ("file://127.0.0.1:8866", "127.0.0.1:8866", False),
    ],
)
def test_only_the_page_itself_is_an_origin(
    origin: str | None, host: str, is_admitted: bool
) -> None:
    assert LOCAL.admits_origin(origin, host) is is_admitted


@pytest.mark.parametrize(
    ("cookie", "authorization", "is_admitted"),
    [
        (COOKIE, "", True),
        ("", f"Bearer {TOKEN}", True),
        ("", f"bearer {TOKEN}", True),
        ("", "", False),
        (TOKEN, "", False),
        ("", f"Bearer {COOKIE}", False),
        ("", f"Basic {TOKEN}", False),
        ("", f"Bearer {TOKEN[:-1]}", False),
        ("é", "Bearer é", False),
    ],
)
def test_the_cookie_or_the_token_is_needed(
    cookie: str, authorization: str, is_admitted: bool
) -> None:
    assert LOCAL.admits(cookie, authorization) is is_admitted


def test_a_token_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(f"  {TOKEN}\n")
    path.chmod(0o600)
    assert read_token(path) == TOKEN

    path.chmod(0o640)
    with pytest.raises(BadInput, match=f"others can read the token file {path}: chmod 600"):
        read_token(path)


@pytest.mark.parametrize("text", ["", "x" * 31, "é" * 40, "a b\x00" * 12])
def test_a_weak_token_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "token"
    path.write_text(text)
    path.chmod(0o600)

    with pytest.raises(BadInput, match="32 or more ASCII characters was expected") as caught:
        read_token(path)

    assert not text or text not in str(caught.value)


def test_a_token_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no cannot be read: No such file"):
        read_token(tmp_path / "no")
