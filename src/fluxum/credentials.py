"""Sources of keys: the environment, a file that only its owner can read, a keyring, stdin.

Never the command line, where every other user of the machine can see them. Messages name the
source, not its content.
"""

import json
import os
import stat
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from fluxum.errors import BadInput
from fluxum.lock import CAN_HOLD, hold
from fluxum.model.account import Credentials

__all__ = [
    "DEFAULT_FILE",
    "PARTS",
    "SERVICE",
    "SOURCES",
    "find_credentials",
    "has_keys",
    "store_in_file",
    "store_in_keyring",
]

DEFAULT_FILE = Path("~/.config/fluxum/credentials.toml")
"""The file where keys are looked for by default."""
SOURCES = "env[:PREFIX], file:PATH[#TABLE], keyring[:NAME], - (stdin)"
"""The sources that can be named."""

SERVICE = "fluxum"
"""The service under which keys are in a keyring."""
PARTS = ("key", "secret", "passphrase")
"""The parts of keys, in the order of stdin."""
_TURNS = 1000  # files that other programs replace while this one waits to write its own
_WRITTEN = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def find_credentials(
    exchange: str,
    source: str = "",
    *,
    environment: Mapping[str, str] | None = None,
    stdin: Iterable[str] = (),
) -> Credentials:
    """The keys for an exchange, from one source or from the first that has them.

    `source` is `env` (FLUXUM_NAME_KEY, FLUXUM_NAME_SECRET and, if the exchange has one,
    FLUXUM_NAME_PASSPHRASE, with its name in capitals), `file:PATH` (TOML: a table for each
    exchange with `key`, `secret`, `passphrase`; only its owner may be able to read it), `keyring`,
    or `-` for lines of stdin in that order. Empty means the environment, then the default file.
    For several accounts at one exchange, `env:PREFIX` reads PREFIX_KEY and so on, `file:PATH#TABLE`
    another table, `keyring:NAME` another entry. Raises BadInput.
    """
    variables = os.environ if environment is None else environment
    kind, _, rest = source.partition(":")
    if not source:
        found = _from_environment(exchange, variables)
        path = DEFAULT_FILE.expanduser()
        if found is None and path.is_file():
            found = _from_file(exchange, path)
    elif source == "env" or (kind == "env" and rest.isidentifier()):
        found = _from_environment(exchange, variables, rest)
    elif kind == "file" and rest.partition("#")[0]:
        place, _, table = rest.partition("#")
        found = _from_file(table or exchange, Path(place).expanduser())
    elif source == "keyring" or (kind == "keyring" and rest):
        found = _from_keyring(rest or exchange)
    elif source == "-":
        found = _made(dict(zip(PARTS, (line.strip() for line in stdin), strict=False)), "stdin")
    else:
        raise BadInput(f"a place for keys was expected ({SOURCES}), was {source!r}")
    if found is None:
        raise BadInput(f"no keys for {exchange}: {_cure(exchange, kind, rest)}")
    return found


def _cure(exchange: str, kind: str, rest: str) -> str:
    """Where keys were looked for without finding any, and so where they belong."""
    if kind == "file":
        place, _, table = rest.partition("#")
        return f"a table [{table or exchange}] was expected in {place}"
    if kind == "keyring":
        return f"`fluxum setup` writes them into the keyring, as {rest or exchange}"
    key, secret = _variables(exchange, rest if kind == "env" else "")[:2]
    return f"set {key} and {secret}, or write them to {DEFAULT_FILE}"


def has_keys(source: str) -> bool:
    """Whether a source such as `file:PATH#TABLE` has keys; raises BadInput for a bad one."""
    if source.startswith("file:"):
        path = Path(source.removeprefix("file:").partition("#")[0]).expanduser()
        if not path.exists():
            return False
    try:
        find_credentials("", source)
    except BadInput as error:
        if str(error).startswith("no keys"):
            return False
        raise
    return True


def store_in_file(path: Path, table: str, keys: Credentials) -> None:
    """Write keys into a table of a TOML file that only its owner can read; keeps its other tables.

    The file is replaced as a whole, so that a crash leaves the old one; comments in it are lost.
    Programs that write it at the same time take turns. Raises BadInput.
    """
    path = path.resolve()
    new = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(_only_writer(new), "w") as file:
            try:
                text = _with_table(path, table, keys)
                file.truncate()
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
                if not CAN_HOLD:
                    file.close()  # an open file cannot be renamed there
                new.replace(path)
            except BaseException:
                new.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}") from error


def _with_table(path: Path, table: str, keys: Credentials) -> str:
    """What the file becomes."""
    tables = _tables(path) if path.exists() else {}
    parts = (keys.key, keys.secret, keys.passphrase)
    tables[table] = {part: text for part, text in zip(PARTS, parts, strict=True) if text}
    return "\n".join(_lines(name, values) for name, values in tables.items())


def _only_writer(new: Path) -> int:
    """A descriptor of the file to write, locked once the programs before have written theirs."""
    for _ in range(_TURNS):
        descriptor = os.open(new, _WRITTEN, 0o600)
        with suppress(FileNotFoundError):
            is_held = not CAN_HOLD or hold(descriptor, waits=True)
            if is_held and os.path.samestat(os.fstat(descriptor), new.stat()):
                new.chmod(0o600)
                return descriptor
        os.close(descriptor)  # another program has given it its final name
    raise BadInput(f"{new} was written by {_TURNS} other programs at the same time")


def store_in_keyring(entry: str, keys: Credentials) -> None:
    """Write keys into the system's keyring; raises BadInput if there is none."""
    keyring = _keyring()
    for part, text in zip(PARTS, (keys.key, keys.secret, keys.passphrase), strict=True):
        if text:
            try:
                keyring.set_password(SERVICE, f"{entry}.{part}", text)
            except keyring.errors.KeyringError as error:
                raise BadInput(f"the keyring cannot be written: {error}") from error


def _lines(name: str, values: Any) -> str:
    table = cast("dict[str, object]", values) if isinstance(values, dict) else {name: None}
    texts = {part: one for part, one in table.items() if isinstance(one, str)}
    if len(texts) < len(table):
        raise BadInput(f"a table of texts was expected at {name} in the file, so it is not changed")
    # JSON's texts are TOML's as well, but for one character that no key has.
    lines = [f"{part} = {json.dumps(text, ensure_ascii=False)}" for part, text in texts.items()]
    return "\n".join([f"[{json.dumps(name)}]", *lines, ""])


def _variables(exchange: str, prefix: str = "") -> tuple[str, str, str]:
    stem = prefix or f"FLUXUM_{exchange.upper().replace('-', '_')}"
    return f"{stem}_KEY", f"{stem}_SECRET", f"{stem}_PASSPHRASE"


def _from_environment(
    exchange: str, environment: Mapping[str, str], prefix: str = ""
) -> Credentials | None:
    names = _variables(exchange, prefix)
    parts = {part: environment.get(name, "") for part, name in zip(PARTS, names, strict=True)}
    if not any(parts.values()):
        return None
    return _made(parts, f"{names[0]} and {names[1]}")


def _from_file(table_name: str, path: Path) -> Credentials | None:
    tables = _tables(path)
    table = tables.get(table_name)
    if table is None:
        return None
    if not isinstance(table, dict):
        raise BadInput(f"a table [{table_name}] was expected in {path}")
    return _made(table, f"[{table_name}] in {path}")  # pyright: ignore[reportUnknownArgumentType]


def _tables(path: Path) -> dict[str, Any]:
    try:
        mode = path.stat().st_mode
        if os.name == "posix" and mode & _OTHERS:
            raise BadInput(
                f"a file that only its owner can read was expected (chmod 600 {path}), "
                f"was mode {stat.S_IMODE(mode):o}"
            )
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        # The parser's message may contain a part of the file.
        raise BadInput(f"{path} is no TOML") from None


def _from_keyring(entry: str) -> Credentials | None:
    keyring = _keyring()
    parts = {part: keyring.get_password(SERVICE, f"{entry}.{part}") or "" for part in PARTS}
    return _made(parts, f"the keyring's {SERVICE}") if any(parts.values()) else None


def _keyring() -> Any:
    if find_spec("keyring") is None:
        raise BadInput("keys from a keyring need the extra: pip install 'fluxum[keyring]'")
    return import_module("keyring")


def _made(parts: Mapping[str, Any], place: str) -> Credentials:
    texts = {part: parts.get(part, "") for part in PARTS}
    if any(not isinstance(text, str) for text in texts.values()) or not (
        texts["key"] and texts["secret"]
    ):
        raise BadInput(f"a key and a secret were expected in {place}, one is missing")
    return Credentials(texts["key"], texts["secret"], texts["passphrase"])
