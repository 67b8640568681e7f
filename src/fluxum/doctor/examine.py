"""All checks of this machine and of some exchanges, side by side."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, structs

from fluxum.book.proof import BookStatus
from fluxum.connect import connect, endpoints_at, venue_of
from fluxum.credentials import find_credentials
from fluxum.doctor.audit import BookAudit, audit_book
from fluxum.doctor.check import Check, Diagnosis, Figure, Outcome
from fluxum.doctor.machine import check_folder, check_machine
from fluxum.doctor.network import LiveNetwork, Network, check_network, check_proxy
from fluxum.doctor.sinks import check_sink
from fluxum.doctor.venue import check_calls, check_limits, check_links
from fluxum.errors import BadInput, FluxumError
from fluxum.flow.background import background
from fluxum.logs import hide
from fluxum.model.event import Channel
from fluxum.model.instrument import Symbol
from fluxum.runtime import LiveRuntime, Runtime
from fluxum.session.account_config import AccountConfig
from fluxum.session.session import Session
from fluxum.trader import JOURNALS
from fluxum.transport.proxy import environment_proxy
from fluxum.venues.venue import Venue

__all__ = ["examine"]

_READY_S, _HOPELESS_S = 15.0, 1.0
_EVERY_S, _COMPARISONS = 5.0, 4
_NOT_READY = "The books are not trustworthy yet: look at the other checks, and try again."


class _Subject(Struct, frozen=True, kw_only=True):
    """One exchange, and how it is reached."""

    venue: Venue
    symbols: Sequence[Symbol]
    proxy: str | None
    world: Runtime
    network: Network | None
    account_config: AccountConfig | None
    audit_s: float | None


async def examine(
    exchanges: Iterable[str | Venue],
    *,
    symbols: Mapping[str, Iterable[str]] | None = None,
    endpoints: Mapping[str, str] | None = None,
    proxy: str | None = None,
    keys: str | Mapping[str, str] | None = None,
    audit_s: float | None = None,
    folders: Mapping[str, Path] | None = None,
    sinks: Mapping[str, str] | None = None,
    runtime: Runtime | None = None,
    network: Network | None = None,
    note: Callable[[Check], None] = lambda _check: None,
) -> Diagnosis:
    """Check this machine and these exchanges; `note` is given each check as it ends.

    `exchanges` are names, or venues as of `connect`. `symbols` are the markets whose books are
    checked, by exchange; without, the one that the venue is known for. `endpoints` replace hosts,
    as of `connect`. With `keys`, a source of keys (empty: the usual ones) or one of each exchange,
    a read-only call is made with them. With `audit_s`, each book is compared with snapshots over
    REST for so many seconds. `folders` are those that files will be written to, by name; without,
    that of order journals. `sinks` are URLs of engines by name, see `publish`. `proxy` is for the
    live runtime, unless one is given. `network` is for the checks of names and TLS; without, it is
    that of a live runtime, and there are no such checks in another. Raises BadInput.
    """
    if audit_s is not None and audit_s <= 0:
        raise BadInput(f"an audit of more than 0 seconds was expected, was {audit_s}")
    world = LiveRuntime(proxy=proxy) if runtime is None else runtime
    subjects: dict[str, _Subject] = {}
    for venue in map(venue_of, exchanges):
        name = venue.name
        source = keys if keys is None or isinstance(keys, str) else keys.get(name)
        subjects[name] = _Subject(
            venue=_at(venue, (endpoints or {}).get(name)),
            symbols=[*map(Symbol, (symbols or {}).get(name, ()))] or venue.sample_symbols[:1],
            proxy=proxy,
            world=world,
            network=network,
            account_config=_account_config(venue, source),
            audit_s=audit_s,
        )
    ours = [*check_machine(), *_folders(folders)]
    ours += [await check_sink(name, url) for name, url in (sinks or {}).items()]
    return await _diagnosis(ours, subjects.values(), note)


async def _diagnosis(
    ours: Iterable[Check], subjects: Iterable[_Subject], note: Callable[[Check], None]
) -> Diagnosis:
    """The checks of this machine, and those of all exchanges side by side."""
    checks: list[Check] = []

    def take(check: Check) -> None:
        checks.append(check)
        note(check)

    for check in ours:
        take(check)
    async with background() as work:
        tasks = [work.start(_examine(one, take)) for one in subjects]
        if tasks:
            await asyncio.wait(tasks)
    return Diagnosis(tuple(checks))


def _folders(folders: Mapping[str, Path] | None) -> Iterator[Check]:
    for name, folder in (folders or {"journals": JOURNALS.expanduser()}).items():
        yield check_folder(name, folder)


def _at(venue: Venue, endpoint: str | None) -> Venue:
    """The venue, at another host if there is one; raises BadInput."""
    if endpoint is None:
        return venue
    return structs.replace(venue, endpoints=endpoints_at(venue, endpoint))


def _account_config(venue: Venue, keys: str | None) -> AccountConfig | None:
    """The account to check, if there is one; raises BadInput."""
    if keys is None or venue.private is None:
        return None
    credentials = find_credentials(venue.name, keys, stdin=sys.stdin)
    hide(credentials.key, credentials.secret, credentials.passphrase)
    return AccountConfig(credentials)


async def _examine(subject: _Subject, take: Callable[[Check], None]) -> None:
    """All checks of one exchange, in order: each needs what those before it have shown."""
    async for check in _network(subject):
        take(check)
    venue, world = subject.venue, subject.world
    budget = world.budget(venue)
    is_reached = False
    async with world.reach(venue) as reach:
        async for check in check_calls(venue, reach, venue.endpoints, world.clock):
            take(check)
        async for check in check_links(venue, reach, venue.endpoints, budget):
            is_reached = is_reached or check.outcome is not Outcome.FAILED
            take(check)
    await _books(subject, take, _READY_S if is_reached else _HOPELESS_S)


async def _network(subject: _Subject) -> AsyncIterator[Check]:
    venue, network, through = subject.venue, subject.network, subject.proxy
    if isinstance(subject.world, LiveRuntime):
        options = subject.world.network(venue)
        network, through = network or LiveNetwork(options.context()), options.proxy
    if network is None:
        return
    direct: list[str] = []
    proxies: dict[str, None] = {}
    for url in venue.endpoints.values():
        proxy = through or environment_proxy(url)
        if proxy is None:
            direct.append(url)
        else:
            proxies[proxy] = None
    for proxy in proxies:
        yield check_proxy(venue.name, proxy)
    now_s = subject.world.clock.now_ns() / 1e9
    async for check in check_network(venue.name, direct, network, now_s):
        yield check


async def _books(subject: _Subject, take: Callable[[Check], None], ready_s: float) -> None:
    """The live books of an exchange, their audits, and what was used of its limits."""
    venue = subject.venue
    try:
        async with connect(
            venue,
            subject.symbols,
            [Channel.BOOK],
            account_config=subject.account_config,
            runtime=subject.world,
        ) as session:
            error = await _wait_ready(session, ready_s)
            for symbol in subject.symbols:
                take(_book(session, symbol, error))
            if session.has_account:
                take(await _keys(session))
            if subject.audit_s is not None and error is None:
                await _audits(session, subject.symbols, subject.audit_s, take)
            usage = session.rest_usage()
            budget = subject.world.budget(venue)
            take(check_limits(venue, budget, usage.cost, usage.cost_max))
    except FluxumError as error:
        take(
            Check(
                exchange=venue.name,
                name="session",
                outcome=Outcome.FAILED,
                result=str(error),
                advice=_NOT_READY,
            )
        )


async def _wait_ready(session: Session, ready_s: float) -> str | None:
    """Why the session is not ready after a while, or `None`."""
    try:
        await session.wait_ready(ready_s)
    except (TimeoutError, FluxumError) as error:
        return str(error)
    return None


def _book(session: Session, symbol: Symbol, error: str | None) -> Check:
    proof = session.book(symbol).proof()
    outcome, advice = Outcome.OK, ""
    if error is not None or proof.status not in {BookStatus.VALID, BookStatus.UNVERIFIED}:
        outcome, advice = Outcome.FAILED, _NOT_READY
    elif proof.status is BookStatus.UNVERIFIED:
        outcome, advice = Outcome.WARNING, "Nothing proves this book: compare it by --audit."
    text = f"{proof.status.value}, {proof.checks} checks passed"
    return Check(
        exchange=session.venue.name,
        name=f"book {symbol}",
        outcome=outcome,
        result="; ".join(filter(None, (text, proof.reason, error))),
        advice=advice,
        figures={"status": proof.status.value, "checks": proof.checks},
    )


async def _keys(session: Session) -> Check:
    """Whether a read-only call works with the keys; balances are neither shown nor kept."""
    name, outcome, advice = "keys", Outcome.OK, ""
    try:
        await session.account.balances()
        result = "the exchange accepts them; it has no call here that lists their permissions"
    except FluxumError as error:
        outcome, result = Outcome.FAILED, str(error)
        advice = "Check that the key exists, may read balances, and is allowed from this address."
    return Check(
        exchange=session.venue.name, name=name, outcome=outcome, result=result, advice=advice
    )


async def _audits(
    session: Session, symbols: Sequence[Symbol], seconds: float, take: Callable[[Check], None]
) -> None:
    async with background() as work:
        every_s = min(_EVERY_S, seconds / _COMPARISONS)
        tasks = [
            work.start(audit_book(session, one, seconds=seconds, every_s=every_s))
            for one in symbols
        ]
        for task in tasks:
            take(_audit(await task))


def _audit(audit: BookAudit) -> Check:
    figures: dict[str, Figure] = {
        "percent": audit.percent,
        "comparisons": len(audit.comparisons),
        "by_sequence": sum(one.by_sequence for one in audit.comparisons),
        "levels": audit.levels,
        "equal": audit.equal,
        "skipped": audit.skipped,
        "worst": None if audit.worst is None else str(audit.worst),
    }
    outcome, advice = _verdict(audit)
    if audit.percent is None:
        result = f"nothing was compared, {audit.skipped} snapshots skipped: {audit.skip_reason}"
    else:
        result = (
            f"{audit.percent:.2f} % of {audit.levels} levels equal"
            f" in {len(audit.comparisons)} comparisons"
        )
        if audit.worst is not None:
            result += f"; worst: {audit.worst}"
        if audit.skipped:
            result += f"; {audit.skipped} skipped: {audit.skip_reason}"
    return Check(
        exchange=audit.exchange,
        name=f"audit {audit.symbol}",
        outcome=outcome,
        result=result,
        advice=advice,
        figures=figures,
    )


def _verdict(audit: BookAudit) -> tuple[Outcome, str]:
    """A book that differs from two snapshots in a row is wrong; from one, it may be chance."""
    if audit.percent is None:
        return Outcome.FAILED, "Without snapshots over REST a book cannot be audited."
    if audit.wrong_in_a_row > 1:
        return Outcome.FAILED, "The live book is not the exchange's: subscribe it anew, report it."
    if audit.wrong_in_a_row or audit.skipped:
        return Outcome.WARNING, "Once is chance: audit for longer."
    return Outcome.OK, ""
