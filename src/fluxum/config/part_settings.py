"""The settings of parts above single venues: hub, client, metrics."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Struct

from fluxum.config import values
from fluxum.config.about import About
from fluxum.model.instrument import Symbol

__all__ = ["ClientSettings", "HubSettings", "MetricsSettings"]


class HubSettings(Struct, frozen=True, kw_only=True):
    """The hub: many venues as one."""

    venues: Annotated[
        tuple[str, ...],
        About(
            values.several(values.venue),
            "Its exchanges; without: those whose tables have symbols.",
            "S4 (5 venues)",
        ),
    ] = ()
    symbols: Annotated[
        tuple[Symbol, ...],
        About(values.several(values.symbol), "Markets of an exchange without own ones.", "S4"),
    ] = ()
    quorum: Annotated[
        int | None,
        About(values.AtLeast(1), "How many exchanges have to be ready; without: all.", ""),
    ] = None
    failover: Annotated[
        Mapping[Symbol, tuple[str, ...]],
        About(
            values.mapping(values.symbol, values.several(values.venue)),
            "For each of some symbols the exchanges, the first choice first.",
            "S4 (failover)",
        ),
    ] = {}
    hold_s: Annotated[
        float,
        About(
            values.nothing, "For how long a book is proved before a failover returns to it.", "S4"
        ),
    ] = 30.0


class ClientSettings(Struct, frozen=True, kw_only=True):
    """Clients: callbacks and last values."""

    kept: Annotated[
        int,
        About(values.AtLeast(1), "Trades and candles that are kept of each stream.", "S2"),
    ] = 1_000
    slow_s: Annotated[
        float, About(values.seconds, "A longer call of a callback is reported.", "S2 (callbacks)")
    ] = 1.0


class MetricsSettings(Struct, frozen=True, kw_only=True):
    """Metrics for Prometheus; need the extra `metrics`."""

    host: Annotated[
        str,
        About(values.text, "The address they are served on.", "S4 (monitoring)"),
    ] = "127.0.0.1"
    port: Annotated[
        int | None,
        About(
            values.port,
            "The port, 0 for a free one; without: commands serve none, programs 9464.",
            "S4 (monitoring)",
        ),
    ] = None
    symbols_max: Annotated[
        int,
        About(values.AtLeast(0), "Books of a session with metrics of their own.", ""),
    ] = 0
