"""A web application that serves live books as JSON: /book/BTC/USD, /health. Ctrl-C ends it."""

from collections.abc import AsyncIterator
from functools import partial

from aiohttp import web

import fluxum

SESSION = web.AppKey("session", fluxum.Session)
DEPTH = 5


async def follow(app: web.Application) -> AsyncIterator[None]:
    """The session lives as long as the application."""
    async with fluxum.connect("kraken", ["BTC/USD", "ETH/USD"]) as session:
        await session.wait_ready(timeout_s=20)
        app[SESSION] = session
        yield


async def book(request: web.Request) -> web.Response:
    symbol = f"{request.match_info['base']}/{request.match_info['quote']}".upper()
    try:
        found = request.app[SESSION].book(symbol)
    except fluxum.NotSubscribed as error:
        raise web.HTTPNotFound(text=f"{error}\n") from error
    proof = found.proof()
    if not proof.is_valid:  # better no book than a wrong one
        raise web.HTTPServiceUnavailable(text=f"{proof.reason}\n")
    shown = {"book": found.snapshot(DEPTH), "proof": proof}
    return web.json_response({name: fluxum.plain(one) for name, one in shown.items()})


async def health(request: web.Request) -> web.Response:
    missing = [str(one) for one in request.app[SESSION].missing()]
    return web.json_response({"missing": missing}, status=503 if missing else 200)


app = web.Application()
app.cleanup_ctx.append(follow)
app.router.add_get("/book/{base}/{quote}", book)
app.router.add_get("/health", health)

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=8080, print=partial(print, flush=True))
