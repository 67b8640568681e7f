"""Names of streams: one publisher's one venue, symbol and channel, as `VENUE/BTC-USD/trade`.

What is of a whole venue has no symbol: `VENUE/instrument`, `VENUE/link` (states, notices, lost
links), `VENUE/account/execution`. A name can be read back: a `-` of a base asset is `%2D`. If
several sessions of one venue are published, they have labels: `VENUE@LABEL/BTC-USD/trade`.
"""

import re

from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol

__all__ = ["BOOKS", "StreamName", "link_stream", "matches", "place_of", "stream_of"]

BOOKS = frozenset({Channel.BOOK, Channel.LEVEL3})
"""The channels of books: their streams have checkpoints."""
_LINK = "link"
_ACCOUNT = "account"
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,40}")


class StreamName(Struct, frozen=True):
    """A stream's place and subscription; `None` for the stream of the venue's links.

    The place is the venue, with the label of the session if it has one.
    """

    place: str
    subscription: Subscription | None

    @property
    def venue(self) -> str:
        """The venue."""
        return self.place.partition("@")[0]

    @property
    def is_book(self) -> bool:
        """Whether it is the stream of a book."""
        return self.subscription is not None and self.subscription.channel in BOOKS

    @classmethod
    def parse(cls, text: str) -> "StreamName":
        """Read a name; raises BadInput."""
        match text.split("/"):
            case [venue, "link"]:
                return cls(venue, None)
            case [venue, channel]:
                return cls(venue, Subscription(_channel(channel, text)))
            case [venue, "account", channel]:
                return cls(venue, Subscription(_channel(channel, text)))
            case [venue, symbol, channel]:
                return cls(venue, Subscription(_channel(channel, text), _symbol(symbol)))
            case _:
                raise _refused(text)


def place_of(venue: str, label: str = "") -> str:
    """The place of a session with a label; raises BadInput for one that cannot be part of names."""
    if label and not _LABEL.fullmatch(label):
        raise BadInput(f"a label of letters, digits, - and _ was expected, was {label!r}")
    return f"{venue}@{label}" if label else venue


def stream_of(place: str, channel: Channel, symbol: Symbol | None = None) -> str:
    """The name of a stream of data."""
    if channel.is_private:
        return f"{place}/{_ACCOUNT}/{channel.value}"
    if symbol is None:
        return f"{place}/{channel.value}"
    base, _, rest = symbol.partition("/")
    escaped = base.replace("%", "%25").replace("-", "%2D")
    return f"{place}/{escaped}-{rest}/{channel.value}"


def link_stream(place: str) -> str:
    """The name of the stream of a venue's links."""
    return f"{place}/{_LINK}"


def matches(pattern: str, name: str) -> bool:
    """Whether a name is of a pattern: part by part, `*` is any; `` and `*` alone are all names."""
    if pattern in {"", "*"}:
        return True
    wanted, parts = pattern.split("/"), name.split("/")
    return len(wanted) == len(parts) and all(
        one in {"*", part} for one, part in zip(wanted, parts, strict=True)
    )


def _channel(text: str, name: str) -> Channel:
    try:
        return Channel(text)
    except ValueError as error:
        raise _refused(name) from error


def _symbol(text: str) -> Symbol:
    base, _, rest = text.partition("-")
    return Symbol(f"{base.replace('%2D', '-').replace('%25', '%')}/{rest}")


def _refused(name: str) -> BadInput:
    return BadInput(f"a stream like VENUE/BTC-USD/trade was expected, was {name!r}")
