"""Which proxy the environment names."""

import pytest

from fluxum.transport.proxy import environment_proxy, without_password

NAMES = ("http_proxy", "https_proxy", "ws_proxy", "wss_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://plain:1")
    monkeypatch.setenv("HTTPS_PROXY", "http://secure:2")
    monkeypatch.setenv("NO_PROXY", "localhost,.inside")


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("wss://host/path", "http://secure:2"),
        ("https://host:8443/", "http://secure:2"),
        ("ws://host", "http://plain:1"),
        ("http://host", "http://plain:1"),
        ("wss://localhost:9", None),
        ("wss://one.inside/", None),
        ("nonsense", None),
    ],
)
def test_a_websocket_has_the_proxy_of_the_request_it_begins_as(url: str, proxy: str | None) -> None:
    assert environment_proxy(url) == proxy


@pytest.mark.parametrize(
    ("proxy", "shown"),
    [
        ("http://host:3128", "http://host:3128"),
        ("http://me:secret@host:3128/", "http://***@host:3128/"),
    ],
)
def test_a_proxy_is_shown_without_its_password(proxy: str, shown: str) -> None:
    assert without_password(proxy) == shown
