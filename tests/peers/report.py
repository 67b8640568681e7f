"""What the scripts of this folder share: URLs of a simulated exchange, and a line a call."""

import asyncio
import json
import sys
from collections.abc import Awaitable
from typing import Any, cast
from urllib.parse import urlsplit

CALL_S = 8.0


def rehosted(where: Any, url: str) -> Any:
    """The same URLs at another host, over TLS only if it is."""
    if isinstance(where, dict):
        urls = cast("dict[str, Any]", where)
        return {name: rehosted(one, url) for name, one in urls.items()}
    if not isinstance(where, str) or "://" not in where:
        return where
    scheme, _, rest = where.partition("://")
    _, slash, path = rest.partition("/")
    kind = "ws" if scheme.startswith("ws") else "http"
    kind += "s" if url.startswith("wss") else ""
    return f"{kind}://{urlsplit(url).netloc}{slash}{path}"


class Calls:
    """Makes calls and prints what became of each as a line of JSON."""

    def __init__(self, client: str, venue: str) -> None:
        self._client = client
        self._venue = venue

    async def run(self, call: str, work: Awaitable[Any]) -> Any:
        """Make one call, for some seconds at most; an empty answer is a failure."""
        try:
            answer = await asyncio.wait_for(work, CALL_S)
        except Exception as error:  # whatever another program raises is a row of the table
            self.tell(call, f"{type(error).__name__}: {error}")
            return None
        self.tell(call, "" if answer not in (None, [], {}, ()) else "an empty answer")
        return answer

    def tell(self, call: str, failure: str) -> None:
        """Print a row; an empty failure is a success."""
        row = {"client": self._client, "venue": self._venue, "call": call, "failure": failure[:300]}
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()
