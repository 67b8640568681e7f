"""The lines of a journal of orders, which prove themselves, and a whole journal. Pure.

    {"check":"1d0b5f2a7c3e9648","type":"place",...}

The checksum is BLAKE2 over the checksum before and the line without its own. So a line that was
changed, moved, doubled or taken away is found, and so is a line end that was made or lost. It is
not found that the last lines are missing as a whole: a crash leaves that of lines that were not
synced to the disk yet, and nothing was done because of those. A last line without an end is half a
line (a JSON object that does not close), which a crash leaves as well, or whole but for its end, or
damaged.

Journals of format 1 have no checksums: they are read as far as they make sense.
"""

import re
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import NamedTuple

import msgspec
from msgspec import Struct

from fluxum.errors import OrderJournalError
from fluxum.model.codec import plain
from fluxum.model.instrument import Symbol
from fluxum.model.order import Amend, Edit, OrderRequest, OrderStatus

__all__ = [
    "FIRST",
    "FORMAT",
    "Chain",
    "ChainLine",
    "Changed",
    "Changing",
    "Ended",
    "Header",
    "Intent",
    "JournalLine",
    "Named",
    "OrderJournalDamaged",
    "Reading",
    "Unfinished",
    "apply",
    "is_half",
    "name_of",
    "read_chain",
    "read_journal",
    "seal",
    "seal_lines",
]

FORMAT = 2
FIRST = b""
"""In the place of the checksum before the first line."""

_SHOWN_MAX = 10
_BEGIN, _END = b'{"check":"', b'",'
_CHECK = slice(len(_BEGIN), len(_BEGIN) + 16)
_HEAD = _CHECK.stop + len(_END)
_CHECKS = re.compile(rb'"check":"([0-9a-f]{16})"')
_LINKS_MAX = 64


class Intent(Struct, frozen=True, kw_only=True, tag="place"):
    """An order that is about to be sent; `request.client_order_id` is its name in the journal.

    `reference` is the user reference that identifies it at the venue where the name is not sent.
    After `deadline_ns` it cannot arrive any more.
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


class Changed(Struct, frozen=True, tag="changed"):
    """The last change of an order was answered."""

    name: str


class Named(Struct, frozen=True, tag="named"):
    """The venue's own name of an order."""

    name: str
    order_id: str


class Ended(Struct, frozen=True, tag="ended"):
    """An order has ended, or was not sent after all."""

    name: str
    status: OrderStatus


class Header(Struct, frozen=True, kw_only=True, tag="header"):
    """Of which format and venue a journal is; its first line."""

    fluxum_intents: int
    venue: str


JournalLine = Intent | Changing | Changed | Named | Ended
"""What a desk writes."""


class Unfinished(Struct, kw_only=True):
    """An order whose end is not known, as the journal has it.

    `order_id` is the venue's last name of it, if known. `changed_ns` is when it was placed or last
    changed. `change` is that change until its outcome is known; an edit may have put another order
    in its place.
    """

    intent: Intent
    order_id: str = ""
    change: Amend | Edit | None = None
    changed_ns: int


class OrderJournalDamaged(OrderJournalError):
    """A journal with damage: `line` is the first that is not what was written.

    `unfinished` are the orders of the whole lines, as far as those go: each was about to be sent,
    and a lost line may have changed or ended it. There may be others.
    """

    def __init__(self, message: str, line: int, unfinished: Sequence[Unfinished]) -> None:
        super().__init__(message)
        self.line = line
        self.unfinished = list(unfinished)


class ChainLine(NamedTuple):
    """A line that is proved: its number, counted from 1, and its JSON, without its checksum."""

    number: int
    body: bytes


class Chain(Struct):
    """What a file of such lines holds.

    `damaged` are the numbers of lines that are not proved; `torn`: a crash wrote only a part of
    a last line. `size` is how long the file is without that part, `check` what the next line goes
    on from; with `lacks_end` the last line is whole but for its end.
    """

    lines: list[ChainLine] = []
    damaged: list[int] = []
    torn: bool = False
    lacks_end: bool = False
    size: int = 0
    check: bytes = FIRST


class Reading(Struct):
    """The content of a journal: the `unfinished` orders by their names, oldest first; its lines.

    `is_old` is whether it is of format 1.
    """

    unfinished: dict[str, Unfinished]
    chain: Chain
    is_old: bool


def read_journal(content: bytes, name: str, venue: str) -> Reading:
    """Read a journal of that `name`.

    Raises OrderJournalDamaged where it is not what was written, OrderJournalError for another
    venue's.
    """
    is_old = _is_old(content)
    chain = _read_old(content) if is_old else read_chain(content)
    if chain.damaged or not chain.lines:
        raise _damaged(chain, content, name)
    unfinished: dict[str, Unfinished] = {}
    for number, body in chain.lines:
        try:
            line = _decode(body)
        except ValueError as error:
            raise OrderJournalError(f"{name}:{number} makes no sense: {error}") from error
        if (number == 1) is not isinstance(line, Header):
            raise OrderJournalError(f"{name}:{number} is not where such a line belongs")
        if isinstance(line, Header):
            _check_header(line, name, venue)
        else:
            apply(unfinished, line)
    return Reading(unfinished, chain, is_old)


def apply(unfinished: dict[str, Unfinished], line: JournalLine) -> None:
    """Apply a line to the orders that are unfinished."""
    if isinstance(line, Intent):
        name = line.request.client_order_id
        unfinished[name] = Unfinished(intent=line, changed_ns=line.at_ns)
        return
    order = unfinished.get(line.name)
    if order is None:
        return
    match line:
        case Changing():
            order.changed_ns = line.at_ns
            order.change = line.command
        case Changed():
            order.change = None
        case Named():
            if order.order_id != line.order_id and isinstance(order.change, Edit):
                order.change = None  # what it led to is what was named
            order.order_id = line.order_id
        case Ended():
            del unfinished[line.name]


def seal_lines(before: bytes, lines: Iterable[Header | JournalLine]) -> tuple[bytes, bytes]:
    """Lines that go on from a checksum, and the checksum of the last."""
    sealed: list[bytes] = []
    for line in lines:
        text, before = seal(before, _written(line))
        sealed.append(text)
    return b"".join(sealed), before


def name_of(line: JournalLine) -> str:
    """Our name of the order that a line is about."""
    return line.request.client_order_id if isinstance(line, Intent) else line.name


def _custom(kind: type, value: object) -> object:
    if kind is Symbol:
        return Symbol(str(value))
    raise NotImplementedError(kind)


_decoder: msgspec.json.Decoder[Header | JournalLine] = msgspec.json.Decoder(
    Header | JournalLine, dec_hook=_custom
)


_encode = msgspec.json.Encoder(enc_hook=str).encode
_has_exponent = re.compile(rb"E[+-]").search


def _written(line: Header | JournalLine) -> bytes:
    """The JSON of a line, its numbers without exponents."""
    text = _encode(line)
    return msgspec.json.encode(plain(line)) if _has_exponent(text) else text


def _decode(body: bytes) -> Header | JournalLine:
    """The content of a line; raises ValueError."""
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(str(error)) from error


def _is_old(content: bytes) -> bool:
    """Whether a journal is of format 1."""
    try:
        header = _decode(content.partition(b"\n")[0])
    except ValueError:
        return False
    return isinstance(header, Header) and header.fluxum_intents == 1


def _read_old(content: bytes) -> Chain:
    """The lines of a journal of format 1; only nonsense is known to be damage there."""
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


def _check_header(header: Header, name: str, venue: str) -> None:
    if header.fluxum_intents not in {1, FORMAT}:
        raise OrderJournalError(
            f"{name} is a journal of format {header.fluxum_intents}; {FORMAT} was expected"
        )
    if header.venue != venue:
        raise OrderJournalError(f"{name} is a journal of {header.venue}; {venue} was expected")


def _damaged(chain: Chain, content: bytes, name: str) -> OrderJournalDamaged:
    """The error of a journal of which some lines are not what was written."""
    if not content:
        message = f"{name} is empty, which no journal ever is: remove it to begin anew"
        return OrderJournalDamaged(message, 1, [])
    number = chain.damaged[0] if chain.damaged else 1
    known: dict[str, Unfinished] = {}
    for line in chain.lines:
        try:
            read = _decode(line.body)
        except ValueError:  # of a later version
            continue
        if not isinstance(read, Header):
            apply(known, read)
    shown = content.split(b"\n")[number - 1][:80].decode("utf-8", "replace")
    names = [f"{order} ({one.order_id or 'no order id'})" for order, one in known.items()]
    more = f" and {len(names) - _SHOWN_MAX} more" if len(names) > _SHOWN_MAX else ""
    orders = f"{', '.join(names[:_SHOWN_MAX])}{more}" if names else "no order"
    return OrderJournalDamaged(
        f"{name}:{number} is not what was written, was {shown!r}; {len(chain.lines)} lines are"
        f" whole and tell of {orders}, and there may be others: ask the exchange what is open, then"
        " move the file away to begin anew",
        number,
        list(known.values()),
    )


# The chain


def seal(before: bytes, body: bytes) -> tuple[bytes, bytes]:
    """A line with its end from a JSON object, and its checksum, which goes into the next one."""
    check = _checksum(before, body[1:])
    return b"".join((_BEGIN, check, _END, body[1:], b"\n")), check


def read_chain(content: bytes) -> Chain:
    """Every line that is proved, and the numbers of the others."""
    chain = Chain()
    *texts, rest = content.split(b"\n")
    links = [FIRST]
    for number, text in enumerate(texts, 1):
        if _is_proved(text, links):
            chain.lines.append(ChainLine(number, b"{" + text[_HEAD:]))
            links = [text[_CHECK]]
        else:
            chain.damaged.append(number)
            # A later line may be proved nevertheless: by the checksum that this one has in it, or
            # by the one that it should have, or by the line before it, if this is none.
            found = [_checksum(link, text[_HEAD:]) for link in links]
            links = [*links, *found, *_CHECKS.findall(text)][-_LINKS_MAX:]
    text = rest.rstrip(b"\0")  # some file systems leave zeros of a write that a crash cut
    chain.size = len(content) - len(rest)
    if _is_proved(text, links):
        chain.lines.append(ChainLine(len(texts) + 1, b"{" + text[_HEAD:]))
        chain.lacks_end = True
        chain.size += len(text)
        links = [text[_CHECK]]
    elif is_half(text):
        chain.torn = bool(rest)
    else:
        chain.damaged.append(len(texts) + 1)
    chain.check = links[-1]
    return chain


def is_half(text: bytes) -> bool:
    """Whether a text is the beginning of a JSON object and not the whole of one; empty is too."""
    if text[:1] not in {b"", b"{"}:
        return False
    depth = 0
    is_text = is_escaped = False
    for sign in text:
        if is_text:
            is_text = is_escaped or sign != ord('"')
            is_escaped = sign == ord("\\") and not is_escaped
        elif sign == ord('"'):
            is_text = True
        elif sign in b"{[":
            depth += 1
        elif sign in b"}]":
            depth -= 1
        if depth <= 0:
            return False
    return True


def _checksum(before: bytes, rest: bytes) -> bytes:
    return blake2b(before + rest, digest_size=8).hexdigest().encode()


def _is_proved(text: bytes, links: list[bytes]) -> bool:
    if text[: _CHECK.start] != _BEGIN or text[_CHECK.stop : _HEAD] != _END:
        return False
    return any(_checksum(link, text[_HEAD:]) == text[_CHECK] for link in links)
