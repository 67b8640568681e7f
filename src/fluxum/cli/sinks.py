"""`publish`, `subscribe` and `sink check`: events to an engine, back, and whether all came."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Annotated, Any

import typer
from msgspec import Struct, structs

from fluxum.cli.columns import KINDS, is_data, parse_kinds
from fluxum.cli.configured import config
from fluxum.cli.market import attended, until
from fluxum.cli.options import (
    ChannelList,
    Count,
    Depth,
    Endpoint,
    Exchanges,
    Format,
    FormatOption,
    Interval,
    Keys,
    Kinds,
    MetricsPort,
    Proxy,
    Seconds,
    Symbols,
    markets_of,
    parse_channels,
    parse_endpoints,
    parse_interval,
    parse_proxy,
)
from fluxum.cli.output import Output, live_output
from fluxum.cli.process import run_async
from fluxum.cli.serving import metrics_served
from fluxum.cli.sessions import Selection, Sessions, open_sessions
from fluxum.cli.table import Column, Table
from fluxum.config.sinks import publish_policy
from fluxum.errors import BadInput, FluxumError
from fluxum.flow.background import background
from fluxum.model.codec import plain
from fluxum.model.event import Event
from fluxum.model.instant import format_second
from fluxum.session.session import Session
from fluxum.sink.engine import writer_of
from fluxum.sink.intake import SubscriberStatistics
from fluxum.sink.publisher import Publisher, PublishPolicy, publish
from fluxum.sink.subscriber import Subscriber, subscribe
from fluxum.sink.sums import StreamSums

__all__ = ["StreamIncomplete", "check_sink", "publish_events", "subscribe_events"]

_WATCH_S = 0.5
_COLUMNS = (
    Column("stream"),
    Column("result"),
    *(Column(name, is_number=True) for name in ("from", "to", "events", "dropped", "missing")),
    Column("run"),
)


class StreamIncomplete(FluxumError):
    """Events were lost on the way to an engine or in it, or sums do not close."""


Url = Annotated[
    str,
    typer.Argument(
        help="The engine: nats://HOST:PORT, redis://..., postgresql://..., kafka://..., or a "
        "configured sink; ?name=NAME is the stream, prefix of keys, table or topic.",
        metavar="URL",
    ),
]
Pattern = Annotated[
    str,
    typer.Option("--stream", help="Streams of this pattern only, such as 'EXCHANGE/*/trade'."),
]


def publish_events(
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="URL",
            help="The engine: nats://HOST:PORT, redis://..., postgresql://..., kafka://..., or a "
            "configured sink. Without: every configured sink.",
        ),
    ] = "",
    symbol: Symbols = "",
    exchange: Exchanges = "",
    channel: ChannelList = "book,trade,ticker",
    depth: Depth = None,
    interval: Interval = None,
    account: Annotated[
        bool, typer.Option("--account", help="Publish the account's streams too, if subscribed.")
    ] = False,
    keys: Keys = "",
    seconds: Seconds = None,
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    metrics: MetricsPort = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Publish every event to a message engine, numbered, until --seconds, Ctrl-C or SIGTERM.

    Losses are published at their place. While the engine is down, 100,000 events or 64 MB wait;
    what does not fit is counted and reported in the stream. The sessions go on whatever happens to
    the engine. At the end the sums of each stream are written; exit status 1 if any event was
    dropped or not acknowledged.

    Example: fluxum publish -s BTC/USD,ETH/USD --to nats://127.0.0.1:4222

    Example: fluxum --set sink.bus.url=nats://127.0.0.1:4222 publish -s BTC/USD
    """
    targets = _targets(to, account)
    markets = markets_of(symbol, exchange)
    selection = Selection(
        markets=markets,
        channels=parse_channels(channel),
        depth=depth,
        interval_s=parse_interval(interval),
        endpoints=parse_endpoints(endpoint, markets),
        proxy=parse_proxy(proxy),
        keys=keys,
    )
    with live_output(form) as output:
        run_async(_publish(selection, targets, seconds, metrics, output))


def subscribe_events(
    url: Url,
    stream: Pattern = "*",
    is_whole: Annotated[
        bool, typer.Option("--all", help="Begin with the oldest event that the engine has.")
    ] = False,
    kind: Kinds = "",
    seconds: Seconds = None,
    count: Count = None,
    form: FormatOption = Format.NDJSON,
) -> None:
    """Read what publishers write to an engine: the same events as `fluxum stream`, losses included.

    A number that is missing is a `gap` with the cause `engine`, at its place. Repeats are skipped.
    The sums are reported on stderr at the end.

    Example: fluxum subscribe nats://127.0.0.1:4222 --stream '*/*/trade' --count 10

    Example: fluxum subscribe redis://127.0.0.1:6379 --all --kind trade --format csv
    """
    kinds, url = parse_kinds(kind), _url_of(url)

    async def main(output: Output) -> None:
        async with subscribe(url, stream, is_whole=is_whole) as subscriber:
            try:
                work = _write_events(subscriber, count, output)
                await until(seconds, attended(output, work))
            finally:
                output.message(_summary(subscriber))

    with live_output(form, [KINDS[one] for one in kinds], kinds) as output:
        run_async(main(output))


def check_sink(
    url: Url,
    stream: Pattern = "*",
    quiet: Annotated[
        float, typer.Option("--quiet", min=0.05, help="It is all if nothing comes for so long.")
    ] = 1.0,
    form: FormatOption = Format.TABLE,
) -> None:
    """Read all that an engine has, and write the sums of each stream and run of a publisher.

    `from` is the first number that the engine still has. Exit status 0 if from there on nothing is
    missing, nothing was dropped and all sums close; 1 if not, or if the engine cannot be read.

    Example: fluxum sink check nats://127.0.0.1:4222
    """
    url = _url_of(url)

    async def main() -> SubscriberStatistics:
        async with subscribe(url, stream, is_whole=True) as subscriber:
            async for _ in subscriber.stored(quiet):
                pass
            return subscriber.statistics()

    with Output(form) as output:
        found = run_async(main())
        streams = sorted(found.streams, key=lambda one: (one.stream, one.epoch))
        if form is Format.TABLE and streams:
            output.write({}, "\n".join(Table(_COLUMNS).lines(map(_row, streams))))
        elif form is not Format.TABLE:
            for one in streams:
                output.write(_record(one), "")
    faults = [one.stream for one in streams if not one.is_whole]
    if found.unreadable:
        raise StreamIncomplete(f"{found.unreadable} messages are no batches of Fluxum")
    if faults:
        raise StreamIncomplete(f"incomplete: {', '.join(dict.fromkeys(faults))}")
    if not streams:
        raise StreamIncomplete("nothing is stored there")


class _Target(Struct, frozen=True):
    """An engine to publish to; `name` is empty if there is one, and it has none."""

    name: str
    url: str
    policy: PublishPolicy


def _targets(to: str, has_account: bool) -> list[_Target]:
    """The engine of a URL, a configured sink, or all of these; raises BadInput for none."""
    sinks = config().sinks
    if "://" in to:
        found = [_Target("", to, PublishPolicy())]
    elif not sinks:
        raise BadInput(
            "--to: the URL of an engine like nats://127.0.0.1:4222 was expected, or a table "
            f"[sink.NAME] in the configuration, was {to!r}"
        )
    else:
        chosen = {to: config().sink(to)} if to else sinks
        found = [_Target(name, one.url, publish_policy(one)) for name, one in chosen.items()]
    for one in found:
        writer_of(one.url)  # a wrong URL is a usage error, before anything is opened
    if has_account:
        policies = [structs.replace(one.policy, has_account=True) for one in found]
        return [structs.replace(one, policy=it) for one, it in zip(found, policies, strict=True)]
    return found


def _url_of(text: str) -> str:
    """A URL, or that of a configured sink; raises BadInput."""
    return text if "://" in text else config().sink(text).url


async def _publish(
    selection: Selection,
    targets: Sequence[_Target],
    seconds: float | None,
    metrics: int | None,
    output: Output,
) -> None:
    publishers: list[Publisher] = []
    async with (
        open_sessions(selection, output.message) as sessions,
        metrics_served(metrics, lambda: [*sessions, *publishers], output.message),
    ):
        try:
            async with AsyncExitStack() as stack:
                for target in targets:
                    opening = publish(target.url, *sessions, policy=target.policy, name=target.name)
                    publishers.append(await stack.enter_async_context(opening))
                await until(seconds, attended(output, _follow(sessions, publishers, output)))
        finally:
            for one in publishers:
                _write_sums(one, output, f"{one.name} " if len(targets) > 1 else "")
        sessions.require_data()
        for one in publishers:
            _require_acknowledged(one)


async def _follow(sessions: Sessions, publishers: Sequence[Publisher], output: Output) -> None:
    """Report the sessions' events, except data, and what becomes of the engines."""

    async def take(_session: Session, event: Event) -> bool:
        if not is_data(event):
            output.event(event)
        return False

    async def watch(publisher: Publisher) -> None:
        before = ""
        while True:
            trouble = publisher.trouble
            if trouble != before:
                what = f"not written, and tried again: {trouble}" if trouble else "written again"
                output.message(f"{publisher.name}: {what}")
            before = trouble
            await asyncio.sleep(_WATCH_S)

    async with background(*map(watch, publishers)):
        await sessions.follow(take)


async def _write_events(subscriber: Subscriber, count: int | None, output: Output) -> None:
    written = 0
    async for event in subscriber:
        await output.room()
        written += output.event(event) and is_data(event)
        if written == count:
            return


def _write_sums(publisher: Publisher, output: Output, heading: str) -> None:
    found = publisher.statistics()
    for one in found.streams:
        text = (
            f"{heading}{one.stream}: {one.offered} offered = {one.acknowledged} acknowledged + "
            f"{one.dropped} dropped + {one.waiting} waiting; {one.last} numbers"
        )
        output.write({"type": "outbox_sums", "sink": publisher.name, **plain(one)}, text)


def _require_acknowledged(publisher: Publisher) -> None:
    found = publisher.statistics()
    if found.dropped or found.waiting or not found.sums_close:
        because = f": {found.trouble}" if found.trouble else ""
        raise StreamIncomplete(
            f"of {found.offered} events {found.dropped} were dropped and {found.waiting} not "
            f"acknowledged{because}"
        )


def _summary(subscriber: Subscriber) -> str:
    found = subscriber.statistics()
    closing = "sums close" if found.sums_close else "THE SUMS DO NOT CLOSE"
    return (
        f"{found.numbers} numbers = {found.events} events + {found.notices} notices + "
        f"{found.missing} missing; {found.dropped} dropped before, {found.repeats} repeats "
        f"skipped, {found.reconnects} reconnects; {closing}"
    )


def _row(one: StreamSums) -> list[str]:
    counts = (one.before + 1, one.last, one.events, one.dropped, one.missing)
    return [one.stream, _result(one), *map(str, counts), format_second(one.epoch)]


def _result(one: StreamSums) -> str:
    if not one.sums_close:
        return "WRONG SUMS"
    if not one.is_whole:
        return "incomplete"
    return "complete" if one.is_closed else "not ended"


def _record(one: StreamSums) -> dict[str, Any]:
    sums = {"sums_close": one.sums_close, "is_whole": one.is_whole}
    return {"type": "stream_sums", **plain(one), **sums}
