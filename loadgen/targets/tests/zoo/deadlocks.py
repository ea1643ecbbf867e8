"""Each request takes one of five permits, and then needs a second one: five at once wait for each other for ever."""
import threading
import time

import shop

PERMITS = threading.Semaphore(5)


class Handler(shop.Handler):
    def reply(self, *answer):
        if self.path != "/ping":
            with PERMITS:
                time.sleep(0.02)  # as long as a call to another service takes
                with PERMITS:
                    pass
        super().reply(*answer)


shop.serve(handler=Handler)
