"""Where real recordings are, for tests that read them; they are never part of the project."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = Path(os.environ.get("FLUXUM_RECORDINGS", ROOT / "../shared/recordings"))


def recording(name: str) -> Path:
    """A recording's path; the test is skipped, saying so, where it is absent."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"no recording {name} in {FOLDER} (set FLUXUM_RECORDINGS)")
    return path
