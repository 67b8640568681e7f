"""A report as one JSON-ready record: exact decimals as text, ratios as numbers, nothing rounded."""

from typing import Any

from fluxum.model.codec import plain
from fluxum.report.report import Report, headline
from fluxum.report.trading import order_costs

__all__ = ["report_record"]


def report_record(report: Report) -> dict[str, Any]:
    """The header, all numbers and ratios by world, the gaps, and the cost of each filled order."""
    return {
        "type": "bot_report",
        "headline": headline(report),
        "run": plain(report.facts.header),
        "numbers": plain(report.numbers),
        "performance": plain(report.performance),
        "gaps": plain(report.facts.gaps),
        "orders": plain(order_costs(report.facts, report.numbers.world)),
    }
