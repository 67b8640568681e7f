"""Begin a new exchange: `make venue NAME=bitstamp`.

Copies `docs/newvenue`, a venue that works: books and trades of an invented dialect, both halves.
Each file is then changed into the real venue's. A line is added to the register and to the floors,
and a place for captures. Nothing that exists is overwritten.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEMPLATE = Path(__file__).parent / "newvenue"
REGISTER = Path("src/fluxum/venues/register.py")
PROJECT = Path("pyproject.toml")
NEXT = "    # make venue: the next one\n"

STEPS = """\
src/fluxum/venues/{name} is begun and in the register: books and trades of an invented dialect.
Change it file by file into the venue's own, with the source of each fact beside it:

  native.py       the messages, a real payload quoted beside each type
  topics.py       the names of markets and streams, the depths
  normalize.py    messages to facts: units, sides, times
  readers.py      what number of a book follows on (fluxum.venues.sequenced);
                  a checksum goes into Checks, see the other folders
  protocol.py     requests and answers (fluxum.venues.subscriptions); a list of markets
                  over REST (instrument_list), REST queries (queries)
  venue.py        endpoints, channels, limits
  server/link.py  the venue's half, for the simulator, by the same native types
  tests/venues/{name}/captures/public.jsonl
                  at least eight frames from documents or the wire, one a line, each with what
                  it means: {{"name": ..., "source": ..., "frame": ..., "events": [...]}}

Then, as often as needed:
  .venv/bin/pytest tests/venues/test_conformance.py -k {name}
  .venv/bin/fluxum verify --exchange {name} recording.jsonl.gz
  make fix lint docs support
"""


def begin(root: Path, name: str) -> str:
    """Write the folder below a root; return what is wrong, nothing when it is done."""
    if not re.fullmatch(r"[a-z][a-z0-9]{1,30}", name):
        return f"make venue NAME=bitstamp: a lower-case word was expected, was {name!r}"
    folder = root / "src/fluxum/venues" / name
    if folder.exists():
        return f"there is a {folder.relative_to(root)} already"
    for module in modules():
        path = folder / module
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(renamed((TEMPLATE / module).read_text(), name))
    for command in (("check", "--select=I", "--fix"), ("format",)):
        ruff = [sys.executable, "-m", "ruff", *command, "--quiet", folder]
        subprocess.run(ruff, check=True)  # noqa: S603 - the name was checked
    captures = root / "tests/venues" / name / "captures"
    captures.mkdir(parents=True)
    (captures / "public.jsonl").write_text("")
    register(root, name)
    return ""


def modules() -> list[str]:
    """The files of the template, by their paths in it."""
    return sorted(path.relative_to(TEMPLATE).as_posix() for path in TEMPLATE.rglob("*.py"))


def renamed(text: str, name: str) -> str:
    """A module of the template as one of the new exchange."""
    text = re.sub(r"^from newvenue\b", f"from fluxum.venues.{name}", text, flags=re.MULTILINE)
    text = text.replace("newvenue", name).replace("Newvenue", name.capitalize())
    return text.replace("NEWVENUE", name.upper())


def register(root: Path, name: str) -> None:
    """Add the lines that make an exchange one of ours, to the register and to the floors."""
    line = f'    "{name}": "{name}:{name.upper()}",\n'
    (root / REGISTER).write_text((root / REGISTER).read_text().replace(NEXT, line + NEXT))
    floor = '"fluxum.venues.'
    project = (root / PROJECT).read_text()
    register_floor = f'{floor}register",\n  '
    (root / PROJECT).write_text(
        project.replace(
            register_floor + floor, f"{register_floor}{floor}{name} | fluxum.venues.", 1
        )
    )


def main() -> int:
    """Begin the exchange named; the exit status is 2 for a name that cannot be."""
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    wrong = begin(ROOT, name)
    if wrong:
        print(wrong)
        return 2
    print(STEPS.format(name=name), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
