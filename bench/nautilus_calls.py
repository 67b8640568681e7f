"""NautilusTrader over the frames of `bench/backtest.py`; runs in an environment of its own.

    python bench/nautilus_calls.py FRAMES.jsonl count|maker

FRAMES has a line of JSON a frame: [ns, bids, asks] with levels as [price, quantity], or
[ns, "buy"|"sell", price, quantity, id] for a trade. Writes one line of JSON: CPU seconds of the
run, objects, orders, fills.
"""

import json
import sys
import time
from decimal import Decimal
from pathlib import Path

from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.currencies import BTC, USD
from nautilus_trader.model.data import BookOrder, OrderBookDelta, OrderBookDeltas, TradeTick
from nautilus_trader.model.enums import (
    AccountType,
    AggressorSide,
    BookAction,
    BookType,
    OmsType,
    OrderSide,
    RecordFlag,
)
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TradeId, Venue
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

KRAKEN = Venue("KRAKEN")
ID = InstrumentId(Symbol("BTC/USD"), KRAKEN)
EVERY = 73


def instrument():
    return CurrencyPair(
        instrument_id=ID,
        raw_symbol=Symbol("BTC/USD"),
        base_currency=BTC,
        quote_currency=USD,
        price_precision=1,
        size_precision=8,
        price_increment=Price.from_str("0.1"),
        size_increment=Quantity.from_str("0.00000001"),
        maker_fee=Decimal("0.0016"),
        taker_fee=Decimal("0.0026"),
        ts_event=0,
        ts_init=0,
    )


def objects(path):
    sides = (OrderSide.BUY, OrderSide.SELL)
    with Path(path).open() as file:
        for number, line in enumerate(file):
            ns, *rest = json.loads(line)
            if isinstance(rest[0], str):
                side, price, quantity, trade = rest
                taker = AggressorSide.BUYER if side == "buy" else AggressorSide.SELLER
                yield TradeTick(
                    ID,
                    Price.from_str(price),
                    Quantity.from_str(quantity),
                    taker,
                    TradeId(str(trade)),
                    ns,
                    ns,
                )
                continue
            deltas = []
            for side, levels in zip(sides, rest, strict=True):
                for price, quantity in levels:
                    is_gone = not float(quantity)
                    order = BookOrder(side, Price.from_str(price), Quantity.from_str(quantity), 0)
                    action = BookAction.DELETE if is_gone else BookAction.UPDATE
                    deltas.append((action, order))
            made = [
                OrderBookDelta(
                    ID,
                    action,
                    order,
                    RecordFlag.F_LAST if at == len(deltas) - 1 else 0,
                    number,
                    ns,
                    ns,
                )
                for at, (action, order) in enumerate(deltas)
            ]
            if made:
                yield OrderBookDeltas(ID, made)


class Count(Strategy):
    def __init__(self):
        super().__init__()
        self.seen = 0

    def on_start(self):
        self.subscribe_order_book_deltas(ID, BookType.L2_MBP)
        self.subscribe_trade_ticks(ID)

    def on_order_book_deltas(self, deltas):
        self.seen += 1

    def on_trade_tick(self, tick):
        self.seen += 1


class Maker(Strategy):
    def __init__(self):
        super().__init__()
        self.seen = 0
        self.filled = 0

    def on_start(self):
        self.subscribe_order_book_deltas(ID, BookType.L2_MBP)
        self.size = Quantity.from_str("0.01000000")

    def on_order_book_deltas(self, deltas):
        self.seen += 1
        if self.seen % EVERY:
            return
        book = self.cache.order_book(ID)
        bid, ask = book.best_bid_price(), book.best_ask_price()
        if bid is None or ask is None:
            return
        self.cancel_all_orders(ID)
        for side, price in ((OrderSide.BUY, bid), (OrderSide.SELL, ask)):
            self.submit_order(
                self.order_factory.limit(ID, side, self.size, Price(price.as_double(), 1))
            )

    def on_order_filled(self, event):
        self.filled += 1


def main():
    path, kind = sys.argv[1:]
    data = list(objects(path))
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(
        venue=KRAKEN,
        oms_type=OmsType.NETTING,
        account_type=AccountType.CASH,
        base_currency=None,
        starting_balances=[Money(100_000_000, USD), Money(1_000, BTC)],
        book_type=BookType.L2_MBP,
        queue_position=kind == "maker",
        liquidity_consumption=kind == "maker",
        trade_execution=True,
    )
    engine.add_instrument(instrument())
    engine.add_data(data)
    strategy = Count() if kind == "count" else Maker()
    engine.add_strategy(strategy)
    begun = time.process_time()
    engine.run()
    spent = time.process_time() - begun
    orders = len(engine.cache.orders())
    print(
        json.dumps(
            {
                "cpu_s": spent,
                "objects": len(data),
                "seen": strategy.seen,
                "orders": orders,
                "fills": getattr(strategy, "filled", 0),
            }
        )
    )


if __name__ == "__main__":
    main()
