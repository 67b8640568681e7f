"""Lines that prove themselves: each has a checksum of itself and of the line before it.

    {"check":"1d0b5f2a7c3e9648","type":"place",...}

The checksum is BLAKE2 over the checksum before and the line without its own. So a line that was
changed, moved, doubled or taken away is found, and so is a line end that was made or lost.

What cannot be found is that the last lines are missing as a whole: a file that ends with a line is
what it was when that line was written. That is what a crash leaves of lines that were not written
through to the disk yet, and nothing was done because of those. A last line without an end is half a
line, which a crash leaves as well, or whole but for its end, or damaged: half a line is an object
that does not close.
"""

import re
from hashlib import blake2b

from msgspec import Struct

__all__ = ["FIRST", "Chain", "ChainLine", "is_half", "read_chain", "seal"]

FIRST = b""
"""What stands for the checksum before the first line."""

_BEGIN, _END = b'{"check":"', b'",'
_CHECK = slice(len(_BEGIN), len(_BEGIN) + 16)
_HEAD = _CHECK.stop + len(_END)
_CHECKS = re.compile(rb'"check":"([0-9a-f]{16})"')
_LINKS_MAX = 64


class ChainLine(Struct, frozen=True):
    """A line that is proved: its number, counted from 1, and what it says, without its checksum."""

    number: int
    body: bytes


class Chain(Struct):
    """What a file of such lines holds.

    `damaged` are the numbers of lines that are not proved; `torn` says that a crash wrote a part of
    a last line. `size` is how long the file is without that part, `check` what the next line goes
    on from; with `lacks_end` the last line is whole but for its end.
    """

    lines: list[ChainLine] = []
    damaged: list[int] = []
    torn: bool = False
    lacks_end: bool = False
    size: int = 0
    check: bytes = FIRST


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
