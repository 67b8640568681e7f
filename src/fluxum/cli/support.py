"""`support`: what each exchange offers and which cards it passed, by the last test run."""

from importlib.resources import files

import msgspec
from msgspec import Struct
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from fluxum.cli.options import Format, FormatOption
from fluxum.cli.output import Output
from fluxum.model.codec import plain
from fluxum.model.event import Channel
from fluxum.venues.register import VENUES

__all__ = ["Finding", "Support", "read_support", "support"]

_FILE = "support.json"
_NOTHING = "-"


class Finding(Struct):
    """The results of the conformance cards for one exchange.

    `channels` has for each channel what was found to hold; `passed` the numbers of the cards
    passed, `passed_over` the reasons of those that do not apply; `counts` what was checked.
    `kill_switch` is who keeps the dead man switch of an account: the venue or the client.
    """

    channels: dict[str, list[str]] = {}
    kill_switch: str = ""
    passed: list[int] = []
    passed_over: dict[str, str] = {}
    counts: dict[str, int] = {}


class Support(Struct):
    """The findings of one run of the conformance suite, and its date."""

    date: str
    venues: dict[str, Finding]


def read_support() -> Support:
    """The findings that are installed with Fluxum."""
    text = files("fluxum.cli").joinpath(_FILE).read_bytes()
    return msgspec.json.decode(text, type=Support)


def support(form: FormatOption = Format.TABLE) -> None:
    """Show what each exchange offers, by channel, and which conformance cards it passed.

    A book is proved by a `checksum` or by its `sequence`, or it is `unverified`. `numbered` trades
    show every gap, those with `ids` only repetitions. A ticker has `quotes` (bid and ask) or the
    `last` price only. For candles it is the number of intervals. Of an account's channel that is
    not `numbered`, an audit finds what was lost. The kill switch cancels all orders unless it is
    renewed in time. If the `venue` keeps it, it does so whatever becomes of the program; if it is
    `client-side`, only while the program runs and reaches the exchange. All of it is what the tests
    last found, on the date given.

    Example: fluxum support
    """
    found = read_support()
    with Output(form) as output:
        if form is Format.TABLE:
            output.paint(_picture(found))
        else:
            for name, finding in found.venues.items():
                record = {"venue": name, "date": found.date, **plain(finding)}
                output.write(record, name)


def _picture(found: Support) -> str:
    table = Table(
        title=f"as the conformance suite found on {found.date}", box=SIMPLE, padding=(0, 1, 0, 0)
    )
    offered = {name for finding in found.venues.values() for name in finding.channels}
    columns = [channel.value for channel in Channel if channel.value in offered]
    for column in ("exchange", *columns, "kill switch", "cards"):
        table.add_column(column)
    for name, finding in found.venues.items():
        cells = [", ".join(finding.channels.get(column, ())) or _NOTHING for column in columns]
        table.add_row(name, *cells, finding.kill_switch or _NOTHING, _cards(finding))
    console = Console()
    wide = console.options.update(width=1000)
    with console.capture() as capture:
        if console.measure(table, options=wide).maximum <= console.width:
            console.print(table)
        else:  # the table would break words
            console.print(f"{table.title}\n{_listed(found)}", highlight=False)
        for name, finding in found.venues.items():
            for number, reason in finding.passed_over.items():
                console.print(f"{name}: card {number} passed over: {reason}", highlight=False)
        for name in VENUES.keys() - found.venues.keys():
            console.print(f"{name}: not seen by that run", highlight=False)
    return capture.get()


def _listed(found: Support) -> str:
    """Each exchange as a paragraph, for a narrow terminal."""
    return "\n".join(
        f"{name}: "
        + "; ".join(f"{channel} {', '.join(kept)}" for channel, kept in finding.channels.items())
        + (f"; kill switch {finding.kill_switch}" if finding.kill_switch else "")
        + f"; cards {_cards(finding)}"
        for name, finding in found.venues.items()
    )


def _cards(finding: Finding) -> str:
    return f"{len(finding.passed)}/{len(finding.passed) + len(finding.passed_over)}"
