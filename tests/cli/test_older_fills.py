"""Fills before a period: at some exchanges they are listed market by market."""

from fluxum import Symbol
from fluxum.cli.ledger import Period, opening_ledger
from fluxum.cli.options import Format
from fluxum.cli.output import Output
from fluxum.venues.gemini.venue import GEMINI
from venues.accounts import LOT, play, trading


def test_what_was_bought_before_a_period_has_its_cost_where_fills_are_listed_by_market() -> None:
    async def story() -> None:
        async with trading(GEMINI) as one:
            await one.trader.buy(one.symbol, LOT)
            session = one.trader.session
            await session.wait_ready(10)
            bought = one.account.fills[-1]
            period = Period(
                symbols=(Symbol(one.symbol),), since_ns=bought.venue_ns + 10**9, until_ns=None
            )

            begun = await opening_ledger(session.account, "gemini", period, Output(Format.JSON))

            position = begun.position("gemini", one.symbol)
            assert position is not None
            assert position.quantity >= LOT

    play(story)
