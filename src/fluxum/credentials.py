"""Sources of keys: the environment, a file that only its owner can read, a keyring, stdin.

Never the command line, where every other user of the machine can see them. Messages name the
source, not its content.
"""

import os
import stat
import tomllib
from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fluxum.errors import BadInput
from fluxum.model.account import Credentials

__all__ = ["DEFAULT_FILE", "SOURCES", "find_credentials"]

DEFAULT_FILE = Path("~/.config/fluxum/credentials.toml")
"""The file where keys are looked for by default."""
SOURCES = "env, file:PATH, keyring, - (stdin)"
"""The sources that can be named."""

_SERVICE = "fluxum"
_PARTS = ("key", "secret", "passphrase")
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
    Raises BadInput.
    """
    variables = os.environ if environment is None else environment
    kind, _, rest = source.partition(":")
    if not source:
        found = _from_environment(exchange, variables)
        path = DEFAULT_FILE.expanduser()
        if found is None and path.is_file():
            found = _from_file(exchange, path)
    elif source == "env":
        found = _from_environment(exchange, variables)
    elif kind == "file" and rest:
        found = _from_file(exchange, Path(rest).expanduser())
    elif source == "keyring":
        found = _from_keyring(exchange)
    elif source == "-":
        found = _made(dict(zip(_PARTS, (line.strip() for line in stdin), strict=False)), "stdin")
    else:
        raise BadInput(f"a place for keys was expected ({SOURCES}), was {source!r}")
    if found is None:
        key, secret = _variables(exchange)[:2]
        raise BadInput(
            f"no keys for {exchange}: set {key} and {secret}, or write them to {DEFAULT_FILE}"
        )
    return found


def _variables(exchange: str) -> tuple[str, str, str]:
    stem = f"FLUXUM_{exchange.upper().replace('-', '_')}"
    return f"{stem}_KEY", f"{stem}_SECRET", f"{stem}_PASSPHRASE"


def _from_environment(exchange: str, environment: Mapping[str, str]) -> Credentials | None:
    names = _variables(exchange)
    parts = {part: environment.get(name, "") for part, name in zip(_PARTS, names, strict=True)}
    if not any(parts.values()):
        return None
    return _made(parts, f"{names[0]} and {names[1]}")


def _from_file(exchange: str, path: Path) -> Credentials | None:
    try:
        mode = path.stat().st_mode
        if os.name == "posix" and mode & _OTHERS:
            raise BadInput(
                f"a file that only its owner can read was expected (chmod 600 {path}), "
                f"was mode {stat.S_IMODE(mode):o}"
            )
        tables: dict[str, Any] = tomllib.loads(path.read_text())
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        # The parser's message may contain a part of the file.
        raise BadInput(f"{path} is no TOML") from None
    table = tables.get(exchange)
    if table is None:
        return None
    if not isinstance(table, dict):
        raise BadInput(f"a table [{exchange}] was expected in {path}")
    return _made(table, f"[{exchange}] in {path}")  # pyright: ignore[reportUnknownArgumentType]


def _from_keyring(exchange: str) -> Credentials | None:
    if find_spec("keyring") is None:
        raise BadInput("keys from a keyring need the extra: pip install 'fluxum[keyring]'")
    keyring = import_module("keyring")
    parts = {part: keyring.get_password(_SERVICE, f"{exchange}.{part}") or "" for part in _PARTS}
    return _made(parts, f"the keyring's {_SERVICE}") if any(parts.values()) else None


def _made(parts: Mapping[str, Any], place: str) -> Credentials:
    texts = {part: parts.get(part, "") for part in _PARTS}
    if any(not isinstance(text, str) for text in texts.values()) or not (
        texts["key"] and texts["secret"]
    ):
        raise BadInput(f"a key and a secret were expected in {place}, one is missing")
    return Credentials(texts["key"], texts["secret"], texts["passphrase"])
