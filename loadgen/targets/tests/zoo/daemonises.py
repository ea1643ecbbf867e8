"""Becomes a daemon: the process that was started ends at once, and what serves is in a session of its own."""
import os

import shop

if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
if shop.FILE != os.devnull:
    with open(shop.FILE + ".pid", "w") as file:
        file.write(str(os.getpid()))
shop.serve()
