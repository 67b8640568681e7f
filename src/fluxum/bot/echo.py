"""A venue of the simplest kind, for checks: it answers every order with the next event. Pure."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from fluxum.bot.decision import BotCommand
from fluxum.bot.market import Market
from fluxum.bot.strategy import BotEvent, Outcome
from fluxum.model.account import Fill
from fluxum.model.event import Event
from fluxum.model.market import BookSnapshot, Side
from fluxum.model.order import Amend, Cancel, OrderRequest, OrderStatus, Place, TimeInForce

__all__ = ["Echo"]


class Echo:
    """Orders that take from the book are filled whole at its best price; others rest for ever.

    With `is_refusing` no order is taken.
    """

    def __init__(self, *, is_refusing: bool = False) -> None:
        self._is_refusing = is_refusing
        self._best: dict[Market, tuple[Decimal, Decimal]] = {}
        self._waiting: list[tuple[str, BotCommand]] = []
        self._count = 0

    def see(self, event: Event) -> None:
        """The market as of an event."""
        if isinstance(event, BookSnapshot):
            market = Market(event.venue, event.symbol)
            self._best[market] = event.bids[0].price, event.asks[0].price

    def send(self, commands: Iterable[BotCommand], _now_ns: int) -> None:
        """Take commands, to be answered with the next event."""
        for one in commands:
            match one.command:
                case Place(request=request):
                    self._waiting.append((request.client_order_id, one))
                case Amend(client_order_id=name):
                    self._waiting.append((name, one))
                case Cancel(client_order_ids=names):
                    self._waiting += [(name, one) for name in names]

    def due(self, at_ns: int) -> Iterator[BotEvent]:
        """The answers to all that was sent."""
        waiting, self._waiting = self._waiting, []
        for name, one in waiting:
            yield from self._answers(name, one, at_ns)

    def _answers(self, name: str, one: BotCommand, at_ns: int) -> Iterator[BotEvent]:
        market, status = one.market, OrderStatus.OPEN
        request = one.command.request if isinstance(one.command, Place) else None
        price = None if request is None else self._taken(market, request)
        if self._is_refusing and request is not None:
            status = OrderStatus.REFUSED
        elif isinstance(one.command, Cancel):
            status = OrderStatus.CANCELED
        elif request is not None and price is None and request.time_in_force is TimeInForce.IOC:
            status = OrderStatus.EXPIRED
        yield Outcome(
            venue=market.venue,
            symbol=market.symbol,
            client_order_id=name,
            status=status,
            order_id=name,
            received_ns=at_ns,
        )
        if request is not None and price is not None and status is OrderStatus.OPEN:
            self._count += 1
            yield Fill(
                venue=market.venue,
                symbol=market.symbol,
                side=request.side,
                price=price,
                quantity=request.quantity or Decimal(0),
                fill_id=str(self._count),
                order_id=name,
                client_order_id=name,
                venue_ns=at_ns,
                received_ns=at_ns,
            )

    def _taken(self, market: Market, request: OrderRequest) -> Decimal | None:
        """The price at which an order takes from the book; `None` if it does not."""
        best = self._best.get(market)
        if best is None or request.post_only or request.trigger is not None:
            return None
        price, is_buy = best[1 if request.side is Side.BUY else 0], request.side is Side.BUY
        limit = request.limit_price
        is_reached = limit is None or (limit >= price if is_buy else limit <= price)
        return price if is_reached else None
