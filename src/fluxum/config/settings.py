"""All settings: general ones, and a table for each venue, each account and each sink.

The documents S2, S3 and S4 are those that Fluxum was specified by; `About.seeds` has their names.
"""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Struct, field

from fluxum.config import values
from fluxum.config.about import About
from fluxum.config.account_settings import AccountSettings
from fluxum.config.part_settings import ClientSettings, HubSettings, MetricsSettings
from fluxum.config.sink_settings import SinkSettings
from fluxum.config.venue_settings import VenueSettings
from fluxum.flow.pipe import Overflow

__all__ = ["LogSettings", "NetworkSettings", "ReaderSettings", "RecordSettings", "Settings"]


class NetworkSettings(Struct, frozen=True, kw_only=True):
    """The network, of all venues."""

    proxy: Annotated[
        str | None, About(values.proxy_url, "HTTP proxy; without: `HTTPS_PROXY`.", "S3 (implied)")
    ] = None
    name_cache_s: Annotated[
        float, About(values.seconds, "How long a resolved name is kept.", "S3 (DNS cache)")
    ] = 30.0
    tls_min: Annotated[
        str, About(values.OneOf("1.2", "1.3"), "The oldest TLS that is accepted.", "S3 (TLS 1.2+)")
    ] = "1.2"


class ReaderSettings(Struct, frozen=True, kw_only=True):
    """The queue of each reader of a session."""

    capacity: Annotated[
        int,
        About(
            values.AtLeast(1),
            "Items that may wait.",
            "S2 `message_queue_size` = 10000 and 1000",
        ),
    ] = 10_000
    overflow: Annotated[
        str,
        About(
            values.OneOf(*(one.value for one in Overflow)),
            "What a full queue does.",
            "S2 (queue full, dropping)",
        ),
    ] = Overflow.DROP_OLDEST.value


_LEVELS = values.OneOf("debug", "info", "warning", "error", "critical")


class LogSettings(Struct, frozen=True, kw_only=True):
    """The log of the command line."""

    level: Annotated[
        str | None,
        About(_LEVELS, "The least level that is logged; without: failures alone.", "S3 (logging)"),
    ] = None
    file: Annotated[str | None, About(values.path, "The file; without: stderr.", "S3")] = None
    format: Annotated[
        str, About(values.OneOf("text", "json"), "How lines are written.", "S3 (logging)")
    ] = "text"
    modules: Annotated[
        Mapping[str, str],
        About(
            values.mapping(values.text, _LEVELS),
            "Levels of some modules, such as `fluxum.session.feed`.",
            "S3 (debug logging)",
        ),
    ] = {}


class RecordSettings(Struct, frozen=True, kw_only=True):
    """Tapes."""

    output: Annotated[
        str | None, About(values.path, "The tape or the folder that is written.", "")
    ] = None
    rotate_bytes: Annotated[
        int | None,
        About(values.bytes_of, "Size of a file: `500MB`.", "", unit="bytes"),
    ] = None
    rotate_s: Annotated[int | None, About(values.span, "Time of a file: `1h`.", "")] = None


class Settings(Struct, frozen=True, kw_only=True):
    """All settings."""

    network: NetworkSettings = NetworkSettings()
    venue: dict[str, VenueSettings] = field(default_factory=dict)
    account: dict[str, AccountSettings] = field(default_factory=dict)
    sink: dict[str, SinkSettings] = field(default_factory=dict)
    hub: HubSettings = HubSettings()
    client: ClientSettings = ClientSettings()
    reader: ReaderSettings = ReaderSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()
    record: RecordSettings = RecordSettings()
