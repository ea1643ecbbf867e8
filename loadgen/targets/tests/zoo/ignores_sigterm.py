"""Does not end when it is asked to: SIGKILL alone ends it."""
import signal

import shop

signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
shop.serve()
