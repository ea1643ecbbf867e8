"""Pays no attention to keys, and sends every fifth trade to itself again, as if the first answer had been lost."""
import itertools

import shop

TRADES = itertools.count(1)
KEYS = itertools.count()


class Shop(shop.Shop):
    def trade(self, trade, key):
        if next(TRADES) % 5 == 0:
            super().trade(trade, f"{key}-{next(KEYS)}")
        return super().trade(trade, f"{key}-{next(KEYS)}")


shop.serve(Shop)
