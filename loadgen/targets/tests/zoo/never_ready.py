"""Runs, and never listens."""
import signal

import shop

shop.die_with_starter()
while True:
    signal.pause()
