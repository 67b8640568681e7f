"""Checks a layer against the settings and collects every fault, not only the first."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from msgspec import Struct

from fluxum.config import values
from fluxum.config.about import About
from fluxum.config.layers import PREFIX, Given, Layer, Node
from fluxum.errors import BadInput

__all__ = ["Fault", "abouts", "checked", "given", "place_of", "table_of", "tables"]

S = TypeVar("S", bound=Struct)
# As a text, which is shorter than a list of the same words.
_SECRETS = frozenset(
    """key secret passphrase password token api_key api_secret apikey apisecret private_key
    access_key secret_key key_secret""".split()  # noqa: SIM905
)
# Parts of Fluxum that have no settings: a table of them would do nothing.
_WITHOUT = frozenset({"bot", "display"})
_ADVICE = (
    "a key is never written into a configuration, and is not shown here: run `fluxum setup`, and "
    'name the place with keys = "file:PATH", "env:PREFIX" or "keyring:NAME"'
)


class Fault(Struct, frozen=True, order=True):
    """What is wrong with one setting, and where it was written."""

    source: str
    text: str

    def __str__(self) -> str:
        """One line: the place, the setting, what was expected and what was there."""
        return f"{self.source}: {self.text}" if self.source else self.text


@cache
def abouts(kind: type[Struct]) -> dict[str, About]:
    """The settings of a table themselves, by name."""
    hints = get_type_hints(kind, include_extras=True)
    found: dict[str, About] = {}
    for name, hint in hints.items():
        for one in getattr(hint, "__metadata__", ()):
            if isinstance(one, About):
                found[name] = one
    return found


@cache
def tables(kind: type[Struct]) -> dict[str, type[Struct]]:
    """The tables in a table, by name."""
    hints = get_type_hints(kind)
    return {
        name: hint
        for name, hint in hints.items()
        if isinstance(hint, type) and issubclass(hint, Struct)
    }


@cache
def table_of(kind: type[Struct], name: str) -> type[Struct] | None:
    """The kind of tables that a table has by names of their own, such as `venue`."""
    hint = get_type_hints(kind).get(name)
    if get_origin(hint) is dict:
        (_, value) = get_args(hint)
        return value if isinstance(value, type) and issubclass(value, Struct) else None
    return None


def checked(kind: type[S], layer: Layer, faults: list[Fault], above: str = "") -> S:
    """The settings of a table; what is wrong is added to the faults and left out."""
    found: dict[str, object] = {}
    for name, node in layer.items():
        full = f"{above}{name}"
        table, named = tables(kind).get(name), table_of(kind, name)
        about = abouts(kind).get(name)
        if about is not None:
            _take(found, about, name, node, full, faults)
        elif table is None and named is None:
            faults += _unknown(kind, name, node, full, above)
        elif isinstance(node, Given):
            faults.append(Fault(node.source, f"{full}: a table was expected{_was(name, node)}"))
        elif table is not None:
            found[name] = checked(table, node, faults, f"{full}.")
        else:
            assert named is not None
            found[name] = {
                one: checked(named, below, faults, f"{full}.{one}.")
                for one, below in _tables_only(node, full, faults)
            }
    return kind(**found)


def given(layer: Layer, above: str = "") -> Iterator[tuple[str, Given]]:
    """Every value of a layer, with its full name."""
    for name, node in layer.items():
        if isinstance(node, Given):
            yield f"{above}{name}", node
        else:
            yield from given(node, f"{above}{name}.")


def place_of(places: Mapping[str, str], name: str) -> str:
    """Where a setting was written, or else the first one of its table."""
    if name in places:
        return places[name]
    below = [place for full, place in places.items() if full.startswith(f"{name}.")]
    return below[0] if below else ""


def _tables_only(layer: Layer, above: str, faults: list[Fault]) -> Iterator[tuple[str, Layer]]:
    for name, node in layer.items():
        if isinstance(node, Given):
            faults.append(
                Fault(node.source, f"{above}.{name}: a table was expected{_was(name, node)}")
            )
        else:
            yield name, node


def _take(
    found: dict[str, object],
    about: About,
    name: str,
    node: Node,
    full: str,
    faults: list[Fault],
) -> None:
    """Convert one value; one from text is also tried as the text itself, and as a comma list."""
    source = next((one.source for _, one in given({name: node})), "")
    value = _written(node)
    tries = [value]
    if isinstance(node, Given) and node.text is not None:
        tries += [node.text, [word.strip() for word in node.text.split(",") if word.strip()]]
    elif about.take in {values.proxy_url, values.engine_url} and values.has_password(value):
        variable = PREFIX + full.upper().replace(".", "__")
        where = "HTTPS_PROXY" if about.take is values.proxy_url else variable
        faults.append(
            Fault(source, f"{full}: a URL without a password was expected: set {where} instead")
        )
        return
    errors: list[BadInput] = []
    for one in tries:
        try:
            found[name] = _placed(about, about.take(one, full), node)
        except BadInput as error:
            errors.append(error)
        else:
            return
    text = str(errors[0])
    faults.append(Fault(source, text if text.startswith(full) else f"{full}: {text}"))


def _placed(about: About, value: Any, node: Node) -> object:
    """A path of a file is relative to the file's folder."""
    folder = node.folder if isinstance(node, Given) else None
    if folder is None:
        return value
    if about.take is values.path:
        return str(folder / value)
    if about.take is values.keys and value.startswith("file:"):
        path, mark, table = value.removeprefix("file:").partition("#")
        return f"file:{folder / Path(path).expanduser()}{mark}{table}"
    return value


def _written(node: Node) -> object:
    if isinstance(node, Given):
        return node.value
    return {name: _written(one) for name, one in node.items()}


def _unknown(kind: type[Struct], name: str, node: Node, full: str, above: str) -> list[Fault]:
    """A fault for a name that means nothing, with the one that may be meant."""
    if name.lower() in _SECRETS:
        source = next((one.source for _, one in given({name: node})), "")
        return [Fault(source, f"{full}: {_ADVICE}")]
    places = [one for _, one in given({name: node})]
    source = places[0].source if places else above.rstrip(".")
    if not above and name in _WITHOUT:
        return [Fault(source, f"{full}: this part has no settings, so the table would do nothing")]
    return [Fault(source, f"{full}: unknown setting{_was(name, node)}{_meant(kind, name, above)}")]


def _was(name: str, node: Node) -> str:
    """What was there, unless it may be a secret."""
    if not isinstance(node, Given) or any(word in name.lower() for word in ("key", "secret")):
        return ""
    shown = "***" if values.has_password(node.value) else repr(node.value)
    return f", was {shown[:60]}"


def _meant(kind: type[Struct], name: str, above: str) -> str:
    """The nearest valid name: the document's name for it, an equal one elsewhere, a similar one."""
    known = dict(_names(kind))
    same = [full for full, about in known.items() if f"`{name}`" in about.seeds]
    same += [full for full in known if full.rpartition(".")[2] == name]
    last = {full.rpartition(".")[2]: full for full in reversed(known)}
    words = [*tables(kind), *(one for one in last)]
    words += [one for one in get_type_hints(kind) if table_of(kind, one)]
    near = get_close_matches(name, words, n=1)
    if same:
        return f"; did you mean {above}{same[0]}?"
    if near:
        return f"; did you mean {above}{last.get(near[0], near[0])}?"
    offered = ", ".join([*abouts(kind), *tables(kind)]) or ", ".join(get_type_hints(kind))
    return f"; known: {offered}"


def _names(kind: type[Struct], above: str = "") -> Iterator[tuple[str, About]]:
    """Every setting of a table and the tables in it, with its name below the table."""
    for name, about in abouts(kind).items():
        yield f"{above}{name}", about
    for name, below in tables(kind).items():
        yield from _names(below, f"{above}{name}.")
    for name in get_type_hints(kind):
        named = table_of(kind, name)
        if named is not None:
            yield from _names(named, f"{above}{name}.NAME.")
