"""Compares, and sets a moment later: two clients that expect the same may both be told that it is done."""
import time

import store


class Store(store.Store):
    def compare_and_set(self, key, expected, value):
        with self.lock:
            if self.values.get(key) != expected:
                return 409, {"error": "something else is there"}
        time.sleep(0.002)
        return self.write(key, value)


store.serve(Store)
