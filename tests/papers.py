"""A paper venue for tests: one market with ticks of 1 and lots of 1, and its data by hand."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from fluxum.fill.fees import Fees
from fluxum.fill.latency import ConstantLatency
from fluxum.fill.queue import World
from fluxum.model.account import Fill
from fluxum.model.event import AccountEvent
from fluxum.model.instrument import Asset, Instrument, InstrumentStatus, Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Level, Side, Trade
from fluxum.model.order import (
    Command,
    OrderRequest,
    OrderType,
    OrderUpdate,
    Place,
    TimeInForce,
    Trigger,
)
from fluxum.paper.transit import PaperFaults
from fluxum.paper.venue import PaperVenue

FOO = Symbol("FOO/USD")
Rows = Mapping[int, int] | Sequence[tuple[int, int]]
D = Decimal


def instrument(symbol: str = "FOO/USD", tick: str = "1", lot: str = "1") -> Instrument:
    text = Symbol(symbol)
    return Instrument(
        venue="box",
        symbol=text,
        venue_symbol=symbol,
        base=text.base,
        quote=text.quote,
        status=InstrumentStatus.ONLINE,
        tick=D(tick),
        lot=D(lot),
        price_precision=max(-int(D(tick).as_tuple().exponent), 0),
        quantity_precision=max(-int(D(lot).as_tuple().exponent), 0),
        quantity_min=D(lot),
        received_ns=0,
    )


def levels(rows: Rows) -> tuple[Level, ...]:
    pairs = rows.items() if isinstance(rows, Mapping) else rows
    return tuple(Level(D(price), D(quantity)) for price, quantity in pairs)


class Desk:
    """A paper venue whose clock the test moves, and everything that came out of it."""

    def __init__(
        self,
        *,
        fills: World | str = World.EXPECTED,
        fees: Fees | None = None,
        delay_ns: int = 0,
        deposit: Mapping[str, Decimal] | None = None,
        faults: PaperFaults | None = None,
        more: Sequence[Instrument] = (),
    ) -> None:
        self.venue = PaperVenue(
            "box",
            [instrument(), *more],
            deposit=deposit or {"USD": D(100_000), "FOO": D(1000)},
            fees=fees,
            latency=ConstantLatency(delay_ns),
            fills=fills,
            faults=faults,
        )
        self.now_ns = 0
        self.events: list[AccountEvent] = []

    def at(self, now_ns: int) -> "Desk":
        self.now_ns = now_ns
        self.look()
        return self

    def look(self) -> None:
        self.events += self.venue.due(self.now_ns)
        assert self.venue.account.difference() == {}, "every booking has its other side"

    def book(self, bids: Rows, asks: Rows, symbol: Symbol = FOO, depth: int | None = None) -> None:
        snapshot = BookSnapshot(
            venue="box",
            symbol=symbol,
            bids=levels(bids),
            asks=levels(asks),
            depth=depth,
            received_ns=self.now_ns,
        )
        self.venue.book(snapshot)
        self.look()

    def change(self, bids: Rows = (), asks: Rows = (), symbol: Symbol = FOO) -> None:
        self.venue.book(BookUpdate("box", symbol, levels(bids), levels(asks), None, self.now_ns))
        self.look()

    def trade(self, side: Side, price: int | str, quantity: int) -> None:
        self.venue.trade(
            Trade(
                venue="box",
                symbol=FOO,
                side=side,
                price=D(price),
                quantity=D(quantity),
                trade_id="t",
                received_ns=self.now_ns,
            )
        )
        self.look()

    def send(self, command: Command) -> int:
        number = self.venue.command(command, self.now_ns)
        self.look()
        return number

    def place(
        self,
        side: Side,
        quantity: int,
        limit: int | None = None,
        *,
        name: str = "",
        trigger: int | None = None,
        time_in_force: TimeInForce = TimeInForce.GTC,
        post_only: bool = False,
        expires_ns: int | None = None,
        symbol: Symbol = FOO,
    ) -> int:
        kinds = {
            (False, False): OrderType.MARKET,
            (True, False): OrderType.LIMIT,
            (False, True): OrderType.STOP_LOSS,
            (True, True): OrderType.STOP_LOSS_LIMIT,
        }
        request = OrderRequest(
            symbol=symbol,
            side=side,
            order_type=kinds[limit is not None, trigger is not None],
            quantity=quantity,
            limit_price=limit,
            trigger=None if trigger is None else Trigger(trigger),
            time_in_force=time_in_force,
            post_only=post_only,
            expires_ns=expires_ns,
            client_order_id=name,
        )
        return self.send(Place(request=request))

    @property
    def fills(self) -> list[tuple[int, int, int]]:
        """Each fill: price, quantity, instant at the venue."""
        return [
            (int(one.price), int(one.quantity), one.venue_ns)
            for one in self.events
            if isinstance(one, Fill)
        ]

    @property
    def orders(self) -> dict[str, OrderUpdate]:
        """The last state of each order."""
        return {one.order_id: one for one in self.events if isinstance(one, OrderUpdate)}

    @property
    def last(self) -> OrderUpdate:
        """The order that was placed last."""
        return list(self.orders.values())[-1]

    def balance(self, asset: str) -> Decimal:
        return self.venue.account.total(Asset(asset))
