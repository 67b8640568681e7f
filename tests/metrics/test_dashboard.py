"""The board and the alerts name only metrics and labels that are exported."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fluxum.metrics import METRICS

FOLDER = Path(__file__).parents[2] / "docs" / "monitoring"
BOARD: dict[str, Any] = json.loads((FOLDER / "grafana.json").read_text())
ALERTS = (FOLDER / "alerts.yml").read_text()


def expressions() -> Iterator[str]:
    for panel in BOARD["panels"]:
        for target in panel["targets"]:
            yield target["expr"]
    for variable in BOARD["templating"]["list"]:
        yield variable["query"]
    yield from re.findall(r"expr: (.*)", ALERTS)


@pytest.mark.parametrize("expression", [*expressions()])
def test_an_expression_names_what_is_exported(expression: str) -> None:
    named = re.findall(r"(fluxum_\w+)(\{[^}]*\})?", expression)
    for name, selector in named:
        assert name in METRICS
        labels = re.findall(r"(\w+)(?:=|!=|=~|!~)\"", selector)
        assert set(labels) <= set(METRICS[name].labels)
        is_rate = bool(re.search(rf"(rate|increase)\({name}\b", expression))
        assert is_rate == name.endswith("_total"), "a counter is shown as a rate"
    assert named or "process_" in expression or expression == "prometheus"


def test_a_legend_names_labels_of_its_metric() -> None:
    for panel in BOARD["panels"]:
        for target in panel["targets"]:
            (name, *_) = re.findall(r"fluxum_\w+", target["expr"]) or [""]
            known = set(METRICS[name].labels if name else ())
            assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= known


def test_panels_do_not_overlap() -> None:
    taken = [
        (panel["gridPos"]["x"] + dx, panel["gridPos"]["y"])
        for panel in BOARD["panels"]
        for dx in range(panel["gridPos"]["w"])
    ]

    assert len(taken) == len(set(taken))
    assert all(x < 24 for x, _ in taken)
