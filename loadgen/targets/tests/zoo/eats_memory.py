"""Takes 1 MiB more with every trade, up to 256 MiB: more than its target file allows."""
import shop

MOST_MIB = 256


class Shop(shop.Shop):
    eaten = []

    def trade(self, trade, key):
        if len(self.eaten) < MOST_MIB:
            self.eaten.append(b"x" * (1 << 20))
        return super().trade(trade, key)


shop.serve(Shop)
