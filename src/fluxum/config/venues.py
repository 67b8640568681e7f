"""Settings of venues and accounts as the rest of Fluxum takes them, and those that cannot be."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from msgspec import Struct, structs

from fluxum.config import values
from fluxum.config.about import About
from fluxum.config.account_settings import AccountSettings, RiskSettings
from fluxum.config.check import Fault, abouts, place_of, tables
from fluxum.config.settings import Settings
from fluxum.config.venue_settings import VenueSettings
from fluxum.connect import endpoints_at
from fluxum.errors import BadInput
from fluxum.model.event import Channel, Subscription
from fluxum.orders.risk import RiskLimits
from fluxum.venues.register import VENUES, find_venue
from fluxum.venues.venue import Limits, Venue

__all__ = [
    "configured_venue",
    "faults_of_account",
    "faults_of_hub",
    "faults_of_venue",
    "hub_venues",
    "limit_of",
    "risk_limits",
    "settings_of",
]


def settings_of(table: Struct, above: str = "") -> Iterator[tuple[str, About, Any]]:
    """Every setting of a table and the tables in it: name, what is known of it, value."""
    kind = type(table)
    for name, about in abouts(kind).items():
        yield f"{above}{name}", about, getattr(table, name)
    for name in tables(kind):
        yield from settings_of(getattr(table, name), f"{above}{name}.")


def limit_of(limits: Limits, name: str) -> Any:
    """One of a venue's limits, by a name such as `backoff.first_s`."""
    value: Any = limits
    for part in name.split("."):
        value = getattr(value, part)
    return value


def configured_venue(venue: Venue, settings: VenueSettings) -> Venue:
    """The venue with other limits and endpoints; raises BadInput for impossible ones."""
    endpoints = dict(venue.endpoints)
    if settings.endpoint is not None:
        endpoints = endpoints_at(venue, settings.endpoint)
    return structs.replace(
        venue,
        endpoints={**endpoints, **settings.endpoints},
        limits=_limits(venue.limits, settings),
    )


def risk_limits(settings: RiskSettings) -> RiskLimits:
    """The limits of orders; raises BadInput for impossible ones."""
    return RiskLimits(**structs.asdict(settings))


def faults_of_venue(
    name: str, settings: VenueSettings, whole: Settings, places: Mapping[str, str]
) -> Iterator[Fault]:
    """What a venue cannot do of its settings."""
    above = f"venue.{name}"
    if name not in VENUES:
        hint = values.near(name, VENUES)
        known = ", ".join(VENUES)
        yield Fault(
            place_of(places, above),
            f"{above}: an exchange was expected ({known}), was {name!r}{hint}",
        )
        return
    venue = find_venue(name)
    account = settings.account
    if account and (account not in whole.account or whole.account[account].venue != name):
        known = ", ".join(n for n, one in whole.account.items() if one.venue == name) or "none"
        yield Fault(
            place_of(places, f"{above}.account"),
            f"{above}.account: an account at {name} was expected (configured: {known}), "
            f"was {account!r}",
        )
    for endpoint in set(settings.endpoints) - set(venue.endpoints):
        known = ", ".join(venue.endpoints)
        yield Fault(
            place_of(places, f"{above}.endpoints.{endpoint}"),
            f"{above}.endpoints: one of {known} was expected, was {endpoint!r}",
        )
    yield from _beyond_bounds(venue, settings, places)
    yield from _impossible_limits(venue, settings, places)
    yield from _not_offered(venue, settings, places)


def faults_of_account(
    name: str, settings: AccountSettings, places: Mapping[str, str]
) -> Iterator[Fault]:
    """What is impossible of an account's settings."""
    above = f"account.{name}"
    if not settings.venue:
        if f"{above}.venue" in places:
            return  # what is there is a fault already
        yield Fault(place_of(places, above), f"{above}.venue: the name of an exchange was expected")
        return
    private = find_venue(settings.venue).private
    if private is None:
        able = ", ".join(one.name for one in VENUES.values() if one.private is not None)
        yield Fault(
            place_of(places, f"{above}.venue"),
            f"{above}.venue: accounts are supported at {able}; was {settings.venue!r}",
        )
    elif settings.tier and settings.tier not in private.tiers:
        known = ", ".join(private.tiers)
        yield Fault(
            place_of(places, f"{above}.tier"),
            f"{above}.tier: one of {known} was expected, was {settings.tier!r}",
        )
    try:
        risk_limits(settings.risk)
    except BadInput as error:
        yield Fault(place_of(places, f"{above}.risk"), f"{above}.risk: {error}")


def hub_venues(whole: Settings) -> tuple[str, ...]:
    """The venues of the hub: those that are named, or else those that have symbols."""
    return whole.hub.venues or tuple(name for name, one in whole.venue.items() if one.symbols)


def faults_of_hub(whole: Settings, places: Mapping[str, str]) -> Iterator[Fault]:
    """What is impossible of the hub's settings."""
    venues, settings = hub_venues(whole), whole.hub
    known = ", ".join(venues) or "none"
    for name in settings.venues:
        if not settings.symbols and not whole.venue.get(name, VenueSettings()).symbols:
            yield Fault(
                place_of(places, "hub.venues"),
                f"hub.venues: {name} has no symbols: set venue.{name}.symbols, or hub.symbols",
            )
    if settings.quorum is not None and settings.quorum > len(venues):
        yield Fault(
            place_of(places, "hub.quorum"),
            f"hub.quorum: at most {len(venues)} was expected, the exchanges of the hub ({known}), "
            f"was {settings.quorum}",
        )
    for symbol, order in settings.failover.items():
        for name in order:
            if name not in venues:
                yield Fault(
                    place_of(places, "hub.failover"),
                    f"hub.failover.{symbol}: an exchange of the hub was expected ({known}), "
                    f"was {name!r}",
                )


def _limits(limits: Limits, settings: VenueSettings) -> Limits:
    changes: dict[str, Any] = {}
    for _, about, value in settings_of(settings):
        if not about.limit or value is None:
            continue
        name, _, part = about.limit.partition(".")
        if part:
            below = changes.setdefault(name, structs.asdict(getattr(limits, name)))
            below[part] = value
        elif isinstance(value, Mapping):
            by_name = cast("Mapping[str, float]", value)
            own = {Channel(channel): one for channel, one in by_name.items()}
            changes[name] = {**getattr(limits, name), **own}
        else:
            changes[name] = value
    for name in ("backoff", "breaker"):
        if name in changes:
            changes[name] = type(getattr(limits, name))(**changes[name])
    return structs.replace(limits, **changes)


def _beyond_bounds(
    venue: Venue, settings: VenueSettings, places: Mapping[str, str]
) -> Iterator[Fault]:
    """Values beyond a limit of the venue's own, which would be met with a ban."""
    for name, about, value in settings_of(settings):
        if value is None or not about.bound:
            continue
        own = limit_of(venue.limits, about.limit)
        if (value < own) if about.bound == "least" else (value > own):
            full = f"venue.{venue.name}.{name}"
            yield Fault(
                place_of(places, full),
                f"{full}: at {about.bound} {own:g} was expected, the venue's own limit, "
                f"was {value:g}",
            )


def _impossible_limits(
    venue: Venue, settings: VenueSettings, places: Mapping[str, str]
) -> Iterator[Fault]:
    try:
        configured_venue(venue, settings)
    except BadInput:
        full = f"venue.{venue.name}.backoff"
        floor_s, first_s, ceiling_s = (
            limit_of(venue.limits, f"backoff.{name}") if own is None else own
            for name, own in (
                ("floor_s", settings.backoff.floor_s),
                ("first_s", settings.backoff.first_s),
                ("ceiling_s", settings.backoff.ceiling_s),
            )
        )
        yield Fault(
            place_of(places, full),
            f"{full}: floor_s <= first_s <= ceiling_s was expected, "
            f"was {floor_s:g}, {first_s:g}, {ceiling_s:g}",
        )


def _not_offered(
    venue: Venue, settings: VenueSettings, places: Mapping[str, str]
) -> Iterator[Fault]:
    """Channels, depths and intervals that the venue does not offer."""
    above = f"venue.{venue.name}"
    for name in settings.channels if f"{above}.channels" in places else ():
        if Channel(name) not in venue.channels:
            offered = ", ".join(sorted(one.value for one in venue.channels))
            yield Fault(
                place_of(places, f"{above}.channels"),
                f"{above}.channels: {venue.name} offers {offered}; was {name!r}",
            )
    symbol = venue.sample_symbols[0]
    for part, channel in (("depth", Channel.BOOK), ("interval", Channel.CANDLE)):
        value = getattr(settings, part)
        if value is None or channel not in venue.channels:
            continue
        depth, interval_s = (value, None) if part == "depth" else (None, value)
        try:
            venue.with_defaults(Subscription(channel, symbol, depth, interval_s))
        except BadInput as error:
            yield Fault(place_of(places, f"{above}.{part}"), f"{above}.{part}: {error}")
