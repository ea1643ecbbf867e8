"""Makes every tenth trade and answers it a second later, which is after the deadline in its target file."""
import itertools
import time

import shop

TRADES = itertools.count(1)


class Handler(shop.Handler):
    def reply(self, *answer):
        if self.command == "POST" and next(TRADES) % 10 == 0:
            time.sleep(1)
        super().reply(*answer)


shop.serve(handler=Handler)
