"""A one-process log of jobs that does everything right, and that its spoilt relatives spoil in one place.

It is called after what people keep in it: a module called queue would stand in the way of the library's own.
"""
import json
import os
import sys
import threading
from urllib.parse import parse_qs, urlsplit

import shop

PORT = int(sys.argv[1])
FILE = sys.argv[2]


class Jobs:
    """What was appended. A line in the file is on the disk before its append is answered, and a key appends once."""

    def __init__(self):
        self.lock = threading.RLock()
        self.entries = []
        self.by_key = {}
        self.load()

    def load(self):
        if os.path.isfile(FILE):
            with open(FILE) as file:
                for line in file:
                    self.apply(*json.loads(line))

    def save(self, key, value):
        with open(FILE, "a") as file:
            file.write(json.dumps([key, value]) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def apply(self, key, value):
        self.by_key[key] = len(self.entries)
        self.entries.append(value)

    def append(self, key, value):
        with self.lock:
            if key not in self.by_key:
                self.save(key, value)
                self.apply(key, value)
            return 200, {"position": self.by_key[key]}

    def read(self, position):
        with self.lock:
            return 200, {"entries": self.entries[position:]}


class Handler(shop.Handler):
    """GET /ping, /jobs, /jobs?from=N; POST /jobs."""

    jobs = None

    def do_GET(self):
        asked = urlsplit(self.path)
        if asked.path == "/ping":
            self.reply(200, {})
        else:
            self.reply(*self.jobs.read(int(parse_qs(asked.query).get("from", ["0"])[0])))

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        self.reply(*self.jobs.append(self.headers.get("Idempotency-Key"), body["value"]))


def serve(jobs=Jobs):
    """Serves a log at the port of the command line, until it is killed."""
    shop.die_with_starter()
    Handler.jobs = jobs()
    with shop.Server(("127.0.0.1", PORT), Handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    serve()
