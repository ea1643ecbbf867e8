"""Listens after two seconds only, as what has a cache to warm does."""
import time

import shop

shop.die_with_starter()
time.sleep(2)
shop.serve()
