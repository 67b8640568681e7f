"""Why an exchange does not take a command, as the simulated ones and the paper venue refuse it."""

from enum import Enum

from fluxum.errors import VenueRefused

__all__ = ["CommandRefused", "Refusal"]


class Refusal(Enum):
    """Why an exchange does not take a command; servers have their venue's words for each."""

    INSUFFICIENT_FUNDS = "insufficient funds"
    UNKNOWN_SYMBOL = "unknown symbol"
    UNKNOWN_ORDER = "unknown order"
    INVALID_PRICE = "invalid price"
    TOO_PRECISE = "price has too many decimals"
    OFF_TICK = "price off the tick"
    INVALID_QUANTITY = "invalid quantity"
    QUANTITY_MINIMUM = "quantity below the minimum"
    COST_MINIMUM = "cost below the minimum"
    INVALID_DISPLAY = "invalid display quantity"
    INVALID_EXPIRY = "invalid expiry"
    INVALID_TRIGGER = "invalid trigger"
    INVALID_CLOSE = "invalid close order"
    NO_INDEX = "no index price"
    WOULD_TAKE = "post-only order would take"
    NAME_TAKEN = "client order id is taken by an open order"
    NOT_EDITABLE = "order cannot be edited"
    NO_MARGIN = "no margin"
    NO_POSITION = "no position"
    UNSUPPORTED = "unsupported combination"


class CommandRefused(VenueRefused):
    """The exchange did not take a command; nothing has changed. `field` is what is wrong."""

    def __init__(self, refusal: Refusal, field: str = "") -> None:
        super().__init__(f"{refusal.value}{': ' if field else ''}{field}", refusal.name)
        self.refusal = refusal
        self.field = field
