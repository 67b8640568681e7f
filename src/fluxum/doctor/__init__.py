"""Why something does not work, and whether books are right: checks with advice.

    diagnosis = await fluxum.doctor.examine(["NAME"], audit_s=60)
    for check in diagnosis.checks:
        print(check.outcome.value, check.exchange, check.name, check.result, check.advice)

No check changes anything, and none sends an order. `audit` compares a live book with snapshots over
REST, as a number over time.
"""

from fluxum.doctor.agreement import Comparison, Difference, compare
from fluxum.doctor.audit import BookAudit, BookStates, audit_book
from fluxum.doctor.check import Check, Diagnosis, Outcome
from fluxum.doctor.examine import examine
from fluxum.doctor.network import Handshake, LiveNetwork, Network, Resolved

__all__ = [
    "BookAudit",
    "BookStates",
    "Check",
    "Comparison",
    "Diagnosis",
    "Difference",
    "Handshake",
    "LiveNetwork",
    "Network",
    "Outcome",
    "Resolved",
    "audit_book",
    "compare",
    "examine",
]
