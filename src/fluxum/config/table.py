"""Every setting as a row: for documents, for `fluxum config show`, and for a first file."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, cast, get_args, get_origin, get_type_hints

from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from fluxum.config import values
from fluxum.config.about import About
from fluxum.config.check import abouts, table_of, tables
from fluxum.config.config import Config
from fluxum.config.layers import PREFIX
from fluxum.config.settings import Settings
from fluxum.config.venue_settings import VenueSettings
from fluxum.config.venues import limit_of, settings_of
from fluxum.model.input import Take
from fluxum.sink.engine import SinkUrl
from fluxum.transport.network import ProxyUrl
from fluxum.venues.register import find_venue

__all__ = ["Described", "Effective", "described", "effective", "first_file"]

_KINDS: dict[Take, str] = {
    values.seconds: "number > 0",
    values.nothing: "number >= 0",
    values.factor: "number >= 1",
    values.share: "number 0 to 1",
    values.path: "path",
    values.port: "port",
    values.link_url: "URL",
    values.proxy_url: "URL",
    values.interval: "text or seconds",
    values.span: "text or seconds",
    values.bytes_of: "text or bytes",
    values.venue: "exchange",
    values.keys: "place of keys",
    values.engine_url: "URL of an engine",
    values.flag: "true or false",
    values.text: "text",
    values.positive: "exact number > 0",
    values.collar: "exact number > 0, or `none`",
    values.one_or_some: "exact number > 0, or one a symbol",
}


class Described(Struct, frozen=True, kw_only=True):
    """A setting: its name, with NAME for a name of your own, type, default, unit and origin."""

    name: str
    kind: str
    default: str
    unit: str
    text: str
    seeds: str
    environment: str


class Effective(Struct, frozen=True, kw_only=True):
    """A setting's value as it is in effect, and where it came from; secrets are masked.

    `source` is `default`, `venue` for a value of the venue's own, or where it was written.
    """

    name: str
    value: Any
    unit: str
    source: str


def described() -> Iterator[Described]:
    """Every setting, in the order of the tables."""
    yield from _described(Settings, "")


def effective(config: Config) -> Iterator[Effective]:
    """Every setting of a configuration, with the tables of the venues and accounts that it has."""
    settings = config.settings
    for name, about, value in settings_of(settings):
        yield _effective(config, name, about, value, "default")
    for exchange, venue in settings.venue.items():
        limits = config.venue(exchange).limits
        for name, about, value in settings_of(venue):
            full = f"venue.{exchange}.{name}"
            if about.limit:
                yield _effective(config, full, about, limit_of(limits, about.limit), "venue")
            else:
                yield _effective(config, full, about, value, "default")
    for account, entry in settings.account.items():
        for name, about, value in settings_of(entry):
            yield _effective(config, f"account.{account}.{name}", about, value, "default")
    for sink, engine in settings.sink.items():
        for name, about, value in settings_of(engine):
            yield _effective(config, f"sink.{sink}.{name}", about, value, "default")


def first_file(exchange: str) -> str:
    """A file in TOML with every setting explained and commented out."""
    lines = [
        "# Settings of Fluxum. A line that begins with # is not in effect and shows the default.",
        "# `fluxum config check` checks this file, `fluxum config show` shows what is in effect.",
        "# Keys are never in here: `fluxum setup` stores them.",
    ]
    table = ""
    venue = find_venue(exchange)
    limits = {f"venue.NAME.{name}": about.limit for name, about, _ in settings_of(VenueSettings())}
    for row in described():
        if row.name.startswith("account.") and venue.private is None:
            continue
        own = row.name.replace("venue.NAME", f"venue.{exchange}")
        own = own.replace("account.NAME", "account.main").replace("sink.NAME", "sink.main")
        default = "" if row.default == "venue's" else row.default
        if limits.get(row.name):
            default = _toml(_plain(limit_of(venue.limits, limits[row.name])))
        place, _, name = own.rpartition(".")
        if place != table:
            table = place
            lines += ["", f"[{table}]"]
        unit = f", in {row.unit}" if row.unit and not name.endswith("_s") else ""
        lines += [f"# {row.text} ({row.kind}{unit})", f"# {name} = {default or '...'}"]
        if row.name == "account.NAME.venue":
            lines[-1] = f'venue = "{exchange}"'
        if row.name == "sink.NAME.url":
            lines[-1] = f'# {name} = "nats://127.0.0.1:4222"'
    return "\n".join(lines) + "\n"


def _described(kind: type[Struct], above: str) -> Iterator[Described]:
    defaults = {one.name: one.default for one in fields(kind)}
    hints = get_type_hints(kind)
    for name, about in abouts(kind).items():
        full = f"{above}{name}"
        default = defaults[name]
        is_venues = about.limit or name in {"depth", "interval"}
        own = "venue's" if is_venues and default is None else ""
        yield Described(
            name=full,
            kind=_kind(about, hints[name]),
            default=own or _toml(None if default is NODEFAULT else default),
            unit=_unit(name, about),
            text=about.text,
            seeds=about.seeds,
            environment=PREFIX + full.upper().replace(".", "__"),
        )
    for name, table in tables(kind).items():
        yield from _described(table, f"{above}{name}.")
    for one in fields(kind):
        named = table_of(kind, one.name)
        if named is not None:
            yield from _described(named, f"{above}{one.name}.NAME.")


def _effective(config: Config, name: str, about: About, value: Any, else_from: str) -> Effective:
    written = [
        place
        for full, place in config.sources.items()
        if full == name or full.startswith(f"{name}.")
    ]
    return Effective(
        name=name,
        value=_plain(value),
        unit=_unit(name, about),
        source=written[0] if written else else_from,
    )


def _kind(about: About, hint: Any) -> str:
    take = about.take
    if isinstance(take, values.AtLeast):
        return f"whole number >= {take.least}"
    if isinstance(take, values.OneOf):
        return ", ".join(f"`{word}`" for word in take.words)
    if take in _KINDS:
        return _KINDS[take]
    kinds = [get_origin(one) or one for one in (hint, *get_args(hint))]
    return "list" if tuple in kinds else "table"


def _unit(name: str, about: About) -> str:
    return about.unit or ("s" if name.endswith("_s") else "")


def _plain(value: Any) -> Any:
    """A value as JSON has it, URLs without passwords."""
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {str(getattr(key, "value", key)): _plain(one) for key, one in items}
    if isinstance(value, tuple):
        return [_plain(one) for one in cast("tuple[object, ...]", value)]
    if isinstance(value, Decimal):
        return str(value)
    return value.masked if isinstance(value, ProxyUrl | SinkUrl) else value


def _toml(value: Any) -> str:
    """A default as TOML has it; "" for one that is not set."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, cast('tuple[object, ...]', value)))}]"
    if isinstance(value, Mapping):
        pairs = [
            f"{key} = {_toml(one)}" for key, one in cast("Mapping[object, object]", value).items()
        ]
        return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
    return f"{value:g}" if isinstance(value, float) else str(value)
