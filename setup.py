"""Builds without the compiled parts if FLUXUM_PURE is set: one wheel for every platform."""

import os
from typing import Any

from setuptools import Distribution, setup

__all__ = ["Pure"]


class Pure(Distribution):
    """The package of pyproject.toml without its extension modules."""

    def parse_config_files(self, *arguments: Any, **options: Any) -> None:
        """Read everything, then forget what would be compiled."""
        super().parse_config_files(*arguments, **options)
        self.ext_modules = None


setup(distclass=Pure if os.environ.get("FLUXUM_PURE") else Distribution)
