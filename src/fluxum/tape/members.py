"""Text in a gzip file by its members, so that damaged text is never used.

A gzip file is a row of members, each with a checksum of its text. A recorder writes one for each
of its flushes, and its length into the header (an extra field, which other programs skip). The text
of a recorder's member is returned after its checksum was verified, unless it is larger than
`_HELD_MAX`. Members of other programs are often large: their text is returned as it comes; if the
checksum is wrong in the end, `Damaged` contains how much that was.

A member that ends early, at the end of the file, was cut off by a crash: all of it that can be read
is returned, and then `None`. If a tape was appended to after a crash, the next member begins in the
middle of the torn one. It is recognised by its header, which occurs in other data by chance once in
2^128. A member that is complete and has no valid end is damaged.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from typing import IO

__all__ = ["GZIP_MAGIC", "Damaged", "member", "texts"]

GZIP_MAGIC = b"\x1f\x8b"
_LEVEL = 1  # docs/decisions/015
# Deflated, with an extra field; no time, any system; the field `FX` of four bytes.
_BEGIN = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x08\0FX\x04\0"
_HEADER_BYTES = len(_BEGIN) + 4
_LOOK = re.compile(re.escape(_BEGIN))
_CHUNK = 1 << 16
_HELD_MAX = 1 << 24


class Damaged(Exception):
    """A member's text is not what was compressed; `given` bytes of it were returned before."""

    def __init__(self, reason: str, given: int) -> None:
        super().__init__(reason)
        self.given = given


def member(text: bytes) -> bytes:
    """A text as one member."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(text) + packer.flush()
    end = struct.pack("<II", zlib.crc32(text), len(text) & 0xFFFFFFFF)
    length = struct.pack("<I", _HEADER_BYTES + len(packed) + len(end))
    return b"".join((_BEGIN, length, packed, end))


def texts(file: IO[bytes]) -> Iterator[bytes | None]:
    """A file's text in pieces, and `None` where a crash tore it; raises Damaged."""
    magic = file.read(len(GZIP_MAGIC))
    if magic == GZIP_MAGIC:
        yield from _members(_parts(magic, file))
        return
    yield magic
    while chunk := file.read(_CHUNK):
        yield chunk


def _parts(begun: bytes, file: IO[bytes]) -> Iterator[bytes | None]:
    """A file's bytes in pieces, and `None` before every recorder's member."""
    rest = begun
    while chunk := file.read(_CHUNK):
        data = rest + chunk
        begin = 0
        for found in _LOOK.finditer(data):
            yield data[begin : found.start()]
            yield None
            yield found.group()
            begin = found.end()
        end = max(begin, len(data) - len(_BEGIN) + 1)  # half a header may follow
        yield data[begin:end]
        rest = data[end:]
    yield rest


def _members(parts: Iterator[bytes | None]) -> Iterator[bytes | None]:
    one = _Member()
    for part in parts:
        if part is None:
            yield from one.end()
            one = _Member(is_ours=True)
            continue
        while part := part if one.bytes else part.lstrip(b"\0"):  # some files are padded
            part, text = one.take(part)
            yield text
            if one.has_ended:
                one = _Member(is_ours=one.is_ours)
    yield from one.end()


class _Member:
    """One member, as far as it has been read; `is_ours` if a recorder wrote it.

    After one of ours there are only ours.
    """

    def __init__(self, *, is_ours: bool = False) -> None:
        self.is_ours = is_ours
        self.bytes = 0
        self._header = b""
        self._zlib = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._given = 0

    @property
    def has_ended(self) -> bool:
        return self._zlib.eof

    def take(self, data: bytes) -> tuple[bytes, bytes]:
        """Add data; returns what is behind the member, and text that may be used."""
        self._header += data[: _HEADER_BYTES - len(self._header)]
        try:
            text = self._zlib.decompress(data, _HELD_MAX)
        except zlib.error as error:
            raise Damaged(str(error), self._given) from error
        rest = self._zlib.unconsumed_tail or self._zlib.unused_data
        self.bytes += len(data) - len(rest)
        self._held.append(text)
        self._held_bytes += len(text)
        is_given = self.has_ended or not self.is_ours or self._held_bytes > _HELD_MAX
        return rest, self._give() if is_given else b""

    def end(self) -> Iterator[bytes | None]:
        """The file has ended: what can be read of the member; raises Damaged."""
        if not self.bytes:
            return
        if self.is_ours and not self._is_short():
            raise Damaged("it does not end", self._given)
        yield self._give()
        yield None

    def _is_short(self) -> bool:
        """Whether less than a complete member of ours is there, by its own header."""
        if not self._header.startswith(_BEGIN):
            return _BEGIN.startswith(self._header)
        if len(self._header) < _HEADER_BYTES:
            return True
        (length,) = struct.unpack_from("<I", self._header, len(_BEGIN))
        return self.bytes < int(length)

    def _give(self) -> bytes:
        text = b"".join(self._held)
        self._held.clear()
        self._held_bytes = 0
        self._given += len(text)
        return text
