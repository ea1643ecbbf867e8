"""Writes a line that is no JSON before every tenth trade's answer, and dies at the fiftieth."""
import itertools
import os

from client import WRITING, Client

TRADES = itertools.count(1)


class Nonsense(Client):
    def answer(self, message, answer):
        number = next(TRADES) if message["op"] == "trade" else 1
        if number % 10 == 0:
            with WRITING:
                print("Traceback (most recent call last):", flush=True)
        if number == 50:
            os._exit(1)
        super().answer(message, answer)


Nonsense().run()
