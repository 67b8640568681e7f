"""The rules of `promtool check metrics`, written again; `test_prometheus` asks promtool itself.

Source: https://github.com/prometheus/client_golang/tree/main/prometheus/testutil/promlint
"""

import re

import pytest

from fluxum.metrics.names import METRICS, Metric

PREFIXES = ("micro", "milli", "centi", "deci", "kilo", "kibi", "mega", "mebi", "giga", "gibi")
UNITS = ("bytes", "seconds", "meters", "grams", "celsius", "volts", "joules")
NO_BASE = {p + unit for p in PREFIXES for unit in UNITS} | {"minutes", "hours", "days", "weeks"}
ABBREVIATED = {"s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d"}
TYPES = {"counter", "gauge", "histogram", "summary", "untyped"}
RESERVED = ("_bucket", "_count", "_sum")


def faults(name: str, metric: Metric) -> list[str]:
    """What promtool would say about a counter or a gauge; a counter is one by its name."""
    parts = set(name.removesuffix("_total").split("_"))
    found = [
        f"{sorted(bad & parts)} in the name" for bad in (NO_BASE, ABBREVIATED, TYPES) if bad & parts
    ]
    if not metric.text.strip():
        found.append("no help text")
    if name.endswith(RESERVED):
        found.append("a suffix of histograms")
    if not re.fullmatch(r"fluxum_[a-z]+(_[a-z]+)*", name):
        found.append("not snake case behind the prefix")
    for label in metric.labels:
        if label in {"le", "quantile"} or not re.fullmatch("[a-z]+", label):
            found.append(f"label {label}")
    return found


@pytest.mark.parametrize("name", METRICS)
def test_names_keep_the_rules_of_promtool(name: str) -> None:
    assert faults(name, METRICS[name]) == []


@pytest.mark.parametrize(
    "name",
    ["fluxum_age_ms", "fluxum_age_milliseconds", "fluxum_gap_count", "fluxum_gauge_total", "Up"],
)
def test_the_rules_find_bad_names(name: str) -> None:
    assert faults(name, Metric("Something."))


def test_labels_and_help_are_of_a_kind() -> None:
    for name, metric in METRICS.items():
        assert metric.text[0].isupper() or metric.text[0] == "1", name
        assert metric.text.endswith("."), name
        assert len(set(metric.labels)) == len(metric.labels), name
