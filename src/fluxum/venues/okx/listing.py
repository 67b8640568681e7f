"""The list of instruments, which takes three calls: spot markets, perpetuals and futures.

It is fetched, not streamed: the `instruments` channel publishes changes only, never the list
(https://www.okx.com/docs-v5/en/#public-data-websocket-instruments-channel). Options are left out,
as they can only be listed family by family.
"""

from collections.abc import Sequence

from msgspec import Raw

from fluxum.model.instrument import Instrument, Symbol
from fluxum.venues.conversation import Fetch
from fluxum.venues.instrument_list import ListPage
from fluxum.venues.okx import native, normalize, topics
from fluxum.venues.queries import decoded, refusal

__all__ = ["LISTS", "market", "page", "rows", "size_call", "sized_name"]

_PATH = "/api/v5/public/instruments?instType="
_PURPOSE = "size of "
LISTS = tuple(Fetch("GET", _PATH + kind, kind) for kind in ("SPOT", "SWAP", "FUTURES"))
"""The calls for all markets, by their kind."""
# Too often, a fault of theirs, or (50102, 50112) a call that came too late or whose time cannot be
# read, which is signed again: https://www.okx.com/docs-v5/en/#error-code-rest-api
_RETRYABLE = frozenset(
    {"50001", "50004", "50011", "50013", "50026", "50040", "50061", "50102", "50112"}
)


def size_call(symbol: Symbol) -> Fetch:
    """The call for one market and its size; options are listed by their family."""
    name, kind = topics.format_symbol(symbol), topics.instrument_type(symbol)
    family = f"&instFamily={symbol.base}-{symbol.quote}" if kind == "OPTION" else ""
    return Fetch("GET", f"{_PATH}{kind}&instId={name}{family}", _PURPOSE + name)


def sized_name(fetch: Fetch) -> str:
    """The venue's name of the market that a `size_call` is for."""
    return fetch.purpose.removeprefix(_PURPOSE)


def page(_fetch: Fetch, body: bytes) -> ListPage:
    """The rows of an answer; see InstrumentList."""
    return ListPage(rows(body))


def rows(body: bytes) -> Sequence[Raw]:
    """The rows of any answer.

    Raises VenueRefused for a refusal, RateLimited where the same call may succeed later, and
    RemoteProtocolError for a body of another form.
    """
    answer = decoded(native.decode_answer, body)
    if answer.code != "0":
        text = f"{answer.code} {answer.msg}".strip()
        raise refusal(text, answer.code, _RETRYABLE)
    return answer.data


def market(row: object, received_ns: int) -> Instrument | None:
    """The market of a row, `None` for a kind that is not offered; raises for a row that is odd."""
    assert isinstance(row, Raw), row
    return normalize.instrument(native.decode_instrument(row), received_ns)
