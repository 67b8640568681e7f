"""Who may call how often: the checks of a signed call that are the same at every simulated venue.

A venue names its headers, signs with its client's own code, and hands in the error that it would
answer; a signature is compared in constant time, and no error shows one. Limits are counted in the
account, under names of the venue's own.
"""

import hmac
from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from fluxum.errors import VenueRefused
from fluxum.venues.server.accounts import Account, Accounts, Count

__all__ = [
    "Nonces",
    "RateWindow",
    "Used",
    "account_of",
    "check_signature",
    "check_time",
    "count",
    "lowered",
]

_SECOND_NS = 1_000_000_000
_ZERO = Decimal(0)
_NONCE_MAX = 2**64
_DIGITS_MAX = 20


def lowered(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Headers with their names in lower case, as HTTP ignores their case."""
    return {name.lower(): value for name, value in headers.items()}


def account_of(accounts: Accounts, key: str, refused: VenueRefused) -> Account:
    """The account of a key; raises `refused` for a key that no account has."""
    account = accounts.by_key(key)
    if account is None:
        raise refused
    return account


def check_signature(wanted: str, given: str, refused: VenueRefused) -> None:
    """Raise `refused` for another signature than the wanted one."""
    if not hmac.compare_digest(wanted.encode(), given.encode()):
        raise refused


def check_time(
    sent_ns: int, now_ns: int, *, past_ns: int, future_ns: int, refused: VenueRefused
) -> None:
    """Raise `refused` for a call that is more than `past_ns` old, or `future_ns` ahead or more."""
    if not now_ns - past_ns <= sent_ns < now_ns + future_ns:
        raise refused


class Nonces:
    """The last nonce of each key: the next one has to be greater."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def check(self, account: Account, nonce: str, refused: VenueRefused) -> None:
        """Note a nonce below 2**64; raises `refused` for any other text and for an old nonce."""
        is_number = nonce.isascii() and nonce.isdecimal() and len(nonce) <= _DIGITS_MAX
        number = int(nonce) if is_number else -1
        if not self._last.get(account.key, -1) < number < _NONCE_MAX:
            raise refused
        self._last[account.key] = number


class RateWindow(Struct, frozen=True):
    """So many calls in a window of time, which begins with the first of them.

    With `is_aligned` it begins at a full multiple of its length, as a minute by the clock.
    """

    most: int
    length_ns: int = _SECOND_NS
    is_aligned: bool = False


class Used(Struct, frozen=True):
    """How much of a window is used, and when the next one begins."""

    used: int
    left: int
    resets_ns: int


def count(
    account: Account,
    name: str,
    window: RateWindow,
    now_ns: int,
    refused: VenueRefused,
    cost: int = 1,
) -> Used:
    """Count a call in its window; raises `refused` for one too many, which does not count."""
    counted = account.windows.get(name)
    if counted is None or now_ns - counted.at_ns >= window.length_ns:
        begins_ns = now_ns - now_ns % window.length_ns if window.is_aligned else now_ns
        counted = account.windows[name] = Count(_ZERO, begins_ns)
    if counted.used + cost > window.most:
        raise refused
    counted.used += cost
    used = int(counted.used)
    return Used(used, window.most - used, counted.at_ns + window.length_ns)
