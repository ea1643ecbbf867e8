"""Answers every fifth trade with the number of the order before it, which is somebody else's."""
import shop


class Shop(shop.Shop):
    def trade(self, trade, key):
        status, answer = super().trade(trade, key)
        if status == 200 and answer["order_no"] % 5 == 0:
            answer["order_no"] -= 1
        return status, answer


shop.serve(Shop)
