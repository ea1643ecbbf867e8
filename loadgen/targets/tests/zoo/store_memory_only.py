"""Keeps every value in memory, and has lost it after a restart."""
import store


class Store(store.Store):
    def load(self):
        pass

    def save(self, key, value):
        pass


store.serve(Store)
