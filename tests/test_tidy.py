"""The rules of STYLE.md that a machine can check and the linters do not."""

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

from fluxum.venues.register import VENUES

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "fluxum"
MODULES = sorted(SOURCE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

BOT = (
    *("account", "books", "canonical", "commands", "decision", "engine", "engine_state"),
    *(
        "engine_view",
        "gate",
        "halting",
        "intent",
        "limits",
        "market",
        "planner",
        "profit",
        "protections",
    ),
    *("requests", "strategy", "timers", "together", "view", "wanted"),
    *("behaviours", "compare", "echo", "purity"),
)
PURE = (
    *("model/", "book/", "fill/", "ledger/", "report/", "venues/"),
    *(f"paper/{name}.py" for name in ("account", "commands", "market", "records", "transit")),
    *("paper/trading.py", "paper/venue.py"),
    *(f"bot/{name}.py" for name in BOT),
    *("board.py", "pacing.py", "errors.py", "view/"),
)
FILES = {"report/files.py"}  # writes and reads them, among modules that are pure
BANNED_IN_PURE = {
    "aiohttp",
    "asyncio",
    "logging",
    "os",
    "random",
    "selectors",
    "socket",
    "ssl",
    "subprocess",
    "threading",
    "time",
}
EMPTY_NAMES = {"utils", "helpers", "common", "misc", "base", "manager", "handler"}
TASK_STARTERS = {"create_task", "ensure_future", "gather"}


@pytest.fixture(scope="module", autouse=True)
def _forget() -> Iterator[None]:
    """A million nodes would slow down every later search for garbage in this process."""
    yield
    nodes_of.cache_clear()


@cache
def nodes_of(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


def name_of(path: Path) -> str:
    """A module by its path below the package: `book/ladder.py`."""
    return path.relative_to(SOURCE).as_posix()


def in_pure_room(path: Path) -> bool:
    return name_of(path).startswith(PURE) and name_of(path) not in FILES


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Every import, wherever it stands: the module, and the name taken from it if any."""
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, ""
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.module or "", alias.name


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call, by the last part of what is called."""
    for node in nodes_of(path):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                yield node.func.attr, node
            elif isinstance(node.func, ast.Name):
                yield node.func.id, node


def each_of(paths: Sequence[Path]) -> Callable[[Callable[[Path], None]], Callable[[], None]]:
    """Check a rule in all files by one test, which shows every file that breaks it."""

    def checked(rule: Callable[[Path], None]) -> Callable[[], None]:
        def check() -> None:
            broken: dict[str, str] = {}
            for path in paths:
                try:
                    rule(path)
                except AssertionError as error:
                    broken[path.relative_to(ROOT).as_posix()] = str(error)
            assert not broken

        check.__doc__ = rule.__doc__
        return check

    return checked


modules = each_of(MODULES)
pure_rooms = each_of([path for path in MODULES if in_pure_room(path)])


@pure_rooms
def test_pure_rooms_touch_nothing(path: Path) -> None:
    drawing = {"pacing.py", "report/statistics.py"}  # from a seed that the caller gives
    allowed = {("random", "Random")} if name_of(path) in drawing else set[tuple[str, str]]()

    taken = {(module.partition(".")[0], name) for module, name in imports(path)}

    assert {one for one in taken if one[0] in BANNED_IN_PURE} <= allowed


@pure_rooms
def test_pure_rooms_never_wait(path: Path) -> None:
    waiting = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)

    assert not [node for node in nodes_of(path) if isinstance(node, waiting)]


@modules
def test_only_the_clock_reads_the_clock(path: Path) -> None:
    if name_of(path) != "clock.py":
        assert "time" not in {module for module, _ in imports(path)}
        assert ("datetime", "now") not in {
            (ast.unparse(call.func).partition(".")[0], name) for name, call in calls(path)
        }


@modules
def test_only_a_simulator_imports_the_simulated_half_of_a_venue(path: Path) -> None:
    """HOUSE: nothing but `sim`, `tape` and the command line imports `venues.*.server`."""
    if not {"server", "sim", "tape", "cli"} & set(path.relative_to(SOURCE).parts):
        assert not [
            module
            for module, _ in imports(path)
            if module.startswith("fluxum.venues.") and ".server" in module
        ]


@modules
def test_modules_and_functions_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 500

    for node in nodes_of(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 50, f"{node.name} is too long"


@modules
def test_names_of_modules_say_something(path: Path) -> None:
    words = {word for part in path.relative_to(SOURCE).parts for word in re.split(r"[_.]", part)}

    assert not words & EMPTY_NAMES


@each_of(MODULES + TESTS)
def test_nothing_is_left_to_do(path: Path) -> None:
    assert not re.findall(r"\b(?:TOD[O]|FIXM[E]|XX[X])\b", path.read_text())


@modules
def test_tasks_start_in_a_group(path: Path) -> None:
    """A task of nobody's can outlive its block and take its error along."""
    for module, name in imports(path):
        assert not (module == "asyncio" and name in TASK_STARTERS)
    if name_of(path) != "flow/background.py":
        for name, call in calls(path):
            if name in TASK_STARTERS and isinstance(call.func, ast.Attribute):
                owner = ast.unparse(call.func.value)
                assert not re.search(r"asyncio|loop", owner), f"{owner}.{name}"


@modules
def test_no_error_is_swallowed_whole(path: Path) -> None:
    for node in nodes_of(path):
        if isinstance(node, ast.ExceptHandler):
            is_wide = node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"}
            is_empty = all(isinstance(one, ast.Pass) for one in node.body)
            assert not (is_wide and is_empty), f"line {node.lineno}"
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
            wide = {"Exception", "BaseException"}
            assert not {ast.unparse(one) for one in node.args} & wide, f"line {node.lineno}"


@modules
def test_money_is_never_a_float(path: Path) -> None:
    for name, call in calls(path):
        if name == "float":
            # Waiting times are floats; they live in these rooms only.
            rooms = ("model/", "book/", "ledger/", "venues/")
            assert not name_of(path).startswith(rooms), ast.unparse(call)
        if name == "Decimal" and call.args and isinstance(call.args[0], ast.Constant):
            assert not isinstance(call.args[0].value, float), ast.unparse(call)


@modules
def test_a_venue_is_named_at_home_only(path: Path) -> None:
    """Elsewhere no module may contain its name, examples and docstrings included."""
    name = name_of(path)
    if name == "venues/register.py":
        return
    exchanges = {venue.partition("-")[0] for venue in VENUES}  # variants live in one folder
    abroad = [one for one in exchanges if not name.startswith(f"venues/{one}/")]
    for node in nodes_of(path):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value.lower()
        elif isinstance(node, ast.Name):
            text = node.id.lower()
        elif isinstance(node, ast.alias):
            text = node.name.lower()
        elif isinstance(node, ast.Compare):
            text = ast.unparse(node).lower()
        else:
            continue
        assert not [one for one in abroad if one in text], f"line {node.lineno}"
