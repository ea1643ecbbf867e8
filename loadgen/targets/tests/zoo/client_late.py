"""Tells of every tenth trade when its deadline is over."""
import itertools
import time

from client import Client

TRADES = itertools.count(1)


class Late(Client):
    def answer(self, message, answer):
        if message["op"] == "trade" and next(TRADES) % 10 == 0:
            time.sleep(self.deadline_ms / 1000 + 0.2)
        super().answer(message, answer)


Late().run()
