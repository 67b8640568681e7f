"""Answers of Coinbase's REST halves as they were captured or published, for the tests here."""

__all__ = ["BOOK", "CANDLES", "EXCHANGE_BOOK", "TRADES"]

# Live answers of 2026-04, public test data of nautechsystems/nautilus_trader
# (crates/adapters/coinbase/test_data @ a95c8042b001).
CANDLES = (
    b'{"candles":[{"start":"1712192400","low":"66055.14","high":"66331.99","open":"66312.4",'
    b'"close":"66181.6","volume":"355.82896243"},{"start":"1712188800","low":"65857.35",'
    b'"high":"66387.77","open":"65984.18","close":"66314.59","volume":"358.74851052"}]}'
)
BOOK = (
    b'{"pricebook":{"product_id":"BTC-USD","bids":[{"price":"68923.66","size":"0.17189468"},'
    b'{"price":"68923","size":"0.05795895"},{"price":"68922.99","size":"0.02177956"}],'
    b'"asks":[{"price":"68923.67","size":"0.16987193"},{"price":"68926","size":"0.058"}],'
    b'"time":"2026-04-07T00:28:59.662782Z"},"last":"68923.665","mid_market":"68923.665",'
    b'"spread_bps":"0.001450880372","spread_absolute":"0.01"}'
)
TRADES = (
    b'{"trades":[{"trade_id":"995098663","product_id":"BTC-USD","price":"68923.67",'
    b'"size":"0.00064","time":"2026-04-07T00:28:58.544778Z","side":"SELL","bid":"","ask":"",'
    b'"exchange":"coinbase"},{"trade_id":"995098662","product_id":"BTC-USD","price":"68923.67",'
    b'"size":"0.00123858","time":"2026-04-07T00:28:58.250358Z","side":"SELL","bid":"","ask":"",'
    b'"exchange":"coinbase"},{"trade_id":"995098661","product_id":"BTC-USD","price":"68924.94",'
    b'"size":"0.01450854","time":"2026-04-07T00:28:57.296283Z","side":"BUY","bid":"","ask":"",'
    b'"exchange":"coinbase"}],"best_bid":"68923.66","best_ask":"68923.67"}'
)
# https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/products/get-product-book
EXCHANGE_BOOK = (
    b'{"sequence":13051505638,"bids":[["6247.58","6.3578146",2]],"asks":[["6251.52","2",1]],'
    b'"time":"2021-02-12T01:09:23.334Z"}'
)
