"""The naive service with its defects mended: the same parts and paths, and nothing acknowledged is lost.

The catalog applies a trade and numbers it in one write, so a number is given once and stands for one trade for ever.
Every replica's log is a beginning of the catalog's journal. Two of them can be behind each other, but cannot disagree:
any replica may lead, a deposed leader does no harm, and a replica catches up before it says that it does not know an
order. What is not promised: the catalog alone decides, so while it is down there are no trades, and its file must last.
"""
import json
import os
import threading
import time
import uuid

from common import Unanswered, answers, ask, every, fault_of, initial_stocks, is_number, main

POLL_SECONDS = 0.2
PING_SECONDS = 0.3  # a part that does not answer for so long is as good as dead
COPY_SECONDS = 0.3  # how long a leader waits for a follower
SKIP_SECONDS = 1  # how long it does not ask again one that failed
CATALOG_SECONDS = 1.5  # how long a replica waits for the catalog
LEADER_SECONDS = 2  # how long the front-end waits for the leader: longer than all of the leader's own waiting
ANSWER_SECONDS = 4.5  # how long it goes on trying before it tells the client that it does not know
CACHE_SECONDS = 1  # how long a stock stays in the cache: a trade that nobody answered may have been applied
PAGE_ORDERS = 1000  # how many orders one answer of the journal holds, at some 150 bytes


class Journal:
    """Rows in a file, a line each. A row is in `rows` once it is on the disk, and not before."""

    def __init__(self, path):
        self.file = open(path, "a+b", buffering=0)
        self.file.seek(0)
        text = self.file.read()
        self.size = text.rfind(b"\n") + 1  # a last line that was cut short was acknowledged to nobody
        self.rows = [json.loads(line) for line in text[: self.size].splitlines()]
        os.fsync(self.file.fileno())  # the last writer may have died between its write and its flush

    def append(self, *rows):
        data = "".join(json.dumps(row) + "\n" for row in rows).encode()
        self.file.truncate(self.size)  # a write that failed may have left something behind
        written = 0
        while written < len(data):
            written += self.file.write(data[written:])
        os.fsync(self.file.fileno())
        self.size += len(data)
        self.rows.extend(rows)


class Catalog:
    """Decides about trades, one after the other. Its journal has every decision, refusals too, under the trade's key."""

    def __init__(self, arguments):
        self.lock = threading.Lock()
        self.stocks = initial_stocks()
        self.orders = []
        self.decisions = {}
        self.journal = Journal(arguments.data)
        for decision in self.journal.rows:
            self.apply(decision)

    def get_stocks(self, name=None):
        if name is None:
            return 200, list(self.stocks.values())
        if name not in self.stocks:
            return 404, {"error": "no such stock"}
        return 200, self.stocks[name]

    def get_journal(self, after):
        return 200, self.orders[int(after) : int(after) + PAGE_ORDERS]

    def post_trade(self, order, key):
        if order["name"] not in self.stocks:
            return 404, {"error": "no such stock"}
        with self.lock:
            # Mends (f): who sends a trade again gets the decision that was made. Refusals are kept as well, or a copy
            # that a hung replica sends late would be applied after its client was told no.
            decision = self.decisions.get(key)
            if decision is None:
                enough = order["type"] == "Sell" or self.stocks[order["name"]]["quantity"] >= order["quantity"]
                # Mends (d): a number is a place in the journal.
                order_no = len(self.orders) + 1 if enough else None
                decision = {"order_no": order_no, "key": key, **{field: order[field] for field in ("name", "type", "quantity")}}
                self.journal.append(decision)
                self.apply(decision)
            stock = self.stocks[decision["name"]]
        if decision["order_no"] is None:
            return 409, {"error": "too little stock", "stock": stock}
        return 200, {"order": decision, "stock": stock}

    def apply(self, decision):
        self.decisions[decision["key"]] = decision
        if decision["order_no"] is not None:
            stock = self.stocks[decision["name"]]
            quantity = stock["quantity"] + (decision["quantity"] if decision["type"] == "Sell" else -decision["quantity"])
            self.stocks[stock["name"]] = {**stock, "quantity": quantity, "volume": stock["volume"] + decision["quantity"]}
            self.orders.append(decision)


class Order:
    """Keeps a copy of the catalog's orders, and sees to it that the others have theirs when it leads."""

    def __init__(self, arguments):
        self.catalog = arguments.catalog
        self.others = [port for port in arguments.orders if port != arguments.port]
        self.skip_until = {}
        self.lock = threading.RLock()
        self.log = Journal(arguments.data)

    def get_orders(self, order_no=None):
        # Mends (b), second half: what an order says never changes, so one that is here is right. Only who asks for
        # all, or for one that is not here, needs to know what the catalog has by now.
        if order_no is None or int(order_no) > len(self.log.rows):
            self.catch_up()
        orders = self.log.rows[:]
        if order_no is None:
            return 200, orders
        if not 1 <= int(order_no) <= len(orders):
            return 404, {"error": "no such order"}
        return 200, orders[int(order_no) - 1]

    def post_orders(self, order, key):
        status, answer = ask(self.catalog, "POST", "/trade", order, key, seconds=CATALOG_SECONDS)
        if status == 200:
            # Mends (b): on this disk, and on that of each replica that answers, before anybody hears of it.
            self.keep(answer["order"])
            for port in self.others:
                self.copy_to(port, answer["order"])
        return status, answer

    def copy_to(self, port, order):
        if time.monotonic() < self.skip_until.get(port, 0):
            return
        try:
            status, _ = ask(port, "POST", "/copies", order, seconds=COPY_SECONDS)
        except Unanswered:
            status = 503
        if status != 200:
            self.skip_until[port] = time.monotonic() + SKIP_SECONDS

    def post_copies(self, order, _key):
        self.keep(order)
        return 200, {}

    def keep(self, order):
        with self.lock:
            if order["order_no"] > len(self.log.rows) + 1:
                self.catch_up()
            if order["order_no"] == len(self.log.rows) + 1:
                self.log.append(order)
            if self.log.rows[order["order_no"] - 1] != order:
                raise RuntimeError(f"order {order['order_no']} is another one here: the catalog has lost its journal")

    def catch_up(self):
        with self.lock:
            page = [None] * PAGE_ORDERS
            while len(page) == PAGE_ORDERS:
                status, page = ask(self.catalog, "GET", f"/journal/{len(self.log.rows)}", seconds=CATALOG_SECONDS)
                if status != 200:
                    raise Unanswered(f"the catalog's journal: status {status}")
                self.log.append(*page)


class FrontEnd:
    """Talks to clients: answers from its cache, asks the catalog, sends trades to the replica that leads."""

    # Mends (e): a thread for each connection. Requests only ever go from here to a replica and on to the catalog, so
    # nobody waits for somebody who waits for him.

    def __init__(self, arguments):
        self.catalog = arguments.catalog
        self.replicas = {f"order-{n}": port for n, port in enumerate(arguments.orders, 1)}
        self.leader = max(self.replicas)
        self.choosing = threading.Lock()
        self.cache = {}
        self.filling = threading.Lock()
        # Mends (a): polls are frequent, and a trade that the leader does not take goes to another at once.
        every(POLL_SECONDS, self.poll)

    def poll(self):
        leader = self.leader
        if not answers(self.replicas[leader], PING_SECONDS):
            self.replace(leader)

    def replace(self, failed):
        with self.choosing:
            if self.leader != failed:
                return  # somebody else has seen to it
            for name, port in self.replicas.items():
                if name != failed and answers(port, PING_SECONDS):
                    self.leader = name
                    return

    def ask_leader(self, *request):
        """Asks until there is an answer, if need be one replica after the other: with one key a trade is made once."""
        until = time.monotonic() + ANSWER_SECONDS
        while (left := until - time.monotonic()) > 0:
            leader = self.leader
            try:
                status, answer = ask(self.replicas[leader], *request, seconds=min(LEADER_SECONDS, left))
            except Unanswered:
                self.replace(leader)
            else:
                if status < 500:
                    return status, answer
                if status == 500:
                    self.replace(leader)  # with 503 it is the catalog that does not answer
            time.sleep(0.05)
        return 503, {"error": "no replica answers for certain: the order may have been made"}

    def get_leader(self):
        return 200, {"leader": self.leader}

    def get_stocks(self, name=None):
        if name is None:
            return ask(self.catalog, "GET", "/stocks")
        stock, until = self.cache.get(name, (None, 0))
        if time.monotonic() < until:
            return 200, stock
        status, stock = ask(self.catalog, "GET", f"/stocks/{name}")
        if status != 200:
            return status, stock
        return 200, self.remember(stock)

    def remember(self, stock):
        """Puts a stock into the cache unless a newer one is there, which volumes tell since they only grow."""
        with self.filling:
            newest, _ = self.cache.get(stock["name"], (stock, 0))
            if stock["volume"] >= newest["volume"]:
                newest = stock
                self.cache[stock["name"]] = (stock, time.monotonic() + CACHE_SECONDS)
            return newest

    def post_orders(self, order, key):
        if fault_of(order):
            return 400, {"error": fault_of(order)}
        status, answer = self.ask_leader("POST", "/orders", order, key or uuid.uuid4().hex)
        # Mends (c): the cache has what the trade left behind before the client hears of it. So it does after a refusal,
        # which tells the client something about the stock too.
        if "stock" in answer:
            self.remember(answer["stock"])
        if status == 200:
            return 200, {"order_no": answer["order"]["order_no"]}
        return status, {"error": answer["error"]}

    def get_orders(self, order_no=""):
        if not is_number(order_no):
            return 404, {"error": "no such order"}
        return self.ask_leader("GET", f"/orders/{order_no}")


if __name__ == "__main__":
    main(Catalog, Order, FrontEnd)
