"""Pages that are made from types and from what tests found: events, errors, exchanges."""

import ast
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast, get_args

import msgspec

import fluxum
from fluxum import errors
from fluxum.cli.support import Finding, read_support
from fluxum.model.event import Channel
from fluxum.venues.register import VENUES
from fluxum.venues.venue import Venue

__all__ = ["PAGES", "errors_page", "events_page", "exchange_page", "schema"]

EXAMPLES = Path(__file__).parents[1] / "examples"
_EXAMPLES = """# Examples

Made by `make docs` from the folder `examples`; do not edit.
Each runs in a test, at simulated exchanges.
"""
_SYMBOL = {"type": "string", "pattern": "^[^/:]+/[^/:]+(:.+)?$", "examples": ["BTC/USD"]}
_HOW = {
    "checksum": "proved by a checksum on every update",
    "sequence": "proved by the exchange's numbering",
    "unverified": "nothing to check by: `unverified`",
    "numbered": "numbered: every gap shows",
    "ids": "by id: repetitions show, gaps do not",
    "quotes": "bid and ask",
    "last": "the last price alone",
    "listed": "all markets and their rules",
    "audited": "what was lost is found in the account's history",
    "entries": "all entries of the account",
    "made entries": "entries are made from fills, transfers and balances",
}


def schema() -> str:
    """The JSON Schema of one NDJSON record that is an event."""
    made = msgspec.json.schema(fluxum.Event, schema_hook=lambda _kind: dict(_SYMBOL))
    for definition in made["$defs"].values():
        definition["description"] = inspect.cleandoc(definition.get("description", ""))
        known: dict[str, dict[str, Any]] = definition.get("properties", {})
        for name in [one for one, kind in known.items() if "contentEncoding" in kind]:
            del known[name]  # bytes are no part of a fact's JSON
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Event of Fluxum"}
    return json.dumps({**head, **made}, indent=1) + "\n"


_EVENTS = """# Events and NDJSON

Made by `make docs` from the types themselves; do not edit.

With `--format ndjson` a command writes a record a line. An event has its `type` as here, decimals
as text, times as integers of nanoseconds since 1970, UTC. Programs in other languages can check
each line by the {download}`JSON Schema <events.schema.json>`. A new version may add kinds and
fields ([versions](versioning.md)): a reader should ignore those that it does not know.

| `type` | what it is | fields |
|---|---|---|"""


def events_page() -> str:
    """Every kind of event: its tag, its summary, its fields."""
    rows: list[str] = []
    for kind in get_args(fluxum.Event):
        tag = kind.__struct_config__.tag
        fields = ", ".join(f"`{name}`" for name in kind.__struct_fields__)
        rows.append(f"| `{tag}` | {_summary(kind)} | {fields} |")
    return "\n".join([_EVENTS, *sorted(rows), ""])


_ERRORS = """# Errors and exit codes

Made by `make docs` from the errors themselves; do not edit.

Everything that Fluxum raises on purpose is a `FluxumError`. Its message shows the value that was
given and what was expected. If `retryable` is true, the same call may succeed later. An order whose
answer is lost raises nothing: its status is `unknown`
([unknown orders](explanation/unknown-orders.md)).

| error | is a | retryable | when |
|---|---|---|---|"""

_EXIT = """
## Exit codes of commands

| exit status | what it means | what to do |
|---:|---|---|
| 0 | done | |
| 1 | something failed, was lost or is not proved, or the reader left | each failure is on stderr |
| 2 | the arguments make no sense; nothing was begun | stderr shows the value |
| 3 | a bot was halted: by its limits, its strategy or a person | `fluxum bot report` |
| 129 | ended as its terminal was closed | |
| 130 | ended by Ctrl-C | |
| 143 | ended by SIGTERM | |

A signal ends every command cleanly: orders of a bot are canceled, recordings are closed. A second
one ends it at once.
"""


def errors_page() -> str:
    """Every error, what it derives from, and the exit codes."""
    rows: list[str] = []
    for name in errors.__all__:
        kind = getattr(errors, name)
        if not inspect.isclass(kind):
            continue
        bases = ", ".join(f"`{one.__name__}`" for one in kind.__bases__)
        retryable = "yes" if getattr(kind, "retryable", False) else ""
        rows.append(f"| `{name}` | {bases} | {retryable} | {_summary(kind)} |")
    return "\n".join([_ERRORS, *rows]) + "\n" + _EXIT


def exchange_page(name: str) -> Callable[[], str]:
    """The page of one exchange, from the register and the last run of the conformance suite."""

    def made() -> str:
        support = read_support()
        return "\n".join(_exchange(VENUES[name], support.venues[name], support.date))

    return made


def _exchange(venue: Venue, found: Finding, date: str) -> Iterator[str]:
    cards = len(found.passed), len(found.passed) + len(found.passed_over)
    counts = ", ".join(f"{count:,} {what}" for what, count in found.counts.items())
    yield f"# {venue.name}\n"
    yield "Made by `make docs` from the register and from what the tests found; do not edit.\n"
    yield f"On {date} {cards[0]} of {cards[1]} conformance cards passed, over {counts}."
    yield "No exchange was reached for it: the tests use recordings and simulated exchanges."
    yield from (f"Card {card} was passed over: {why}." for card, why in found.passed_over.items())
    yield f"\n```sh\nfluxum orderbook -x {venue.name} -s {venue.sample_symbols[0]}\n```\n"
    yield "## Channels\n\n| channel | what is kept | depths or intervals |\n|---|---|---|"
    for channel in Channel:
        kept = found.channels.get(channel.value)
        if kept is not None:
            yield f"| `{channel.value}` | {_kept(kept)} | {_sizes(venue, channel)} |"
    yield "\n## Links\n\n| what | value |\n|---|---|"
    yield from (f"| endpoint, {what} | `{url}` |" for what, url in venue.endpoints.items())
    limits = venue.limits
    yield f"| silence until a link is replaced | {limits.link_silence_s:g} s |"
    yield f"| dials | {limits.attempts} in {limits.attempt_window_s:g} s |"
    yield f"| symbols of one link | {limits.symbols_per_link} |"
    if limits.link_age_s is not None:
        yield f"| age at which a link is replaced | {limits.link_age_s:g} s |"
    yield "\n## Account\n"
    if venue.private is None:
        yield "None: this feed is public."
    else:
        yield from _account(venue.name, found, venue.private.tiers)
    yield ""


def _account(name: str, found: Finding, tiers: Mapping[str, Any]) -> Iterator[str]:
    yield f"`fluxum setup -x {name}` stores keys, in a file or a keyring.\n"
    yield "| what | value |\n|---|---|"
    yield f"| tiers (`--tier`) | {', '.join(f'`{tier}`' for tier in tiers)} |"
    yield f"| dead man's switch | {found.kill_switch or 'none'} |"
    rules = next(iter(tiers.values())).orders
    yield f"| orders can be amended in place | {'yes' if rules.can_amend else 'no'} |"
    yield f"| open orders at most | {rules.allowance.orders_max or 'not limited by us'} |"
    yield f"| deadline of an order | {rules.deadline_min_s:g} to {rules.deadline_max_s:g} s |"


def _kept(kept: list[str]) -> str:
    return "; ".join(
        f"{one} intervals" if one.isdigit() else _HOW.get(one, one) for one in kept
    ).replace("1 intervals", "1 interval" if kept == ["1"] else "1 intervals")


def _sizes(venue: Venue, channel: Channel) -> str:
    if channel is Channel.CANDLE:
        return ", ".join(map(_interval, venue.intervals_s))
    return ", ".join(map(str, venue.depths.get(channel, ())))


def _interval(seconds: int) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _summary(kind: type) -> str:
    """The first paragraph of a docstring, as a cell of a table."""
    text = (inspect.getdoc(kind) or "").split("\n\n")[0]
    return " ".join(text.split()).replace("|", "\\|")


def _exchanges() -> str:
    rows = [f"| [{name}]({name}.md) | {_markets(venue)} |" for name, venue in VENUES.items()]
    names = "\n".join(VENUES)
    return "\n".join(
        [
            "# Exchanges\n",
            "Made by `make docs`; do not edit. `fluxum support` prints the same in short.\n",
            "| `--exchange` | for example |\n|---|---|",
            *rows,
            f"\n```{{toctree}}\n:hidden:\n\n{names}\n```\n",
        ]
    )


def _markets(venue: Venue) -> str:
    return ", ".join(f"`{one}`" for one in cast("tuple[str, ...]", venue.sample_symbols))


def examples_page() -> str:
    """The programs of examples/ with their sources, and the notebooks to download."""
    made = [_EXAMPLES]
    for path in sorted(EXAMPLES.glob("*.py")):
        summary = (ast.get_docstring(ast.parse(path.read_text())) or "").replace("\n", " ")
        made.append(f"## {path.stem.replace('_', ' ').capitalize()}\n\n{summary}\n")
        made.append(f"```{{literalinclude}} ../examples/{path.name}\n:lines: {_body(path)}-\n```\n")
    made.append("## Notebooks\n")
    made += [
        f"- {{download}}`{path.name} <../examples/{path.name}>`"
        for path in sorted(EXAMPLES.glob("*.ipynb"))
    ]
    return "\n".join([*made, ""])


def _body(path: Path) -> int:
    """The line after a program's docstring."""
    first = ast.parse(path.read_text()).body[0]
    return (first.end_lineno or 0) + 2


PAGES: dict[str, Callable[[], str]] = {
    "events.schema.json": schema,
    "events.md": events_page,
    "errors.md": errors_page,
    "examples.md": examples_page,
    "exchanges/index.md": _exchanges,
    **{f"exchanges/{name}.md": exchange_page(name) for name in VENUES},
}
