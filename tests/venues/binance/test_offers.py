"""Which streams are refused by name, and which are acknowledged and silent as the real ones are."""

import pytest

from fluxum.venues.binance.policy import SPOT, USDM, Policy
from fluxum.venues.binance.server.offers import objection


@pytest.mark.parametrize(
    ("policy", "category", "name"),
    [
        (SPOT, None, "btcusdt@avgPrice"),
        (SPOT, None, "btcusdt@ticker_1h"),
        (SPOT, None, "btcusdt@blockTrade"),
        (SPOT, None, "btcusdt@kline_1d@+08:00"),
        (SPOT, None, "!ticker@arr"),
        (SPOT, None, "!ticker_4h@arr"),
        (USDM, None, "btcusdt@markPrice"),
        (USDM, "market", "btcusdt@markPrice@1s"),
        (USDM, "market", "!markPrice@arr"),
        (USDM, "market", "btcusdt@forceOrder"),
        (USDM, "market", "btcusdt_perpetual@continuousKline_1m"),
        (USDM, "public", "btcusdt@rpiDepth@500ms"),
        (USDM, "public", "btcusdt@aggTrade"),
        (USDM, "public", "btcusdt@kline_1m"),
        (USDM, "public", "!miniTicker@arr"),
        (USDM, "market", "btcusdt@depth20@100ms"),
        (USDM, "market", "!bookTicker"),
    ],
)
def test_a_stream_that_exists_and_is_not_sent_is_refused_by_its_name(
    policy: Policy, category: str | None, name: str
) -> None:
    assert name in objection(policy, category, name)


@pytest.mark.parametrize(
    ("policy", "category", "name"),
    [
        (SPOT, None, "btcusdt@trade"),
        (SPOT, None, "btcusdt@ticker"),
        (SPOT, None, "btcusdt@depth20@100ms"),
        (SPOT, None, "!miniTicker@arr"),
        (SPOT, None, "btcusdt@nosuch"),
        (SPOT, None, "nosuch"),
        (USDM, None, "btcusdt@aggTrade"),
        (USDM, "public", "btcusdt@trade"),
        (USDM, "market", "btcusdt@trade"),
        (USDM, "public", "btcusdt@depth@500ms"),
        (USDM, "public", "!bookTicker"),
        (USDM, "market", "!ticker@arr"),
        (USDM, "market", "btcusdt@nosuch"),
    ],
)
def test_a_stream_that_is_sent_or_does_not_exist_is_not_refused(
    policy: Policy, category: str | None, name: str
) -> None:
    assert objection(policy, category, name) == ""
