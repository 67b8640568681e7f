"""`python -m fluxum`."""

from fluxum.cli.main import run

if __name__ == "__main__":
    run()
