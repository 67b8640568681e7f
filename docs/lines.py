"""Print how many lines each part of the house has: `python docs/lines.py`.

All lines count, blank ones and docstrings too. The simulated half of a venue is its `server`
folder. An account's halves are in folders whose name ends in `private`; at Kraken what the public
half does not import belongs to the simulated half of the account as well.
"""

import re
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "fluxum"
VENUES = SOURCE / "venues"
_IMPORTS = re.compile(r"^from (fluxum[\w.]*) import ([\w, ]+)", re.MULTILINE)


def lines(paths: set[Path]) -> str:
    """How many lines and modules these are."""
    count = sum(len(path.read_text().splitlines()) for path in paths)
    return f"{count:>7,} lines {len(paths):>4} modules"


def imported(start: Path, among: set[Path]) -> set[Path]:
    """The modules of a set that one of them reaches by its imports, itself included."""
    found, waiting = set[Path](), [start]
    while waiting:
        path = waiting.pop()
        if path in among and path not in found:
            found.add(path)
            for module, taken in _IMPORTS.findall(path.read_text()):
                base = SOURCE.parent / module.replace(".", "/")
                waiting.append(base.with_suffix(".py"))
                waiting += [base / f"{name.strip()}.py" for name in taken.split(",")]
    return found


def main() -> None:
    """Print the table, part by part."""
    every = set(VENUES.rglob("*.py"))
    shared = set(VENUES.glob("*.py"))
    shared_servers = set((VENUES / "server").glob("*.py"))
    servers = {one for one in every if "server" in one.parts} - shared_servers
    accounts = {one for one in every if any(part.endswith("private") for part in one.parts[:-1])}
    private = accounts - servers
    clients = every - shared - shared_servers - servers - private
    kraken = {one for one in servers if one.parts[-3] == "kraken"}
    public = imported(VENUES / "kraken/server/public.py", kraken)
    private_servers = (accounts & servers) | (kraken - public)
    parts = {
        "shared rooms of venues": shared,
        **{
            f"  {folder.name}, public client": {one for one in clients if folder in one.parents}
            for folder in sorted(VENUES.iterdir())
            if (folder / "venue.py").exists()
        },
        "public clients": clients,
        "public clients with the shared rooms": clients | shared,
        "shared rooms of the simulated halves": shared_servers,
        "simulated public halves": servers - private_servers,
        **{
            f"  {folder.name}'s account, {what}": {one for one in paths if folder in one.parents}
            for folder in sorted(VENUES.iterdir())
            if any(folder in one.parents for one in accounts)
            for what, paths in (("client", private), ("simulated half", private_servers))
        },
        "orders": set((SOURCE / "orders").glob("*.py")),
        "session": set((SOURCE / "session").glob("*.py")),
        "all": set(SOURCE.rglob("*.py")),
    }
    for name, paths in parts.items():
        sys.stdout.write(f"{name:<46}{lines(paths)}\n")


if __name__ == "__main__":
    main()
