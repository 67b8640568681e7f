"""How a session gets at one's own account: the keys, and what to do with them."""

import asyncio
from collections.abc import Callable
from functools import partial

from fluxum.clock import Clock
from fluxum.errors import BadInput, TransportError
from fluxum.flow.pipe import Pipe
from fluxum.model.account import Credentials
from fluxum.model.event import Channel, Event, State, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.order import Command
from fluxum.pacing import Backoff, CallCounter
from fluxum.session.account import Account, AccountOwner
from fluxum.session.feed import Feed
from fluxum.session.fetch_queue import Rest
from fluxum.session.processor import EventProcessor
from fluxum.session.rest_client import RestClient, unsigned
from fluxum.session.token import TokenKeeper
from fluxum.transport.http import Http
from fluxum.venues.private import Signed, Token
from fluxum.venues.venue import Fetch, Venue

__all__ = ["AccountConfig", "owner_of"]


class AccountConfig:
    """Credentials and wishes: `tier` is the account's at the venue, the lowest being assumed.

    With `since_ns` the account's history from then on is told first. `renew_s` renews the token
    that often, ahead of its time; without, it is replaced when a link needs one or it is refused.
    Every `audit_s` open orders are asked for and compared with what is followed; none never does.
    `http` makes the calls; none means those of the session. Calls with keys and tokens in them are
    never recorded, so it should be no recorder's.
    """

    __slots__ = ("_audit_s", "_credentials", "_http", "_renew_s", "_since_ns", "_tier")

    def __init__(
        self,
        credentials: Credentials,
        *,
        tier: str = "",
        since_ns: int | None = None,
        renew_s: float | None = None,
        audit_s: float | None = 60.0,
        http: Http | None = None,
    ) -> None:
        self._credentials = credentials
        self._tier = tier
        self._since_ns = since_ns
        self._renew_s = renew_s
        self._audit_s = audit_s
        self._http = http

    def __repr__(self) -> str:
        """What is wished, without the keys."""
        return f"Login({self._credentials!r}, tier={self._tier!r})"

    def with_calls(self, http: Http) -> "AccountConfig":
        """The same, making its calls in this way, unless it has one of its own."""
        return AccountConfig(
            self._credentials,
            tier=self._tier,
            since_ns=self._since_ns,
            renew_s=self._renew_s,
            audit_s=self._audit_s,
            http=self._http or http,
        )

    def account(self, venue: Venue, rest: Rest, clock: Clock) -> Account:
        """The account at a venue; raises BadInput where Fluxum cannot get at one."""
        if venue.private is None:
            raise BadInput(f"accounts at {venue.name} are not supported yet")
        private, credentials, random = venue.private, self._credentials, rest.random
        tier = self._tier or next(iter(private.allowances))
        if tier not in private.allowances:
            known = ", ".join(private.allowances)
            raise BadInput(f"a tier was expected ({known}), was {tier!r}")
        allowance = private.allowances[tier]
        queries = private.queries()

        def sign(call: Fetch, nonce: int) -> Signed:
            # Names of assets and markets are for anybody to ask.
            return (
                unsigned(call, nonce)
                if call.method == "GET"
                else private.sign(call, credentials, nonce)
            )

        rest_client = RestClient(
            self._http or rest.http,
            rest.endpoints["rest"],
            clock,
            random,
            CallCounter(allowance.most, allowance.decay_per_s),
            sign,
            queries.preparations,
            queries.renewals,
        )

        async def fetch() -> Token:
            return await rest_client.ask(queries.token())

        tokens = TokenKeeper(venue.name, fetch, _now_s, self._renew_s)
        backoff = partial(Backoff, rest.backoff, random)
        terms = private.terms[tier]
        return Account(
            venue.name,
            rest_client,
            queries,
            terms,
            tokens,
            clock,
            backoff,
            since_ns=self._since_ns,
            audit_s=self._audit_s,
        )


def owner_of(processor: EventProcessor, events: Callable[[], Pipe[Event]]) -> AccountOwner:
    """What an account may do with the session whose intake this is."""

    def feed() -> Feed | None:
        stream = processor.streams.get(Subscription(Channel.EXECUTION))
        return None if stream is None else stream.feed

    def command(number: int, asked: Command) -> None:
        carrier = feed()
        if carrier is None:
            raise TransportError("no stream of the account is subscribed: nothing was sent")
        carrier.command(number, asked)

    def is_ready() -> bool:
        carrier = feed()
        return carrier is not None and carrier.state is State.READY

    return AccountOwner(
        deliver=processor.take,
        have=processor.have,
        lack=processor.lack,
        command=command,
        is_ready=is_ready,
        events=events,
        book=lambda symbol: processor.books.get(Symbol(symbol)),
        instrument=lambda symbol: processor.instruments.get(symbol),
    )


def _now_s() -> float:
    return asyncio.get_running_loop().time()
