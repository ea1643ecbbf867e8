"""A one-process key-value service that does everything right, and that its spoilt relatives spoil in one place."""
import json
import os
import sys
import threading

import shop

PORT = int(sys.argv[1])
FILE = sys.argv[2]


class Store:
    """What each key holds. A line in the file is on the disk before its write is answered."""

    def __init__(self):
        self.lock = threading.RLock()
        self.values = {}
        self.load()

    def load(self):
        if os.path.isfile(FILE):
            with open(FILE) as file:
                for line in file:
                    key, value = json.loads(line)
                    self.values[key] = value

    def save(self, key, value):
        with open(FILE, "a") as file:
            file.write(json.dumps([key, value]) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def read(self, key):
        with self.lock:
            return (200, {"value": self.values[key]}) if key in self.values else (404, {"error": "no such key"})

    def write(self, key, value):
        with self.lock:
            self.save(key, value)
            self.values[key] = value
            return 200, {}

    def compare_and_set(self, key, expected, value):
        with self.lock:
            if self.values.get(key) != expected:
                return 409, {"error": "something else is there"}
            return self.write(key, value)


class Handler(shop.Handler):
    """GET /ping, /keys, /keys/KEY; PUT /keys/KEY with a value, and perhaps with what is expected."""

    store = None

    def do_GET(self):
        noun, *name = self.path.strip("/").split("/")
        if noun == "ping":
            self.reply(200, {})
        elif name:
            self.reply(*self.store.read(name[0]))
        else:
            with self.store.lock:
                held = [{"register": key, "value": value} for key, value in self.store.values.items()]
            self.reply(200, held)

    def do_PUT(self):
        key = self.path.strip("/").split("/")[1]
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        if "expected" in body:
            self.reply(*self.store.compare_and_set(key, body["expected"], body["value"]))
        else:
            self.reply(*self.store.write(key, body["value"]))


def serve(store=Store):
    """Serves a store at the port of the command line, until it is killed."""
    shop.die_with_starter()
    Handler.store = store()
    with shop.Server(("127.0.0.1", PORT), Handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    serve()
