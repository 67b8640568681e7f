"""The first fill of an order on random tapes, by hftbacktest; see `queue_peers.py`.

Run in an environment that has hftbacktest. Reads tapes as JSON lines from the standard input and
writes for each the step of its first fill, -1 for none.
"""

import json
import sys

import numpy as np
from hftbacktest import (
    BUY_EVENT,
    DEPTH_EVENT,
    DEPTH_SNAPSHOT_EVENT,
    EXCH_EVENT,
    GTC,
    LIMIT,
    LOCAL_EVENT,
    SELL_EVENT,
    TRADE_EVENT,
    BacktestAsset,
    HashMapMarketDepthBacktest,
    event_dtype,
)
from numba import njit

BOTH = EXCH_EVENT | LOCAL_EVENT
KINDS = {"depth": DEPTH_EVENT, "trade": TRADE_EVENT, "snapshot": DEPTH_SNAPSHOT_EVENT}
SIDES = {"buy": BUY_EVENT, "sell": SELL_EVENT}
STEP_NS = 1_000_000


@njit
def first_fill(hbt, is_buy, price, quantity, begins, steps):
    """Submit at a step, and look after each one."""
    hbt.elapse(begins * STEP_NS + STEP_NS // 2)
    if is_buy:
        hbt.submit_buy_order(0, 1, price, quantity, GTC, LIMIT, False)
    else:
        hbt.submit_sell_order(0, 1, price, quantity, GTC, LIMIT, False)
    for step in range(begins + 1, steps + 1):
        hbt.elapse(STEP_NS)
        order = hbt.orders(0).get(1)
        if order.exec_qty > 0:
            return step
    return -1


def events(rows):
    """The rows of a tape: kind, side, price, quantity, step."""
    made = np.zeros(len(rows), event_dtype)
    for index, (kind, side, price, quantity, step) in enumerate(rows):
        at_ns = (step + 1) * STEP_NS
        made[index] = (
            KINDS[kind] | SIDES[side] | BOTH,
            *(at_ns, at_ns, price, quantity),
            *(0, 0, 0.0),
        )
    return made


def main():
    """One tape in each line."""
    for line in sys.stdin:
        tape = json.loads(line)
        rows = events(tape["rows"])  # it reads them where they are: they must not go away
        asset = (
            BacktestAsset()
            .data([rows])
            .linear_asset(1.0)
            .constant_order_latency(0, 0)
            .risk_adverse_queue_model()
            .no_partial_fill_exchange()
            .trading_value_fee_model(0.0, 0.0)
            .tick_size(1.0)
            .lot_size(1.0)
        )
        hbt = HashMapMarketDepthBacktest([asset])
        is_buy, price, quantity = tape["side"] == "buy", tape["price"], tape["quantity"]
        found = first_fill(hbt, is_buy, price, quantity, tape["begins"], tape["steps"])
        print(found, flush=True)
        hbt.close()


if __name__ == "__main__":
    main()
