"""The token of the account's link, at venues that use one: looked at, checked and renewed."""

from collections.abc import Callable

from fluxum.client.answers import TokenInfo
from fluxum.errors import BadInput
from fluxum.session.authenticator import TokenKeeper
from fluxum.session.session import Session
from fluxum.venues.private import Token

__all__ = ["ClientTokens"]


class ClientTokens:
    """The token of a client's account. The session renews it by itself; no call here is needed.

    Each method raises BadInput if the client has no account, or if its venue uses no tokens but
    signs each request; the others also raise what fetching a token raises.
    """

    def __init__(self, session: Callable[[], Session]) -> None:
        self._session = session

    async def initialize(self) -> None:
        """Fetch the first token, unless there is a valid one."""
        await self.get_valid_token()

    async def get_valid_token(self) -> Token:
        """A token that may open a link now, fetched if the known one is too old.

        Its `text` is the token; printed it is masked.
        """
        keeper = self._keeper
        if not keeper.is_valid():
            await keeper.fresh()
        return _token(keeper)

    async def refresh_token(self) -> Token:
        """Replace the token now. Links that are open keep the one that they were opened with."""
        keeper = self._keeper
        await keeper.renew(keeper.text if keeper.statistics().age_s is not None else "")
        return _token(keeper)

    def get_token_info(self) -> TokenInfo:
        """The token's age, and the calls for it."""
        keeper = self._keeper
        counts = keeper.statistics()
        return TokenInfo(
            is_available=counts.age_s is not None,
            is_valid=keeper.is_valid(),
            age_s=counts.age_s,
            valid_s=counts.valid_s,
            requested=counts.requested,
            fetched=counts.fetched,
            failures=counts.failures,
            renewed=counts.renewed,
        )

    def shutdown(self) -> None:
        """Forget the token and fetch no other: no further private link can be opened."""
        self._keeper.close()

    @property
    def is_available(self) -> bool | None:
        """Whether there is a token; `None` at a venue that uses none."""
        keeper = self._session().account.authenticator.tokens
        return None if keeper is None else keeper.statistics().age_s is not None

    @property
    def _keeper(self) -> TokenKeeper:
        session = self._session()
        keeper = session.account.authenticator.tokens
        if keeper is None:
            raise BadInput(f"{session.venue.name} uses no tokens: each request is signed")
        return keeper


def _token(keeper: TokenKeeper) -> Token:
    return Token(keeper.text, keeper.statistics().valid_s or 0.0)
