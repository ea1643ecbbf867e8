"""Leaves a child behind with every trade, up to 32: more than its target file allows. Each is in a session of its own."""
import os
import signal

import shop

MOST_CHILDREN = 32


class Shop(shop.Shop):
    children = 0

    def trade(self, trade, key):
        with self.lock:
            if self.children < MOST_CHILDREN:
                self.children += 1
                if os.fork() == 0:
                    os.setsid()
                    shop.die_with_starter()
                    while True:
                        signal.pause()
            return super().trade(trade, key)


shop.serve(Shop)
