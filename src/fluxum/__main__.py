"""The `fluxum` command, also as `python -m fluxum`; commands are imported when one is run."""

import gc
import sys

from fluxum.version import described

__all__ = ["run"]

_NEEDED = {"typer", "rich"}


def run() -> None:
    """The console script: runs the command line and exits with its code."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"{described()}\n")
        return
    gc.disable()  # nothing that is imported is garbage, and a quarter of the start looked for some
    try:
        from fluxum.cli.main import run as run_commands
    except ModuleNotFoundError as error:
        if error.name not in _NEEDED:
            raise
        sys.exit(f"the command line needs {error.name}: pip install 'fluxum[cli]'")
    gc.freeze()
    gc.enable()
    run_commands()


if __name__ == "__main__":
    run()
