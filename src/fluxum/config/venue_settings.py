"""The settings of one venue.

One that is `None` is not set: then the venue's own value is used, see `About.limit`.
"""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Struct

from fluxum.config import values
from fluxum.config.about import About
from fluxum.model.instrument import Symbol

__all__ = [
    "AttemptSettings",
    "BackoffSettings",
    "BreakerSettings",
    "LinkSettings",
    "RequestSettings",
    "RestSettings",
    "VenueSettings",
]


class LinkSettings(Struct, frozen=True, kw_only=True):
    """The links to a venue."""

    connect_timeout_s: Annotated[
        float | None,
        About(
            values.seconds,
            "Longest dial, TLS and upgrade included.",
            "S2 `connection_timeout` = 30, S4 `timeout` = 30000 ms",
            "dial_timeout_s",
        ),
    ] = None
    close_timeout_s: Annotated[
        float,
        About(
            values.seconds,
            "Longest wait for the other side's close.",
            "S2 `close_timeout` = 10",
        ),
    ] = 0.5
    ping_interval_s: Annotated[
        float | None,
        About(
            values.seconds,
            "How often the session pings.",
            "S2 S3 `ping_interval` = 20, S4 `pingInterval` = 30000 ms",
            "ping_interval_s",
        ),
    ] = None
    answer_timeout_s: Annotated[
        float | None,
        About(
            values.seconds,
            "Longest wait for an answer over the link.",
            "S2 S3 `ping_timeout` = 10, S4 `pongTimeout` = 10000 ms",
            "answer_timeout_s",
        ),
    ] = None
    silence_s: Annotated[
        float | None,
        About(
            values.seconds,
            "A link that is silent for so long is replaced.",
            "S2 `heartbeat_timeout` = 60",
            "link_silence_s",
        ),
    ] = None
    data_silence_s: Annotated[
        Mapping[str, float] | None,
        About(
            values.mapping(values.channel, values.seconds),
            "For each channel: a subscription that is quiet for so long is reported as stale.",
            "S2 (stale detection)",
            "data_silence_s",
        ),
    ] = None
    age_max_s: Annotated[
        float | None,
        About(values.seconds, "A link is replaced after so long.", "", "link_age_s"),
    ] = None
    stable_s: Annotated[
        float | None,
        About(
            values.nothing, "A link that lived so long resets the back-off.", "S2 S3", "stable_s"
        ),
    ] = None
    symbols_max: Annotated[
        int | None,
        About(values.AtLeast(1), "Symbols on one link.", "S2 S4 (pooling)", "symbols_per_link"),
    ] = None
    frame_bytes_max: Annotated[
        int | None,
        About(values.bytes_of, "Longest frame.", "", "frame_bytes_max", unit="bytes"),
    ] = None


class BackoffSettings(Struct, frozen=True, kw_only=True):
    """When a lost link is dialled again."""

    quick_tries: Annotated[
        int | None,
        About(values.AtLeast(0), "First attempts at once.", "", "backoff.quick_tries"),
    ] = None
    quick_s: Annotated[
        float | None,
        About(values.nothing, "Longest delay of these.", "", "backoff.quick_s"),
    ] = None
    first_s: Annotated[
        float | None,
        About(
            values.nothing,
            "First delay after them.",
            "S2 `reconnect_delay` = 1, S3 `reconnect_interval` = 5, S4 `initialDelay` = 1000 ms",
            "backoff.first_s",
        ),
    ] = None
    floor_s: Annotated[
        float | None,
        About(
            values.nothing,
            "Least delay.",
            "S3 (5 s minimum)",
            "backoff.floor_s",
            "least",
        ),
    ] = None
    multiplier: Annotated[
        float | None,
        About(
            values.factor,
            "Growth of the delay.",
            "S2 `reconnect_backoff` = 2.0, S4 `backoffMultiplier` = 2",
            "backoff.multiplier",
        ),
    ] = None
    ceiling_s: Annotated[
        float | None,
        About(
            values.nothing,
            "Longest delay.",
            "S2 `max_reconnect_delay` = 60, S4 `maxDelay` = 30000 ms",
            "backoff.ceiling_s",
        ),
    ] = None
    attempts_max: Annotated[
        int | None,
        About(
            values.AtLeast(1),
            "Then the session fails; without: it never gives up.",
            "S2 S3 `max_reconnect_attempts` = 10, S4 `maxAttempts` = 5",
            "backoff.attempts_max",
        ),
    ] = None
    jitter: Annotated[
        float | None,
        About(
            values.share,
            "The random part of a delay.",
            "S4 `jitterFactor` = 0.1",
            "backoff.jitter",
        ),
    ] = None


class AttemptSettings(Struct, frozen=True, kw_only=True):
    """Dials that all sessions of this process share at a venue."""

    max: Annotated[
        int | None,
        About(
            values.AtLeast(1),
            "Dials in one window.",
            "S3 (150 in 10 minutes)",
            "attempts",
            "most",
        ),
    ] = None
    window_s: Annotated[
        float | None,
        About(values.seconds, "The window.", "S3 (150 in 10 minutes)", "attempt_window_s", "least"),
    ] = None


class RequestSettings(Struct, frozen=True, kw_only=True):
    """Requests that a link sends."""

    per_s: Annotated[
        float | None,
        About(
            values.seconds,
            "Requests in a second.",
            "S2 `subscription_rate_limit` = 5",
            "sends_per_s",
            unit="1/s",
        ),
    ] = None
    burst: Annotated[
        int | None,
        About(values.AtLeast(1), "Requests at once.", "S2 (rate limiting)", "send_burst"),
    ] = None


class RestSettings(Struct, frozen=True, kw_only=True):
    """Public REST calls; those of an account are paced by its tier."""

    cost_per_s: Annotated[
        float | None,
        About(
            values.seconds,
            "Cost of calls in a second.",
            "S3 S4 (rate limits)",
            "fetch_cost_per_s",
            unit="1/s",
        ),
    ] = None
    cost_max: Annotated[
        float | None,
        About(values.factor, "Cost of calls at once.", "S3 S4 (rate limits)", "fetch_cost_max"),
    ] = None
    timeout_s: Annotated[float, About(values.seconds, "Longest call.", "S3 (REST time-out)")] = 10.0


class BreakerSettings(Struct, frozen=True, kw_only=True):
    """The circuit breaker of each kind of REST query."""

    failures: Annotated[
        int | None,
        About(
            values.AtLeast(1),
            "Failures in a row that open it.",
            "S2 `consecutive_failures`, S3 (circuit breaker)",
            "breaker.failures",
        ),
    ] = None
    open_s: Annotated[
        float | None,
        About(values.seconds, "How long it stays open.", "S3 (circuit breaker)", "breaker.open_s"),
    ] = None
    successes: Annotated[
        int | None,
        About(
            values.AtLeast(1), "Trials that close it.", "S3 (circuit breaker)", "breaker.successes"
        ),
    ] = None


class VenueSettings(Struct, frozen=True, kw_only=True):
    """One venue, by its name."""

    symbols: Annotated[
        tuple[Symbol, ...], About(values.several(values.symbol), "Markets.", "S2 S4 `symbols`")
    ] = ()
    channels: Annotated[
        tuple[str, ...],
        About(values.several(values.channel), "Channels of each market.", "S2 S4 `channels`"),
    ] = ("book",)
    depth: Annotated[
        int | None,
        About(values.AtLeast(1), "Levels of each side of a book.", "S2 `depth` = 10"),
    ] = None
    interval: Annotated[
        int | None,
        About(values.interval, "Length of a candle: `1m`, `4h`.", "S2 `interval` = 1", unit="s"),
    ] = None
    account: Annotated[
        str,
        About(
            values.text,
            "The account that a session logs in to; without: none.",
            "S3 `enable_auth_manager` = true, S2 `private_channels` = true",
        ),
    ] = ""
    endpoint: Annotated[
        str | None,
        About(values.link_url, "Another host for all endpoints.", "S4 `url`"),
    ] = None
    endpoints: Annotated[
        Mapping[str, str],
        About(
            values.mapping(values.text, values.url),
            "Other URLs, by the endpoint's name: `public`, `private`, `rest`.",
            "S2 S3 `public_url`, S2 S3 `private_url`, S2 `auth_url`",
        ),
    ] = {}
    proxy: Annotated[
        str | None, About(values.proxy_url, "HTTP proxy for this venue.", "S3 (implied)")
    ] = None
    maintenance_delay_s: Annotated[
        float | None,
        About(
            values.nothing,
            "Least delay while the venue is in maintenance.",
            "S3 (5 s minimum)",
            "maintenance_delay_s",
            "least",
        ),
    ] = None
    link: LinkSettings = LinkSettings()
    backoff: BackoffSettings = BackoffSettings()
    attempts: AttemptSettings = AttemptSettings()
    requests: RequestSettings = RequestSettings()
    rest: RestSettings = RestSettings()
    breaker: BreakerSettings = BreakerSettings()
