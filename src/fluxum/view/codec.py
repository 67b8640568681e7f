"""Views as JSON: exact decimals as plain text, as everywhere in Fluxum."""

import re
from decimal import Decimal

import msgspec

from fluxum.model.numbers import digits

__all__ = ["encode_view"]

# A text that is as a whole a number with an exponent. One that a venue sent is spelled out too.
_exponent = re.compile(rb'(?<![\\])"(-?\d(?:\.\d+)?E[+-]\d+)"')
_encode = msgspec.json.Encoder(enc_hook=str).encode


def encode_view(view: msgspec.Struct) -> bytes:
    """A view, or a part of one, as JSON in one line; decimals are text without an exponent."""
    line = _encode(view)
    return _exponent.sub(_plain, line) if b"E" in line else line


def _plain(found: re.Match[bytes]) -> bytes:
    return b'"%s"' % digits(Decimal(found[1].decode())).encode()
