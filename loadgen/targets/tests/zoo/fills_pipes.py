"""Says far more than a pipe holds, at each request a line of 256 KiB on both streams: stands still if nobody reads."""
import itertools
import sys

import shop

LINE_BYTES = 256 * 1024
MOST_LINES = 64  # on each stream: the harness keeps what it reads
LINES = itertools.count(1)


class Handler(shop.Handler):
    def log_message(self, *_):
        if next(LINES) > MOST_LINES:
            return
        for stream in (sys.stdout, sys.stderr):
            stream.write("x" * LINE_BYTES + "\n")
            stream.flush()


shop.serve(handler=Handler)
