"""Lines of the log for people and for machines, with secrets masked in both.

    handler = logging.StreamHandler()
    handler.setFormatter(fluxum.logs.JsonFormatter())
    logging.getLogger("fluxum").addHandler(handler)

Texts that look like keys, signatures and tokens are masked by their names; `hide` masks others.
"""

import logging
import re
from datetime import UTC, datetime

import msgspec

__all__ = ["JsonFormatter", "TextFormatter", "hide", "masked"]

_MASK = "***"
_SHORTEST = 4
# Names of secrets, as venues have them in headers, queries and JSON.
_SECRETS = re.compile(
    r"""((?:token|signature|sign|secret|passphrase|password|api[-_ ]?key|API-Sign|listenKey|jwt)
    ["']?\s*[:=]\s*["']?)[^\s"'&,}\]]+""",
    re.IGNORECASE | re.VERBOSE,
)
_hidden: set[str] = set()


def hide(*secrets: str) -> None:
    """Mask these texts in every line from now on; texts of less than 4 characters are not."""
    _hidden.update(one for one in secrets if len(one) >= _SHORTEST)


def masked(text: str) -> str:
    """The text with its secrets masked."""
    for secret in _hidden:
        text = text.replace(secret, _MASK)
    return _SECRETS.sub(rf"\1{_MASK}", text)


class TextFormatter(logging.Formatter):
    """A line of the log: UTC, level, module, and a message without secrets."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """The time of a record in UTC, with milliseconds."""
        moment = datetime.fromtimestamp(record.created, UTC)
        return moment.strftime(datefmt or f"%Y-%m-%dT%H:%M:%S.{int(record.msecs):03d}Z")

    def format(self, record: logging.LogRecord) -> str:
        """The whole line, with the traceback if there is one."""
        return masked(super().format(record))


class JsonFormatter(TextFormatter):
    """A JSON object a line: `time`, `level`, `logger` and `message`, `traceback` if there is one.

    All values are text, without secrets. `time` is UTC with milliseconds.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The whole line."""
        line = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": masked(record.getMessage()),
        }
        if record.exc_info:
            line["traceback"] = masked(self.formatException(record.exc_info))
        return msgspec.json.encode(line).decode()
