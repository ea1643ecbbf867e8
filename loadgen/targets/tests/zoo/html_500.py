"""Answers every third trade with a page of HTML and 500, after it was made."""
import itertools

import shop

TRADES = itertools.count(1)


class Handler(shop.Handler):
    def reply(self, status, answer):
        if self.command == "POST" and next(TRADES) % 3 == 0:
            self.send(500, "text/html", b"<!doctype html><h1>Internal Server Error</h1><p>{\"order_no\": 1}")
        else:
            super().reply(status, answer)


shop.serve(handler=Handler)
