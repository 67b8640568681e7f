"""Balances of three worlds from sums of units: exact, with fees by tier and asset, by hand."""

from decimal import Decimal

from fluxum.back.money import Accounts, MarketSums
from fluxum.bot.market import Market
from fluxum.fill.fees import Fees, FeesIn, FeeTier
from fluxum.model.account import Fee
from fluxum.model.instrument import Asset

MARKET = Market("v", "BTC/USD")
PLACES = 2, 3  # prices in cents, quantities in thousandths
DAY_NS = 86_400 * 1_000_000_000


def opened(fees: Fees, market: Market = MARKET) -> tuple[Accounts, MarketSums]:
    held = {"v": {"USD": Decimal(1000), "BTC": Decimal(2)}}
    accounts = Accounts(held, {"v": fees}, world=1)
    return accounts, accounts.open(market, PLACES)


def test_fills_move_both_assets_and_the_fee_is_of_what_was_received() -> None:
    accounts, sums = opened(Fees.flat("0.001", "0.002", FeesIn.RECEIVED))

    bought = accounts.fill(sums, 1, 0, 10050, 200, is_maker=True)  # 0.2 at 100.50
    sold = accounts.fill(sums, 1, 0, 10100, -100, is_maker=False)  # 0.1 at 101.00

    assert bought.fee(Decimal("100.50"), Decimal("0.200")) == Fee(Asset("BTC"), Decimal("0.0002"))
    assert sold.fee(Decimal("101.00"), Decimal("0.100")) == Fee(Asset("USD"), Decimal("0.0202"))
    assert accounts.total("v", "USD") == Decimal(1000) - Decimal("20.10") + Decimal("10.0798")
    assert accounts.total("v", "BTC") == Decimal("2.0998")  # 2 + 0.2 - 0.0002 - 0.1
    assert accounts.bought(MARKET) == Decimal("0.0998")


def test_worlds_do_not_touch_each_other() -> None:
    accounts, sums = opened(Fees.flat("0.001"))

    accounts.fill(sums, 2, 0, 10000, 1000, is_maker=True)

    assert accounts.total("v", "USD", 2) == Decimal("899.9")
    assert accounts.total("v", "BTC", 2) == Decimal(3)
    assert accounts.total("v", "USD", 0) == accounts.total("v", "USD") == Decimal(1000)
    assert accounts.bought(MARKET) == 0


def test_the_tier_is_that_of_thirty_days_and_a_rebate_is_paid() -> None:
    tiers = (
        FeeTier(Decimal(0), Decimal("0.001"), Decimal("0.001")),
        FeeTier(Decimal(100), Decimal("-0.0005"), Decimal("0.001")),
    )
    accounts, sums = opened(Fees(tiers=tiers))

    rates = [
        accounts.fill(sums, 1, at_ns, 10000, 1000, is_maker=True).rate
        for at_ns in (0, DAY_NS, 31 * DAY_NS, 62 * DAY_NS)
    ]

    assert rates == [Decimal("0.001"), Decimal("-0.0005"), Decimal("0.001"), Decimal("0.001")]
    # Four times 100 for a bitcoin each, three fees of 0.1, and 0.05 back.
    assert accounts.total("v", "USD") == Decimal("599.75")


def test_a_contract_is_charged_in_its_quote_asset() -> None:
    market = Market("v", "BTC/USD:PERP")
    accounts, sums = opened(Fees.flat("0.001", charged=FeesIn.BASE), market)

    charge = accounts.fill(sums, 1, 0, 10000, 1000, is_maker=True)

    assert charge.fee(Decimal(100), Decimal(1)) == Fee(Asset("USD"), Decimal("0.1"))


def test_markets_of_one_venue_share_its_balances() -> None:
    accounts, sums = opened(Fees.flat())
    other = accounts.open(Market("v", "ETH/BTC"), PLACES)

    accounts.fill(sums, 1, 0, 10000, 1000, is_maker=True)  # a bitcoin
    accounts.fill(other, 1, 0, 5, 2000, is_maker=True)  # two ether at 0.05

    assert accounts.total("v", "BTC") == Decimal("2.9")
    assert accounts.total("v", "ETH") == Decimal(2)
    assert accounts.total("elsewhere", "BTC") == 0


def test_the_least_that_fills_moved_is_rounded_against_the_account() -> None:
    accounts, sums = opened(Fees.flat("0.0016"))
    _, received = opened(Fees.flat("0.0016", 0, FeesIn.RECEIVED))

    for opened_sums in (sums, received):
        accounts.fill(opened_sums, 1, 0, 10050, 201, is_maker=True)  # costs 2,020,050 units
        accounts.fill(opened_sums, 1, 0, 10050, -1, is_maker=True)

    # Fees in the quote asset: 3,232.08 and 16.08 units, in one sum.
    assert sums.least(1, is_base=False) == -2_020_050 + 10_050 - 3_249
    assert sums.least(1, is_base=True) == 200
    # Of what was received: 0.3216 units of the base asset, 16.08 of the quote asset.
    assert received.least(1, is_base=True) == 199
    assert received.least(1, is_base=False) == -2_010_000 - 17
    assert sums.least(0, is_base=False) == 0
