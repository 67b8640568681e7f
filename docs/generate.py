"""Writes the documents that are made from the code: `make docs`. A test holds them current."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from random import Random

from pages import PAGES
from typer.models import CommandInfo
from typer.testing import CliRunner

from fluxum.cli.main import app
from fluxum.cli.watch import EXTENT
from fluxum.config.table import described
from fluxum.flow.background import background
from fluxum.model.event import Channel, State, Subscription
from fluxum.model.instrument import Symbol
from fluxum.session.readiness import LAWFUL
from fluxum.session.session import Session
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.faults import FaultPlan, parse_faults
from fluxum.sim.loop import SimulatedClock, run
from fluxum.tui.screen import Screen
from fluxum.venues.register import VENUES
from fluxum.web import LiveStage

__all__ = ["DOCUMENTS", "main"]

FOLDER = Path(__file__).parent
_SYMBOLS = (Symbol("BTC/USD"), Symbol("ETH/USD"))
_WIDTH, _HEIGHT = 120, 38
_PLAIN = {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "90"}


_KEPT = """## What every command keeps

Data goes to stdout, messages go to stderr.

| exit status | what it means |
|---:|---|
| 0 | done |
| 1 | something failed, was lost or could not be proved, or the reader of stdout left |
| 2 | the arguments make no sense; nothing was begun |
| 3 | a bot was halted: by its limits, its strategy or a person |
| 130 | ended by Ctrl-C |
| 143 | ended by SIGTERM |
| 129 | ended as its terminal was closed |

A signal ends every command cleanly, a second one at once.

| `--format` | what is written |
|---|---|
| `table` | lines for the user; times are UTC, `v` the venue's, `r` when received |
| `ndjson` | a record a line, losses and links included |
| `json` | one list of the same records, closed at the end however the command ends |
| `csv` | one table, a column for each value, `a.b` for one inside `a`, lists as JSON |

A reader of stdout that is too slow never holds up a live command: the oldest events are
dropped and counted, and a `dropped` record takes their place. If one exchange fails, or one
symbol is refused, that is reported at once; the others go on, and the status is 1 then."""


def cli() -> str:
    """Every command's help, as it is printed at eighty columns without colours."""
    parts = [
        "# The command line",
        "",
        "Made by `make docs` from the commands themselves; do not edit.",
        "",
        _KEPT,
    ]
    runner = CliRunner()
    for words in _commands():
        shown = runner.invoke(app, [*words, "--help"], prog_name="fluxum", env=_PLAIN)
        assert shown.exit_code == 0, shown.output
        text = "\n".join(line.rstrip() for line in shown.output.strip().splitlines())
        parts += ["", f"## {' '.join(['fluxum', *words])}", "", "```text", text, "```"]
    return "\n".join(parts) + "\n"


def _commands() -> list[list[str]]:
    """Every command of ours and, for the first exchange, what its group repeats."""
    found: list[list[str]] = [[]]
    found += [[_name(one)] for one in app.registered_commands]
    for group in app.registered_groups:
        assert group.name is not None
        assert group.typer_instance is not None
        found.append([group.name])
        found += [[group.name, _name(one)] for one in group.typer_instance.registered_commands]
    return found + [[name] for name in VENUES]


def _name(command: CommandInfo) -> str:
    assert command.callback is not None
    return command.name or str(command.callback.__name__)


def states() -> str:
    """The table of allowed state changes as a diagram."""
    lines = [
        "# States of a session",
        "",
        "Made by `make docs` from `fluxum.session.readiness`; do not edit. A session is as ready",
        "as its least ready link, so it goes back to `connecting` when it needs another link, and",
        "to `subscribing` while one of its streams is not proved.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        f"    [*] --> {State.DISCONNECTED.value}",
    ]
    for old, news in LAWFUL.items():
        lines += [
            f"    {old.value} --> {new.value}"
            for new in State
            if new in news and new is not State.CLOSED
        ]
    lines += [f"    {old.value} --> closed" for old in LAWFUL if State.CLOSED in LAWFUL[old]]
    return "\n".join([*lines, "```", ""])


def picture() -> str:
    """The screen, twenty minutes into a simulated day with a cut and a corrupted frame."""
    shown: list[str] = []

    async def main() -> None:
        clock = SimulatedClock()
        plan = FaultPlan(parse_faults("hangup@700s,corrupt@1190s"), Random(3))
        venue = next(iter(VENUES.values()))
        async with (
            SimulatedExchange(
                venue, _SYMBOLS, seed=3, clock=clock, rate_per_s=5, faults=plan
            ) as exchange,
            Session(venue, dial=exchange.dial, clock=clock, random=Random(3)) as session,
        ):
            stage = LiveStage(session)
            session.subscribe(
                *[
                    Subscription(channel, symbol)
                    for symbol in _SYMBOLS
                    for channel in (Channel.BOOK, Channel.TRADE, Channel.CANDLE)
                ]
            )
            async with background(stage.run(lambda: None)):
                await asyncio.sleep(1200)
            screen = Screen(lambda: stage.view(EXTENT))
            async with screen.run_test(size=(_WIDTH, _HEIGHT)):
                shown.append(screen.export_screenshot(title="fluxum watch BTC/USD ETH/USD"))

    run(main())
    return shown[0]


_SETTINGS = """# Settings

Made by `make docs` from the settings themselves; do not edit.

`fluxum.load_config("fluxum.toml", profile="live")` reads them, and so does every command:
`--config FILE`, `--profile NAME`, `--set NAME=VALUE`. `fluxum config init` writes a first file,
`config check` finds every fault of one, `config show` shows what is in effect and from where.

Later ones win: defaults (the venue's own where the table says so), the file, the profile in it
(`[profile.NAME.venue...]`), the environment, `--set` and the other options of a command. Without
`--config` the file is `$FLUXUM_CONFIG`, or else `$XDG_CONFIG_HOME/fluxum/config.toml`, by default
`~/.config/fluxum/config.toml`; no file of the working folder is read, as it could lead orders to
another host. TOML, or JSON with the same tables if the name ends in `.json`. Paths in a file begin
at its folder. Exact numbers may be text.

`NAME` is the name of an exchange in `venue.NAME`, and a name of your own in `account.NAME`. The
variable of a setting is its name in capitals, with `__` for each dot:
`FLUXUM__VENUE__KRAKEN__LINK__SILENCE_S=20`. A list may be separated by commas there.

Keys are never in a configuration. `keys` names their place: `env:PREFIX` (`PREFIX_KEY`,
`PREFIX_SECRET`, `PREFIX_PASSPHRASE`), `file:PATH#TABLE`, `keyring:NAME`; `fluxum setup` stores
them.

The column S2, S3, S4 has the names that these documents use, with their defaults. A name of theirs
in a file is refused, and the message says which of ours it is. Milliseconds of S4 are seconds
here."""

_ELSEWHERE = """## Names of the documents that are no setting

| name | why |
|---|---|
| S2 `api_key`, `api_secret` | a configuration holds no secret: `keys` names their place |
| S2 `limit` of a call, S2 callbacks | arguments of calls |

## Where the documents contradict each other

- S2 `heartbeat_timeout` is 60, and the exchange sends a heartbeat a second: `link.silence_s` is 10.
- S2, S3 and S4 give up after 10 or 5 attempts, S0 never: `backoff.attempts_max` is not set.
- S2 renews a token after 780 s, S3 after 600: `token.renew_s` is not set, as a new link has a new
  token and one in use does not expire.
- S2 dials again after 1 s, S3 after 5: two quick tries, then 5 s at least."""


def settings() -> str:
    """Every setting, with its type, default, unit, variable and origin."""
    lines = [
        _SETTINGS,
        "",
        "| setting | type | default | unit | meaning | S2, S3, S4 | environment |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in described():
        default = "" if not row.default else f"`{row.default}`".replace("`venue's`", "venue's")
        cells = [f"`{row.name}`", row.kind, default, row.unit, row.text, row.seeds]
        cells.append(f"`{row.environment}`")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, "", _ELSEWHERE, ""])


def jobs() -> str:
    """A table of the pages of docs/how-to, with the lines that each job takes."""
    rows: list[str] = []
    pages = [path for path in sorted((FOLDER / "how-to").glob("*.md")) if path.stem != "index"]
    for page in pages:
        text = page.read_text()
        title = text.splitlines()[0].removeprefix("# ")
        command = re.search(r"```console\n\$ fluxum ((?:(?:bot|order|columns) )?[a-z]+)", text)
        (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        lines = sum(bool(line.strip()) for line in program.splitlines())
        name = f"`fluxum {command[1]}`" if command else ""
        rows.append(f"| [{title}]({page.name}) | {name} | {lines} |")
    names = "\n".join(page.stem for page in pages)
    table = "\n".join(rows)
    return f"""# Jobs

{len(pages)} jobs, each one command or a program of at most ten lines, blank ones not counted.
Tests run all of them at simulated exchanges.

They reach the real exchanges. For a simulated one (`fluxum sim serve --port 8765`), add
`--endpoint ws://127.0.0.1:8765` to a command, and `endpoint="ws://127.0.0.1:8765"` to the call that
names the exchange (`endpoints={{...}}` for a hub).

| job | command | lines of the program |
|---|---|---:|
{table}

```{{toctree}}
:hidden:

{names}
```
"""


DOCUMENTS: dict[str, Callable[[], str]] = {
    "cli.md": cli,
    "how-to/index.md": jobs,
    "settings.md": settings,
    "states.md": states,
    "screen.svg": picture,
    **PAGES,
}


def main() -> None:
    """Write every document."""
    for name, make in DOCUMENTS.items():
        (FOLDER / name).write_text(make())
        print(f"docs/{name}")


if __name__ == "__main__":
    main()
