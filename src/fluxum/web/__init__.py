"""The web page: books with their proofs, candles with their gaps, trades, links and losses.

    async with fluxum.web.serve(session) as page:
        print(page.url)  # open it in a browser

Read only: nothing can be ordered from it. `docs/serve.md` has the protocol and the security.
"""

from fluxum.web.guard import read_token
from fluxum.web.server import PORT, PageServer, serve
from fluxum.web.stage import LiveStage, PlayedStage, Stage

__all__ = ["PORT", "LiveStage", "PageServer", "PlayedStage", "Stage", "read_token", "serve"]
