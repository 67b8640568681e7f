"""The settings of a sink: an engine that events are published to, what, and how."""

from typing import Annotated

from msgspec import Struct

from fluxum.config import values
from fluxum.config.about import About

__all__ = ["SinkSettings"]


class SinkSettings(Struct, frozen=True, kw_only=True):
    """One engine, by a name of your own; see `PublishPolicy` and `OutboxPolicy`."""

    url: Annotated[
        str,
        About(
            values.engine_url,
            "The engine: `nats://`, `redis://`, `postgresql://` or `kafka://`; required.",
        ),
    ] = ""
    streams: Annotated[
        tuple[str, ...],
        About(
            values.several(values.pattern),
            "What is published: patterns of streams such as `EXCHANGE/*/trade`.",
        ),
    ] = ("*",)
    account: Annotated[
        bool, About(values.flag, "Whether the account's streams are published too.")
    ] = False
    events_max: Annotated[
        int, About(values.AtLeast(2), "Events that may wait for the engine; more are dropped.")
    ] = 100_000
    bytes_max: Annotated[
        int,
        About(values.bytes_of, "The same in bytes of JSON.", unit="bytes"),
    ] = 64_000_000
    event_bytes_max: Annotated[
        int, About(values.bytes_of, "A longer event is dropped.", unit="bytes")
    ] = 900_000
    batch_events: Annotated[int, About(values.AtLeast(1), "Events in one message.")] = 100
    batch_bytes: Annotated[int, About(values.bytes_of, "The same in bytes.", unit="bytes")] = 64_000
    batch_s: Annotated[
        float, About(values.nothing, "How long events may wait for others of their batch.")
    ] = 0.02
    reader_capacity: Annotated[
        int, About(values.AtLeast(1), "Events of a session that may wait for the outbox.")
    ] = 100_000
    write_timeout_s: Annotated[
        float, About(values.seconds, "Longest wait for an acknowledgement.")
    ] = 5.0
    retry_first_s: Annotated[
        float, About(values.seconds, "Longest first delay after a failed write.")
    ] = 0.5
    retry_ceiling_s: Annotated[float, About(values.seconds, "Longest delay.")] = 5.0
    tally_s: Annotated[
        float, About(values.seconds, "How often the sums of a stream are published.")
    ] = 5.0
    checkpoint_s: Annotated[
        float, About(values.seconds, "How often a whole book is published.")
    ] = 10.0
    close_s: Annotated[float, About(values.nothing, "Longest wait for the engine at the end.")] = (
        5.0
    )
