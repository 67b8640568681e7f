"""The user's credentials and options for an account, and the account made from them."""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from fluxum.clock import Clock
from fluxum.errors import BadInput, TransportError
from fluxum.flow.pipe import Pipe
from fluxum.model.account import Credentials
from fluxum.model.event import Channel, Event, State, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.order import Command
from fluxum.pacing import Backoff, CallCounter
from fluxum.session.account import Account, AccountOptions
from fluxum.session.account_session import AccountSession
from fluxum.session.authenticator import RETRY_S, Authenticator, Nonces, TokenKeeper
from fluxum.session.fetch_queue import Rest
from fluxum.session.processor import EventProcessor
from fluxum.session.rest_client import RestClient
from fluxum.transport.call import Http
from fluxum.venues.private import Token
from fluxum.venues.queries import RestQuery
from fluxum.venues.venue import Venue

__all__ = ["AccountConfig", "owner_of"]


class AccountConfig:
    """Credentials and options. `tier` is the account's tier at the venue; empty is the lowest.

    With `since_ns` the session first publishes the account's history from that instant on.
    `symbols` are markets whose history is looked up where the venue lists it market by market.
    The token is renewed every `renew_s` seconds; without it, as often as the venue wants, and when
    a link needs a token or the venue refuses the old one. A renewal that failed is tried again
    after `retry_s`. Every `audit_s` seconds the account is compared with the venue's lists; `None`
    disables that. `http` makes the REST calls; `None` means the session's own. Calls that contain
    keys or tokens must not be recorded, so do not pass a recorder's.
    """

    __slots__ = (
        "_audit_s",
        "_credentials",
        "_http",
        "_renew_s",
        "_retry_s",
        "_since_ns",
        "_symbols",
        "_tier",
    )

    def __init__(
        self,
        credentials: Credentials,
        *,
        tier: str = "",
        since_ns: int | None = None,
        symbols: Iterable[str] = (),
        renew_s: float | None = None,
        retry_s: float = RETRY_S,
        audit_s: float | None = 60.0,
        http: Http | None = None,
    ) -> None:
        self._credentials = credentials
        self._tier = tier
        self._since_ns = since_ns
        self._symbols = tuple(map(Symbol, symbols))
        self._renew_s = renew_s
        self._retry_s = retry_s
        self._audit_s = audit_s
        self._http = http

    def __repr__(self) -> str:
        """The options, without the keys."""
        return f"AccountConfig({self._credentials!r}, tier={self._tier!r})"

    def mark(self, endpoints: Mapping[str, str]) -> str:
        """What identifies this account at these endpoints: 12 hexadecimal digits.

        The keys cannot be found from it.
        """
        text = "\n".join([self._credentials.key, *sorted(endpoints.values())])
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def with_calls(self, http: Http) -> "AccountConfig":
        """The same with these REST calls, unless it has its own."""
        return AccountConfig(
            self._credentials,
            tier=self._tier,
            since_ns=self._since_ns,
            symbols=self._symbols,
            renew_s=self._renew_s,
            retry_s=self._retry_s,
            audit_s=self._audit_s,
            http=self._http or http,
        )

    def account(self, venue: Venue, rest: Rest, clock: Clock) -> Account:
        """The account at a venue; raises BadInput if Fluxum has no private API for that venue."""
        private, http = venue.private, self._http or rest.http
        if private is None:
            raise BadInput(f"accounts at {venue.name} are not supported yet")
        tier = private.tiers.get(self._tier or next(iter(private.tiers)))
        if tier is None:
            known = ", ".join(private.tiers)
            raise BadInput(f"a tier was expected ({known}), was {self._tier!r}")
        if http is None:
            raise BadInput(f"an account at {venue.name} needs REST calls, and there is no HTTP")
        queries = private.queries()
        authenticator = Authenticator(
            venue.name,
            private,
            private.signer(self._credentials),
            http,
            Nonces(clock),
            lambda: account.venue_now_ns(),
        )
        rest_client = RestClient(
            http,
            rest.endpoints["rest"],
            clock,
            rest.random,
            CallCounter(float(tier.calls.most), float(tier.calls.per_s)),
            authenticator,
            queries.preparations,
            queries.renewals,
            rest.breaker,
        )
        renew_s = private.renew_s if self._renew_s is None else self._renew_s
        authenticator.tokens = self._tokens(venue.name, rest_client, queries.token, renew_s)
        account = Account(
            venue.name,
            rest_client,
            queries,
            tier.orders,
            authenticator,
            clock,
            partial(Backoff, rest.backoff, rest.random),
            AccountOptions(
                since_ns=self._since_ns,
                audit_s=self._audit_s,
                symbols=self._symbols,
                snapshots=private.snapshots,
                numbered=private.numbered,
            ),
        )
        return account

    def _tokens(
        self,
        venue: str,
        client: RestClient,
        token: Callable[[], RestQuery[Token]] | None,
        renew_s: float | None,
    ) -> TokenKeeper | None:
        """The keeper of the token, at a venue that uses tokens."""
        if token is None:
            return None
        fetch = partial(_fetch_token, client, token)
        return TokenKeeper(venue, fetch, _now_s, renew_s, self._retry_s)


async def _fetch_token(client: RestClient, token: Callable[[], RestQuery[Token]]) -> Token:
    return await client.query(token())


def owner_of(
    venue: Venue, processor: EventProcessor, events: Callable[[], Pipe[Event]]
) -> AccountSession:
    """What an account may do with the session of this event processor."""
    executions = Subscription(Channel.EXECUTION)
    parts, commanded, streams = venue.parts(executions), venue.commanded, processor.streams
    ready = State.READY  # to look up a member costs a call

    def command(number: int, wanted: Command) -> None:
        stream = streams.get(commanded)
        if stream is None:
            raise TransportError("no stream of the account is subscribed: nothing was sent")
        stream.feed.command(number, wanted)

    def is_ready() -> bool:
        for one in parts:
            stream = streams.get(one)
            if stream is None or stream.feed.state is not ready:
                return False
        return True

    return AccountSession(
        deliver=processor.take,
        have=processor.have,
        lack=processor.lack,
        command=command,
        is_ready=is_ready,
        events=events,
        book=processor.books.get,
        instrument=processor.instruments.get,
    )


def _now_s() -> float:
    return asyncio.get_running_loop().time()
