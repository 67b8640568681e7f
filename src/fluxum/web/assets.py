"""The files of the page, and the libraries that are vendored with it."""

from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec
from msgspec import Struct

__all__ = ["Asset", "Vendored", "assets", "vendored"]

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_PAGE = files("fluxum.web") / "page"


class Asset(Struct, frozen=True):
    """A file of the page, and its media type."""

    body: bytes
    kind: str


class Vendored(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of another project; `page/vendor/vendored.json` lists them all."""

    file: str
    name: str
    version: str
    license: str
    source: str
    sha256: str


def assets() -> Mapping[str, Asset]:
    """Every file that a browser may read, by its path below the page."""
    return dict(_assets(_PAGE, ""))


def vendored() -> tuple[Vendored, ...]:
    """The list of vendored files."""
    text = (_PAGE / "vendor" / "vendored.json").read_bytes()
    return msgspec.json.decode(text, type=tuple[Vendored, ...])


def _assets(folder: Traversable, path: str) -> "list[tuple[str, Asset]]":
    found: list[tuple[str, Asset]] = []
    for one in folder.iterdir():
        name = f"{path}{one.name}"
        if one.is_dir():
            found += _assets(one, f"{name}/")
        else:
            suffix = name[name.rfind(".") :]
            if suffix in _TYPES:
                found.append((name, Asset(one.read_bytes(), _TYPES[suffix])))
    return found
