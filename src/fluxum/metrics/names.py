"""Every metric: its name, what it is, and its labels.

Names follow Prometheus: a prefix, base units (seconds), `_total` for counters
(https://prometheus.io/docs/practices/naming/). Labels have few values. `session` numbers the
sessions with one venue. A symbol is a label only if that is switched on, and of few symbols.
"""

from collections.abc import Mapping

from msgspec import Struct

__all__ = ["CLIENT", "HUB", "METRICS", "OWNER", "SINK", "Metric"]

OWNER = ("venue", "session")
"""The labels of every metric of a session."""
HUB = ("hub",)
"""The labels of every metric of a hub, which are numbered."""
CLIENT = ("venue", "client")
"""The labels of every metric of a client; `client` numbers those of one venue."""
SINK = ("sink",)
"""The labels of every metric of a sink; a second one of its name has a number."""
_CALLBACK = (*CLIENT, "event", "callback")


class Metric(Struct, frozen=True):
    """What a metric is, for people, and its labels in order; a histogram is of durations."""

    text: str
    labels: tuple[str, ...] = OWNER
    is_histogram: bool = False

    @staticmethod
    def of(text: str, *labels: str) -> "Metric":
        """A metric of a session with these labels besides its own."""
        return Metric(text, (*OWNER, *labels))


_of = Metric.of

METRICS: Mapping[str, Metric] = {
    # Sessions
    "fluxum_session_state": _of("1 for the state of the session, 0 for the others.", "state"),
    "fluxum_session_ready": _of("Whether nothing is missing."),
    "fluxum_session_missing": _of("How many reasons there are why the session is not ready."),
    "fluxum_sums_close": _of(
        "Whether everything is accounted for; if not, Fluxum is wrong.", "sums"
    ),
    "fluxum_link_up": _of("Whether the link is open.", "link"),
    "fluxum_link_silence_seconds": _of("How long the link has received nothing.", "link"),
    "fluxum_reconnects_total": _of("Links that were opened again after a loss."),
    "fluxum_links_replaced_total": _of("Links that another took over from before they were cut."),
    "fluxum_clock_offset_seconds": _of("How far the venue's clock is ahead of this machine's."),
    "fluxum_clock_uncertainty_seconds": _of("How wrong the clock's offset may be."),
    # Frames and events
    "fluxum_frames_total": _of("Frames received.", "outcome"),
    "fluxum_frames_sent_total": _of("Frames sent."),
    "fluxum_events_received_total": _of("Events that the venue's frames contained."),
    "fluxum_events_own_total": _of("Events that the session made, such as gaps."),
    "fluxum_events_published_total": _of("Events that were published."),
    "fluxum_events_withheld_total": _of("Events that were not published: unprovable or repeated."),
    "fluxum_rows_left_out_total": _of("Rows of lists and frames that could not be read."),
    "fluxum_readers": _of("Readers of the session's events now."),
    "fluxum_reader_events_offered_total": _of("Events offered to readers."),
    "fluxum_reader_events_total": _of("What became of events at readers.", "outcome"),
    "fluxum_reader_events_waiting": _of("Events that wait for their readers."),
    "fluxum_latency_seconds": Metric(
        "From the receipt of a frame until this hop; exchange: before it, by two clocks.",
        (*OWNER, "hop"),
        is_histogram=True,
    ),
    # Losses
    "fluxum_gaps_total": _of("Gaps that have ended.", "channel", "cause", "repair"),
    "fluxum_gaps_open": _of("Gaps after which nothing newer has come yet.", "channel"),
    "fluxum_desyncs_total": _of("Books that failed a check and were withdrawn."),
    # Books
    "fluxum_book_checks_total": _of("Checks of books.", "outcome"),
    "fluxum_books": _of("Books by whether they can be trusted.", "status"),
    "fluxum_book_age_max_seconds": _of("The longest time since the last message for a book."),
    "fluxum_proof_age_max_seconds": _of("The longest time since a book last passed a check."),
    "fluxum_book_status": _of("1 for the status of the book, 0 for others.", "symbol", "status"),
    "fluxum_book_age_seconds": _of("Time since the last message for the book.", "symbol"),
    # REST
    "fluxum_rest_calls_total": _of("Calls for the sake of streams.", "outcome"),
    "fluxum_rest_calls_waiting": _of("Calls for the sake of streams without an answer."),
    "fluxum_rest_call_failures_total": _of("Failed attempts of calls for the sake of streams."),
    "fluxum_rest_queries_total": _of("Queries of programs.", "scope", "outcome"),
    "fluxum_rest_query_retries_total": _of("Queries that were sent again.", "scope"),
    "fluxum_rest_queries_stopped_total": _of("Queries that a circuit breaker stopped.", "scope"),
    "fluxum_breakers_open": _of("Circuit breakers that are not closed.", "scope"),
    "fluxum_rest_limit_used": _of("How much of the venue's rate limit is used now.", "scope"),
    "fluxum_rest_limit": _of("The venue's rate limit, in its own units.", "scope"),
    # Accounts
    "fluxum_account_following": _of("Whether orders and fills are known without a gap."),
    "fluxum_tokens_total": _of("Tokens for private links.", "outcome"),
    "fluxum_token_age_seconds": _of("The age of the token in use."),
    # Orders
    "fluxum_order_requests_total": _of("Orders that the program requested."),
    "fluxum_order_requests_unsent_total": _of("Requests that were not sent.", "reason"),
    "fluxum_orders_placed_total": _of("Orders that were sent."),
    "fluxum_orders": _of("Placed orders by where they stand.", "standing"),
    "fluxum_orders_open": _of("Orders that have not ended."),
    "fluxum_orders_uncertain": _of("Orders whose outcome is not known now."),
    "fluxum_order_uncertainties_total": _of("Orders whose outcome was not known for a while."),
    "fluxum_order_lookups_total": _of("Looks at the venue for orders that are uncertain."),
    "fluxum_order_commands_total": _of("Commands that were answered or lost.", "outcome"),
    "fluxum_order_commands_waiting": _of("Commands without an answer."),
    "fluxum_fills_total": _of("Fills.", "outcome"),
    "fluxum_trading_halted": _of("Whether trading is halted."),
    "fluxum_trading_reduce_only": _of("Whether only orders that reduce a position are placed."),
    # Hubs
    "fluxum_hub_ready": Metric("Whether as many venues are ready as have to be.", HUB),
    "fluxum_hub_quorum": Metric("How many venues have to be ready.", HUB),
    "fluxum_hub_sums_close": Metric("Whether all counts of the hub add up.", HUB),
    "fluxum_hub_venue_ready": Metric("Whether nothing is missing at the venue.", (*HUB, "venue")),
    "fluxum_hub_venue_missing": Metric("Reasons why it is not ready.", (*HUB, "venue")),
    "fluxum_hub_venue_state": Metric(
        "1 for the state of the venue, 0 for the others.", (*HUB, "venue", "state")
    ),
    # Clients
    "fluxum_callback_calls_total": Metric(
        "Calls of callbacks that have ended.", (*_CALLBACK, "outcome")
    ),
    "fluxum_callback_slow_total": Metric("Reports of calls that took too long.", _CALLBACK),
    "fluxum_callback_items_total": Metric(
        "What became of items for callbacks.", (*_CALLBACK, "outcome")
    ),
    "fluxum_callback_items_waiting": Metric("Items that wait for callbacks.", _CALLBACK),
    "fluxum_client_errors_total": Metric("Errors that were reported to callbacks.", CLIENT),
    "fluxum_client_events_dropped_total": Metric(
        "Events that the client missed, as its event loop was blocked.", CLIENT
    ),
    # Recorders
    "fluxum_recorder_frames_total": Metric("Frames for the tape.", ("recorder", "outcome")),
    "fluxum_recorder_frames_waiting": Metric("Frames not on the tape yet.", ("recorder",)),
    "fluxum_recorder_gaps_total": Metric("Gaps in the tape.", ("recorder",)),
    "fluxum_recorder_up": Metric("Whether frames can be recorded.", ("recorder",)),
    # Sinks
    "fluxum_sink_events_offered_total": Metric("Events for the engine.", SINK),
    "fluxum_sink_events_total": Metric("What became of events for it.", (*SINK, "outcome")),
    "fluxum_sink_events_waiting": Metric("Events that wait to be acknowledged.", SINK),
    "fluxum_sink_bytes_waiting": Metric("How long they are as JSON.", SINK),
    "fluxum_sink_lag_seconds": Metric("How long the oldest of them has waited.", SINK),
    "fluxum_sink_batches_total": Metric("Batches that were acknowledged.", SINK),
    "fluxum_sink_retries_total": Metric("Writes that failed and were tried again.", SINK),
    "fluxum_sink_up": Metric("Whether the last write was acknowledged.", SINK),
    "fluxum_sink_sums_close": Metric("Whether all counts of the sink add up.", SINK),
    # The process
    "fluxum_build_info": Metric("Version of Fluxum, and how books are kept.", ("version", "books")),
    "fluxum_loop_lag_max_seconds": Metric("How late the event loop was, within a minute.", ()),
}
"""Every metric that Fluxum exports, by its name; those that end in `_total` are counters."""
