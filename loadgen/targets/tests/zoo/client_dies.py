"""Dies when it is asked for its fortieth trade, which it has sent by then, with all that is under way."""
import itertools
import os

from client import Client

TRADES = itertools.count(1)


class Dies(Client):
    def answer(self, message, answer):
        if message["op"] == "trade" and next(TRADES) == 40:
            os._exit(3)
        super().answer(message, answer)


Dies().run()
