"""Gives every tenth trade's answer twice."""
import itertools

from client import Client

TRADES = itertools.count(1)


class Twice(Client):
    def answer(self, message, answer):
        super().answer(message, answer)
        if message["op"] == "trade" and next(TRADES) % 10 == 0:
            super().answer(message, answer)


Twice().run()
