"""The values of every metric, from the statistics that its source keeps anyway."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product

from fluxum.book.fast import IS_COMPILED
from fluxum.book.proof import BookProof, BookStatus
from fluxum.client.callback import CallbackStatistics
from fluxum.client.client import Client
from fluxum.flow.histogram import Histogram
from fluxum.hub.hub import Hub
from fluxum.model.event import Channel, GapCause, Repair, State
from fluxum.orders.desk import OrderDesk
from fluxum.session.account import Account
from fluxum.session.rest_client import RestUsage
from fluxum.session.session import Session
from fluxum.session.statistics import SessionStatistics
from fluxum.sink.publisher import Publisher
from fluxum.tape.writer import TapeWriter
from fluxum.trader import Trader

__all__ = [
    "Sample",
    "Source",
    "Sources",
    "of_client",
    "of_desk",
    "of_hub",
    "of_process",
    "of_session",
    "of_sink",
    "of_tape",
    "proofs_of",
    "sources_of",
]

_CAUSES = (GapCause.LINK_LOST, GapCause.DESYNC, GapCause.VENUE, GapCause.REJECTED)
Source = Session | Trader | Hub | Client | TapeWriter | Publisher
"""What has metrics."""
Sources = Source | Iterable[Source] | Callable[[], Iterable[Source]]
"""One, several, or a function that returns those that there are at the moment of its call."""
Sample = tuple[str, tuple[str, ...], float | Histogram]
"""A metric's name, the values of its labels besides its owner's, and its value."""


def sources_of(sources: Sources) -> Sequence[Source]:
    """The sources that there are now, each once."""
    if isinstance(sources, Source):
        return (sources,)
    found = sources() if callable(sources) else sources
    return list({id(one): one for one in found}.values())


def of_session(session: Session, symbols_max: int = 0) -> Iterator[Sample]:
    """The metrics of a session; books of at most `symbols_max` symbols are exported one by one."""
    statistics, now_ns = session.statistics(), session.now_ns()
    for state in State:
        yield "fluxum_session_state", (state.value,), state is statistics.state
    missing = session.missing()
    yield "fluxum_session_ready", (), statistics.state is State.READY
    yield "fluxum_session_missing", (), len(missing)
    yield "fluxum_sums_close", ("session",), statistics.sums_close
    yield from _links(session, statistics, now_ns)
    yield from _events(statistics)
    for hop, histogram in session.histograms().items():
        yield "fluxum_latency_seconds", (hop,), histogram
    yield from _losses(session, statistics)
    yield from _books(session, statistics, now_ns, symbols_max)
    yield from _calls(statistics)
    yield from _queries("market", session.rest_usage())
    if session.has_account:
        yield from _account(session.account)


def of_desk(desk: OrderDesk) -> Iterator[Sample]:
    """The metrics of a trader's orders."""
    counts = desk.statistics()
    yield "fluxum_sums_close", ("orders",), counts.sums_close
    yield "fluxum_order_requests_total", (), counts.asked
    for reason in ("malformed", "risky", "foreseen", "unsent"):
        yield "fluxum_order_requests_unsent_total", (reason,), getattr(counts, reason)
    yield "fluxum_orders_placed_total", (), counts.placed
    for standing in ("waiting", "accepted", "refused", "unknown"):
        yield "fluxum_orders", (standing,), getattr(counts, standing)
    yield "fluxum_orders_open", (), counts.live
    yield "fluxum_orders_uncertain", (), counts.open_uncertain
    yield "fluxum_order_uncertainties_total", (), counts.uncertain
    yield "fluxum_order_lookups_total", (), counts.looks
    for outcome in ("accepted", "declined", "lost"):
        yield "fluxum_order_commands_total", (outcome,), getattr(counts.commands, outcome)
    yield "fluxum_order_commands_waiting", (), counts.commands_waiting
    for outcome in ("counted", "repeated", "dropped"):
        yield "fluxum_fills_total", (outcome,), getattr(counts.orders, outcome)
    yield "fluxum_trading_halted", (), desk.risk.halted is not None
    yield "fluxum_trading_reduce_only", (), desk.risk.reducing is not None


def of_hub(hub: Hub) -> Iterator[Sample]:
    """The metrics of a hub itself; its sessions and traders have their own."""
    health = hub.health()
    yield "fluxum_hub_ready", (), health.has_quorum
    yield "fluxum_hub_quorum", (), health.quorum
    yield "fluxum_hub_sums_close", (), hub.statistics().sums_close
    for name, venue in health.venues.items():
        yield "fluxum_hub_venue_ready", (name,), venue.is_ready
        yield "fluxum_hub_venue_missing", (name,), len(venue.missing)
        for state in State:
            yield "fluxum_hub_venue_state", (name, state.value), state is venue.state


def of_client(client: Client) -> Iterator[Sample]:
    """The metrics of a client's callbacks; those of one name and event are added up."""
    statistics = client.get_statistics()
    yield "fluxum_client_errors_total", (), statistics.errors
    yield "fluxum_client_events_dropped_total", (), statistics.dropped
    found: dict[tuple[str, str], list[CallbackStatistics]] = {}
    for one in statistics.callbacks:
        found.setdefault((one.event, one.callback), []).append(one)
    for labels, same in found.items():
        for outcome in ("returned", "failed", "cancelled"):
            total = sum(getattr(one, outcome) for one in same)
            yield "fluxum_callback_calls_total", (*labels, outcome), total
        yield "fluxum_callback_slow_total", labels, sum(one.slow for one in same)
        for outcome in ("delivered", "conflated", "dropped"):
            total = sum(getattr(one.items, outcome) for one in same)
            yield "fluxum_callback_items_total", (*labels, outcome), total
        yield "fluxum_callback_items_waiting", labels, sum(one.items.waiting for one in same)


def of_tape(tape: TapeWriter) -> Iterator[Sample]:
    """The metrics of a recorder."""
    counts = tape.counts()
    yield "fluxum_recorder_frames_total", ("written",), counts.written
    yield "fluxum_recorder_frames_total", ("lost",), counts.lost
    yield "fluxum_recorder_frames_waiting", (), counts.waiting
    yield "fluxum_recorder_gaps_total", (), counts.holes
    yield "fluxum_recorder_up", (), not tape.trouble


def of_sink(publisher: Publisher) -> Iterator[Sample]:
    """The metrics of a publisher's sink."""
    counts = publisher.statistics()
    yield "fluxum_sink_events_offered_total", (), counts.offered
    for outcome in ("acknowledged", "dropped"):
        yield "fluxum_sink_events_total", (outcome,), getattr(counts, outcome)
    yield "fluxum_sink_events_waiting", (), counts.waiting
    yield "fluxum_sink_bytes_waiting", (), counts.waiting_bytes
    yield "fluxum_sink_lag_seconds", (), counts.lag_s
    yield "fluxum_sink_batches_total", (), counts.written
    yield "fluxum_sink_retries_total", (), counts.failures
    yield "fluxum_sink_up", (), counts.is_up
    yield "fluxum_sink_sums_close", (), counts.sums_close


def of_process(version: str, loop_lag_s: float | None) -> Iterator[Sample]:
    """The metrics of this process."""
    yield "fluxum_build_info", (version, "compiled" if IS_COMPILED else "python"), 1
    if loop_lag_s is not None:
        yield "fluxum_loop_lag_max_seconds", (), loop_lag_s


def proofs_of(session: Session) -> list[BookProof]:
    """The proof of every live book, of levels and of single orders."""
    proofs: list[BookProof] = []
    for one in session.subscriptions:
        if one.symbol is not None and one.channel is Channel.BOOK:
            proofs.append(session.book(one.symbol).proof())
        elif one.symbol is not None and one.channel is Channel.LEVEL3:
            proofs.append(session.level3(one.symbol).proof())
    return proofs


def _links(session: Session, statistics: SessionStatistics, now_ns: int) -> Iterator[Sample]:
    for link in session.links():
        yield "fluxum_link_up", (link.name,), link.is_connected
        if link.received_ns is not None:
            yield "fluxum_link_silence_seconds", (link.name,), _age_s(now_ns, link.received_ns)
    yield "fluxum_reconnects_total", (), statistics.reconnects
    yield "fluxum_links_replaced_total", (), statistics.replaced
    if statistics.clock_offset_s is not None and statistics.clock_uncertainty_s is not None:
        yield "fluxum_clock_offset_seconds", (), statistics.clock_offset_s
        yield "fluxum_clock_uncertainty_seconds", (), statistics.clock_uncertainty_s


def _events(statistics: SessionStatistics) -> Iterator[Sample]:
    for outcome in ("data", "control", "rejected"):
        yield "fluxum_frames_total", (outcome,), getattr(statistics, outcome)
    yield "fluxum_frames_sent_total", (), statistics.sent
    yield "fluxum_events_received_total", (), statistics.received
    yield "fluxum_events_own_total", (), statistics.own
    yield "fluxum_events_published_total", (), statistics.published
    yield "fluxum_events_withheld_total", (), statistics.withheld
    yield "fluxum_rows_left_out_total", (), statistics.left_out
    readers = (*statistics.readers, statistics.departed)
    yield "fluxum_readers", (), len(statistics.readers)
    yield "fluxum_reader_events_offered_total", (), sum(one.offered for one in readers)
    for outcome in ("delivered", "conflated", "dropped"):
        total = sum(getattr(one, outcome) for one in readers)
        yield "fluxum_reader_events_total", (outcome,), total
    yield "fluxum_reader_events_waiting", (), sum(one.waiting for one in readers)


def _losses(session: Session, statistics: SessionStatistics) -> Iterator[Sample]:
    channels = dict.fromkeys(one.channel for one in session.subscriptions)
    # Those that have not happened too: Prometheus sees an increase only from a value to another.
    kinds = dict.fromkeys(product(channels, _CAUSES, Repair)) | session.gaps.counts
    for channel, cause, repair in kinds:
        count = session.gaps.counts[channel, cause, repair]
        yield "fluxum_gaps_total", (channel.value, cause.value, repair.value), count
    opened = Counter(one.channel for one in session.gaps.open)
    for channel in channels:
        yield "fluxum_gaps_open", (channel.value,), opened[channel]
    yield "fluxum_desyncs_total", (), statistics.desyncs


def _books(
    session: Session, statistics: SessionStatistics, now_ns: int, symbols_max: int
) -> Iterator[Sample]:
    yield "fluxum_book_checks_total", ("passed",), statistics.checks_passed
    yield "fluxum_book_checks_total", ("failed",), statistics.checks_failed
    proofs = proofs_of(session)
    found = Counter(one.status for one in proofs)
    for status in BookStatus:
        yield "fluxum_books", (status.value,), found[status]
    updated = [one.updated_ns for one in proofs if one.updated_ns is not None]
    if updated:
        yield "fluxum_book_age_max_seconds", (), _age_s(now_ns, min(updated))
    proved = [one.proved_ns for one in proofs if one.proved_ns is not None]
    if proved:
        yield "fluxum_proof_age_max_seconds", (), _age_s(now_ns, min(proved))
    by_symbol = {one.symbol: one for one in proofs}
    for symbol in list(by_symbol)[:symbols_max]:
        yield from _book(by_symbol[symbol], now_ns)


def _book(proof: BookProof, now_ns: int) -> Iterator[Sample]:
    for status in BookStatus:
        labels = (str(proof.symbol), status.value)
        yield "fluxum_book_status", labels, status is proof.status
    if proof.updated_ns is not None:
        age_s = _age_s(now_ns, proof.updated_ns)
        yield "fluxum_book_age_seconds", (str(proof.symbol),), age_s


def _calls(statistics: SessionStatistics) -> Iterator[Sample]:
    yield "fluxum_rest_calls_total", ("answered",), statistics.fetched
    yield "fluxum_rest_calls_total", ("refused",), statistics.calls_refused
    yield "fluxum_rest_calls_total", ("abandoned",), statistics.calls_abandoned
    yield "fluxum_rest_calls_waiting", (), statistics.calls_waiting
    yield "fluxum_rest_call_failures_total", (), statistics.fetch_failures


def _queries(scope: str, usage: RestUsage) -> Iterator[Sample]:
    for outcome in ("answered", "refused", "failed"):
        yield "fluxum_rest_queries_total", (scope, outcome), getattr(usage.queries, outcome)
    yield "fluxum_rest_query_retries_total", (scope,), usage.queries.repeated
    yield "fluxum_rest_queries_stopped_total", (scope,), usage.stopped
    yield "fluxum_breakers_open", (scope,), usage.breakers_open
    yield "fluxum_rest_limit_used", (scope,), usage.cost
    yield "fluxum_rest_limit", (scope,), usage.cost_max


def _account(account: Account) -> Iterator[Sample]:
    yield "fluxum_account_following", (), account.is_following
    yield from _queries("account", account.rest_client.usage())
    keeper = account.authenticator.tokens
    if keeper is None:
        return
    tokens = keeper.statistics()
    yield "fluxum_tokens_total", ("fetched",), tokens.fetched
    yield "fluxum_tokens_total", ("failed",), tokens.failures
    if tokens.age_s is not None:
        yield "fluxum_token_age_seconds", (), tokens.age_s


def _age_s(now_ns: int, then_ns: int) -> float:
    return max(0, now_ns - then_ns) / 1e9
