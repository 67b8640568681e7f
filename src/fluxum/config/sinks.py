"""Settings of sinks as publishers take them, and those that cannot be."""

from collections.abc import Iterator, Mapping

from fluxum.config.check import Fault, place_of
from fluxum.config.settings import Settings
from fluxum.config.sink_settings import SinkSettings
from fluxum.errors import BadInput
from fluxum.sink.engine import EngineUrl
from fluxum.sink.outbox import OutboxPolicy
from fluxum.sink.publisher import PublishPolicy

__all__ = ["faults_of_sinks", "publish_policy"]


def publish_policy(settings: SinkSettings) -> PublishPolicy:
    """How a publisher writes to a sink; raises BadInput for impossible settings."""
    return PublishPolicy(
        outbox=OutboxPolicy(
            events_max=settings.events_max,
            bytes_max=settings.bytes_max,
            batch_events=settings.batch_events,
            batch_bytes=settings.batch_bytes,
            batch_s=settings.batch_s,
            event_bytes_max=settings.event_bytes_max,
        ),
        streams=settings.streams,
        retry_first_s=settings.retry_first_s,
        retry_ceiling_s=settings.retry_ceiling_s,
        capacity=settings.reader_capacity,
        write_timeout_s=settings.write_timeout_s,
        tally_s=settings.tally_s,
        checkpoint_s=settings.checkpoint_s,
        close_s=settings.close_s,
        has_account=settings.account,
    )


def faults_of_sinks(whole: Settings, places: Mapping[str, str]) -> Iterator[Fault]:
    """What is impossible of the sinks; a table without settings is none."""
    taken: dict[tuple[str, str], str] = {}
    for name, settings in whole.sink.items():
        above = f"sink.{name}"
        place = place_of(places, above)
        if not settings.url:
            if place and f"{above}.url" not in places:  # one that was refused is a fault already
                yield Fault(place, f"{above}.url: the URL of an engine was expected")
            continue
        url = EngineUrl.parse(settings.url)
        key = url.address, url.name
        if key in taken:
            yield Fault(
                place_of(places, f"{above}.url"),
                f"{above}.url: an engine of its own was expected, sink.{taken[key]} writes there "
                "too: add ?name=NAME",
            )
        taken.setdefault(key, name)
        try:
            publish_policy(settings)
        except BadInput:
            yield Fault(
                place_of(places, f"{above}.retry_first_s"),
                f"{above}: retry_first_s <= retry_ceiling_s was expected, was "
                f"{settings.retry_first_s:g}, {settings.retry_ceiling_s:g}",
            )
