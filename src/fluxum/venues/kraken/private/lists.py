"""When Kraken's lists of names are asked for: at first, and again for a market that none has.

Markets of tokenised assets (xStocks) are on a list of their own, which is asked for by its class
(https://docs.kraken.com/api/docs/rest-api/get-tradable-asset-pairs, `aclass_base`); it is not
offered everywhere, so a refusal of it is taken as an empty list.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec import Raw

from fluxum.errors import RateLimited, RemoteProtocolError, VenueRefused
from fluxum.venues.conversation import Fetch
from fluxum.venues.kraken.envelope import asked
from fluxum.venues.kraken.private import native_rest as rest
from fluxum.venues.kraken.private.names import Names
from fluxum.venues.queries import RestQuery
from fluxum.venues.rows import LeftOutRows, read_rows

__all__ = ["Lists"]

Wire = TypeVar("Wire")
_TOKENISED = "?aclass_base=tokenized_asset"
_SAMPLE_BYTES = 200
_PAUSE_MIN_NS = 60 * 1_000_000_000
_PAUSE_MAX_NS = 3600 * 1_000_000_000


class Lists:
    """The venue's lists of names: what was read of them, and when they are to be read again.

    They are renewed for a market that is on none of them, at most once a minute; each renewal that
    does not find it doubles the pause, up to an hour.
    """

    def __init__(self) -> None:
        self.names = Names()
        self._sought: set[str] = set()
        self._pause_ns = _PAUSE_MIN_NS
        self._due_ns = 0

    def all(self) -> Sequence[RestQuery[LeftOutRows | None]]:
        """Assets first, as pairs are named by them."""
        names = self.names
        return (
            _list("Assets", "", rest.decode_asset, names.learn_asset),
            _list("AssetPairs", "", rest.decode_pair, names.learn_pair),
            _refusable(_list("AssetPairs", _TOKENISED, rest.decode_pair, names.learn_pair)),
        )

    def renewals(self, now_ns: int) -> Sequence[RestQuery[LeftOutRows | None]]:
        """The lists once more, if the last answer named a market of none, and it is not too early.

        What it named is forgotten, so that each answer counts by itself.
        """
        unknown, self.names.unknown = self.names.unknown, set()
        if not unknown or now_ns < self._due_ns:
            return ()
        was_found = all(map(self.names.is_listed, self._sought))
        self._pause_ns = _PAUSE_MIN_NS if was_found else min(2 * self._pause_ns, _PAUSE_MAX_NS)
        self._due_ns = now_ns + self._pause_ns
        self._sought = unknown
        return self.all()


def _list(
    call: str,
    query: str,
    decode: Callable[[Raw], Wire],
    learn: Callable[[str, Wire], None],
) -> RestQuery[LeftOutRows | None]:
    """A list of names: each row is learned by itself."""

    def learn_row(row: rest.Row) -> None:
        learn(row.name, decode(row.raw))

    def read(rows: dict[str, Raw], _received_ns: int) -> LeftOutRows | None:
        return read_rows(rest.rows(rows), learn_row).left_out

    return asked(Fetch("GET", f"/0/public/{call}{query}", call, cost=0.0), rest.decode_rows, read)


def _refusable(question: RestQuery[LeftOutRows | None]) -> RestQuery[LeftOutRows | None]:
    """The same, which nothing waits for: a lasting no, and nonsense, are answers as well."""

    def read(body: bytes, received_ns: int) -> LeftOutRows | None:
        try:
            return question.read(body, received_ns)
        except RateLimited:
            raise
        except VenueRefused:
            return None
        except RemoteProtocolError as error:
            return LeftOutRows(1, str(error), body[:_SAMPLE_BYTES].decode("utf-8", "replace"))

    return RestQuery(question.fetch, read)
