"""The list of instruments, which takes three calls: spot markets, perpetuals and futures.

It is fetched, not streamed: the `instruments` channel tells changes only and never the list
(https://www.okx.com/docs-v5/en/#public-data-websocket-instruments-channel). Options are left out,
as they can only be listed family by family.
"""

from collections.abc import Sequence

from msgspec import MsgspecError, Raw

from fluxum.errors import RateLimited, RemoteProtocolError, VenueRefused
from fluxum.model.instrument import Instrument, Symbol
from fluxum.venues.conversation import Fetch
from fluxum.venues.instrument_list import ListPage
from fluxum.venues.okx import native, normalize, topics

__all__ = ["LISTS", "PURPOSE", "UNREADABLE", "call_of", "market", "page", "rows"]

_PATH = "/api/v5/public/instruments?instType="
LISTS = tuple(Fetch("GET", _PATH + kind, kind) for kind in ("SPOT", "SWAP", "FUTURES"))
"""The calls for all markets, by their kind."""
PURPOSE = "size of "
"""The purpose of the call for one market, before its name."""
UNREADABLE = (MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding any bytes may raise."""
# Too often, or a fault of theirs: https://www.okx.com/docs-v5/en/#error-code-rest-api
_PASSING = frozenset({"50001", "50004", "50011", "50013", "50026", "50040", "50061"})


def call_of(symbol: Symbol) -> Fetch:
    """The call for one market; options are listed by their family."""
    name, kind = topics.format_symbol(symbol), topics.instrument_type(symbol)
    family = f"&instFamily={symbol.base}-{symbol.quote}" if kind == "OPTION" else ""
    return Fetch("GET", f"{_PATH}{kind}&instId={name}{family}", PURPOSE + name)


def page(_fetch: Fetch, body: bytes) -> ListPage:
    """The rows of an answer.

    Raises VenueRefused for a no, and RemoteProtocolError where asking again may help.
    """
    try:
        return ListPage(rows(body))
    except RateLimited as error:
        raise RemoteProtocolError(str(error)) from error


def rows(body: bytes) -> Sequence[Raw]:
    """The rows of any answer.

    Raises VenueRefused for a no, RateLimited for one that asking later may help, and
    RemoteProtocolError for what is no answer.
    """
    try:
        answer = native.decode_answer(body)
    except UNREADABLE as error:
        raise RemoteProtocolError(str(error)) from error
    if answer.code == "0":
        return answer.data
    said = f"{answer.code} {answer.msg}".strip()
    if answer.code in _PASSING:
        raise RateLimited(said, answer.code)
    raise VenueRefused(said, answer.code)


def market(row: object, received_ns: int) -> Instrument | None:
    """The market of a row, `None` for a kind that is not offered; raises for a row that is odd."""
    assert isinstance(row, Raw), row
    return normalize.instrument(native.decode_instrument(row), received_ns)
