"""A venue whose account is unlike Kraken's, for the private contract: two links, no snapshots.

Its frames are JSON objects of one key. Links are opened with a key in the headers and begin with a
signed login; orders have a link of their own.
"""

import json
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import structs

from fluxum.errors import RemoteProtocolError
from fluxum.model.account import Balance, Credentials, EntryKind, Fee, Fill, LedgerEntry
from fluxum.model.event import Channel, Event, Subscribed, Subscription
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.model.order import Accepted, Command, Declined, OrderStatus, OrderType, OrderUpdate
from fluxum.model.position import MarginMode, PositionSide, PositionUpdate
from fluxum.venues.conversation import Auth, Effect, Fetch, Send, SequenceCounts
from fluxum.venues.kraken.venue import KRAKEN
from fluxum.venues.private import (
    AccountQueries,
    AccountTier,
    EntryQuery,
    FillQuery,
    OrderLink,
    OrderQuery,
    Private,
    Signed,
)
from fluxum.venues.queries import Page, RestQuery
from fluxum.venues.rates import Decaying
from fluxum.venues.server.contract import Answer, Dialled, ExchangeView, Outgoing, ServerSide
from fluxum.venues.trading import OrderRules

NS = 1_000_000_000


class ToySigner:
    """Signs by adding the key in the open, so that a test can see what was signed and when."""

    def __init__(self, credentials: Credentials) -> None:
        self._key = credentials.key

    def call(self, fetch: Fetch, now_ns: int, nonce: int) -> Signed:
        query = f"&time={now_ns // NS}&nonce={nonce}&key={self._key}"
        return Signed(fetch.path + query, fetch.headers, fetch.body)

    def frame(self, frame: bytes, now_ns: int, nonce: int) -> bytes:
        return json.dumps(json.loads(frame) | {"key": self._key, "time": now_ns // NS}).encode()

    def headers(self, now_ns: int, nonce: int) -> Mapping[str, str]:
        return {"X-Key": self._key}


class ToyLink:
    """Either conversation: a login, then what is subscribed; see AccountProtocol."""

    def __init__(self) -> None:
        self.outbox: deque[Effect] = deque()
        self.sequence = SequenceCounts()
        self._unanswered: list[Subscription] = []

    def subscribe(self, wanted: Iterable[Subscription]) -> None:
        streams = list(wanted)
        self._unanswered += streams
        names = [one.channel.value for one in streams]
        self.outbox.append(Send(json.dumps({"login": names}).encode(), Auth.SIGNED))

    def unsubscribe(self, unwanted: Iterable[Subscription]) -> None:
        raise AssertionError

    def resync(self, subscription: Subscription) -> None:
        raise AssertionError("the session asks for snapshots")

    def ping(self) -> None:
        self.outbox.append(Send(b'{"ping":0}'))

    def unanswered(self) -> Collection[Subscription]:
        return self._unanswered

    def follow_passively(self, depth: int | None = None) -> None:
        raise AssertionError

    def follow_request(self, frame: bytes) -> None:
        raise AssertionError

    def receive_response(self, fetch: Fetch, body: bytes, received_ns: int) -> Sequence[Event]:
        if fetch.auth is not Auth.SIGNED or not fetch.is_once:
            raise RemoteProtocolError(fetch.purpose)
        number = int(fetch.purpose)
        return (Accepted(venue="kraken", command_id=number, order_id="R", received_ns=received_ns),)

    def receive_refusal(self, fetch: Fetch, reason: str, received_ns: int) -> Sequence[Event]:
        return (
            Declined(
                venue="kraken",
                command_id=int(fetch.purpose),
                message=reason,
                received_ns=received_ns,
            ),
        )

    def command(self, command_id: int, command: Command, now_ns: int) -> None:
        self.outbox.append(Send(json.dumps({"command": command_id}).encode()))

    def receive(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        ((kind, data),) = json.loads(frame).items()
        match kind:
            case "welcome":
                streams, self._unanswered = self._unanswered, []
                return [
                    Subscribed(venue="kraken", subscription=one, received_ns=received_ns)
                    for one in streams
                ]
            case "order":
                return (order(**data, received_ns=received_ns),)
            case "balance":
                return (balance(data, received_ns),)
            case "position":
                return (position(data, at_s=received_ns // NS),)
            case "undated":
                return (structs.replace(balance(data, received_ns), venue_ns=None),)
            case "accepted":
                return (
                    Accepted(
                        venue="kraken", command_id=data, order_id="O", received_ns=received_ns
                    ),
                )
            case _:
                return ()


class ToyOverRest(ToyLink):
    """The same, whose commands are REST calls."""

    def command(self, command_id: int, command: Command, now_ns: int) -> None:
        self.outbox.append(
            Fetch("POST", "/orders?new=1", str(command_id), auth=Auth.SIGNED, is_once=True)
        )


def order(
    name: str, status: str = "open", filled: str = "0", at_s: int = 0, received_ns: int = 0
) -> OrderUpdate:
    return OrderUpdate(
        venue="kraken",
        order_id=name,
        symbol=Symbol("BTC/USD"),
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        status=OrderStatus(status),
        quantity=Decimal(2),
        filled=Decimal(filled),
        cost=Decimal(0),
        venue_ns=at_s * NS,
        received_ns=received_ns,
    )


def balance(total: str, received_ns: int) -> Balance:
    return Balance(
        venue="kraken",
        asset=Asset("USD"),
        total=Decimal(total),
        venue_ns=received_ns,
        received_ns=received_ns,
    )


def position(quantity: str, at_s: int, mode: MarginMode | None = None) -> PositionUpdate:
    """A long position; none for a quantity of zero."""
    return PositionUpdate(
        venue="kraken",
        symbol=Symbol("BTC/USD:PERP"),
        side=PositionSide.LONG if Decimal(quantity) else None,
        quantity=Decimal(quantity),
        margin_mode=mode,
        venue_ns=at_s * NS,
        received_ns=at_s * NS,
    )


def fill(name: str, at_s: int) -> Fill:
    """A fill as a list has it."""
    return Fill(
        venue="kraken",
        symbol=Symbol("BTC/USD"),
        side=Side.BUY,
        price=Decimal(9),
        quantity=Decimal(1),
        fees=(Fee(Asset("USD"), Decimal(0)),),
        liquidity=None,
        fill_id=name,
        order_id="A",
        backfilled=True,
        venue_ns=at_s * NS,
        received_ns=at_s * NS,
    )


def entry(name: str, at_s: int) -> LedgerEntry:
    """An entry as a list has it."""
    return LedgerEntry(
        venue="kraken",
        entry_id=name,
        reference_id="",
        kind=EntryKind.DEPOSIT,
        venue_kind="deposit",
        asset=Asset("USD"),
        amount=Decimal(1),
        fee=Decimal(0),
        balance=None,
        backfilled=True,
        venue_ns=at_s * NS,
        received_ns=at_s * NS,
    )


class Toy:
    """The venue: what it lists, what it was asked and sent, and its servers by endpoint."""

    def __init__(self) -> None:
        self.open: list[OrderUpdate] = []
        self.usd = "100"
        self.fills: list[Fill] = []
        self.entries: list[LedgerEntry] | None = None
        self.positions: list[PositionUpdate] | None = None
        self.since_ns: list[tuple[str, int | None]] = []
        """From when on each list of fills, entries or ended orders was asked for."""
        self.numbered = frozenset[Channel]()
        self.calls: list[str] = []
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.headers: dict[str, str] = {}
        self.failures: list[int] = []
        self.forbidden = "/nothing"
        """Calls of such paths are refused for good."""
        self.servers: dict[str, ToyServer] = {}

    def queries(self) -> AccountQueries:
        def get(kind: str, read: Callable[[int], Iterable[Any]]) -> RestQuery[Any]:
            fetch = Fetch("GET", f"/{kind}?all=1", kind, auth=Auth.SIGNED)
            return RestQuery(fetch, lambda _body, ns: Page(tuple(read(ns))))

        def held(ns: int) -> Iterable[Balance]:
            return [balance(self.usd, ns)]

        def listed(_ns: int) -> Iterable[OrderUpdate]:
            return self.open

        def none(_ns: int) -> Iterable[Any]:
            return ()

        def nothing(query: FillQuery) -> RestQuery[Any]:
            self.since_ns.append(("closed", query.since_ns))
            return get("history", none)

        def fills(query: FillQuery) -> RestQuery[Any]:
            self.since_ns.append(("fills", query.since_ns))
            return get("fills", lambda _ns: self.fills[::-1])

        def entries(query: EntryQuery) -> RestQuery[Any]:
            self.since_ns.append(("entries", query.since_ns))
            return get("entries", lambda _ns: (self.entries or [])[::-1])

        def positions() -> RestQuery[Any]:
            return get("positions", lambda _ns: self.positions or [])

        def find(_query: OrderQuery) -> Sequence[RestQuery[Any]]:
            return ()

        return AccountQueries(
            balances=lambda: get("balances", held),
            open_orders=lambda: get("open", listed),
            order=find,
            closed_orders=nothing,
            fills=fills,
            entries=None if self.entries is None else entries,
            positions=None if self.positions is None else positions,
        )

    def venue(self, *, over_rest: bool = False) -> Any:
        protocol = ToyOverRest if over_rest else ToyLink
        urls = {"account": "wss://toy/account", "orders": "wss://toy/orders"}
        return structs.replace(
            KRAKEN,
            endpoints={**KRAKEN.endpoints, **urls},
            routes={
                **KRAKEN.routes,
                Channel.EXECUTION: "account",
                Channel.BALANCE: "account",
            },
            private=Private(
                endpoint="account",
                protocol=protocol,
                signer=ToySigner,
                queries=self.queries,
                tiers={"only": AccountTier(Decaying(Decimal(100), Decimal(10)), OrderRules())},
                authenticated=frozenset({"account", "orders"}),
                snapshots=frozenset(),
                numbered=self.numbered,
                order_link=None if over_rest else OrderLink("orders", ToyLink),
            ),
        )

    def side(self) -> ServerSide:
        return ServerSide(link=self._link, rest=lambda _view: ToyRest(self))

    def _link(self, _view: ExchangeView, dialled: Dialled) -> "ToyServer":
        self.headers.update(dialled.headers)
        server = self.servers[dialled.endpoint] = ToyServer(self, dialled.endpoint)
        return server


class ToyServer:
    """One link from the venue's chair."""

    def __init__(self, toy: Toy, endpoint: str) -> None:
        self._toy = toy
        self._endpoint = endpoint
        self.due: list[bytes] = []
        """Frames that are published with the next tick."""

    def opened(self, now_ns: int) -> Sequence[Outgoing]:
        return ()

    def receive(self, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        message = json.loads(frame)
        self._toy.sent.append((self._endpoint, message))
        if "login" in message:
            return (b'{"welcome":0}',)
        if "command" in message:
            return (json.dumps({"accepted": message["command"]}).encode(),)
        return (b'{"pong":0}',)

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[Outgoing]:
        return ()

    def tick(self, now_ns: int) -> Sequence[Outgoing]:
        due, self.due = self.due, []
        return due or (b'{"beat":0}',)


class ToyRest:
    """The venue's REST half."""

    def __init__(self, toy: Toy) -> None:
        self._toy = toy

    def answer(self, call: Fetch, now_ns: int) -> Answer:
        self._toy.calls.append(call.path)
        if call.path.startswith(self._toy.forbidden):
            return Answer(403, b"")
        if self._toy.failures and "/Time" not in call.path:
            return Answer(self._toy.failures.pop(0), b"")
        if call.path.endswith("/Time"):
            time = {"unixtime": now_ns // NS, "rfc1123": ""}
            return Answer(200, json.dumps({"error": [], "result": time}).encode())
        return Answer(200, b"{}")
