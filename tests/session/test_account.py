"""An account followed over links that break, against a venue that says what the test wrote.

The simulated exchange's own account is in tests/simulation.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random

import pytest
from scripted import (
    CREDENTIALS,
    START_S,
    Rest,
    Script,
    Server,
    closed_row,
    encode,
    fill_report,
    fill_row,
    ledger_row,
    order,
)

from fluxum.errors import BadInput, TransportError, VenueRefused
from fluxum.flow.pipe import Overflow, Pipe
from fluxum.model.account import Balances, Fee, Fill
from fluxum.model.event import (
    Channel,
    Desync,
    Event,
    Gap,
    LeftOut,
    LinkLost,
    Repair,
    State,
    StateChange,
    Subscription,
    VenueNotice,
)
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import (
    Accepted,
    Amend,
    Cancel,
    CancelAll,
    CancelAllAfter,
    CancelBatch,
    Command,
    OpenOrders,
    OrderRequest,
    OrderStatus,
    OrderUpdate,
    Place,
)
from fluxum.session.account_config import AccountConfig
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.venues.kraken.venue import KRAKEN
from fluxum.venues.server.contract import MarketView, ServerSide, by_endpoint

BTC = Symbol("BTC/USD")
EXECUTIONS = Subscription(Channel.EXECUTION)
BALANCES = Subscription(Channel.BALANCE)


class World:
    def __init__(
        self, exchange: SimulatedExchange, session: Session, script: Script, told: Pipe[Event]
    ) -> None:
        self.exchange = exchange
        self.session = session
        self.script = script
        self._told = told

    async def live(self, seconds: float) -> list[Event]:
        await asyncio.sleep(seconds)
        return self._told.drain()

    def say(self, frame: bytes) -> None:
        (connection,) = (one for one in self.exchange._connections if one.is_open)
        connection.send([frame])


@asynccontextmanager
async def world(
    script: Script | None = None,
    *,
    since_ns: int | None = None,
    wanted: Sequence[Subscription] = (EXECUTIONS,),
) -> AsyncGenerator[World]:
    script = script or Script()

    def server(_view: MarketView, _endpoint: str) -> Server:
        return Server(script)

    def rest(_view: MarketView) -> Rest:
        return Rest(script)

    side = ServerSide(link=by_endpoint(server), rest=rest)
    clock = SimulatedClock(start_ns=START_S * 1_000_000_000)
    exchange = SimulatedExchange(KRAKEN, [BTC], seed=1, clock=clock, rate_per_s=0.0, side=side)
    async with exchange:
        session = Session(
            KRAKEN,
            dial=exchange.dial,
            clock=clock,
            random=Random(1),
            http=exchange,
            account_config=AccountConfig(CREDENTIALS, tier="pro", since_ns=since_ns),
        )
        told = session.events(capacity=10_000, overflow=Overflow.RAISE)
        async with session:
            session.subscribe(*wanted)
            yield World(exchange, session, script, told)


def kinds(events: Sequence[Event], *wanted: type) -> list[Event]:
    return [event for event in events if isinstance(event, wanted)]


def test_an_account_is_ready_when_its_streams_and_its_history_are_known() -> None:
    async def main() -> None:
        async with world(wanted=(EXECUTIONS, BALANCES)) as one:
            await one.session.wait_ready(10)
            events = await one.live(0.1)

            assert [type(event) for event in kinds(events, OpenOrders, Balances)] == [
                OpenOrders,
                Balances,
            ]
            assert one.session.account.is_following
            assert one.session.account.following.is_balances_valid
            assert one.session.account.following.balances["USD"].total == 100  # type: ignore[index]
            # Nothing was heard before, so nothing can have been missed: no history is asked for.
            assert one.script.asked.count("TradesHistory") == 0

    run(main())


def test_history_since_an_instant_is_told_before_it_is_ready() -> None:
    async def main() -> None:
        script = Script()
        # The link's own memory of the last fills says nothing of those before.
        script.recent = [fill_report("T-2", "O-1", "2023-11-14T22:12:30Z")]
        script.fills = {
            "T-2": fill_row("O-1", START_S - 50),
            "T-1": fill_row("O-1", START_S - 100),
            "T-0": fill_row("O-1", START_S - 5000),
        }
        async with world(script, since_ns=(START_S - 1000) * 1_000_000_000) as one:
            await one.session.wait_ready(30)
            events = await one.live(0.1)

            fills = [event for event in events if isinstance(event, Fill)]
            assert sorted(fill.fill_id for fill in fills) == ["T-1", "T-2"]
            assert all(fill.backfilled for fill in fills)
            ready = next(
                place
                for place, event in enumerate(events)
                if isinstance(event, StateChange) and event.new is State.READY
            )
            assert ready > events.index(fills[-1])

    run(main())


def test_what_happened_during_an_outage_is_told_once_before_it_is_ready_again() -> None:
    async def main() -> None:
        script = Script()
        script.open = [order("O-1"), order("O-2")]
        async with world(script) as one:
            await one.session.wait_ready(10)
            live = fill_report("T-1", "O-1")
            one.say(script.servers[-1].report(live))
            await one.live(1)

            # While nobody listens: O-1 is filled, O-2 canceled, O-3 placed by somebody else.
            script.open = [order("O-3")]
            script.recent = [live, fill_report("T-2", "O-1", "2023-11-14T22:13:50Z")]
            script.fills = {
                "T-2": fill_row("O-1", START_S + 30),
                "T-1": fill_row("O-1", START_S + 20),
            }
            script.closed = {
                "O-2": closed_row("canceled", "0", START_S + 31),
                "O-1": closed_row("closed", "2", START_S + 30),
            }
            one.exchange.hangup_all()
            await one.session.wait_ready(30)
            events = await one.live(60)

            lost = next(place for place, event in enumerate(events) if isinstance(event, LinkLost))
            fills = [event for event in events if isinstance(event, Fill)]
            assert [fill.fill_id for fill in fills] == ["T-2"]
            (gap,) = [event for event in events if isinstance(event, Gap)]
            assert (gap.subscription, gap.repair) == (EXECUTIONS, Repair.SNAPSHOT)
            (held,) = [event for event in events if isinstance(event, OpenOrders)]
            assert [update.order_id for update in held.orders] == ["O-3"]
            ends = {
                event.order_id: event.status for event in events if isinstance(event, OrderUpdate)
            }
            assert ends == {"O-1": OrderStatus.FILLED, "O-2": OrderStatus.CANCELED}
            places = [events.index(event) for event in (gap, held, fills[0])]
            assert lost < places[0] < places[1]
            ready = max(
                place
                for place, event in enumerate(events)
                if isinstance(event, StateChange) and event.new is State.READY
            )
            assert ready > max(
                place for place, event in enumerate(events) if isinstance(event, OrderUpdate)
            )
            assert one.session.statistics().sums_close

    run(main())


def test_an_order_that_nobody_can_explain_is_told_as_lost() -> None:
    async def main() -> None:
        script = Script()
        script.open = [order("O-1")]
        async with world(script) as one:
            await one.session.wait_ready(10)
            script.open = []
            one.exchange.hangup_all()
            await one.live(1)
            await one.session.wait_ready(60)
            events = await one.live(1)

            gaps = [event for event in events if isinstance(event, Gap)]
            assert any(gap.repair is Repair.LOST and "O-1" in gap.detail for gap in gaps)

    run(main())


def test_a_look_that_a_lost_link_cut_short_is_taken_up_from_where_it_began() -> None:
    async def main() -> None:
        script = Script()
        script.open = [order("O-1")]
        async with world(script) as one:
            await one.session.wait_ready(10)
            one.say(script.servers[-1].report(fill_report("T-1", "O-1")))
            await one.live(100)
            script.fills = {"T-2": fill_row("O-1", START_S + 300)}
            script.errors = ["EService:Unavailable"] * 3
            one.exchange.hangup_all()
            await one.live(1.0)  # the snapshot is there, history is not
            later = fill_report("T-3", "O-1", "2023-11-14T23:30:00Z")
            one.say(script.servers[-1].report(later))
            await one.live(0.1)
            one.exchange.hangup_all()
            await one.live(0.1)
            await one.session.wait_ready(60)
            asked = one.script.since[-1]

            # T-1 was at 22:13:40, and a minute is looked back.
            assert asked == START_S + 20 - 60

    run(main())


def test_a_missed_message_brings_a_new_snapshot_and_a_look_at_history() -> None:
    async def main() -> None:
        script = Script()
        script.open = [order("O-1")]
        async with world(script) as one:
            await one.session.wait_ready(10)
            await one.live(0.1)
            script.fills = {"T-1": fill_row("O-1", START_S + 1)}
            one.say(script.servers[-1].report(fill_report("T-9", "O-1"), skip=1))
            events = await one.live(20)

            assert [type(event) for event in kinds(events, Desync, OpenOrders, Fill)] == [
                Desync,
                OpenOrders,
                Fill,
            ]
            assert one.session.account.is_following

    run(main())


def test_history_that_is_refused_for_a_while_delays_being_ready_and_says_why() -> None:
    async def main() -> None:
        script = Script()
        script.fills = {"T-1": fill_row("O-1", START_S - 10)}
        async with world(script, since_ns=(START_S - 100) * 1_000_000_000) as one:
            script.errors = ["EService:Unavailable"] * 20  # a question is asked six times
            with pytest.raises(TimeoutError, match="Unavailable"):
                await one.session.wait_ready(30.0)
            assert not one.session.account.is_following
            with pytest.raises(TransportError, match="nothing was sent"):
                one.session.account.command(Place(request=request()))

            await one.session.wait_ready(300)
            fills = [event for event in await one.live(0.1) if isinstance(event, Fill)]
            assert [fill.fill_id for fill in fills] == ["T-1"]

    run(main())


def test_cancels_go_out_while_the_account_is_not_followed() -> None:
    async def main() -> None:
        script = Script()
        async with world(script, since_ns=(START_S - 100) * 1_000_000_000) as one:
            script.errors = ["EGeneral:Permission denied"] * 50  # history cannot be read
            await one.live(5)
            account = one.session.account
            assert not account.is_following

            cancels: list[Command] = [
                Cancel(order_ids=("O-1",)),
                CancelBatch(order_ids=("O-1", "O-2")),
                CancelAll(),
                CancelAllAfter(60),
            ]
            numbers = [account.command(cancel) for cancel in cancels]
            events = await one.live(1)

            sent = [message["method"] for message in script.heard][-4:]
            assert sent == ["cancel_order", "batch_cancel", "cancel_all", "cancel_all_orders_after"]
            answered = [event.command_id for event in events if isinstance(event, Accepted)]
            assert answered == numbers
            others: list[Command] = [Place(request=request()), Amend(order_id="O", limit_price=1)]
            for command in others:
                with pytest.raises(TransportError, match="nothing was sent"):
                    account.command(command)

    run(main())


def test_history_that_may_not_be_read_is_asked_for_once_and_the_refusal_named() -> None:
    async def main() -> None:
        script = Script()
        script.fills = {"T-1": fill_row("O-1", START_S - 10)}
        async with world(script, since_ns=(START_S - 100) * 1_000_000_000) as one:
            script.errors = ["EGeneral:Permission denied"] * 100
            with pytest.raises(VenueRefused, match=r"TradesHistory .* EGeneral:Permission denied"):
                await one.session.wait_ready(60.0)
            await one.live(600)

            assert one.script.asked.count("TradesHistory") == 1
            (missing,) = one.session.missing()
            assert "Permission denied" in missing.reason
            assert not one.session.account.is_following

    run(main())


def test_a_fill_found_in_history_is_told_once_more_when_its_lines_name_the_fee() -> None:
    async def main() -> None:
        script = Script()
        script.fills = {"T-1": fill_row("O-1", START_S - 10)}
        script.lines = {
            "L-1": ledger_row("T-1", "XXBT", "1", "0.0026"),
            "L-2": ledger_row("T-1", "ZUSD", "-100", "0"),
        }
        async with world(script, since_ns=(START_S - 100) * 1_000_000_000) as one:
            await one.session.wait_ready(10)
            told = [event for event in await one.live(60) if isinstance(event, Fill)]

            # The list of trades says that the fee is worth 0.26 USD, the lines that it was BTC.
            assert [fill.fees for fill in told] == [None, (Fee(BTC.base, Decimal("0.0026")),)]
            (fill,) = await one.session.account.history(0)
            assert fill.fees == (Fee(BTC.base, Decimal("0.0026")),)
            script.errors = ["EGeneral:Permission denied"]
            script.spared = {"TradesHistory"}
            (fill,) = await one.session.account.history(0)
            assert fill.fees is None

    run(main())


def test_fees_that_may_not_be_looked_up_stay_unknown_and_that_is_told_once() -> None:
    async def main() -> None:
        script = Script()
        script.fills = {"T-1": fill_row("O-1", START_S - 10)}
        script.spared |= {"TradesHistory", "ClosedOrders", "OpenOrders"}
        async with world(script, since_ns=(START_S - 100) * 1_000_000_000) as one:
            script.errors = ["EGeneral:Permission denied"] * 10
            await one.session.wait_ready(10)
            events = await one.live(600)

            assert one.session.account.is_following
            (notice,) = [one for one in events if isinstance(one, VenueNotice) and one.message]
            assert "fees of fills stay unknown: Ledgers was refused" in notice.message
            assert script.asked.count("Ledgers") == 1

    run(main())


def test_the_lines_of_a_fill_complete_it_when_they_come_by_themselves() -> None:
    async def main() -> None:
        script = Script()
        script.fills = {"T-1": fill_row("O-1", START_S - 10)}
        since_ns = (START_S - 100) * 1_000_000_000
        async with world(script, since_ns=since_ns, wanted=(EXECUTIONS, BALANCES)) as one:
            await one.session.wait_ready(10)
            await one.live(300)
            asked = script.asked.count("Ledgers")
            row = {
                "ref_id": "T-1",
                "type": "trade",
                "balance": 5,
                "timestamp": "2023-11-14T22:13:40Z",
            }
            base = row | {"ledger_id": "L-1", "asset": "BTC", "amount": 1, "fee": 0.0026}
            quote = row | {"ledger_id": "L-2", "asset": "USD", "amount": -100, "fee": 0}
            one.say(entries(2, base))
            one.say(entries(3, quote))
            (fill,) = [event for event in await one.live(1) if isinstance(event, Fill)]

            assert fill.fees == (Fee(BTC.base, Decimal("0.0026")),)
            assert script.asked.count("Ledgers") == asked <= 5

    run(main())


def test_rows_that_cannot_be_read_are_told_once_and_the_account_is_followed() -> None:
    async def main() -> None:
        script = Script()
        script.fills = {"T-1": fill_row("O-1", START_S - 10), "T-2": {"pair": None}}
        async with world(script, since_ns=(START_S - 100) * 1_000_000_000) as one:
            await one.session.wait_ready(10)
            events = await one.live(1)
            for _ in range(3):
                one.exchange.hangup_all()
                events += await one.live(60)

            assert one.session.account.is_following
            assert [fill.fill_id for fill in events if isinstance(fill, Fill)] == ["T-1"]
            (left_out,) = [event for event in events if isinstance(event, LeftOut)]
            assert (left_out.subscription, left_out.count) == (EXECUTIONS, 1)
            assert left_out.sample == '"T-2":{"pair": null}'
            assert script.asked.count("TradesHistory") >= 4
            (incomplete,) = one.session.incomplete()
            assert incomplete.subscription == EXECUTIONS

    run(main())


def test_without_a_stream_of_the_account_there_is_no_link_for_a_cancel() -> None:
    async def main() -> None:
        async with world(wanted=()) as one:
            with pytest.raises(TransportError, match="no stream of the account is subscribed"):
                one.session.account.command(CancelAll())

    run(main())


def test_a_row_the_stream_could_not_say_is_found_in_history() -> None:
    async def main() -> None:
        script = Script()
        script.open = [order("O-1")]
        async with world(script) as one:
            await one.session.wait_ready(10)
            await one.live(100)
            script.fills = {"T-1": fill_row("O-1", START_S + 100)}
            odd = fill_report("T-1", "O-1") | {"last_price": "a lot"}
            one.say(script.servers[-1].report(odd))
            events = await one.live(10)

            assert [fill.fill_id for fill in events if isinstance(fill, Fill)] == ["T-1"]
            assert one.session.account.is_following

    run(main())

    run(main())


def test_an_open_order_that_cannot_be_read_any_more_stays_as_it_was() -> None:
    async def main() -> None:
        script = Script()
        script.open = [order("O-1"), order("O-2")]
        async with world(script) as one:
            await one.session.wait_ready(10)
            script.open = [order("O-1") | {"side": None}, order("O-2")]
            script.odd = {"O-1"}
            one.exchange.hangup_all()
            events = await one.live(300)

            assert one.session.account.is_following
            assert set(one.session.account.following.orders) == {"O-1", "O-2"}
            assert kinds(events, Desync) == []
            assert [
                gap for gap in events if isinstance(gap, Gap) and gap.repair is Repair.LOST
            ] == []
            counted = [event.count for event in events if isinstance(event, LeftOut)]
            assert counted == [1, 1]  # over the stream, and over REST

    run(main())


def entries(number: int, *rows: Mapping[str, object]) -> bytes:
    return encode({"channel": "balances", "type": "update", "data": rows, "sequence": number})


def request() -> OrderRequest:
    return OrderRequest(symbol=BTC, side=Side.BUY, quantity=Decimal(1), limit_price=Decimal(100))


def test_a_message_that_nothing_follows_is_missed_for_a_minute_at_most() -> None:
    async def main() -> None:
        script = Script()
        script.open = [order("O-1"), order("O-2")]
        async with world(script) as one:
            await one.session.wait_ready(10)
            await one.live(0.1)
            # O-1 was filled, and nobody said so.
            script.open = [order("O-2")]
            script.closed = {"O-1": closed_row("closed", "2", START_S + 1)}
            script.fills = {"T-1": fill_row("O-1", START_S + 1)}
            events = await one.live(75)

            found = kinds(events, Desync, OpenOrders, Fill, OrderUpdate)
            assert [type(event) for event in found] == [Desync, OpenOrders, Fill, OrderUpdate]
            assert one.session.account.following.counts.missed == 1
            assert one.session.account.is_following
            assert kinds(await one.live(200), Desync) == []

    run(main())


def test_the_wire_sees_the_token_and_nobody_else_does() -> None:
    async def main() -> None:
        async with world() as one:
            raw = one.session.raw()
            await one.session.wait_ready(10)
            one.session.account.command(Place(request=request()))
            events = await one.live(1)

            assert {message["params"]["token"] for message in one.script.heard} == {
                "planted-token-1"
            }
            frames = b" ".join(frame.frame for frame in raw.drain())
            assert b"add_order" in frames
            tokens = one.session.account.authenticator.tokens
            shown = f"{events!r} {frames!r} {tokens!r} {one.session!r}"
            assert "planted" not in shown
            assert "the-key" not in shown
            (accepted,) = [event for event in events if isinstance(event, Accepted)]
            assert accepted.order_id == "O-NEW"

    run(main())


def test_a_token_that_went_stale_is_renewed_under_the_command() -> None:
    async def main() -> None:
        async with world() as one:
            await one.session.wait_ready(10)
            one.script.tokens = 7  # so that the one in use is none any more
            one.session.account.command(Place(request=request()))
            events = await one.live(2)

            assert [event.command_id for event in events if isinstance(event, Accepted)] == [1]
            orders = [one for one in one.script.heard if one["method"] == "add_order"]
            assert [message["params"]["token"] for message in orders] == [
                "planted-token-1",
                "planted-token-8",
            ]
            keeper = one.session.account.authenticator.tokens
            assert keeper is not None
            assert keeper.statistics().renewed == 1

    run(main())


def test_a_session_without_a_login_has_no_account() -> None:
    async def main() -> None:
        clock = SimulatedClock()
        exchange = SimulatedExchange(KRAKEN, [BTC], seed=1, clock=clock, rate_per_s=0.0)
        session = Session(KRAKEN, dial=exchange.dial, clock=clock, random=Random(1))

        with pytest.raises(BadInput, match="no login"):
            _ = session.account
        with pytest.raises(BadInput, match="needs a login"):
            session.subscribe(EXECUTIONS)

    run(main())


def test_an_unknown_tier_is_refused_with_those_there_are() -> None:
    async def main() -> None:
        clock = SimulatedClock()
        account_config = AccountConfig(CREDENTIALS, tier="gold")
        exchange = SimulatedExchange(KRAKEN, [BTC], seed=1, clock=clock, rate_per_s=0.0)

        with pytest.raises(BadInput, match=r"starter, intermediate, pro.*was 'gold'"):
            Session(
                KRAKEN,
                dial=exchange.dial,
                clock=clock,
                random=Random(1),
                account_config=account_config,
            )

    run(main())


def test_fees_are_looked_up_again_after_a_refusal_that_passes() -> None:
    async def main() -> None:
        script = Script()
        script.fills = {"T-1": fill_row("O-1", START_S - 10)}
        script.spared |= {"TradesHistory", "ClosedOrders", "OpenOrders"}
        async with world(script, since_ns=(START_S - 100) * 1_000_000_000) as one:
            script.errors = ["EAPI:Rate limit exceeded"] * 7  # one query gives up after six
            await one.session.wait_ready(10)
            events = await one.live(900)

            assert not [one for one in events if isinstance(one, VenueNotice) and one.message]
            assert script.asked.count("Ledgers") > 7

    run(main())


def test_fees_are_looked_up_again_if_lines_were_answered_before_a_refusal() -> None:
    async def main() -> None:
        script = Script()
        script.fills = {"T-1": fill_row("O-1", START_S - 10)}
        script.spared |= {"TradesHistory", "ClosedOrders", "OpenOrders"}
        async with world(script, since_ns=(START_S - 100) * 1_000_000_000) as one:
            await one.session.wait_ready(10)
            await one.live(0.5)
            assert script.asked.count("Ledgers") == 2
            script.errors = ["EGeneral:Permission denied"]
            await one.live(900)

            assert script.asked.count("Ledgers") == 4  # one was refused, three were answered

    run(main())


def test_entries_are_looked_up_from_a_minute_before_the_last_one_that_is_known() -> None:
    async def main() -> None:
        async with world(wanted=(BALANCES,)) as one:
            await one.session.wait_ready(10)
            row = {"ref_id": "D-1", "type": "deposit", "balance": 5, "amount": 1, "fee": 0}
            at = {"ledger_id": "L-1", "asset": "USD", "timestamp": "2023-11-14T22:15:00Z"}
            one.say(entries(2, row | at))
            await one.live(60)
            one.script.lines_since.clear()
            one.exchange.hangup_all()
            await one.live(60)

            assert one.script.lines_since == [START_S + 100 - 60]  # 22:13:20 is START_S

    run(main())


def test_fees_that_no_entry_names_are_looked_up_three_times() -> None:
    async def main() -> None:
        script = Script()
        script.fills = {"T-1": fill_row("O-1", START_S - 10)}
        async with world(script, since_ns=(START_S - 100) * 1_000_000_000) as one:
            await one.session.wait_ready(10)
            await one.live(600)

            assert script.asked.count("Ledgers") == 3

    run(main())
