"""Tests of `sim.exchange`: what a client hears of a simulated exchange, and what goes wrong."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any
from zlib import crc32

import msgspec
import pytest

from fluxum.errors import BadInput, LinkClosed, RateLimited, TransportError, VenueRefused
from fluxum.model.account import Liquidity
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderRequest
from fluxum.sim.client import endpoint_of
from fluxum.sim.exchange import SimulatedExchange, Top
from fluxum.sim.faults import FaultKind, FaultPlan, parse_faults
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.market import SimulatedMarket
from fluxum.transport.link import Link
from fluxum.venues.register import find_venue
from fluxum.venues.server.contract import MarketView, ServerSide, by_endpoint

BTC, ETH = Symbol("BTC/USD"), Symbol("ETH/USD")
PUBLIC = "wss://ws.kraken.com/v2"
LEVEL3 = "wss://ws-l3.kraken.com/v2"
SECOND = 1_000_000_000

Message = dict[str, Any]
Heard = list[tuple[float, Message]]


def exchange(
    faults: str = "", *, seed: int = 1, rate_per_s: float = 50.0, depth: int = 30
) -> SimulatedExchange:
    return SimulatedExchange(
        find_venue("kraken"),
        [BTC, ETH],
        seed=seed,
        clock=SimulatedClock(),
        rate_per_s=rate_per_s,
        depth=depth,
        faults=FaultPlan(parse_faults(faults), Random(seed)),
    )


async def subscribe(link: Link, channel: str = "book", **params: object) -> None:
    request = {
        "method": "subscribe",
        "params": {"channel": channel, "symbol": [str(BTC), str(ETH)], **params},
    }
    await link.send(msgspec.json.encode(request))


async def listen(link: Link, seconds: float) -> Heard:
    """Everything that comes within so many seconds, with the time it came at."""
    loop = asyncio.get_running_loop()
    heard: Heard = []
    try:
        async with asyncio.timeout(seconds):
            while True:
                frame = await link.receive()
                heard.append((loop.time(), msgspec.json.decode(frame)))
    except TimeoutError:
        return heard
    except LinkClosed:
        return heard


def hear(
    faults: str = "", seconds: float = 30.0, channel: str = "book", **more: Any
) -> tuple[Heard, SimulatedExchange]:
    """What one client of one channel hears."""

    async def main() -> tuple[Heard, SimulatedExchange]:
        async with exchange(faults, **more) as market, market.dial(PUBLIC) as link:
            await subscribe(link, channel)
            return await listen(link, seconds), market

    return run(main())


def kinds(heard: Heard) -> list[str]:
    return [str(one.get("channel", one.get("method"))) for _, one in heard]


def ns(timestamp: str) -> int:
    """Nanoseconds of a timestamp of the first of January 2026 with six digits."""
    date, _, time = timestamp.rstrip("Z").partition("T")
    assert date == "2026-01-01"
    hours, minutes, seconds = time.split(":")
    micros = int(Decimal(seconds) * 1_000_000)
    return 1_767_225_600 * SECOND + (int(hours) * 3600 + int(minutes) * 60) * SECOND + micros * 1000


class Follower:
    """The client of Kraken's guide: applies, cuts to ten levels, and proves by the checksum."""

    def __init__(self) -> None:
        self.books: dict[str, dict[str, dict[Decimal, Decimal]]] = {}
        self.bad: list[float] = []

    def follow(self, heard: Heard) -> None:
        for at_s, one in heard:
            if one.get("channel") == "book":
                self.apply(one["type"], one["data"][0], at_s)

    def apply(self, kind: str, data: Message, at_s: float) -> None:
        if kind == "snapshot":
            self.books[data["symbol"]] = {"bids": {}, "asks": {}}
        book = self.books[data["symbol"]]
        for name, is_bid in (("bids", True), ("asks", False)):
            side = book[name]
            for level in data[name]:
                price, quantity = Decimal(str(level["price"])), Decimal(str(level["qty"]))
                side[price] = quantity
                if not quantity:
                    del side[price]
            for price in sorted(side, reverse=is_bid)[10:]:
                del side[price]
        if self.checksum(data["symbol"]) != data["checksum"]:
            self.bad.append(at_s)

    def checksum(self, symbol: str) -> int:
        precision = {"BTC/USD": 1, "ETH/USD": 2}[symbol]
        top = self.top(symbol)
        text = "".join(
            f"{price:.{precision}f}".replace(".", "").lstrip("0")
            + f"{quantity:.8f}".replace(".", "").lstrip("0")
            for price, quantity in [*top[1], *top[0]]
        )
        return crc32(text.encode())

    def top(self, symbol: str) -> tuple[list[tuple[Decimal, Decimal]], ...]:
        book = self.books[symbol]
        return sorted(book["bids"].items(), reverse=True), sorted(book["asks"].items())


def test_a_client_hears_status_acks_snapshots_updates_and_no_bad_checksum() -> None:
    heard, _ = hear(seconds=60)

    follower = Follower()
    follower.follow(heard)
    assert kinds(heard)[:5] == ["status", "subscribe", "book", "subscribe", "book"]
    assert [one.get("type") for _, one in heard][2:5:2] == ["snapshot", "snapshot"]
    assert len(heard) > 1000
    assert follower.bad == []


def test_a_frame_s_time_names_the_state_of_the_exchange_s_own_book() -> None:
    async def main() -> int:
        checked = 0
        async with exchange() as market, market.dial(PUBLIC) as link:
            await subscribe(link)
            follower = Follower()
            for at_s, one in await listen(link, 30):
                follower.follow([(at_s, one)])
                if one.get("channel") == "book":
                    data = one["data"][0]
                    top = market.book_at(Symbol(data["symbol"]), ns(data["timestamp"]))
                    assert follower.top(data["symbol"]) == (list(top.bids), list(top.asks))
                    checked += 1
        return checked

    assert run(main()) > 500


def test_times_in_book_frames_increase_strictly_even_at_a_thousand_moves_a_second() -> None:
    heard, _ = hear(seconds=3, rate_per_s=1000.0)

    for symbol in (BTC, ETH):
        times = [
            ns(one["data"][0]["timestamp"])
            for _, one in heard
            if one.get("channel") == "book" and one["data"][0]["symbol"] == symbol
        ]
        assert len(times) > 500
        assert all(before < after for before, after in pairwise(times))


def test_two_runs_of_a_seed_are_the_same_to_the_byte_and_another_seed_is_not() -> None:
    def story(seed: int) -> tuple[Heard, dict[FaultKind, int]]:
        heard, market = hear("drop=0.01,reorder=0.01,delay=0.01,hangup@9s", 10.0, seed=seed)
        return heard, market.injected

    assert story(1) == story(1)
    assert story(1)[0] != story(2)[0]


def test_a_quiet_exchange_beats_about_once_a_second() -> None:
    heard, _ = hear(seconds=30.5, rate_per_s=0.0)

    assert kinds(heard)[5:] == ["heartbeat"] * 30


def test_links_are_told_apart_and_counted() -> None:
    async def main() -> list[int]:
        counts: list[int] = []
        async with exchange() as market:
            counts.append(market.connections)
            async with market.dial(PUBLIC) as one, market.dial(PUBLIC) as other:
                counts.append(market.connections)
                await subscribe(one)
                assert len(await listen(one, 2)) > 10
                assert kinds(await listen(other, 2)) == ["status"]
            counts.append(market.connections)
        return counts

    assert run(main()) == [0, 2, 0]


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        (PUBLIC, "public"),
        (LEVEL3, "level3"),
        ("ws://127.0.0.1:1/v2/level3", "level3"),
        ("ws://127.0.0.1:1/level3/?x=1", "level3"),
        ("ws://127.0.0.1:1/anything", "public"),
    ],
)
def test_a_url_names_an_endpoint(url: str, endpoint: str) -> None:
    async def main() -> str:
        return endpoint_of(exchange().venue.endpoints, url)

    assert run(main()) == endpoint


def test_level_3_is_served_on_its_own_endpoint() -> None:
    async def main() -> Heard:
        async with exchange() as market, market.dial(LEVEL3) as link:
            await subscribe(link, "level3", token="any")
            return await listen(link, 5)

    heard = run(main())

    assert kinds(heard)[:5] == ["status", "subscribe", "level3", "subscribe", "level3"]
    assert len(heard) > 20


def test_a_change_made_by_hand_is_told_at_once() -> None:
    async def main() -> tuple[Message, Top]:
        async with exchange(rate_per_s=0.0) as market, market.dial(PUBLIC) as link:
            await subscribe(link)
            await listen(link, 0.1)

            def sell(one: SimulatedMarket, now_ns: int) -> None:
                one.market(Side.SELL, Decimal("0.00000001"), now_ns)

            at_ns = market.change(BTC, sell)
            ((_, frame),) = await listen(link, 0.1)
            assert ns(frame["data"][0]["timestamp"]) == at_ns
            return frame, market.top(BTC)

    frame, top = run(main())

    (level,) = frame["data"][0]["bids"]
    assert (Decimal(str(level["price"])), Decimal(str(level["qty"]))) == top.bids[0]


def test_an_instant_too_long_ago_is_bad_input() -> None:
    async def main() -> None:
        async with exchange() as market:
            with pytest.raises(BadInput, match="was 5"):
                market.book_at(BTC, 5)

    run(main())


def test_a_dropped_frame_breaks_the_book_and_is_counted() -> None:
    whole, _ = hear(seconds=10)
    heard, market = hear("drop@4s", seconds=10)

    follower = Follower()
    follower.follow(heard)
    assert len(heard) == len(whole) - 1
    assert market.injected == {FaultKind.DROP: 1}
    assert follower.bad
    assert min(follower.bad) >= 4


def test_a_corruption_is_seen_by_the_checksum_in_that_very_frame() -> None:
    whole, _ = hear(seconds=10)
    heard, market = hear("corrupt@4s", seconds=10)

    follower = Follower()
    follower.follow(heard)
    different = [one[0] for one, other in zip(heard, whole, strict=True) if one != other]
    assert len(different) == 1
    assert different[0] >= 4
    assert follower.bad[0] == different[0]
    assert market.injected == {FaultKind.CORRUPT: 1}


def test_a_duplicate_arrives_twice_in_a_row() -> None:
    heard, market = hear("duplicate@4s", seconds=10)

    twins = [one for one, other in pairwise(heard) if one == other]
    assert len(twins) == 1
    assert twins[0][1]["channel"] == "book"
    assert market.injected == {FaultKind.DUPLICATE: 1}


def test_a_reordered_frame_arrives_after_the_next() -> None:
    whole, _ = hear(seconds=10)
    heard, _ = hear("reorder@4s", seconds=10)

    plain, swapped = [one for _, one in whole], [one for _, one in heard]
    place = next(n for n in range(len(plain)) if plain[n] != swapped[n])
    plain[place], plain[place + 1] = plain[place + 1], plain[place]
    assert swapped == plain


def test_a_delay_holds_the_frame_and_all_after_it_in_order() -> None:
    whole, _ = hear(seconds=10)
    heard, _ = hear("delay@4s+2s", seconds=10)

    assert [one for _, one in heard] == [one for _, one in whole]
    times = [at_s for at_s, _ in heard]
    gaps = [(after - before, before) for before, after in pairwise(times)]
    gap_s, begun_s = max(gaps)
    assert gap_s >= 2.0
    assert 3.5 < begun_s < 4.5


def test_a_silence_stops_data_but_not_heartbeats_and_the_book_goes_on_whole() -> None:
    heard, market = hear("silence@10s+5s", seconds=20)

    during = [one for at_s, one in heard if 10.0 < at_s < 15.0]
    follower = Follower()
    follower.follow(heard)
    assert {str(one.get("channel")) for one in during} == {"heartbeat"}
    assert len(during) >= 3
    assert any(one["channel"] == "book" for at_s, one in heard if at_s > 15)
    assert follower.bad == []
    assert market.injected == {FaultKind.SILENCE: 1}


def test_a_freeze_stops_everything_then_lets_it_all_go() -> None:
    whole, _ = hear(seconds=20)
    heard, _ = hear("freeze@10s+5s", seconds=20)

    assert not [at_s for at_s, _ in heard if 10.0 < at_s < 15.0]
    assert [one for _, one in heard] == [one for _, one in whole]
    assert len([at_s for at_s, _ in heard if at_s == 15.0]) > 50


def test_a_freeze_holds_those_who_dial_into_it() -> None:
    async def main() -> float:
        async with exchange("freeze@1s+5s") as market:
            await asyncio.sleep(2)
            async with market.dial(PUBLIC) as link:
                await link.receive()
                return asyncio.get_running_loop().time()

    assert run(main()) == 6.0


@pytest.mark.parametrize(("text", "code"), [("hangup@4s", 1006), ("hangup:1012@4s", 1012)])
def test_a_hangup_closes_every_link_with_its_code(text: str, code: int) -> None:
    async def main() -> tuple[float, int | None, int | None]:
        loop = asyncio.get_running_loop()
        async with (
            exchange(text) as market,
            market.dial(PUBLIC) as one,
            market.dial(PUBLIC) as other,
        ):
            codes: list[int | None] = []
            for link in (one, other):
                await link.receive()
                with pytest.raises(LinkClosed) as closed:
                    await link.receive()
                codes.append(closed.value.code)
            assert market.connections == 0
            return loop.time(), codes[0], codes[1]

    assert run(main()) == (4.0, code, code)


@pytest.mark.parametrize(
    ("text", "kind", "code"),
    [
        ("refuse@4s+5s", RateLimited, "429"),
        ("refuse:503@4s+5s", RateLimited, "503"),
        ("refuse:403@4s+5s", VenueRefused, "403"),
    ],
)
def test_dials_are_refused_for_a_while_and_links_that_are_open_stay(
    text: str, kind: type[VenueRefused], code: str
) -> None:
    async def main() -> None:
        async with exchange(text) as market, market.dial(PUBLIC):
            await asyncio.sleep(5)
            with pytest.raises(VenueRefused) as refused:
                async with market.dial(PUBLIC):
                    pass
            assert type(refused.value) is kind
            assert refused.value.code == code
            if isinstance(refused.value, RateLimited):
                assert refused.value.retry_after_s == pytest.approx(4.0)
            assert market.connections == 1
            assert market.injected == {FaultKind.REFUSE: 1}
            await asyncio.sleep(4.01)
            async with market.dial(PUBLIC):
                assert market.connections == 2

    run(main())


def test_maintenance_goes_through_its_stages_while_the_market_stands_still() -> None:
    heard, market = hear("maintenance@10s+9s", seconds=25)

    assert stages(heard) == [
        (0.0, "online"),
        (10.0, "maintenance"),
        (13.0, "cancel_only"),
        (16.0, "post_only"),
        (19.0, "online"),
    ]
    assert not [one for at_s, one in heard if 10 < at_s < 19 and one.get("channel") == "book"]
    assert [one for at_s, one in heard if at_s > 19 and one.get("channel") == "book"]
    assert market.injected == {FaultKind.MAINTENANCE: 1}


def stages(heard: Heard) -> list[tuple[float, str]]:
    return [
        (at_s, str(one["data"][0]["system"]))
        for at_s, one in heard
        if one.get("channel") == "status"
    ]


def test_who_dials_during_maintenance_is_told_so_first() -> None:
    async def main() -> Message:
        async with exchange("maintenance@1s+9s") as market:
            await asyncio.sleep(2)
            async with market.dial(PUBLIC) as link:
                return msgspec.json.decode(await link.receive(), type=dict[str, Any])

    assert run(main())["data"][0]["system"] == "maintenance"


def test_rates_strike_acknowledgements_as_well() -> None:
    heard, market = hear("drop=1", seconds=5)

    assert heard == []
    assert market.injected[FaultKind.DROP] > 10


def test_dialling_a_closed_exchange_is_a_transport_error() -> None:
    async def main() -> None:
        market = exchange()
        with pytest.raises(TransportError, match="not open"):
            async with market.dial(PUBLIC):
                pass
        async with market:
            pass
        with pytest.raises(TransportError, match="not open"):
            async with market.dial(PUBLIC):
                pass

    run(main())


def test_closing_hangs_up_and_leaves_no_task() -> None:
    async def main() -> int | None:
        async with exchange("maintenance@1s+100s,hangup@999s") as market:
            stack = market.dial(PUBLIC)
            link = await stack.__aenter__()
            await asyncio.sleep(2)
        await listen(link, 1)
        with pytest.raises(LinkClosed) as closed:
            await link.receive()
        await stack.__aexit__(None, None, None)
        return closed.value.code

    assert run(main()) == 1001  # and `run` fails when a task is left


def test_the_clients_own_error_comes_out_as_it_is() -> None:
    async def main() -> None:
        async with exchange() as market, market.dial(PUBLIC):
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        run(main())


class BrokenServer:
    """A venue's server with a bug: it fails when the market moves."""

    def __init__(self, view: MarketView, endpoint: str) -> None:
        pass

    def opened(self, now_ns: int) -> Sequence[bytes]:
        return ()

    def receive(self, frame: bytes, now_ns: int) -> Sequence[bytes]:
        return ()

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[bytes]:
        raise ZeroDivisionError("a bug of the server")

    def tick(self, now_ns: int) -> Sequence[bytes]:
        return ()


def test_a_bug_in_the_exchange_ends_the_block_with_its_own_error() -> None:
    async def main() -> None:
        side = ServerSide(link=by_endpoint(BrokenServer))
        market = SimulatedExchange(
            find_venue("kraken"), [BTC], seed=1, clock=SimulatedClock(), side=side
        )
        async with market, market.dial(PUBLIC):
            await asyncio.sleep(100)

    with pytest.raises(ZeroDivisionError, match="a bug of the server"):
        run(main())


def test_the_public_sees_what_an_account_does_and_its_fills_are_the_publics_trades() -> None:
    async def main() -> None:
        async with exchange(rate_per_s=20.0) as market, market.dial(PUBLIC) as link:
            account = market.open_account("key", "c2VjcmV0", {"USD": Decimal(10**6)})
            follower = Follower()
            await subscribe(link, "book")
            await subscribe(link, "trade")
            heard = await listen(link, 1.0)
            for away in range(20):
                (ask,) = market.levels(BTC, Side.SELL, 1)
                price = ask.price - Decimal(away) / 5
                account.place(
                    OrderRequest(
                        symbol=BTC, side=Side.BUY, quantity=Decimal("0.01"), limit_price=price
                    )
                )
                heard += await listen(link, 1.0)
            account.cancel_all()
            heard += await listen(link, 1.0)
            follower.follow(heard)
        assert follower.bad == []
        public = {
            str(trade["trade_id"]): trade
            for _, one in heard
            if one.get("channel") == "trade"
            for trade in one["data"]
            if trade["symbol"] == BTC
        }
        assert account.trades
        for happening in account.trades:
            assert happening.fill is not None
            seen = public[happening.trade_id]
            assert Decimal(str(seen["price"])) == happening.fill.price
            taken = seen["side"] == "buy"
            assert taken is (happening.fill.liquidity is Liquidity.TAKER)

    run(main())


def test_an_account_changes_nothing_for_a_public_day_that_nobody_trades_on() -> None:
    def hear_all(*, has_account: bool) -> list[list[Message]]:
        async def main() -> Heard:
            async with exchange() as market, market.dial(PUBLIC) as link:
                if has_account:
                    market.open_account("key", "c2VjcmV0", {"USD": Decimal(5)})
                await subscribe(link)
                return await listen(link, 20.0)

        return [one["data"] for _, one in run(main()) if one.get("channel") == "book"]

    plain, traded = hear_all(has_account=False), hear_all(has_account=True)

    for books in (plain, traded):
        for (one,) in books:
            del one["timestamp"]  # opening an account takes an instant
    assert plain == traded
