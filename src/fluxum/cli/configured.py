"""The configuration that commands use: `--config`, `--profile`, `--set`; loaded when first needed.

An option of a command wins over the configuration.
"""

from collections.abc import Sequence
from typing import Annotated

import typer
from msgspec import Struct, field, structs

from fluxum.cli.logs import configure_logs
from fluxum.config.account_settings import AccountSettings
from fluxum.config.config import Config, load_config
from fluxum.config.layers import PREFIX
from fluxum.connect import endpoints_at
from fluxum.errors import BadInput
from fluxum.model.instrument import Symbol
from fluxum.runtime import LiveRuntime
from fluxum.venues.register import find_venue
from fluxum.venues.venue import Venue

__all__ = [
    "ConfigFile",
    "Profile",
    "Settings",
    "account_at",
    "begin_config",
    "config",
    "configured_markets",
    "runtime_of",
    "venue_at",
]

ConfigFile = Annotated[
    str,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings, TOML or JSON. Without: $FLUXUM_CONFIG or ~/.config/fluxum/config.toml.",
    ),
]
Profile = Annotated[
    str, typer.Option("--profile", metavar="NAME", help="The profile in the file of settings.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help=f"One setting, such as reader.capacity=500; wins over {PREFIX}READER__CAPACITY.",
    ),
]


class _Choice(Struct):
    """What the command line chose, and what was loaded for it."""

    path: str = ""
    profile: str = ""
    arguments: dict[str, str] = field(default_factory=dict)
    loaded: Config | None = None


_choices = [_Choice()]


def begin_config(
    path: str, profile: str, settings: Sequence[str] | None, *, is_anew: bool = False
) -> None:
    """Use this file, this profile and these settings; raises BadInput for one without a value.

    What was chosen before stays unless it is chosen again, or `is_anew`.
    """
    before = _Choice() if is_anew else _choices[0]
    arguments = dict(before.arguments)
    for text in settings or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise BadInput(f"--set: NAME=VALUE was expected, was {text!r}")
        arguments[name.strip()] = value
    _choices[0] = _Choice(path or before.path, profile or before.profile, arguments)


def config() -> Config:
    """The configuration; raises ConfigError with every fault."""
    chosen = _choices[0]
    if chosen.loaded is None:
        chosen.loaded = load_config(
            chosen.path or None, profile=chosen.profile or None, arguments=chosen.arguments
        )
        log = chosen.loaded.settings.log
        configure_logs(log.level, log.file, log.modules)
    return chosen.loaded


def venue_at(exchange: str, endpoint: str | None = None) -> Venue:
    """A venue as configured, at another host if the command line names one."""
    venue = config().venue(exchange)
    if endpoint is None:
        return venue
    return structs.replace(venue, endpoints=endpoints_at(find_venue(exchange), endpoint))


def runtime_of(exchange: str, proxy: str | None = None) -> LiveRuntime:
    """The network as configured, through another proxy if the command line names one."""
    network = config().network(exchange)
    return LiveRuntime(network=structs.replace(network, proxy=proxy or network.proxy))


def account_at(exchange: str) -> AccountSettings:
    """The settings of the account at an exchange; those of an empty table if there is none."""
    name = config().account_of(exchange)
    return config().account(name) if name else AccountSettings(venue=exchange)


def configured_markets(exchanges: Sequence[str] = ()) -> dict[str, list[Symbol]]:
    """The configured symbols of some exchanges, or of all that have any.

    Raises BadInput if there is none.
    """
    venues = config().settings.venue
    found = {
        name: list(one.symbols)
        for name, one in venues.items()
        if one.symbols and (not exchanges or name in exchanges)
    }
    if not found:
        raise BadInput(
            "--symbol: a symbol like BTC/USD was expected, or a comma list of them, or `symbols` "
            "in the configuration"
        )
    return found
