"""Events of links and hubs in words, for the user, without time and venue."""

from fluxum.model.event import (
    CallFailed,
    ClockOffset,
    DataStale,
    Desync,
    Dropped,
    FailedOver,
    Gap,
    HubEvent,
    LeftOut,
    LinkEvent,
    LinkLost,
    LinkReplaced,
    Refused,
    Rejected,
    Resynced,
    StateChange,
    Subscribed,
    Unsubscribed,
    VenueFailed,
    VenueNotice,
    VenueRemoved,
    VenueReturned,
)
from fluxum.model.instant import format_second

__all__ = ["hub_text", "link_text", "printable"]


def printable(text: str) -> str:
    """The text in one line, without characters that move a terminal's cursor."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def link_text(event: LinkEvent) -> str:  # noqa: C901 - one line a kind
    """An event of a link, or about a subscription."""
    match event:
        case StateChange():
            attempt = f" attempt {event.attempt} in {event.delay_s:.1f} s" if event.attempt else ""
            why = f": {event.reason}" if event.reason else ""
            return f"{event.new.value}{attempt}{why}"
        case Subscribed():
            return f"subscribed {event.subscription}"
        case Unsubscribed():
            return f"unsubscribed {event.subscription}"
        case Refused():
            return f"refused {event.subscription or 'a request'}: {event.message}"
        case VenueNotice():
            status = event.status.value if event.status else ""
            return f"venue {status} {event.message}".rstrip()
        case LinkLost():
            return f"link lost: {event.reason}"
        case Desync():
            return f"desynced {event.subscription}: {event.reason}"
        case Resynced():
            return f"resynced {event.subscription}, generation {event.generation}"
        case DataStale():
            return f"stale {event.subscription}: silent for {event.silent_s:.0f} s"
        case Rejected():
            return f"rejected a frame: {event.reason}: {event.sample[:60]!r}"
        case LeftOut():
            where = "" if event.subscription is None else f" of {event.subscription}"
            rows = "1 row" if event.count == 1 else f"{event.count} rows"
            return f"left out {rows}{where}: {event.reason}: {event.sample[:60]!r}"
        case Gap():
            length_s = (event.until_ns - event.since_ns) / 1e9
            lost = f", {event.missing} missing" if event.missing else ""
            return (
                f"gap {event.subscription}: {length_s:.3f} s, {event.cause.value}, "
                f"{event.repair.value}{lost}"
            )
        case CallFailed():
            return _call_text(event)
        case ClockOffset():
            return _offset_text(event)
        case LinkReplaced():
            return f"link replaced: {event.reason}"
        case Dropped():
            return f"dropped {event.count} events: this reader is too slow"


def hub_text(event: HubEvent) -> str:
    """An event of a hub itself."""
    match event:
        case VenueFailed():
            return f"failed: {event.reason}"
        case VenueRemoved():
            return f"left the book of {event.symbol} ({event.market}): {event.reason}"
        case VenueReturned():
            return f"is in the book of {event.symbol} ({event.market})"
        case FailedOver():
            before = event.before or "no venue"
            return f"quotes {event.symbol} now, before {before}: {event.reason}"


def _call_text(event: CallFailed) -> str:
    times = "once" if event.failures == 1 else f"{event.failures} times in a row"
    again = f"next attempt at {format_second(event.again_ns)}"
    return f"{event.call} failed {times}: {event.reason}; {again}"


def _offset_text(event: ClockOffset) -> str:
    side = "ahead of" if event.offset_s > 0 else "behind"
    return (
        f"the venue's clock is {abs(event.offset_s):.2f} s {side} this machine's "
        f"(within {event.uncertainty_s:.2f} s)"
    )
