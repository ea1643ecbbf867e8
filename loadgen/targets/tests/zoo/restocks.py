"""Fills up by itself, once a second, whatever has fallen below half."""
import threading
import time

import shop


class Shop(shop.Shop):
    def __init__(self):
        super().__init__()
        threading.Thread(target=self.restock, daemon=True).start()

    def restock(self):
        while True:
            time.sleep(1)
            with self.lock:
                for name, stock in self.stocks.items():
                    if stock["quantity"] < shop.INITIAL_QUANTITY // 2:
                        self.stocks[name] = {**stock, "quantity": shop.INITIAL_QUANTITY}


shop.serve(Shop)
