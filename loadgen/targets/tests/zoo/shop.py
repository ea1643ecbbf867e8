"""A one-process shop that does everything right, and that every other service of the zoo spoils in one place.

Run by itself it is the zoo's healthy animal. Whatever is in here ends with the process that started it, even if that was
killed, and after ten minutes in any case. Only what is stopped cannot end itself: who sends SIGSTOP sees to it.
"""
import json
import os
import select
import signal
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler

LIFE_SECONDS = 600
STOCKS = ("Tux", "Fox", "Whale")
INITIAL_QUANTITY = 100
PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 0
FILE = sys.argv[2] if len(sys.argv) > 2 else os.devnull
STARTER = os.pidfd_open(os.getppid())  # survives forks, and is ready to be read once that process is gone


def die_with_starter():
    """To be called by every process anew: neither threads nor alarms are inherited by a fork."""
    signal.alarm(LIFE_SECONDS)

    def wait():
        select.select([STARTER], [], [])
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


class Shop:
    """What there is and what was ordered. A line in the file is on the disk before its trade is answered."""

    def __init__(self):
        self.lock = threading.RLock()
        self.stocks = {name: {"name": name, "quantity": INITIAL_QUANTITY, "volume": 0} for name in STOCKS}
        self.orders = []
        self.by_key = {}
        self.last = self.first_number() - 1
        self.load()

    def load(self):
        if os.path.isfile(FILE):
            with open(FILE) as file:
                for line in file:
                    self.apply(json.loads(line))

    def save(self, order):
        with open(FILE, "a") as file:
            file.write(json.dumps(order) + "\n")
            file.flush()
            if os.path.isfile(FILE):
                os.fsync(file.fileno())

    def first_number(self):
        return 1

    def next_number(self):
        return self.last + 1

    def apply(self, order):
        stock = self.stocks[order["name"]]
        quantity = stock["quantity"] + (order["quantity"] if order["type"] == "Sell" else -order["quantity"])
        self.stocks[order["name"]] = {**stock, "quantity": quantity, "volume": stock["volume"] + order["quantity"]}
        self.orders.append(order)
        self.by_key[order["key"]] = order
        self.last = order["order_no"]

    def query(self, name):
        return (200, self.stocks[name]) if name in self.stocks else (404, {"error": "no such stock"})

    def trade(self, trade, key):
        with self.lock:
            order = self.by_key.get(key) if key else None
            if order is None:
                if trade["name"] not in self.stocks:
                    return 404, {"error": "no such stock"}
                if trade["type"] == "Buy" and trade["quantity"] > self.stocks[trade["name"]]["quantity"]:
                    return 409, {"error": "too little stock"}
                order = {"order_no": self.next_number(), "key": key, **trade}
                self.save(order)
                self.apply(order)
            return 200, {"order_no": order["order_no"]}

    def lookup(self, order_no):
        found = [order for order in self.orders if str(order["order_no"]) == order_no]
        return (200, found[-1]) if found else (404, {"error": "no such order"})


class Handler(BaseHTTPRequestHandler):
    """GET /ping, /stocks, /stocks/NAME, /orders, /orders/N, and POST /orders."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    shop = None

    def do_GET(self):
        noun, *name = self.path.strip("/").split("/")
        if noun == "ping":
            self.reply(200, {})
        elif noun == "stocks":
            self.reply(*(self.shop.query(name[0]) if name else (200, list(self.shop.stocks.values()))))
        elif noun == "orders":
            self.reply(*(self.shop.lookup(name[0]) if name else (200, list(self.shop.orders))))
        else:
            self.reply(404, {"error": "no such path"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.reply(*self.shop.trade(self.read_trade(body), self.headers.get("Idempotency-Key")))

    def read_trade(self, body):
        return json.loads(body)

    def reply(self, status, answer):
        self.send(status, "application/json", json.dumps(answer).encode())

    def send(self, status, kind, data):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        """Nothing, but in the service that says too much."""


class Server(socketserver.ThreadingTCPServer):
    """A thread for each connection."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        if not isinstance(sys.exc_info()[1], OSError):  # a client that is gone is no news
            super().handle_error(*_)


def serve(shop=Shop, handler=Handler):
    """Serves a shop at the port of the command line, until it is killed."""
    die_with_starter()
    handler.shop = shop()
    with Server(("127.0.0.1", PORT), handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    serve()
