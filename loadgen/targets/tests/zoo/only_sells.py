"""Sells, and buys nothing back."""
import shop


class Shop(shop.Shop):
    def trade(self, trade, key):
        if trade["type"] != "Buy":
            return 400, {"error": "nothing is bought here"}
        return super().trade(trade, key)


shop.serve(Shop)
