"""History for the warm-up of a strategy: the closed candles that it wants, from the exchanges."""

from collections.abc import Iterable, Mapping

from fluxum.bot.strategy import BotEvent, Every, Want
from fluxum.model.event import Channel
from fluxum.model.market import Candle
from fluxum.session.session import Session

__all__ = ["candle_history"]

_SECOND_NS = 1_000_000_000
_INTERVAL_S = 60


async def candle_history(
    sessions: Mapping[str, Session], wants: Iterable[Want | Every], count: int, now_ns: int
) -> list[BotEvent]:
    """The last `count` closed candles of each wanted kind, in the order of their ends.

    Raises what a query raises.
    """
    found: list[Candle] = []
    for want in wants:
        if not isinstance(want, Want) or want.channel is not Channel.CANDLE or count < 1:
            continue
        interval_s = want.interval_s or _INTERVAL_S
        since_ns = now_ns - (count + 1) * interval_s * _SECOND_NS
        session = sessions[want.market.venue]
        every = await session.fetch_candles(want.market.symbol, interval_s, since_ns)
        found += [one for one in every if one.closed and one.end_ns <= now_ns][-count:]
    found.sort(key=lambda one: one.end_ns)
    return [*found]
