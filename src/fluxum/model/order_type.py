"""The words of an order: how it trades, how long it rests, what its prices mean."""

from fluxum.model.enumeration import Enumeration

__all__ = [
    "FeeAsset",
    "OrderType",
    "PriceKind",
    "SelfTrade",
    "TimeInForce",
    "TriggerReference",
]


class OrderType(Enumeration):
    """How an order trades. Triggered ones wait, outside the book, for a price.

    OTHER: the venue's word is unknown to Fluxum. Such an order is followed and can be canceled;
    none can be requested.
    """

    MARKET = "market"
    LIMIT = "limit"
    ICEBERG = "iceberg"
    STOP_LOSS = "stop_loss"
    STOP_LOSS_LIMIT = "stop_loss_limit"
    TAKE_PROFIT = "take_profit"
    TAKE_PROFIT_LIMIT = "take_profit_limit"
    TRAILING_STOP = "trailing_stop"
    TRAILING_STOP_LIMIT = "trailing_stop_limit"
    SETTLE_POSITION = "settle_position"
    OTHER = "other"

    @property
    def has_limit(self) -> bool:
        """Whether it has a worst price."""
        return self in _LIMITED

    @property
    def is_triggered(self) -> bool:
        """Whether it waits for a price before it trades."""
        return self in _TRIGGERED


_LIMITED = frozenset(
    {
        OrderType.LIMIT,
        OrderType.ICEBERG,
        OrderType.STOP_LOSS_LIMIT,
        OrderType.TAKE_PROFIT_LIMIT,
        OrderType.TRAILING_STOP_LIMIT,
    }
)
_TRIGGERED = frozenset(
    {
        OrderType.STOP_LOSS,
        OrderType.STOP_LOSS_LIMIT,
        OrderType.TAKE_PROFIT,
        OrderType.TAKE_PROFIT_LIMIT,
        OrderType.TRAILING_STOP,
        OrderType.TRAILING_STOP_LIMIT,
    }
)


class TimeInForce(Enumeration):
    """How long an order may rest: until canceled, not at all, whole or not at all, until a time.

    OTHER: the venue's word is unknown to Fluxum; none can be requested.
    """

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    GTD = "gtd"
    OTHER = "other"


class PriceKind(Enumeration):
    """The meaning of a price field: a price, or a signed distance in percent or in quote asset."""

    STATIC = "static"
    PERCENT = "percent"
    QUOTE = "quote"


class TriggerReference(Enumeration):
    """Which price a trigger watches: of the last trade, of an index, or of contracts their mark."""

    LAST = "last"
    INDEX = "index"
    MARK = "mark"


class SelfTrade(Enumeration):
    """Which order is canceled when two of the account would trade with each other."""

    CANCEL_NEWEST = "cancel_newest"
    CANCEL_OLDEST = "cancel_oldest"
    CANCEL_BOTH = "cancel_both"


class FeeAsset(Enumeration):
    """Which asset of the market the fee is charged in."""

    BASE = "base"
    QUOTE = "quote"
