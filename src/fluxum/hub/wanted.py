"""What a hub is asked for: streams of a venue, and an account there."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, structs

from fluxum.connect import subscriptions
from fluxum.credentials import find_credentials
from fluxum.errors import BadInput
from fluxum.ledger.ledger import Ledger
from fluxum.model.account import Credentials
from fluxum.model.event import Channel, Subscription, parse_channel
from fluxum.orders.journal import OrderJournal
from fluxum.orders.risk import RiskLimits
from fluxum.session.account_config import AccountConfig
from fluxum.venues.venue import Venue

__all__ = ["Channels", "HubAccount", "Suited", "account_config", "find_keys"]


class HubAccount(Struct, frozen=True, kw_only=True):
    """An account at one venue of a hub; the fields are those of `trade`."""

    keys: str | Credentials = ""
    tier: str = ""
    journal: str | Path | OrderJournal | None = None
    limits: RiskLimits | None = None
    ledger: Ledger | None = None


class Channels(Struct, frozen=True):
    """The channels that are subscribed for each symbol, and how."""

    channels: tuple[Channel, ...]
    depth: int | None = None
    interval_s: int | None = None

    @classmethod
    def parsed(
        cls, channels: Iterable[Channel | str], depth: int | None, interval_s: int | None
    ) -> "Channels":
        """Channels by themselves or by name; raises BadInput."""
        parsed = [parse_channel(one) if isinstance(one, str) else one for one in channels]
        return cls(tuple(dict.fromkeys(parsed)), depth, interval_s)

    def of(self, symbols: Iterable[str]) -> Sequence[Subscription]:
        """Every channel for every symbol; raises BadInput."""
        return subscriptions(symbols, self.channels, depth=self.depth, interval_s=self.interval_s)


class Suited(Struct, frozen=True):
    """Subscriptions with the venue's defaults, and the reasons for those it does not offer."""

    offered: tuple[Subscription, ...]
    refused: Mapping[Subscription, str]

    @classmethod
    def to(cls, venue: Venue, wanted: Iterable[Subscription]) -> "Suited":
        """What a venue offers of this. The depth of a book is the next one that it offers."""
        offered: dict[Subscription, None] = {}
        refused: dict[Subscription, str] = {}
        for one in wanted:
            try:
                offered[_with_defaults(venue, one)] = None
            except BadInput as error:
                refused[one] = str(error)
        return cls(tuple(offered), refused)


def _with_defaults(venue: Venue, wanted: Subscription) -> Subscription:
    if wanted.channel is Channel.BOOK:
        wanted = structs.replace(wanted, depth=venue.depth_for(wanted.depth))
    return venue.with_defaults(wanted)


def find_keys(venue: Venue, account: HubAccount | Credentials | str) -> HubAccount:
    """An account whose keys are found; a text or credentials alone are its keys.

    Raises BadInput without keys, and for a venue where Fluxum has no accounts.
    """
    if not isinstance(account, HubAccount):
        account = HubAccount(keys=account)
    if venue.private is None:
        raise BadInput(f"accounts are not supported at {venue.name}")
    if isinstance(account.keys, Credentials):
        return account
    return structs.replace(account, keys=find_credentials(venue.name, account.keys))


def account_config(account: HubAccount) -> AccountConfig:
    """What a session needs of an account whose keys were found."""
    assert isinstance(account.keys, Credentials), "the keys were found"
    return AccountConfig(account.keys, tier=account.tier)
