"""What a page shows: something live, or a recording that the page can pause and wind."""

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from fluxum.errors import FluxumError
from fluxum.flow.merge import Merged
from fluxum.flow.pipe import Pipe
from fluxum.hub.hub import Hub
from fluxum.ledger.ledger import Ledger
from fluxum.model.event import Event, Subscription
from fluxum.session.session import Session
from fluxum.session.statistics import SessionStatistics
from fluxum.trader import Trader
from fluxum.view import Extent, Playback, View, ViewKeeper, view
from fluxum.view.view import readings
from fluxum.web.player import Player

__all__ = ["LiveStage", "PlayedStage", "ReplayView", "Stage", "Steer"]

_SPEED_MAX = 1_000.0


class ReplayView(Struct, frozen=True, kw_only=True):
    """Where a recording is. `is_winding` is true while it is on its way to a wanted instant."""

    start_ns: int
    end_ns: int
    at_ns: int
    speed: float
    is_playing: bool
    is_winding: bool
    is_over: bool
    damage: str


class Steer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a page wants of a recording; what it leaves out stays as it is.

    `seek` is a part of the whole length, from 0 to 1: numbers of a browser do not hold all ns.
    """

    play: bool | None = None
    speed: float | None = None
    seek: float | None = None


class Stage(Protocol):
    """A source of views for pages.

    `epoch` changes when what was shown before is not the past of what is shown now.
    """

    @property
    def keeper(self) -> ViewKeeper:
        """What is remembered of events."""
        ...

    @property
    def epoch(self) -> int:
        """How often the stage began anew."""
        ...

    @property
    def replay(self) -> ReplayView | None:
        """Where a recording is; `None` if this is live."""
        ...

    def view(self, extent: Extent) -> View:
        """Everything at this moment."""
        ...

    def statistics(self) -> Mapping[str, SessionStatistics]:
        """The counts of every venue that is open."""
        ...

    def steer(self, wanted: Steer) -> None:
        """Do what a page wants of a recording."""
        ...

    async def run(self, moved: Callable[[], None]) -> None:
        """Keep the keeper up to date; calls `moved` after each change."""
        ...


class LiveStage:
    """A session, a trader or a hub; `ledgers` are as of `view`."""

    epoch = 0
    replay: ReplayView | None = None

    def __init__(
        self, source: Session | Trader | Hub, ledgers: Mapping[str, Ledger] | None = None
    ) -> None:
        self._source = source
        self._ledgers = ledgers or {}
        now_ns = source.session.now_ns if isinstance(source, Trader) else source.now_ns
        self.keeper = ViewKeeper(now_ns, carries=self._carries)
        self._events = self._open()

    def view(self, extent: Extent) -> View:
        """Everything at this moment."""
        return view(self._source, self.keeper, extent, ledgers=self._ledgers)

    def statistics(self) -> Mapping[str, SessionStatistics]:
        """The counts of every venue that is open."""
        return _statistics(self._source)

    def steer(self, wanted: Steer) -> None:
        """Nothing: what is live cannot be wound."""

    async def run(self, moved: Callable[[], None]) -> None:
        """Take every event until the source ends or fails: the view has the reason."""
        events = self._events
        with events:
            try:
                async for event in events:
                    self.keeper.take(event)
                    for other in events.drain():
                        self.keeper.take(other)
                    moved()
            except FluxumError:
                moved()

    def _open(self) -> Pipe[Event] | Merged[Event]:
        source = self._source.session if isinstance(self._source, Trader) else self._source
        return source.events(ViewKeeper.wants)

    def _carries(self, venue: str, link: str, subscription: Subscription) -> bool:
        match self._source:
            case Session():
                return self._source.carries(link, subscription)
            case Trader():
                return self._source.session.carries(link, subscription)
            case Hub():
                try:
                    return self._source.session(venue).carries(link, subscription)
                except FluxumError:  # the venue has left
                    return True


class PlayedStage:
    """A recording, played at `speed` times its own pace."""

    def __init__(self, playback: Playback, speed: float = 1.0) -> None:
        self._player = Player(playback, speed)
        self._playback = playback
        self.run = self._player.run
        """Plays for ever."""

    @property
    def epoch(self) -> int:
        """How often it was wound back."""
        return self._player.epoch

    @property
    def keeper(self) -> ViewKeeper:
        """That of the recording; another one after it was wound back."""
        return self._playback.keeper

    @property
    def replay(self) -> ReplayView:
        """Where the recording is."""
        played, player = self._playback, self._player
        return ReplayView(
            start_ns=played.start_ns,
            end_ns=played.end_ns,
            at_ns=played.at_ns,
            speed=player.speed,
            is_playing=not player.is_paused and not played.is_over,
            is_winding=player.wanted_ns is not None,
            is_over=played.is_over,
            damage=played.damage,
        )

    def view(self, extent: Extent) -> View:
        """Everything at this moment of the recording."""
        return view(self._playback, self._playback.keeper, extent)

    def statistics(self) -> Mapping[str, SessionStatistics]:
        """The counts so far."""
        return _statistics(self._playback)

    def steer(self, wanted: Steer) -> None:
        """Play or pause, set the speed (at most 1000), wind; a value outside its range is cut."""
        played, player = self._playback, self._player
        if wanted.play is not None:
            player.is_paused = not wanted.play
        if wanted.speed is not None and wanted.speed > 0:
            player.speed = min(wanted.speed, _SPEED_MAX)
        if wanted.seek is not None:
            part = min(max(wanted.seek, 0.0), 1.0)
            player.seek(played.start_ns + int((played.end_ns - played.start_ns) * part))


def _statistics(source: Session | Trader | Hub | Playback) -> Mapping[str, SessionStatistics]:
    return {one.venue: one.statistics for one in readings(source) if one.statistics is not None}
