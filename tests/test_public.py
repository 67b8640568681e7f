"""What is public is named, described and nothing else; and importing it is quick and quiet."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import fluxum
from fluxum import errors
from fluxum.venues.register import VENUES

SOURCE = Path(__file__).parents[1] / "src"


def dotted(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def defined(path: Path) -> set[str]:
    """The public classes and functions that a module makes itself."""
    made = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    body = ast.parse(path.read_text()).body
    return {node.name for node in body if isinstance(node, made) and node.name[0] != "_"}


# `__main__` runs when it is imported, and an empty package has nothing to name.
PATHS = [
    path
    for path in sorted(SOURCE.rglob("*.py"))
    if path.stem != "__main__" and "import" in path.read_text()
]


def exported(module: ModuleType) -> list[str]:
    names: list[str] = module.__all__
    return names


def test_all_is_exact() -> None:
    for path in PATHS:
        names = exported(importlib.import_module(dotted(path)))

        assert len(names) == len(set(names)), path
        assert defined(path) <= set(names), path


def test_what_is_public_exists_and_says_what_it_is() -> None:
    for path in PATHS:
        module = importlib.import_module(dotted(path))

        assert (module.__doc__ or "").strip(), path
        for name in exported(module):
            thing = getattr(module, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                assert (thing.__doc__ or "").strip(), (path, name)


def test_importing_is_quiet_and_leaves_the_command_line_and_the_network_out() -> None:
    code = (
        "import sys, fluxum; "
        "unwanted = {'typer', 'rich', 'aiohttp', 'fluxum.cli', 'fluxum.sim'}; "
        "print(sorted(unwanted & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize("venue", VENUES)
def test_a_venue_brings_no_simulator_and_no_other_venue(venue: str) -> None:
    code = (
        f"import sys, fluxum; venue = fluxum.find_venue({venue!r}); venue.protocol(); "
        "print([name for name in sys.modules if name.startswith('fluxum.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded: list[str] = ast.literal_eval(done.stdout)

    assert not [name for name in loaded if ".server" in name or name.startswith("fluxum.sim")]
    folders = {name.split(".")[2] for name in loaded if name.count(".") > 2 and "venues" in name}
    assert len(folders) == 1


# What a program only passes on, or what makes a session by hand, is found where it is documented.
INTERNAL = {
    "AccountSettings",
    "SinkSettings",
    "Source",
    "Settings",
    "VenueSettings",
    "AccountOptions",
    "AccountSession",
    "Authenticator",
    "RestClient",
    "AttemptBudget",
    "Backoff",
    "Background",
    "CallCounter",
    "Channels",
    "Checks",
    "HubPlan",
    "Clock",
    "Contributors",
    "Difference",
    "History",
    "AccountGateway",
    "ExchangeView",
    "Feed",
    "FeedContext",
    "EventProcessor",
    "Links",
    "Http",
    "Retention",
    "Ladder",
    "Limits",
    "Link",
    "Member",
    "TrackedPosition",
    "Private",
    "ProvenBook",
    "Rest",
    "Closable",
    "Dial",
    "Dialled",
    "Reach",
    "RestServer",
    "OrderRules",
    "TapeFrame",
    "Token",
    "TokenKeeper",
    "VenueProtocol",
    "VenueServer",
}


def classes_in(hint: object) -> Iterator[type]:
    """The classes that a type is made of."""
    if isinstance(hint, list):  # the arguments of a Callable
        for one in typing.cast("list[object]", hint):
            yield from classes_in(one)
        return
    if inspect.isclass(hint):
        yield hint
    for one in typing.get_args(hint):
        yield from classes_in(one)
    origin = typing.get_origin(hint)
    if inspect.isclass(origin):
        yield origin


def members_of(thing: object) -> Iterator[object]:
    """A function, or a class with its public methods and properties."""
    yield thing
    if inspect.isclass(thing):
        for name, member in inspect.getmembers(thing):
            if not name.startswith("_") or name in {"__init__", "__anext__"}:
                yield member.fget if isinstance(member, property) else member


def named_by(name: str) -> set[str]:
    """Every class of ours that the signatures and fields of a public name mention."""
    found: set[str] = set()
    for member in members_of(getattr(fluxum, name)):
        try:
            hints = typing.get_type_hints(inspect.unwrap(typing.cast("typing.Any", member)))
        except (TypeError, NameError):  # no function, or a name that only type checkers see
            continue
        for one in classes_in(list(hints.values())):
            if one.__module__.startswith("fluxum"):
                found.add(one.__name__)
    return found


def test_what_a_public_name_takes_and_returns_is_public() -> None:
    for name in fluxum.__all__:
        assert named_by(name) - INTERNAL <= set(fluxum.__all__), name


def test_every_error_a_public_name_documents_is_public() -> None:
    known = set(errors.__all__)
    for name in fluxum.__all__:
        texts = [inspect.getdoc(member) or "" for member in members_of(getattr(fluxum, name))]

        words = {word for text in texts for word in re.findall(r"\b[A-Z]\w+\b", text)}

        assert words & known <= set(fluxum.__all__), name


def test_every_error_is_public() -> None:
    assert set(errors.__all__) <= set(fluxum.__all__)


def test_the_events_of_a_stream_can_be_matched_by_public_names() -> None:
    events = {one.__name__ for one in classes_in(fluxum.Event)} - {"UnionType", "Union"}

    assert len(events) > 25
    assert events <= set(fluxum.__all__)
