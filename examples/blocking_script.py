"""A script without asyncio: the client has its own thread, and every call waits for its answer."""

import time

import fluxum

PEEKS = 3

with fluxum.Client("kraken", keys="file:keys.toml").in_thread() as client:
    client.subscribe_orderbook(["BTC/USD", "ETH/USD"])
    for _ in range(PEEKS):
        for symbol in ("BTC/USD", "ETH/USD"):
            known = client.get_orderbook(symbol)
            if known.value is not None and known.is_valid:
                best = known.value.snapshot.bids[0]
                print(f"{symbol} {best.price} for {best.quantity}, {known.age_s:.3f} s old")
        time.sleep(0.3)

    client.subscribe_balance()
    for asset, known_balance in client.get_all_balances().items():
        if known_balance.value is not None:
            print(f"{asset:5} {known_balance.value.total}")
    order = client.add_order({"symbol": "BTC/USD", "side": "buy", "type": "market", "qty": "0.001"})
    while not order.status.is_final:  # it is accepted; its fills come in a moment
        time.sleep(0.05)
        order = client.get_order(order.client_order_id) or order
    print(order.status.value, order.filled, "at", order.average_price)
