"""The process that was started only waits. A child in a session of its own serves, so no signal to the group reaches it."""
import os

import shop

if os.fork():
    shop.die_with_starter()
    os.wait()
    os._exit(0)
os.setsid()
with open(shop.FILE + ".pid", "w") as file:
    file.write(str(os.getpid()))
shop.serve()
