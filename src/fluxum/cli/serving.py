"""`--metrics`: an endpoint for Prometheus beside a command that runs for long."""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fluxum.metrics import Source

__all__ = ["metrics_served"]


@asynccontextmanager
async def metrics_served(
    port: int | None, sources: "Callable[[], Iterable[Source]]", message: Callable[[str], None]
) -> AsyncGenerator[None]:
    """Serve the metrics of some sources while the block lasts; without a port do nothing.

    Raises BadInput if the extra is not installed or the port is taken.
    """
    if port is None:
        yield
        return
    from fluxum.metrics import serve  # an extra: only who wants it needs it

    async with serve(sources, port=port) as server:
        message(f"metrics at {server.url}/metrics")
        yield
