"""One question to many exchanges: a failure at one is reported, the others are answered.

A session without subscriptions asks each exchange, so no link is opened.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import TypeVar

from msgspec import Struct

from fluxum.cli.configured import session_at
from fluxum.cli.hints import near_symbol
from fluxum.cli.output import Output
from fluxum.cli.sessions import Failures
from fluxum.errors import BadInput, FluxumError, TransportError, VenueRefused
from fluxum.flow.background import background
from fluxum.flow.opening import Opening
from fluxum.flow.pipe import Pipe
from fluxum.model.event import Event, LeftOut
from fluxum.model.instrument import Symbol
from fluxum.runtime import Runtime
from fluxum.session.session import Session

__all__ = ["Asked", "Questions", "Where", "report_left_out"]

T = TypeVar("T")


class Asked(Struct, frozen=True):
    """An exchange, and one of its markets if the question is about one."""

    exchange: str
    symbol: Symbol | None

    def __str__(self) -> str:
        return self.exchange if self.symbol is None else f"{self.exchange} {self.symbol}"


class Where(Struct, frozen=True, kw_only=True):
    """The exchanges and markets that a question goes to, and how they are reached.

    A question that an exchange does not begin to answer within `timeout_s` has failed.
    """

    markets: Mapping[str, Sequence[Symbol]]
    endpoints: Mapping[str, str] = {}
    proxy: str | None = None
    timeout_s: float = 10.0

    def asked(self, exchange: str) -> list[Asked]:
        """What is asked of an exchange: each of its markets, or the exchange itself."""
        return [Asked(exchange, one) for one in self.markets[exchange] or (None,)]

    def session(self, exchange: str, runtime: Runtime | None) -> Opening[Session]:
        """A session with an exchange, for questions alone."""
        return session_at(
            exchange, endpoint=self.endpoints.get(exchange), proxy=self.proxy, runtime=runtime
        )

    async def answer(self, question: Awaitable[T]) -> T:
        """The answer; raises TransportError if there is none in time."""
        try:
            async with asyncio.timeout(self.timeout_s):
                return await question
        except TimeoutError:
            raise TransportError(
                f"no answer in {self.timeout_s:g} s; --timeout waits longer"
            ) from None

    async def pages(self, pages: AsyncGenerator[T]) -> AsyncGenerator[T]:
        """The same pages; raises TransportError if there is no first one in time."""
        async with aclosing(pages):
            try:
                yield await self.answer(anext(pages))
            except StopAsyncIteration:
                return
            async for page in pages:
                yield page


Ask = Callable[[Session, Asked], Awaitable[None]]


class Questions:
    """Asks the exchanges of one command; `finish` raises what failed.

    An `ask` function is called for each market, or for each exchange if no market is named. Rows
    that an exchange sent and that could not be read are reported to `output`.
    """

    def __init__(self, where: Where, output: Output, runtime: Runtime | None = None) -> None:
        self._where = where
        self._output = output
        self._runtime = runtime
        self._errors: list[FluxumError] = []
        self._answered = 0

    async def side_by_side(self, ask: Ask) -> None:
        """Ask all exchanges at once, and each about one market after the other."""
        async with background() as work:
            await asyncio.wait(
                [work.start(self._ask(exchange, ask)) for exchange in self._where.markets]
            )

    async def in_turn(self, ask: Ask) -> None:
        """Ask one exchange after the other: their answers are lists."""
        for exchange in self._where.markets:
            await self._ask(exchange, ask)

    def finish(self) -> None:
        """Raise what failed: BadInput if nothing was answered and every failure is one."""
        errors = self._errors
        if not errors:
            return
        is_usage = not self._answered and all(isinstance(one, BadInput) for one in errors)
        kind = BadInput if is_usage else Failures
        text = "; ".join(map(str, errors))
        total = len(errors) + self._answered
        raise kind(text if total == 1 else f"{len(errors)} of {total} failed: {text}")

    async def _ask(self, exchange: str, ask: Ask) -> None:
        left = self._where.asked(exchange)
        try:
            async with self._where.session(exchange, self._runtime) as session:
                while left:
                    await self._ask_once(session, left.pop(0), ask)
        except FluxumError as error:  # there is no session
            for asked in left:
                self._fail(asked, error, "")

    async def _ask_once(self, session: Session, asked: Asked, ask: Ask) -> None:
        with session.events() as events:
            try:
                await ask(session, asked)
                self._answered += 1
            except FluxumError as error:
                is_refused = isinstance(error, VenueRefused) and asked.symbol is not None
                known = session.venue.sample_symbols
                hint = near_symbol(asked.symbol or "", known) if is_refused else ""
                self._fail(asked, error, hint)
            finally:
                report_left_out(events, self._output)

    def _fail(self, asked: Asked, error: FluxumError, hint: str) -> None:
        text = f"{error}{hint}"
        named = text if str(asked) in text else f"{asked}: {text}"
        self._errors.append(BadInput(named) if isinstance(error, BadInput) else Failures(named))


def report_left_out(events: Pipe[Event], output: Output) -> None:
    """Report the rows of lists that could not be read."""
    for event in events.drain():
        if isinstance(event, LeftOut):
            output.event(event)
