"""The lines of a tape: its header, its frames, and what could not be recorded.

A tape is a text file of JSON lines, compressed with gzip if its name ends in `.gz`. The first
line is a header, every further one has a frame:

    {"fluxum_tape": 1, "venue": "...", "started_ns": 1785552832693693000}
    {"ns": 1785552832693693000, "link": 1, "sent": true, "raw": "{...}", "dialled": "wss://..."}
    {"ns": 1785552832743693000, "link": 1, "sent": false, "raw": "{...}"}
    {"ns": 1785552832843693000, "link": 0, "sent": true, "url": "https://...", "call": 1}
    {"ns": 1785552832893693000, "link": 0, "url": "https://...", "call": 1, "raw": "{...}"}
    {"ns": 1785552832932693000, "link": 0, "lost": 120, "since_ns": 1785552832900000000}
    {"ns": 1785552832993693000, "link": 1, "closed": true}

Lines with a `url` are of REST calls: the request, without what was sent; then the answer with the
same `call`, or `closed` if there was none. Tapes of before have answers alone. A line with
`since_ns` stands for frames that the recorder lost, as the disk was full. A header further down
begins another recording on the same tape. The reader also reads bare recordings: lines of
`{"ts": seconds-or-null, "raw": "frame text"}`, or the frames themselves.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from decimal import Decimal

import msgspec
from msgspec import Struct

__all__ = [
    "FORMAT",
    "HEADER_BEGIN",
    "BareFrame",
    "TapeFrame",
    "TapeHeader",
    "answer_line",
    "encode_lines",
    "frame_line",
    "is_header",
]

FORMAT = 1
HEADER_BEGIN = b'{"fluxum_tape"'
"""How the line of a header begins."""
_encoder = msgspec.json.Encoder()


class TapeHeader(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The header of a tape; its first line.

    If a recording has several files, each has the number of its `segment`, and all have the instant
    `recording_ns` at which the recording began; 0 means a recording in one file.
    """

    fluxum_tape: int
    venue: str
    started_ns: int
    recording_ns: int = 0
    segment: int = 1

    def follows(self, before: "TapeHeader") -> bool:
        """Whether this file continues that one."""
        return (
            self.recording_ns != 0
            and self.venue == before.venue
            and self.recording_ns == before.recording_ns
            and self.segment == before.segment + 1
        )


class TapeFrame(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One frame. `ns` is when it was received or sent; `None` if the recording has no time.

    `raw64` replaces `raw` for the rare frame that is no text. A line that has neither means that
    its link was `closed`, or that the recorder `lost` frames from `since_ns` to `ns`. With a `url`
    it is of a REST call, which belongs to no link; the lines of one call have its number `call`
    within the recording, 0 on older tapes. The first line of a link has the URL
    that was `dialled`, without its query; older tapes lack it.
    """

    ns: int | None = None
    link: int = 1
    sent: bool = False
    closed: bool = False
    raw: str | None = None
    raw64: str | None = None
    url: str = ""
    call: int = 0
    lost: int = 0
    since_ns: int | None = None
    dialled: str = ""

    @property
    def is_answer(self) -> bool:
        """Whether it is the answer to a REST call."""
        return bool(self.url) and not (self.sent or self.closed)

    @property
    def frame(self) -> bytes:
        """The frame as it was on the wire."""
        return b64decode(self.raw64 or "") if self.raw is None else self.raw.encode()


class BareFrame(Struct):
    """A line of a bare recording. One with `ns` is of a tape whose header is missing."""

    raw: str
    ts: Decimal | None = None
    url: str = ""
    ns: int | None = None


def encode_lines(lines: Sequence[TapeHeader | TapeFrame]) -> bytes:
    """Lines with their ends."""
    return _encoder.encode_lines(lines)


def frame_line(ns: int, frame: bytes, link: int, *, sent: bool, dialled: str = "") -> TapeFrame:
    """The line of a frame; `dialled` is the URL of its link, for the first frame."""
    try:
        return TapeFrame(ns=ns, link=link, sent=sent, raw=frame.decode(), dialled=dialled)
    except UnicodeDecodeError:
        raw64 = b64encode(frame).decode()
        return TapeFrame(ns=ns, link=link, sent=sent, raw64=raw64, dialled=dialled)


def answer_line(ns: int, url: str, body: bytes, call: int = 0) -> TapeFrame:
    """The line of an answer to a REST call."""
    try:
        return TapeFrame(ns=ns, link=0, url=url, call=call, raw=body.decode())
    except UnicodeDecodeError:
        return TapeFrame(ns=ns, link=0, url=url, call=call, raw64=b64encode(body).decode())


def is_header(line: bytes) -> bool:
    """Whether a line is a header, by its beginning."""
    return line.startswith(HEADER_BEGIN)
