"""The page's server over HTTP and WebSockets on loopback: what it sends, and whom it refuses.

What it shows is a recording that stands still, so every figure is known.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, CookieJar, WSMsgType

from fluxum.errors import BadInput
from fluxum.view import Playback
from fluxum.web import PageServer, PlayedStage, serve
from fluxum.web.pages import PAGES_MAX
from fluxum.web.stage import Steer
from kraken_tape import START_NS, STEP_NS, write

pytestmark = pytest.mark.network
UPDATES = 50
Test = Callable[[PageServer, ClientSession], Awaitable[None]]


@pytest.fixture
def stage(tmp_path: Path) -> PlayedStage:
    """The recording at its end, standing still."""
    stage = PlayedStage(Playback(write(tmp_path / "tape.jsonl", UPDATES), "kraken"))
    stage._playback.seek(START_NS + UPDATES * STEP_NS)
    stage.steer(Steer(play=False))
    return stage


def served(stage: PlayedStage, test: Test, **options: Any) -> None:
    async def story() -> None:
        jar = CookieJar(unsafe=True)  # addresses in digits have cookies too
        async with (
            asyncio.timeout(20),
            serve(stage, port=0, **options) as page,
            ClientSession(page.address, cookie_jar=jar) as browser,
        ):
            await test(page, browser)

    asyncio.run(story())


async def log_in(page: PageServer, browser: ClientSession) -> None:
    async with browser.post("/login", json={"token": page.token}) as answer:
        assert answer.status == 204


@asynccontextmanager
async def opened(
    page: PageServer, browser: ClientSession
) -> AsyncGenerator[ClientWebSocketResponse]:
    await log_in(page, browser)
    async with browser.ws_connect("/ws", headers={"Origin": page.address}) as socket:
        yield socket


async def received(socket: ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    """The next message of a kind."""
    while True:
        message = json.loads(await socket.receive_str())
        if message["kind"] == kind:
            return dict(message)


# What is sent


def test_a_page_gets_hello_then_losses_candles_and_whole_views(stage: PlayedStage) -> None:
    async def test(page: PageServer, browser: ClientSession) -> None:
        async with opened(page, browser) as socket:
            hello = json.loads(await socket.receive_str())
            assert hello["kind"] == "hello"
            assert (hello["v"], hello["epoch"], hello["is_replay"]) == (1, 0, True)
            assert hello["markets"] == ["kraken BTC/USD"]
            assert (await received(socket, "candles"))["market"]["symbol"] == "BTC/USD"
            for _ in range(3):
                view = await received(socket, "view")
                (market,) = view["markets"]
                assert view["view"]["venues"][0]["frames"] == 3 + UPDATES + UPDATES // 10
                assert market["trades_seen"] == UPDATES // 10
                assert market["book"]["proof"]["checks"] == 1 + UPDATES
                bid, ask = market["book"]["bids"][0][0], market["book"]["asks"][0][0]
                assert Decimal(market["book"]["spread"]) == Decimal(ask) - Decimal(bid)
                assert view["view"]["markets"] == []
                assert view["replay"]["is_playing"] is False

    served(stage, test)


def test_only_the_markets_that_are_shown_are_sent(stage: PlayedStage) -> None:
    async def test(page: PageServer, browser: ClientSession) -> None:
        async with opened(page, browser) as socket:
            await received(socket, "view")
            await socket.send_str('{"show":["kraken ETH/USD"]}')
            while (await received(socket, "view"))["markets"]:
                pass
            await socket.send_str('{"show":["kraken BTC/USD"]}')
            while not (await received(socket, "view"))["markets"]:
                pass

    served(stage, test)


def test_a_page_winds_the_recording_back_and_begins_anew(stage: PlayedStage) -> None:
    async def test(page: PageServer, browser: ClientSession) -> None:
        async with opened(page, browser) as socket:
            await received(socket, "view")
            await socket.send_str('{"replay":{"seek":0.5}}')
            assert (await received(socket, "hello"))["epoch"] == 1
            while True:
                view = await received(socket, "view")
                if view["view"]["at_ns"] == START_NS + UPDATES // 2 * STEP_NS:
                    break
            assert view["markets"][0]["trades_seen"] == UPDATES // 2 // 10

    served(stage, test)


def test_at_the_end_every_page_gets_bye(stage: PlayedStage) -> None:
    async def story() -> None:
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
            async with serve(stage, port=0) as page:
                headers = {"Authorization": f"Bearer {page.token}"}
                socket = await browser.ws_connect(f"{page.address}/ws", headers=headers)
                await received(socket, "view")
                ending = asyncio.ensure_future(received(socket, "bye"))
                await asyncio.sleep(0)
            assert (await ending)["reason"] == "the server has ended"
            assert (await socket.receive()).type in {WSMsgType.CLOSE, WSMsgType.CLOSED}

    asyncio.run(story())


def test_a_page_that_is_not_understood_is_closed_and_the_others_go_on(stage: PlayedStage) -> None:
    async def test(page: PageServer, browser: ClientSession) -> None:
        async with opened(page, browser) as good, opened(page, browser) as bad:
            for text in ('{"order":"buy"}', "x" * 5000):
                async with opened(page, browser) as bad:
                    await bad.send_str(text)
                    while (message := await bad.receive()).type is WSMsgType.TEXT:
                        pass
                    assert message.type is WSMsgType.CLOSE
                    assert message.data in {1008, 1009}
            await received(good, "view")

    served(stage, test)


def test_there_is_room_for_twenty_pages(stage: PlayedStage) -> None:
    async def test(page: PageServer, browser: ClientSession) -> None:
        await log_in(page, browser)
        sockets = [await browser.ws_connect("/ws") for _ in range(PAGES_MAX)]
        for socket in sockets:
            await received(socket, "view")
        async with browser.get("/ws") as answer:
            assert answer.status == 503
        assert (page.pages.count, page.pages.refused) == (PAGES_MAX, 1)
        await sockets.pop().close()
        async with asyncio.timeout(5):
            while page.pages.count == PAGES_MAX:  # noqa: ASYNC110 - the server is the other side
                await asyncio.sleep(0.01)
        await received(await browser.ws_connect("/ws"), "view")
        assert page.pages.views < 60  # one for all, at most ten a second

    served(stage, test)


# Scripts


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/api/view", {"is_ready": False, "sums_close": True}),
        ("/api/book/kraken/BTC-USD", {"venue": "kraken", "symbol": "BTC/USD"}),
        ("/api/candles/kraken/BTC-USD", {"symbol": "BTC/USD", "interval_s": None}),
        ("/api/statistics", {"sums_close": True}),
        ("/api/losses?after=0", {"seen": 0, "losses": []}),
    ],
)
def test_scripts_read_json_with_the_token(
    stage: PlayedStage, path: str, part: dict[str, object]
) -> None:
    async def test(page: PageServer, browser: ClientSession) -> None:
        async with browser.get(path, headers={"Authorization": f"Bearer {page.token}"}) as answer:
            assert (answer.status, answer.content_type) == (200, "application/json")
            assert part.items() <= (await answer.json()).items()

    served(stage, test)


def test_a_book_is_as_deep_as_was_requested(stage: PlayedStage) -> None:
    async def test(page: PageServer, browser: ClientSession) -> None:
        await log_in(page, browser)
        async with browser.get("/api/book/kraken/BTC-USD?depth=3") as answer:
            book = (await answer.json())["book"]
        assert len(book["bids"]) == 3
        assert book["proof"]["checks"] == 1 + UPDATES
        async with browser.get("/api/statistics") as answer:
            counts = (await answer.json())["venues"]["kraken"]
        assert counts["frames"] == counts["data"] + counts["control"] + counts["rejected"]
        async with browser.get("/api/gaps") as answer:
            assert await answer.json() == []

    served(stage, test)


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/api/book/kraken/NO-SUCH", 404, "a market was expected (kraken/BTC-USD)"),
        ("/api/book/kraken/BTC-USD?depth=x", 400, "depth: a number from 0 to 1000 was expected"),
        ("/api/book/kraken/BTC-USD?depth=1001", 400, "was '1001'"),
        ("/api/losses?after=-1", 400, "was '-1'"),
    ],
)
def test_bad_questions_get_an_answer_with_what_was_expected(
    stage: PlayedStage, path: str, status: int, message: str
) -> None:
    async def test(page: PageServer, browser: ClientSession) -> None:
        await log_in(page, browser)
        async with browser.get(path) as answer:
            assert answer.status == status
            assert message in (await answer.json())["error"]

    served(stage, test)


# Security


@pytest.mark.parametrize("path", ["/ws", "/api/view", "/api/statistics", "/api/nothing"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer " + "x" * 43},
        {"Authorization": "TOKEN", "Origin": "https://evil.example"},
        {"Authorization": "TOKEN", "Origin": "null"},
        {"Authorization": "TOKEN", "Host": "evil.example"},
    ],
    ids=["no token", "wrong token", "another page", "no page", "another name"],
)
def test_strangers_get_403(stage: PlayedStage, path: str, headers: dict[str, str]) -> None:
    async def test(page: PageServer, browser: ClientSession) -> None:
        sent = {**headers}
        if sent.get("Authorization") == "TOKEN":
            sent["Authorization"] = f"Bearer {page.token}"
        async with browser.get(path, headers=sent) as answer:
            assert answer.status == 403
            assert page.token not in await answer.text()

    served(stage, test)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ('{"token":"wrong"}', {}, 403),
        ('{"token":"TOKEN"}', {"Origin": "http://evil.example"}, 403),
        ('{"token":"TOKEN"}', {"Host": "evil.example"}, 403),
        ('{"token":"TOKEN","more":1}', {}, 400),
        ("", {}, 400),
        ("\\xff", {}, 400),
        ('{"token":"' + "x" * 5000 + '"}', {}, 413),
    ],
)
def test_a_login_needs_the_token_from_the_page_itself(
    stage: PlayedStage, body: str, headers: dict[str, str], status: int
) -> None:
    async def test(page: PageServer, browser: ClientSession) -> None:
        sent = body.replace("TOKEN", page.token)
        async with browser.post("/login", data=sent, headers=headers) as answer:
            assert answer.status == status
            assert not answer.cookies

    served(stage, test)


def test_the_cookie_is_hidden_from_scripts_and_sent_to_no_other_site(stage: PlayedStage) -> None:
    async def test(page: PageServer, browser: ClientSession) -> None:
        async with browser.post("/login", json={"token": page.token}) as answer:
            (cookie,) = answer.cookies.values()
        assert cookie["httponly"]
        assert cookie["samesite"] == "Strict"
        assert cookie.key.startswith("fluxum-")
        assert cookie.value != page.token
        assert len(cookie.value) >= 43
        assert len(page.token) >= 43
        assert page.token not in repr(page)

    served(stage, test)


@pytest.mark.parametrize("path", ["/", "/main.js", "/page.css", "/api/view", "/nothing"])
def test_every_answer_has_the_headers_that_confine_it(stage: PlayedStage, path: str) -> None:
    async def test(page: PageServer, browser: ClientSession) -> None:
        async with browser.get(path) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; connect-src 'self'; ")
            assert "frame-ancestors 'none'" in policy
            assert "unsafe-eval" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["Cache-Control"] == "no-store"
            assert page.token not in await answer.text()

    served(stage, test)


@pytest.mark.parametrize(
    "path", ["/../server.py", "/%2e%2e/server.py", "/vendor/vendored.json", "/vendor", "/.%00"]
)
def test_no_other_file_is_given_out(stage: PlayedStage, path: str) -> None:
    async def test(page: PageServer, browser: ClientSession) -> None:
        async with browser.get(path) as answer:
            assert answer.status in {400, 404}

    served(stage, test)


def test_another_host_needs_a_token(stage: PlayedStage) -> None:
    with pytest.raises(BadInput, match=r"0\.0\.0\.0 can be reached by others, so a token"):
        serve(stage, host="0.0.0.0")


def test_a_port_that_is_taken_is_named(stage: PlayedStage) -> None:
    async def test(page: PageServer, _browser: ClientSession) -> None:
        port = int(page.address.rpartition(":")[2])
        with pytest.raises(BadInput, match=f"the page cannot listen on 127.0.0.1:{port}: "):
            await serve(stage, port=port)

    served(stage, test)


def test_a_server_that_was_awaited_is_closed(stage: PlayedStage) -> None:
    async def story() -> None:
        page = await serve(stage, port=0)
        assert page.url == f"{page.address}/#{page.token}"
        await page.close()

    asyncio.run(story())
