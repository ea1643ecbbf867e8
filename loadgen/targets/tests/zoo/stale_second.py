"""Shows a stock as it was up to a second ago."""
import time

import shop


class Shop(shop.Shop):
    shown = {}

    def query(self, name):
        until, answer = self.shown.get(name, (0, None))
        if time.monotonic() >= until:
            answer = super().query(name)
            self.shown[name] = (time.monotonic() + 1, answer)
        return answer


shop.serve(Shop)
