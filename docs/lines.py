"""Print how many lines each part of the house has, by what they are: `python docs/lines.py`.

All lines count. A line is blank, of a docstring, of an import (`__all__` is among these), a comment
or code. The simulated half of a venue is its `server` folder. An account's halves are in
folders whose name ends in `private`; at Kraken what the public half does not import belongs to the
simulated half of the account as well.

A public client has two parts. Queries are what `queries` alone uses: functions, classes and tables
of any module that nothing else of the venue's public client reaches. The feed is all else.
"""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "fluxum"
VENUES = SOURCE / "venues"
_IMPORTS = re.compile(r"^from (fluxum[\w.]*) import ([\w, ]+)", re.MULTILINE)
_KINDS = ("code", "comments", "docstrings", "imports", "blank")
Line = tuple[Path, int]
Place = tuple[Path, str]


def kinds(path: Path) -> list[str]:
    """What each line of a module is."""
    text = path.read_text()
    found = ["code"] * len(text.splitlines())
    for index, line in enumerate(text.splitlines()):
        if not line.strip():
            found[index] = "blank"
        elif line.lstrip().startswith("#"):
            found[index] = "comments"
    for node in ast.walk(ast.parse(text)):
        kind = _kind(node)
        if kind and isinstance(node, ast.stmt):
            for index in range(node.lineno - 1, node.end_lineno or node.lineno):
                found[index] = kind
    return found


def _kind(node: ast.AST) -> str:
    match node:
        case ast.Expr(value=ast.Constant(value=str())):
            return "docstrings"
        case ast.Import() | ast.ImportFrom():
            return "imports"
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            return "imports"
        case _:
            return ""


def definitions(path: Path) -> Iterator[tuple[str, ast.stmt]]:
    """The functions, classes and tables of a module by their names."""
    for node in ast.parse(path.read_text()).body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, node
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                if name != "__all__":
                    yield name, node
            case _:
                pass


def uses(paths: Iterable[Path]) -> Mapping[Place, set[Place]]:
    """What each definition of these modules uses of them."""
    homes = {".".join(one.with_suffix("").relative_to(SOURCE.parent).parts): one for one in paths}
    found: dict[Place, set[Place]] = {}
    for path in homes.values():
        own = dict(definitions(path))
        places: dict[str, Place] = {name: (path, name) for name in own}
        modules: dict[str, Path] = {}
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                for one in node.names:
                    name = one.asname or one.name
                    if node.module in homes:
                        places[name] = (homes[node.module], one.name)
                    elif f"{node.module}.{one.name}" in homes:
                        modules[name] = homes[f"{node.module}.{one.name}"]
        for name, top in own.items():
            used = found[path, name] = set()
            for node in ast.walk(top):
                if isinstance(node, ast.Name) and node.id in places:
                    used.add(places[node.id])
                elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                    home = modules.get(node.value.id)
                    used |= {(home, node.attr)} if home is not None else set()
    return found


def reached(starts: Iterable[Place], uses: Mapping[Place, set[Place]]) -> set[Place]:
    """All that definitions use, directly or not, themselves included."""
    found, waiting = set[Place](), list(starts)
    while waiting:
        one = waiting.pop()
        if one in uses and one not in found:
            found.add(one)
            waiting += uses[one]
    return found


def query_lines(paths: set[Path]) -> set[Line]:
    """The lines of a public client that only its queries use."""
    used = uses(paths)
    queries = reached((one for one in used if one[0].stem == "queries"), used)
    feed = {one: parts - queries_of(parts) for one, parts in used.items()}
    others = reached((one for one in used if one not in queries or is_feed(one[0])), feed)
    alone = queries - others
    found: set[Line] = set()
    for path in paths:
        spans = dict(definitions(path))
        if spans and all((path, name) in alone for name in spans):
            found |= {(path, index) for index in range(len(path.read_text().splitlines()))}
        for name, node in spans.items():
            if (path, name) in alone:
                end = node.end_lineno or node.lineno
                found |= {(path, index) for index in range(node.lineno - 1, end)}
    return found


def queries_of(places: Iterable[Place]) -> set[Place]:
    """Those of the module of queries, which `venue` names."""
    return {one for one in places if one[0].stem == "queries"}


def is_feed(path: Path) -> bool:
    """Whether a module belongs to the feed, whatever uses it."""
    return path.stem in {"protocol", "venue"}


def lines(paths: set[Path]) -> set[Line]:
    """All lines of modules."""
    return {(path, index) for path in paths for index in range(len(path.read_text().splitlines()))}


def row(name: str, counted: set[Line]) -> str:
    """How many lines these are, and of which kinds; modules that have some of them count."""
    by_path = {path: kinds(path) for path in {path for path, _ in counted}}
    count = Counter(by_path[path][index] for path, index in counted)
    parts = "".join(f"{count[kind]:>9,}" for kind in _KINDS)
    return f"{name:<40}{len(counted):>8,}{parts}{len(by_path):>9}\n"


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
    folders = [one for one in sorted(VENUES.iterdir()) if (one / "venue.py").exists()]
    of_folder = {one.name: {path for path in clients if one in path.parents} for one in folders}
    queries = {name: query_lines(paths) for name, paths in of_folder.items()}
    asked = set[Line]().union(*queries.values())
    parts = {
        "shared rooms of venues": lines(shared),
        **{f"  {name}, feed": lines(of_folder[name]) - queries[name] for name in of_folder},
        **{f"  {name}, queries": queries[name] for name in of_folder},
        "public clients, feeds": lines(clients) - asked,
        "public clients, queries": asked,
        "public clients": lines(clients),
        "public clients with the shared rooms": lines(clients | shared),
        "shared rooms of the simulated halves": lines(shared_servers),
        "simulated public halves": lines(servers - private_servers),
        **{
            f"  {folder.name}'s account, {what}": lines(
                {one for one in of if folder in one.parents}
            )
            for folder in folders
            for what, of in (("client", private), ("simulated half", private_servers))
        },
        "orders": lines(set((SOURCE / "orders").glob("*.py"))),
        "session": lines(set((SOURCE / "session").glob("*.py"))),
        "all": lines(set(SOURCE.rglob("*.py"))),
    }
    heads = "".join(f"{one:>9}" for one in (*_KINDS, "modules"))
    sys.stdout.write(f"{'':<40}{'lines':>8}{heads.replace('docstrings', ' docs')}\n")
    for name, counted in parts.items():
        sys.stdout.write(row(name, counted))


if __name__ == "__main__":
    main()
