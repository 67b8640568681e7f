"""What the conformance cards find out about each exchange, for `fluxum support`.

With FLUXUM_SUPPORT set to a file the findings of a whole run are written there (`make support`).
"""

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from fluxum.cli.support import Finding, Support
from fluxum.model.event import Channel
from fluxum.venues.register import VENUES
from fluxum.venues.trading import SwitchKeeper

_found: dict[str, Finding] = {}


class Findings:
    """Notes about one exchange."""

    def __init__(self, finding: Finding) -> None:
        self._finding = finding

    def offers(self, channel: Channel) -> None:
        """A channel was accepted."""
        self._finding.channels.setdefault(channel.value, [])

    def channel_is(self, channel: Channel, guarantee: str) -> None:
        """A channel was seen to keep this."""
        known = self._finding.channels.setdefault(channel.value, [])
        if guarantee not in known:
            known.append(guarantee)

    def dead_man_switch_is_kept_by(self, keeper: SwitchKeeper) -> None:
        """A dead man switch was seen to cancel, kept by the venue or by the client."""
        self._finding.kill_switch = keeper.value

    def saw(self, **counts: int) -> None:
        """What a card looked at, if that can be counted."""
        self._finding.counts.update(counts)

    def passed(self, card: int) -> None:
        """A card was passed."""
        self._finding.passed.append(card)

    def passed_over(self, card: int, reason: str) -> None:
        """A card does not apply here, for this reason."""
        self._finding.passed_over[str(card)] = reason


def findings(venue: str) -> Findings:
    """The notes about an exchange, begun when first asked for."""
    return Findings(_found.setdefault(venue, Finding()))


def write() -> None:
    """Write what was found, if that was asked for; called when all tests have run."""
    path = os.environ.get("FLUXUM_SUPPORT")
    if path and _found:
        registered = {name: found for name, found in _found.items() if name in VENUES}
        support = Support(date=datetime.now(UTC).date().isoformat(), venues=registered)
        text = msgspec.json.format(msgspec.json.encode(support), indent=1)
        Path(path).write_bytes(text + b"\n")
