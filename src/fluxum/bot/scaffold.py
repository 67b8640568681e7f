"""The files that `fluxum bot new` writes: a strategy, and a test that runs it."""

from importlib.resources import files

from fluxum.errors import BadInput

__all__ = ["KINDS", "scaffold"]

KINDS = {"maker": "Maker", "arbitrage": "Arbitrage", "trend": "Trend"}
"""The shipped strategies, and the names of their classes."""
_PARAMETERS = {
    "maker": 'market=Market("one", "BTC/USD"), size=Decimal("0.1"), held_max=Decimal(1)',
    "arbitrage": 'symbol="BTC/USD", venues=("one", "two"), size_max=Decimal(1)',
    "trend": 'market=Market("one", "BTC/USD"), size=Decimal(1), interval_s=5',
}
_TEST = '''"""{name} in a made-up market: it decides, and what it decides can be trusted."""

from decimal import Decimal

from {module} import {name}

from fluxum.bot import Market
from fluxum.bot.check import check_strategy, play
from fluxum.bot.samples import sample_events


def made() -> {name}:
    return {name}({parameters})


def test_it_decides_in_a_made_up_market() -> None:
    events = sample_events(made().wants(), 1_000, seed=7)

    decisions = [one for step in play(made())(events) for one in step]

    assert decisions


def test_it_reads_no_clock_no_future_and_resumes_anywhere() -> None:
    failed = [one for one in check_strategy(made(), cuts=3) if not one.is_passed]

    assert failed == []
'''


def scaffold(kind: str, module: str) -> tuple[str, str]:
    """A strategy of a kind, and the test of a module that has it; raises BadInput."""
    if kind not in KINDS:
        raise BadInput(f"a kind of strategy was expected ({', '.join(KINDS)}), was {kind!r}")
    if not module.isidentifier():
        raise BadInput(f"a file name that Python can import was expected, was {module!r}")
    source = files("fluxum.bot.strategies").joinpath(f"{kind}.py").read_text(encoding="utf-8")
    test = _TEST.format(name=KINDS[kind], module=module, parameters=_PARAMETERS[kind])
    if kind == "arbitrage":
        test = test.replace("from fluxum.bot import Market\n", "")
    return source, test
