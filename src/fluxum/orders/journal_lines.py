"""The lines of a journal of orders: what each says, and what a whole journal tells.

Every line proves itself and the one before it (`orders/chain.py`), so a journal tells the truth or
is refused. Journals of format 1, whose lines prove nothing, are read as far as they make sense.
"""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from fluxum.errors import OrderJournalError
from fluxum.model.codec import plain
from fluxum.model.instrument import Symbol
from fluxum.model.order import Amend, Edit, OrderRequest, OrderStatus
from fluxum.orders.chain import Chain, ChainLine, is_half, read_chain, seal

__all__ = [
    "FORMAT",
    "Changed",
    "Changing",
    "Ended",
    "Header",
    "Intent",
    "Line",
    "Named",
    "OrderJournalDamaged",
    "Reading",
    "Unfinished",
    "apply",
    "read_journal",
    "seal_lines",
]

FORMAT = 2
_SHOWN_MAX = 10


class Intent(Struct, frozen=True, kw_only=True, tag="place"):
    """An order that is about to be sent; `request.client_order_id` is its name in the journal.

    `reference` is the user reference that names it at the venue, where the venue is not told the
    other name. After `deadline_ns` it cannot arrive any more.
    """

    request: OrderRequest
    deadline_ns: int
    at_ns: int
    reference: int | None = None


class Changing(Struct, frozen=True, kw_only=True, tag="change"):
    """A change of an order that is about to be sent; without a command, one that was answered."""

    name: str
    command: Amend | Edit | None = None
    at_ns: int


class Changed(Struct, frozen=True, kw_only=True, tag="changed"):
    """The last change of an order was answered."""

    name: str


class Named(Struct, frozen=True, kw_only=True, tag="named"):
    """The venue's own name of an order."""

    name: str
    order_id: str


class Ended(Struct, frozen=True, kw_only=True, tag="ended"):
    """An order has ended."""

    name: str
    status: OrderStatus


class Header(Struct, frozen=True, kw_only=True, tag="header"):
    """Of which format and venue a journal is; its first line."""

    fluxum_intents: int
    venue: str


Line = Intent | Changing | Changed | Named | Ended | Header


class Unfinished(Struct, kw_only=True):
    """An order of which no end is known, as the journal has it.

    `order_id` is the venue's last name of it, if it was heard. `changed_ns` is when it was placed
    or last changed. `change` is that change while nobody has said what became of it; an edit may
    have put another order in its place.
    """

    intent: Intent
    order_id: str = ""
    change: Amend | Edit | None = None
    changed_ns: int


class OrderJournalDamaged(OrderJournalError):
    """A journal that cannot say what is open: `line` is the first that is not what was written.

    `unfinished` are the orders that the whole lines tell of, as far as those go: each was meant to
    be sent, and may have been changed or ended by a line that is lost. There may be others.
    """

    def __init__(self, message: str, line: int, unfinished: Sequence[Unfinished]) -> None:
        super().__init__(message)
        self.line = line
        self.unfinished = list(unfinished)


class Reading(Struct, kw_only=True):
    """What a journal tells: the orders of which no end is known, by their names, oldest first.

    The other fields are of the file: how many `lines` it has and how many bytes without half a last
    line (`torn`), what its next line goes on from, whether the last one `lacks_end`.
    """

    unfinished: dict[str, Unfinished]
    lines: int
    size: int
    check: bytes
    torn: bool
    lacks_end: bool
    is_old: bool


def read_journal(content: bytes, name: str, venue: str) -> Reading:
    """Read a journal of that `name`.

    Raises OrderJournalDamaged where it is not what was written, and OrderJournalError for one of
    another venue.
    """
    is_old = _is_old(content)
    chain = _read_old(content) if is_old else read_chain(content)
    if chain.damaged or not chain.lines:
        raise _damaged(chain, content, name)
    unfinished: dict[str, Unfinished] = {}
    for line in chain.lines:
        try:
            told = _decode(line.body)
        except ValueError as error:
            raise OrderJournalError(f"{name}:{line.number} makes no sense: {error}") from error
        if (line.number == 1) is not isinstance(told, Header):
            raise OrderJournalError(f"{name}:{line.number} is not where such a line belongs")
        if isinstance(told, Header):
            _check_header(told, name, venue)
        apply(unfinished, told)
    return Reading(
        unfinished=unfinished,
        lines=len(chain.lines),
        size=chain.size,
        check=chain.check,
        torn=chain.torn,
        lacks_end=chain.lacks_end,
        is_old=is_old,
    )


def apply(unfinished: dict[str, Unfinished], line: Line) -> None:
    """Take in what a line says of the orders that are unfinished."""
    match line:
        case Intent():
            unfinished[line.request.client_order_id] = Unfinished(
                intent=line, changed_ns=line.at_ns
            )
        case Changing():
            order = unfinished.get(line.name)
            if order is not None:
                order.changed_ns = line.at_ns
                order.change = line.command
        case Changed():
            order = unfinished.get(line.name)
            if order is not None:
                order.change = None
        case Named():
            order = unfinished.get(line.name)
            if order is not None and order.order_id != line.order_id:
                order.order_id = line.order_id
                if isinstance(order.change, Edit):  # what it led to is what was named
                    order.change = None
        case Ended():
            unfinished.pop(line.name, None)
        case Header():
            pass


def seal_lines(before: bytes, lines: Iterable[Line]) -> tuple[bytes, bytes]:
    """Lines that go on from a checksum, and the checksum of the last."""
    sealed: list[bytes] = []
    for line in lines:
        text, before = seal(before, msgspec.json.encode(plain(line)))
        sealed.append(text)
    return b"".join(sealed), before


def _decode(body: bytes) -> Line:
    """What a line says; raises ValueError."""
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(str(error)) from error


def _is_old(content: bytes) -> bool:
    """Whether a journal is of format 1."""
    first = content.partition(b"\n")[0]
    try:
        header = _decode(first)
    except ValueError:
        return False
    return isinstance(header, Header) and header.fluxum_intents == 1


def _read_old(content: bytes) -> Chain:
    """The lines of a journal of format 1, of which only nonsense is known to be damaged."""
    chain = Chain()
    *texts, rest = content.split(b"\n")
    for number, text in enumerate([*texts, rest.rstrip(b"\0")], 1):
        try:
            _decode(text)
        except ValueError:
            if number <= len(texts) or not is_half(text):
                chain.damaged.append(number)
        else:
            chain.lines.append(ChainLine(number, text))
    chain.torn = bool(rest) and len(chain.lines) + len(chain.damaged) == len(texts)
    return chain


def _custom(kind: type, value: object) -> object:
    if kind is Symbol:
        return Symbol(str(value))
    raise NotImplementedError(kind)


def _check_header(header: Header, name: str, venue: str) -> None:
    if header.fluxum_intents not in {1, FORMAT}:
        raise OrderJournalError(
            f"{name} is a journal of format {header.fluxum_intents}; {FORMAT} was expected"
        )
    if header.venue != venue:
        raise OrderJournalError(f"{name} is a journal of {header.venue}; {venue} was expected")


def _damaged(chain: Chain, content: bytes, name: str) -> OrderJournalDamaged:
    """What to say of a journal of which some lines are not what was written."""
    if not content:
        message = f"{name} is empty, which no journal ever is: remove it to begin anew"
        return OrderJournalDamaged(message, 1, [])
    number = chain.damaged[0] if chain.damaged else 1
    known: dict[str, Unfinished] = {}
    for line in chain.lines:
        try:
            apply(known, _decode(line.body))
        except ValueError:  # of a later version
            continue
    shown = content.split(b"\n")[number - 1][:80].decode("utf-8", "replace")
    names = [f"{order} ({one.order_id or 'no order id'})" for order, one in known.items()]
    more = f" and {len(names) - _SHOWN_MAX} more" if len(names) > _SHOWN_MAX else ""
    told = f"{', '.join(names[:_SHOWN_MAX])}{more}" if names else "no order"
    return OrderJournalDamaged(
        f"{name}:{number} is not what was written, was {shown!r}; {len(chain.lines)} lines are"
        f" whole and tell of {told}, and there may be others: ask the exchange what is open, then"
        " move the file away to begin anew",
        number,
        list(known.values()),
    )


_decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line, dec_hook=_custom)
