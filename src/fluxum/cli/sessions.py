"""Sessions with several exchanges side by side: a failure at one is reported, the others go on.

If a venue refuses a subscription, only that ends; if a venue cannot be used, only that venue ends.
The command goes on while anything that was requested is left, and fails at its end if anything
failed.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from msgspec import Struct

from fluxum.cli.columns import is_data
from fluxum.cli.configured import config, session_at
from fluxum.cli.hints import near_symbol
from fluxum.cli.logs import log_frames
from fluxum.cli.opening import account_config, depth_offered
from fluxum.connect import subscriptions
from fluxum.errors import BadInput, FluxumError, VenueRefused
from fluxum.flow.background import background
from fluxum.flow.opening import Opening
from fluxum.flow.pipe import Overflow, Pipe
from fluxum.model.event import Channel, Event, Refused, Subscription
from fluxum.model.instrument import Symbol
from fluxum.runtime import Runtime
from fluxum.session.session import Session
from fluxum.venues.register import find_venue

__all__ = ["Failures", "NotReady", "Selection", "Sessions", "open_sessions"]

Take = Callable[[Session, Event], Awaitable[bool]]


class NotReady(FluxumError):
    """The time was up and not all that was requested was there and proved."""


class Failures(FluxumError):
    """Several things failed; the message names each."""


class Selection(Struct, frozen=True, kw_only=True):
    """What a command requests: the symbols of each venue, and the same channels of all."""

    markets: Mapping[str, Sequence[Symbol]]
    channels: Sequence[Channel]
    depth: int | None = None
    interval_s: int | None = None
    endpoints: Mapping[str, str] = {}
    proxy: str | None = None
    keys: str = ""


class Sessions:
    """The sessions of one command, and what failed; made by `open_sessions`.

    `message` reports a failure to the user at once, while something else goes on.
    """

    def __init__(self, message: Callable[[str], None]) -> None:
        self._message = message
        self._left: dict[Session, set[Subscription]] = {}
        self._silent: set[Session] = set()
        self._failures: dict[tuple[str, Subscription | None], FluxumError] = {}

    def __iter__(self) -> Iterator[Session]:
        """The sessions that were opened, in the order of the command line."""
        return iter(self._left)

    def add(self, session: Session) -> None:
        """A session was opened, with its subscriptions."""
        self._left[session] = set(session.subscriptions)
        self._silent.add(session)

    def fail(self, venue: str, subscription: Subscription | None, error: FluxumError) -> None:
        """A venue failed, or one of its subscriptions; reported to the user if others go on."""
        self._failures[venue, subscription] = error
        if any(self._left.values()):
            self._message(f"fluxum: {error}; the rest goes on")

    def failure(self, venue: str, symbol: Symbol) -> str:
        """Why a market of a venue has no book, or ""."""
        for (where, subscription), error in self._failures.items():
            if where == venue and (subscription is None or subscription.symbol == symbol):
                return str(error)
        return ""

    async def follow(self, take: Take, overflow: Overflow = Overflow.DROP_OLDEST) -> None:
        """Give each event to `take` until it returns true, or until nothing is left.

        So many wait as `reader.capacity` of the settings. Raises what failed if nothing is left.
        """
        async with background(*map(log_frames, self)) as work:
            running = {
                work.start(self._follow(one, one.events(overflow=overflow), take)) for one in self
            }
            while running:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                if any(task.result() for task in done):
                    return
        self.raise_failures()

    def require_data(self) -> None:
        """The time is up: a venue that never sent anything has failed; raises what failed."""
        for session in self._silent:
            name = session.venue.name
            reasons = [f"{name} {reason}" for reason in session.missing()]
            if reasons and not any(venue == name for venue, _ in self._failures):
                self._failures[name, None] = NotReady(f"not ready: {'; '.join(reasons)}")
        self.raise_failures()

    def require_ready(self) -> None:
        """The time is up: what is missing has failed; raises what failed."""
        self._silent = set(self)
        self.require_data()

    def raise_failures(self) -> None:
        """Raise what failed, if anything did: BadInput only if no session was opened at all."""
        errors = list(self._failures.values())
        if not errors:
            return
        is_usage = not self._left and all(isinstance(one, BadInput) for one in errors)
        text = "; ".join(map(str, errors))
        if len(errors) > 1:
            raise (BadInput if is_usage else Failures)(f"{len(errors)} failed: {text}")
        if isinstance(errors[0], BadInput) and not is_usage:
            raise Failures(text)
        raise errors[0]

    async def _follow(self, session: Session, events: Pipe[Event], take: Take) -> bool:
        """Whether `take` returned true, rather than the session ended."""
        while True:
            try:
                event = await anext(events)
            except StopAsyncIteration:
                return False
            except FluxumError as error:  # the session's own: what `take` raises ends everything
                self._left[session].clear()
                self.fail(session.venue.name, None, error)
                return False
            if is_data(event):
                self._silent.discard(session)
            if await take(session, event):
                return True
            if isinstance(event, Refused):
                self._refuse(session, event)
                if not self._left[session]:
                    return False

    def _refuse(self, session: Session, event: Refused) -> None:
        """A venue refused a subscription; if it named none, none of the venue's is certain."""
        left, refused = self._left[session], event.subscription
        if refused is None:
            left.clear()
        else:
            left.discard(refused)
        self.fail(event.venue, refused, _refusal(session, event))


@asynccontextmanager
async def open_sessions(
    selection: Selection, message: Callable[[str], None], runtime: Runtime | None = None
) -> AsyncGenerator[Sessions]:
    """A session with each venue that can be used, for the length of a block.

    Raises what failed if no venue is left.
    """
    sessions = Sessions(message)
    async with AsyncExitStack() as stack:
        wrong: list[tuple[str, Subscription | None, FluxumError]] = []
        for name in selection.markets:
            try:
                wanted = list(_wanted(selection, name, wrong))
                if wanted:
                    session = await stack.enter_async_context(_connect(selection, name, runtime))
                    session.subscribe(*wanted)
                    sessions.add(session)
            except FluxumError as error:
                wrong.append((name, None, error))
        for failure in wrong:
            sessions.fail(*failure)
        if not list(sessions):
            sessions.raise_failures()
        yield sessions


def _wanted(
    selection: Selection, name: str, wrong: list[tuple[str, Subscription | None, FluxumError]]
) -> Iterator[Subscription]:
    """What to subscribe to at a venue; what the venue does not offer goes to `wrong`."""
    depth = depth_offered(name, selection.depth)
    interval_s = selection.interval_s or config().venue_settings(name).interval
    for one in subscriptions(
        selection.markets[name], selection.channels, depth=depth, interval_s=interval_s
    ):
        try:
            yield find_venue(name).with_defaults(one)
        except BadInput as error:
            wrong.append((name, one, error))


def _connect(selection: Selection, name: str, runtime: Runtime | None) -> Opening[Session]:
    needs_login = any(one in find_venue(name).needs_token for one in selection.channels)
    return session_at(
        name,
        endpoint=selection.endpoints.get(name),
        proxy=selection.proxy,
        account_config=account_config(name, selection.keys) if needs_login else None,
        runtime=runtime,
    )


def _refusal(session: Session, event: Refused) -> VenueRefused:
    what, hint = "a request", ""
    if event.subscription is not None:
        what = str(event.subscription)
        if event.subscription.symbol is not None:
            hint = near_symbol(event.subscription.symbol, session.venue.sample_symbols)
    return VenueRefused(f"{event.venue} refused '{what}': {event.message}{hint}")
