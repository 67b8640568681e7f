"""What Prometheus' own parser reads of a scrape."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from fluxum.metrics import Collector, Sources

__all__ = ["Scrape", "scrape"]


class Scrape:
    """Every sample of a scrape, by its name and its labels."""

    def __init__(self, text: str) -> None:
        self.types: dict[str, str] = {}
        self.samples: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
        for family in text_string_to_metric_families(text):
            self.types[family.name] = family.type
            for sample in family.samples:
                key = sample.name, tuple(sorted(sample.labels.items()))
                assert key not in self.samples, f"twice: {key}"
                self.samples[key] = sample.value

    def value(self, name: str, **labels: str) -> float:
        """The one sample of these labels among others."""
        (value,) = self.values(name, **labels).values()
        return value

    def values(self, name: str, **labels: str) -> Mapping[tuple[tuple[str, str], ...], float]:
        """Every sample of a name that has these labels among its own."""
        wanted = {(f"fluxum_{name}", pair) for pair in labels.items()}
        return {
            mine: value
            for (one, mine), value in self.samples.items()
            if one == f"fluxum_{name}" and {(one, pair) for pair in mine} >= wanted
        }


def scrape(sources: Sources, symbols_max: int = 0) -> Scrape:
    """The metrics of some sources, written out and read again."""
    registry = CollectorRegistry()
    registry.register(Collector(sources, symbols_max=symbols_max))
    return Scrape(generate_latest(registry).decode())
