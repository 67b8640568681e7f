"""Whether the source of a strategy reads anything but its events, its view and itself. Pure.

What is looked for in the module of a strategy: imports that read a clock, a file, a network or
chance; calls that do the same; loops over sets, whose order differs from process to process; hashes
and ids of objects, which do too; and memory outside the strategy.
"""

import ast
from collections.abc import Iterator

from msgspec import Struct

__all__ = ["Impurity", "impurities"]

_BANNED = {
    "a clock": {"time", "datetime", "calendar", "sched", "zoneinfo"},
    "chance": {"random", "secrets", "uuid"},
    "files or the system": {
        *("os", "io", "pathlib", "shutil", "tempfile", "sqlite3", "glob", "platform", "sys"),
        *("subprocess", "importlib", "pickle", "shelve"),
    },
    "a network": {"socket", "ssl", "http", "urllib", "requests", "aiohttp", "httpx", "websockets"},
    "other tasks or threads": {"asyncio", "threading", "multiprocessing", "concurrent"},
}
_BANNED_CALLS = {
    "open": "reads a file",
    "input": "reads the terminal",
    "eval": "runs text",
    "exec": "runs text",
    "id": "differs from process to process",
    "hash": "differs from process to process",
    "vars": "reads what is outside the strategy",
    "globals": "reads what is outside the strategy",
    "__import__": "imports what is not seen here",
}
_BANNED_METHODS = {
    "now": "reads a clock: use view.now_ns",
    "utcnow": "reads a clock: use view.now_ns",
    "today": "reads a clock: use view.now_ns",
    "read_text": "reads a file",
    "read_bytes": "reads a file",
}


class Impurity(Struct, frozen=True):
    """One place in the source, and what is wrong there."""

    line: int
    what: str

    def __str__(self) -> str:
        """Short text for the user."""
        return f"line {self.line}: {self.what}"


def impurities(source: str) -> list[Impurity]:
    """What is wrong in the source of a module, in its order; raises SyntaxError for no Python."""
    found = [one for node in ast.walk(ast.parse(source)) for one in _judge(node)]
    return sorted(found, key=lambda one: one.line)


def _judge(node: ast.AST) -> Iterator[Impurity]:
    match node:
        case ast.Import(names=names):
            for alias in names:
                yield from _import(node.lineno, alias.name)
        case ast.ImportFrom(module=str(module)):
            yield from _import(node.lineno, module)
        case ast.Call(func=ast.Name(id=name)) if name in _BANNED_CALLS:
            yield Impurity(node.lineno, f"{name}() {_BANNED_CALLS[name]}")
        case ast.Call(func=ast.Attribute(attr=name)) if name in _BANNED_METHODS:
            yield Impurity(node.lineno, f".{name}() {_BANNED_METHODS[name]}")
        case ast.Global() | ast.Nonlocal():
            names_text = ", ".join(node.names)
            yield Impurity(node.lineno, f"{names_text}: memory outside the strategy is not kept")
        case ast.For(iter=over) if _is_set(over):
            yield Impurity(node.lineno, _UNORDERED)
        case ast.comprehension(iter=over) if _is_set(over):
            yield Impurity(over.lineno, _UNORDERED)
        case ast.Call(func=ast.Name(id=name), args=[over, *_]) if name in _ORDERING and _is_set(
            over
        ):
            yield Impurity(node.lineno, _UNORDERED)
        case ast.AnnAssign(annotation=kind) if "set[" in ast.unparse(kind):
            yield Impurity(node.lineno, "a set has no order: use a list, a tuple or a dict")
        case _:
            pass


_ORDERING = {"list", "tuple", "next", "iter", "enumerate", "zip", "map"}
_UNORDERED = "the order of a set differs from process to process: sort it"


def _import(line: int, module: str) -> Iterator[Impurity]:
    root = module.partition(".")[0]
    for what, names in _BANNED.items():
        if root in names:
            yield Impurity(line, f"import of {module}, which reads {what}")


def _is_set(node: ast.expr) -> bool:
    """Whether an expression is a set, as far as its text shows."""
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id="set" | "frozenset")):
            return True
        case ast.BinOp(left=left, op=ast.BitAnd() | ast.BitOr() | ast.Sub() | ast.BitXor()):
            return _is_set(left)
        case _:
            return False
