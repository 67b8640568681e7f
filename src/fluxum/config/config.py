"""Configurations: loaded from their layers, and what is made from them.

    config = fluxum.load_config("fluxum.toml", profile="live")
    async with config.connect("NAME") as session: ...
    async with config.trade("main") as trader: ...
    async with config.hub() as hub, config.publish(hub), config.serve(hub): ...

Of the layers, later ones win: what the venue and Fluxum have by default, the file, the profile in
that file, the environment (`FLUXUM__VENUE__NAME__DEPTH=25`), arguments.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from fluxum.client.client import Client
from fluxum.config.account_settings import AccountSettings
from fluxum.config.check import Fault, checked, given
from fluxum.config.layers import Given, Layer, laid_over, of_arguments, of_environment, of_file
from fluxum.config.settings import Settings
from fluxum.config.sink_settings import SinkSettings
from fluxum.config.sinks import faults_of_sinks, publish_policy
from fluxum.config.venue_settings import VenueSettings
from fluxum.config.venues import (
    configured_venue,
    faults_of_account,
    faults_of_hub,
    faults_of_venue,
    hub_venues,
    risk_limits,
)
from fluxum.connect import connect
from fluxum.credentials import find_credentials
from fluxum.errors import BadInput, ConfigError
from fluxum.flow.opening import Opening
from fluxum.flow.pipe import Overflow, ReaderPolicy
from fluxum.hub.hub import Hub
from fluxum.hub.opening import hub
from fluxum.hub.wanted import HubAccount, HubVenue
from fluxum.model.event import Channel
from fluxum.runtime import LiveRuntime, Runtime
from fluxum.session.account_config import AccountConfig
from fluxum.session.session import Session
from fluxum.sink.engine import BatchWriter
from fluxum.sink.publisher import Publisher, PublishSource, publish
from fluxum.trader import Trader, trade
from fluxum.transport.network import Network
from fluxum.venues.register import VENUES, find_venue
from fluxum.venues.venue import Venue

if TYPE_CHECKING:
    from fluxum.metrics import MetricsServer, Sources

__all__ = ["Config", "default_path", "load_config"]


class Config(Struct, frozen=True, kw_only=True):
    """Checked settings, and where each came from; made by `load_config`.

    `path` is the file, `None` without one; `profiles` are the profiles that it has. `sources` are
    the places where settings were written, by full name: `venue.NAME.depth` in `fluxum.toml:4`.
    """

    settings: Settings
    path: Path | None = None
    profile: str = ""
    profiles: tuple[str, ...] = ()
    sources: Mapping[str, str] = {}

    def venue(self, exchange: str) -> Venue:
        """A venue with the limits and endpoints that are configured; raises BadInput."""
        return configured_venue(find_venue(exchange), self.venue_settings(exchange))

    def venue_settings(self, exchange: str) -> VenueSettings:
        """The settings of a venue; those of an empty table if there are none."""
        return self.settings.venue.get(exchange, VenueSettings())

    def account(self, name: str) -> AccountSettings:
        """The settings of an account; raises BadInput that lists the accounts."""
        if name not in self.settings.account:
            known = ", ".join(self.settings.account) or "none"
            raise BadInput(f"an account was expected (configured: {known}), was {name!r}")
        return self.settings.account[name]

    def account_of(self, exchange: str) -> str:
        """The account at an exchange: the one that the venue names, or else the only one.

        Empty if there is none; raises BadInput for several.
        """
        chosen = self.venue_settings(exchange).account
        found = [name for name, one in self.settings.account.items() if one.venue == exchange]
        if not chosen and len(found) > 1:
            raise BadInput(
                f"one account at {exchange} was expected, configured are {', '.join(found)}: "
                f'name one with account = "{found[0]}" in [venue.{exchange}]'
            )
        return chosen or "".join(found)

    def network(self, exchange: str, proxy: str | None = None) -> Network:
        """The options of links and calls to a venue; a `proxy` that is given wins."""
        network, venue = self.settings.network, self.venue_settings(exchange)
        return Network(
            proxy=proxy or venue.proxy or network.proxy,
            name_cache_s=network.name_cache_s,
            tls_min="1.3" if network.tls_min == "1.3" else "1.2",
            close_timeout_s=venue.link.close_timeout_s,
            call_timeout_s=venue.rest.timeout_s,
        )

    def readers(self) -> ReaderPolicy:
        """The queue of each reader."""
        reader = self.settings.reader
        return ReaderPolicy(capacity=reader.capacity, overflow=Overflow(reader.overflow))

    def account_config(self, name: str) -> AccountConfig:
        """The keys and options of an account; reads the keys. Raises BadInput."""
        account = self.account(name)
        return AccountConfig(
            find_credentials(account.venue, account.keys),
            tier=account.tier,
            renew_s=account.token.renew_s,
            retry_s=account.token.retry_s,
            audit_s=account.audit_s,
        )

    def connect(
        self,
        exchange: str,
        symbols: Iterable[str] | None = None,
        channels: Iterable[Channel | str] | None = None,
        *,
        runtime: Runtime | None = None,
    ) -> Opening[Session]:
        """A session as configured; see `fluxum.connect`.

        Symbols and channels that are given replace those of the venue's settings. If the settings
        name an account, the session logs in to it. Raises BadInput.
        """
        venue = self.venue_settings(exchange)
        return connect(
            self.venue(exchange),
            venue.symbols if symbols is None else symbols,
            venue.channels if channels is None else channels,
            depth=venue.depth,
            interval_s=venue.interval,
            account_config=self.account_config(venue.account) if venue.account else None,
            runtime=self.runtime() if runtime is None else runtime,
            readers=self.readers(),
        )

    def trade(
        self,
        account: str,
        symbols: Iterable[str] | None = None,
        *,
        runtime: Runtime | None = None,
    ) -> Opening[Trader]:
        """An account as configured, ready to trade; see `fluxum.trade`. Raises BadInput."""
        entry = self.account(account)
        venue = self.venue_settings(entry.venue)
        return trade(
            self.venue(entry.venue),
            venue.symbols if symbols is None else symbols,
            keys=self.account_config(account),
            journal=entry.journal,
            limits=risk_limits(entry.risk),
            channels=venue.channels,
            runtime=self.runtime() if runtime is None else runtime,
            readers=self.readers(),
            ready_s=entry.ready_s,
        )

    def hub(self, *, runtime: Runtime | None = None) -> Opening[Hub]:
        """The hub as configured, with the accounts that its venues name; see `fluxum.hub`.

        Raises BadInput.
        """
        own = self.settings.hub
        venues: dict[str, HubVenue] = {}
        for name in hub_venues(self.settings):
            settings = self.venue_settings(name)
            venues[name] = HubVenue(
                symbols=settings.symbols or own.symbols,
                channels=settings.channels,
                depth=settings.depth,
                interval_s=settings.interval,
                venue=self.venue(name),
            )
        accounts = {name: self.venue_settings(name).account for name in venues}
        return hub(
            venues,
            accounts={name: self._hub_account(one) for name, one in accounts.items() if one},
            runtime=self.runtime() if runtime is None else runtime,
            readers=self.readers(),
            quorum=own.quorum,
            failover={str(symbol): order for symbol, order in own.failover.items()},
            hold_s=own.hold_s,
        )

    def client(self, exchange: str, *, runtime: Runtime | None = None) -> Client:
        """A client as configured, of the account that the venue names; see `fluxum.Client`.

        Raises BadInput.
        """
        name, own = self.venue_settings(exchange).account, self.settings.client
        entry = self.account(name) if name else AccountSettings()
        return Client(
            self.venue(exchange),
            keys=self.account_config(name) if name else None,
            journal=entry.journal,
            limits=risk_limits(entry.risk) if name else None,
            runtime=self.runtime() if runtime is None else runtime,
            kept=own.kept,
            slow_s=own.slow_s,
        )

    @property
    def sinks(self) -> Mapping[str, SinkSettings]:
        """The sinks by name; a table without settings is none."""
        return {name: one for name, one in self.settings.sink.items() if one.url}

    def sink(self, name: str = "") -> SinkSettings:
        """The settings of a sink, without a name of the only one; raises BadInput."""
        found = self.sinks
        if not name and len(found) == 1:
            return next(iter(found.values()))
        if name not in found:
            known = ", ".join(found) or "none"
            raise BadInput(f"a sink was expected (configured: {known}), was {name!r}")
        return found[name]

    def publish(
        self,
        *sources: PublishSource,
        sink: str = "",
        engine: BatchWriter | None = None,
        runtime: Runtime | None = None,
    ) -> Opening[Publisher]:
        """Publish events of sessions and hubs to a sink as configured; see `fluxum.publish`.

        Without a name it is the only sink. An `engine` that is given replaces that of the URL.
        Raises BadInput.
        """
        settings = self.sink(sink)
        name = sink or next(iter(self.sinks))
        return publish(
            settings.url if engine is None else engine,
            *sources,
            policy=publish_policy(settings),
            name=name,
            clock=None if runtime is None else runtime.clock,
            random=None if runtime is None else runtime.random,
        )

    def serve(self, sources: "Sources", *, port: int | None = None) -> "Opening[MetricsServer]":
        """Metrics and health over HTTP as configured; see `fluxum.metrics.serve`.

        A `port` that is given wins. Raises BadInput.
        """
        from fluxum.metrics import PORT, serve  # an extra: only who wants it needs it

        own = self.settings.metrics
        port = own.port if port is None else port
        return serve(
            sources,
            host=own.host,
            port=PORT if port is None else port,
            symbols_max=own.symbols_max,
        )

    def _hub_account(self, name: str) -> HubAccount:
        entry = self.account(name)
        return HubAccount(
            keys=self.account_config(name), journal=entry.journal, limits=risk_limits(entry.risk)
        )

    def runtime(self, proxy: str | None = None) -> LiveRuntime:
        """This machine and its network, with the options of each venue.

        A `proxy` that is given is used for all of them.
        """
        networks = {name: self.network(name, proxy) for name in VENUES}
        return LiveRuntime(networks=networks)


def default_path(environment: Mapping[str, str]) -> Path | None:
    """`FLUXUM_CONFIG`, or the file in the user's folder of configurations if there is one.

    That is `$XDG_CONFIG_HOME/fluxum/config.toml`, by default `~/.config/fluxum/config.toml`. A file
    in the folder where a program happens to run is not looked for: it could lead orders elsewhere.
    """
    if environment.get("FLUXUM_CONFIG"):
        return Path(environment["FLUXUM_CONFIG"]).expanduser()
    home = environment.get("XDG_CONFIG_HOME") or "~/.config"
    path = Path(home).expanduser() / "fluxum" / "config.toml"
    return path if path.is_file() else None


def load_config(
    path: str | Path | None = None,
    *,
    profile: str | None = None,
    arguments: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Config:
    """The configuration of a file and of what wins over it; raises ConfigError with every fault.

    Without a `path` it is the file of `default_path`, or none. `profile` names a table
    `[profile.NAME]` in the file; without one it is `FLUXUM_PROFILE`. `arguments` are texts by full
    name: `{"venue.NAME.depth": "25"}`. `environment` is that of the process unless given.
    """
    variables = os.environ if environment is None else environment
    file = default_path(variables) if path is None else Path(path).expanduser()
    layer: Layer = {} if file is None else _file(file)
    profiles = layer.pop("profile", {})
    assert isinstance(profiles, dict)
    chosen = variables.get("FLUXUM_PROFILE", "") if profile is None else profile
    if chosen and chosen not in profiles:
        known = ", ".join(profiles) or "none"
        place = "" if file is None else f" in {file}"
        raise ConfigError([f"a profile was expected{place} (there: {known}), was {chosen!r}"])
    faults: list[Fault] = []
    for name in {"", *profiles} - {chosen}:
        _settings(_with_profile(layer, profiles, name), faults)
    above = laid_over(of_environment(variables), of_arguments(arguments or {}))
    whole = laid_over(_with_profile(layer, profiles, chosen), above)
    settings = _settings(whole, faults)
    if faults:
        raise ConfigError([str(one) for one in sorted(set(faults), key=_place)])
    return Config(
        settings=settings,
        path=file,
        profile=chosen,
        profiles=tuple(profiles),
        sources={name: one.source for name, one in given(_named(whole))},
    )


def _file(path: Path) -> Layer:
    try:
        layer = of_file(path)
    except BadInput as error:
        raise ConfigError([str(error)]) from error
    profiles = layer.get("profile", {})
    if isinstance(profiles, Given):
        raise ConfigError([f"{profiles.source}: profile: a table was expected"])
    wrong = [
        f"{one.source}: profile.{name}: a table was expected"
        for name, one in profiles.items()
        if isinstance(one, Given)
    ]
    if wrong:
        raise ConfigError(wrong)
    return layer


def _with_profile(layer: Layer, profiles: Layer, name: str) -> Layer:
    over = profiles.get(name, {})
    assert isinstance(over, dict)
    return laid_over(layer, over)


def _settings(layer: Layer, faults: list[Fault]) -> Settings:
    layer = _named(layer)
    settings = checked(Settings, layer, faults)
    places = {name: one.source for name, one in given(layer)}
    for name, venue in settings.venue.items():
        faults += faults_of_venue(name, venue, settings, places)
    for name, account in settings.account.items():
        faults += faults_of_account(name, account, places)
    faults += faults_of_hub(settings, places)
    faults += faults_of_sinks(settings, places)
    return settings


def _named(layer: Layer) -> Layer:
    """The layer with names of venues as they are spelled, with their hyphens."""
    venues = layer.get("venue")
    if not isinstance(venues, dict):
        return layer
    spelled = {name.replace("-", "_"): name for name in VENUES}
    return {
        **layer,
        "venue": {spelled.get(name, name): below for name, below in venues.items()},
    }


def _place(fault: Fault) -> tuple[str, int, str]:
    """In the order of the file's lines."""
    source, _, line = fault.source.rpartition(":")
    return (source, int(line), fault.text) if line.isdecimal() else (fault.source, 0, fault.text)
