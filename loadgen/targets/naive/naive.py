"""A small stock service, as one is written for the first time: a front-end with a cache, a catalog, three order replicas.

It works until something goes wrong. Six defects are in it on purpose, (a) to (f), each named where it stands;
`mended.py` is the same service without them, and the README says what finds each.

A trade goes from the front-end to the leading replica, which has the catalog apply it and gives it a number.
"""
import json
import os
import queue
import threading
from concurrent.futures import ThreadPoolExecutor

from common import Unanswered, answers, ask, every, fault_of, initial_stocks, is_number, main

POLL_SECONDS = 3
BATCH_SECONDS = 0.1
THREADS = 10


class Postman:
    """Posts things to other parts in the background, ten batches a second, so that nobody waits for them."""

    def __init__(self):
        self.letters = queue.Queue()
        every(BATCH_SECONDS, self.deliver)

    def send(self, port, path, body):
        self.letters.put((port, path, body))

    def deliver(self):
        for _ in range(self.letters.qsize()):
            port, path, body = self.letters.get()
            try:
                ask(port, "POST", path, body)
            except Unanswered:
                pass  # it is not sent again


class Catalog:
    """Keeps the stocks: rewrites its file at every trade, so a killed one starts with what it had."""

    def __init__(self, arguments):
        self.path = arguments.data
        self.front_end = arguments.front_end
        self.lock = threading.Lock()
        self.postman = Postman()
        self.stocks = initial_stocks()
        if os.path.exists(self.path):
            with open(self.path) as file:
                self.stocks = json.load(file)

    def get_stocks(self, name=None):
        if name is None:
            return 200, list(self.stocks.values())
        if name not in self.stocks:
            return 404, {"error": "no such stock"}
        return 200, self.stocks[name]

    def post_trade(self, order, _key):
        with self.lock:
            stock = self.stocks.get(order["name"])
            if stock is None:
                return 404, {"error": "no such stock"}
            quantity = stock["quantity"] + (order["quantity"] if order["type"] == "Sell" else -order["quantity"])
            if quantity < 0:
                return 409, {"error": "too little stock"}
            self.stocks[stock["name"]] = {**stock, "quantity": quantity, "volume": stock["volume"] + order["quantity"]}
            with open(self.path + ".new", "w") as file:
                json.dump(self.stocks, file)
            os.replace(self.path + ".new", self.path)
        # Defect (c): the trade is answered before the front-end has dropped the old value from its cache.
        self.postman.send(self.front_end, "/invalidate", order["name"])
        return 200, {}


class Order:
    """Numbers trades when it leads, and takes copies when another does."""

    def __init__(self, arguments):
        self.catalog = arguments.catalog
        self.others = [port for port in arguments.orders if port != arguments.port]
        self.lock = threading.Lock()
        self.postman = Postman()
        self.file = open(arguments.data, "a+")
        self.file.seek(0)
        self.orders = {order["order_no"]: order for order in map(json.loads, self.file)}
        # Defect (d): the last number is only in memory. After a restart, or when the last orders never came here,
        # numbers are given away that other orders have already.
        self.last = 0

    def get_orders(self, order_no=None):
        if order_no is None:
            return 200, list(self.orders.values())
        order = self.orders.get(int(order_no))
        return (200, order) if order else (404, {"error": "no such order"})

    def post_orders(self, order, _key):
        status, answer = ask(self.catalog, "POST", "/trade", order)
        if status != 200:
            return status, answer
        # Defect (f): a replica that dies here leaves a trade that the catalog has applied and no log ever gets. Nobody
        # can send the trade again either, since nothing tells the catalog that it is the same one.
        with self.lock:
            order = {"order_no": self.last + 1, **order}
            self.keep(order)
        # Defect (b): the trade is acknowledged while nobody else has it, and who is down now never hears of it.
        for port in self.others:
            self.postman.send(port, "/copies", order)
        return 200, {"order_no": order["order_no"]}

    def post_copies(self, order, _key):
        with self.lock:
            self.keep(order)
        return 200, {}

    def keep(self, order):
        self.last = max(self.last, order["order_no"])
        self.orders[order["order_no"]] = order
        self.file.write(json.dumps(order) + "\n")
        self.file.flush()


class FrontEnd:
    """Talks to clients: answers from its cache, asks the catalog, sends trades to the replica that leads."""

    def __init__(self, arguments):
        self.catalog = arguments.catalog
        self.replicas = {f"order-{n}": port for n, port in enumerate(arguments.orders, 1)}
        self.leader = max(self.replicas)
        self.cache = {}
        # Defect (e): connections are served by these threads, and what they ask of others is done by these too. Once
        # each of them waits for another to become free, none ever does: ten clients at one moment are enough.
        self.pool = ThreadPoolExecutor(THREADS)
        # Defect (a): that a leader is dead is noticed at the next poll, and every trade until then fails.
        every(POLL_SECONDS, self.poll)

    def poll(self):
        for name in sorted(self.replicas, reverse=True):
            if answers(self.replicas[name], seconds=1):
                self.leader = name
                return

    def ask(self, *request):
        return self.pool.submit(ask, *request).result()

    def get_leader(self):
        return 200, {"leader": self.leader}

    def get_stocks(self, name=None):
        if name is None:
            return self.ask(self.catalog, "GET", "/stocks")
        if name not in self.cache:
            status, stock = self.ask(self.catalog, "GET", f"/stocks/{name}")
            if status != 200:
                return status, stock
            self.cache[name] = stock  # defect (c) again: a trade since it was asked for is overwritten
            return 200, stock
        return 200, self.cache[name]

    def post_invalidate(self, name, _key):
        self.cache.pop(name, None)
        return 200, {}

    def post_orders(self, order, _key):
        if fault_of(order):
            return 400, {"error": fault_of(order)}
        return self.ask(self.replicas[self.leader], "POST", "/orders", order)

    def get_orders(self, order_no=""):
        if not is_number(order_no):
            return 404, {"error": "no such order"}
        return self.ask(self.replicas[self.leader], "GET", f"/orders/{order_no}")


if __name__ == "__main__":
    main(Catalog, Order, FrontEnd)
