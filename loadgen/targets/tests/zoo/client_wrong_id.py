"""Answers every tenth trade under an id that nobody has asked with."""
import itertools

from client import Client

TRADES = itertools.count(1)


class WrongId(Client):
    def answer(self, message, answer):
        if message["op"] == "trade" and next(TRADES) % 10 == 0:
            answer["id"] += 1_000_000
        super().answer(message, answer)


WrongId().run()
