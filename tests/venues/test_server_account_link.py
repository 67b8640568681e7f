"""The shared server of an account's link, with a dialect of words."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from fluxum.model.account import Balance
from fluxum.model.instrument import Symbol
from fluxum.model.order import OrderRequest
from fluxum.sim.account import SimulatedAccount
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.venues.register import find_venue
from fluxum.venues.server.account_link import AccountServer, ServerDialect, TopicRow
from fluxum.venues.server.accounts import AccountChange, OrderEventKind, OrderHappening
from fluxum.venues.server.contract import Close, Outgoing

BTC = Symbol("BTC/USD")
S = 1_000_000_000


class Toy:
    """A venue whose frames are words: `in`, `place`, `ping`."""

    def __init__(self, exchange: SimulatedExchange) -> None:
        self.account = exchange.open_account("key", "c2VjcmV0", {"USD": Decimal(1000)})
        dialect = ServerDialect(
            answer=self.answer,
            rows=self.rows,
            balances=self.balances,
            data=lambda topic, row, now_ns: f"{topic} {row} at {now_ns}".encode(),
            opened=lambda link, now_ns: (f"hello at {now_ns}".encode(),),
            tick=lambda link, now_ns: (b"tick",),
            idle_s=5,
        )
        self.server = AccountServer(exchange, dialect)

    def answer(self, link: AccountServer, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        if frame == b"in":
            link.log_in(self.account, now_ns)
            link.topics |= {"orders", "wallet"}
        if frame == b"place":
            place(self.account)
            link.publish(BTC, now_ns)
        return (b"done",)

    def rows(self, change: AccountChange) -> Iterable[TopicRow]:
        if isinstance(change, OrderHappening):
            yield from (("orders", change.what.value), ("unwanted", "x"))

    def balances(self, balances: Sequence[Balance]) -> Iterable[TopicRow]:
        yield "wallet", [f"{one.asset} {one.held}" for one in balances]


def place(account: SimulatedAccount) -> None:
    account.place(OrderRequest(symbol=BTC, side="buy", quantity="0.01", limit_price=100))


def play(story: Callable[[Toy], None], seed: int = 7) -> None:
    async def main() -> None:
        await asyncio.sleep(0)
        clock = SimulatedClock(start_ns=S)
        story(Toy(SimulatedExchange(find_venue("kraken"), [BTC], seed=seed, clock=clock)))

    run(main())


def test_what_happens_is_published_under_the_topics_of_the_client_and_balances_once() -> None:
    def story(toy: Toy) -> None:
        place(toy.account)  # before the login: nothing is heard
        toy.server.receive(b"in", S)
        place(toy.account)
        place(toy.account)

        frames = toy.server.publish(BTC, S)

        assert frames[-1] == b"wallet ['USD 3.0120'] at 1000000000"  # with the fee of 0.4 %
        kinds = [frame.split()[0] for frame in frames if isinstance(frame, bytes)]
        assert kinds == [b"orders"] * 4 + [b"wallet"]
        assert toy.server.publish(BTC, S) == []

    play(story)


def test_what_a_command_causes_comes_before_or_behind_its_answer() -> None:
    orders: set[bool] = set()

    def story(toy: Toy) -> None:
        toy.server.receive(b"in", S)
        for _ in range(20):
            behind = toy.server.receive(b"place", S)
            assert behind[0] == b"done"
            assert not toy.server.publish(BTC, S)  # it is behind the answer, or was before
            orders.add(len(behind) > 1)

    play(story)
    assert orders == {True, False}


def test_a_link_that_is_idle_is_closed_and_a_busy_one_ticks() -> None:
    def story(toy: Toy) -> None:
        assert toy.server.opened(S) == (b"hello at 1000000000",)
        assert toy.server.tick(5 * S) == (b"tick",)
        assert toy.server.tick(6 * S) == (Close(1006, "idle for 5 s"),)
        toy.server.receive(b"ping", 6 * S)
        assert toy.server.tick(10 * S) == (b"tick",)

    play(story)


def test_a_client_that_does_not_read_is_cut_off() -> None:
    def story(toy: Toy) -> None:
        toy.server.receive(b"in", S)
        state = toy.account.place(
            OrderRequest(symbol=BTC, side="buy", quantity="0.01", limit_price=100)
        )
        happening = OrderHappening(what=OrderEventKind.AMENDED, order=state, venue_ns=S)
        for _ in range(100_001):
            toy.server.account_changed(happening)
        assert toy.server.publish(BTC, S) == (Close(1013, "too much is unsent"),)

    play(story)


def test_a_number_is_repeated_once_it_was_there_and_none_never() -> None:
    def story(toy: Toy) -> None:
        answers = [toy.server.is_repeated(one) for one in ("1", "2", "1", "", "")]
        assert answers == [False, False, True, False, False]

    play(story)
