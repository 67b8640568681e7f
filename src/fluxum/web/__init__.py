"""The web page: books with their proofs, candles with their gaps, trades, links and losses.

    async with fluxum.web.serve(session) as page:
        print(page.url)  # open it in a browser

Read only: nothing can be ordered from it. `docs/serve.md` has the protocol and the security. The
server is imported when it is first used, as aiohttp's takes a while.
"""

from typing import TYPE_CHECKING

from fluxum.web.guard import PORT, read_token
from fluxum.web.stage import LiveStage, PlayedStage, Stage

if TYPE_CHECKING:
    from fluxum.web.server import PageServer, serve

__all__ = ["PORT", "LiveStage", "PageServer", "PlayedStage", "Stage", "read_token", "serve"]


def __getattr__(name: str) -> object:
    """What is in the server's module, which is imported now."""
    if name in {"PageServer", "serve"}:
        from fluxum.web import server

        return getattr(server, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
