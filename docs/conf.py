"""The site's configuration: `make site`. Every page is Markdown; docstrings are the reference."""

import importlib.metadata
import sys
from pathlib import Path

from pygments.lexers.special import TextLexer  # type: ignore[import-untyped]
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent))
from apidoc import as_restructured, write_pages

project = "Fluxum"
version = release = importlib.metadata.version("fluxum")
copyright = "the Fluxum founders"  # noqa: A001 - Sphinx' own name

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["newvenue", "monitoring/*.json", "reference/api/README.md"]

html_theme = "furo"
html_title = f"Fluxum {release}"
html_static_path = ["_static"] if (Path(__file__).parent / "_static").is_dir() else []
html_copy_source = False
copybutton_prompt_text = "$ "

autodoc_class_signature = "separated"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
default_role = "code"

man_pages = [("cli", "fluxum", "crypto exchanges in real time", ["the Fluxum founders"], 1)]


def _docstring(
    _app: Sphinx, _what: str, _name: str, _found: object, _options: object, lines: list[str]
) -> None:
    lines[:] = as_restructured(lines)


def setup(app: Sphinx) -> None:
    """Write a page of each public name, then let Sphinx read them with everything else."""
    write_pages(Path(__file__).parent / "reference" / "api")
    app.add_lexer("mermaid", TextLexer)
    app.connect("autodoc-process-docstring", _docstring)
