"""What has been asked and not been answered yet, at venues whose answers carry no number.

Both of Coinbase's feeds answer each request, in order, with all that the link is subscribed to
then (https://docs.cdp.coinbase.com/exchange/websocket-feed/overview). So an answer belongs to the
oldest request it agrees with; should an answer be lost, the next one settles what it can.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct

__all__ = ["Ask", "Asks", "Settled"]

_NOTHING: frozenset[str] = frozenset()


class Ask(Struct):
    """A request on its way: `left` are the products not answered for yet.

    `quiet` ones are part of a resync, which nobody else asked for. A `doubted` one may have lost
    its answer.
    """

    method: str
    channel: str
    products: list[str]
    left: list[str]
    quiet: bool = False
    doubted: bool = False


class Settled(Struct):
    """What an answer says of one request: the products it accepts, and those it leaves out."""

    ask: Ask
    accepted: list[str]
    refused: list[str]


class Asks:
    """The requests of one link that wait for an answer, oldest first."""

    def __init__(self) -> None:
        self._waiting: list[Ask] = []

    def begin(self, method: str, channel: str, products: Iterable[str], *, quiet: bool) -> Ask:
        """Note a request that is about to be sent."""
        asked = list(products)
        ask = Ask(method, channel, asked, list(asked), quiet)
        self._waiting.append(ask)
        return ask

    def is_coming(self, channel: str, product: str) -> bool:
        """Whether a stream was asked for and its answer, for all that is known, is on its way."""
        return any(
            product in ask.left
            for ask in self._waiting
            if ask.method == "subscribe" and ask.channel == channel and not ask.doubted
        )

    def doubt(self) -> None:
        """Something was lost on this link: it may have been any of the answers."""
        for ask in self._waiting:
            ask.doubted = True

    def told(self, channel: str, product: str) -> bool:
        """Data answers as well as a list does; whether anybody waited for it loudly."""
        was_loud = False
        for ask in self._waiting:
            if ask.method == "subscribe" and ask.channel == channel and product in ask.left:
                ask.left.remove(product)
                was_loud = was_loud or not ask.quiet
        return was_loud

    def listed(self, listing: Mapping[str, Collection[str]]) -> Sequence[Settled]:
        """What a list of all subscriptions says of the requests that wait, if it answers one."""
        waiting = self._waiting
        index = next((at for at, ask in enumerate(waiting) if _agrees(ask, listing)), None)
        if index is None:
            return ()
        older, self._waiting = waiting[: index + 1], waiting[index + 1 :]
        answered = [ask for ask in older if _agrees(ask, listing)]
        # The answer to a subscribe that was passed over may have been lost: it waits on.
        kept = [ask for ask in older if ask.method == "subscribe" and ask not in answered]
        self._waiting[:0] = [ask for ask in kept if ask.left and not ask.quiet]
        return [_settled(ask, listing) for ask in answered]

    def omitted(self, listing: Mapping[str, Collection[str]]) -> Settled | None:
        """What a list that grants no request says of the oldest one, none if it grants one.

        Only to be asked where no list can come twice, or be lost unseen.
        """
        waiting = self._waiting
        if not waiting or any(_agrees(ask, listing) for ask in waiting):
            return None
        return _settled(waiting.pop(0), listing)

    def refused(self, method: str, channels: Collection[str] = ()) -> Ask | None:
        """The oldest request of a kind has failed; none if there is none."""
        for ask in self._waiting:
            if ask.method == method and (not channels or ask.channel in channels):
                self._waiting.remove(ask)
                return ask
        return None

    def unanswered(self) -> Sequence[tuple[str, str]]:
        """Channel and product of every stream that was asked for and not answered."""
        if not self._waiting:
            return ()
        return [
            (ask.channel, product)
            for ask in self._waiting
            if ask.method == "subscribe"
            for product in ask.left
        ]


def _agrees(ask: Ask, listing: Mapping[str, Collection[str]]) -> bool:
    listed = listing.get(ask.channel, _NOTHING)
    if ask.method == "subscribe":
        return all(product in listed for product in ask.products)
    return not any(product in listed for product in ask.products)


def _settled(ask: Ask, listing: Mapping[str, Collection[str]]) -> Settled:
    if ask.method != "subscribe":
        return Settled(ask, ask.left, [])  # whatever is listed: we want no more of it
    listed = listing.get(ask.channel, _NOTHING)
    accepted = [product for product in ask.left if product in listed]
    return Settled(ask, accepted, [product for product in ask.left if product not in listed])
