"""The client of the shop without HTTP: each client of the load has a connection of its own, opened before the load."""
import json
import socket
import threading

from client import Client

PAGE_ROWS = 200


class Connection:
    """One request at a time. After an error it is of no use: an answer may still come that nobody waits for."""

    def __init__(self, port, timeout):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.lines = self.socket.makefile("rb")
        self.lock = threading.Lock()

    def ask(self, request):
        with self.lock:
            self.socket.sendall(json.dumps(request).encode() + b"\n")
            line = self.lines.readline()
            if not line:
                raise ConnectionResetError("the shop hung up")
            return json.loads(line)


class TcpClient(Client):
    can = ["query", "trade", "lookup", "prepare", "dump"]

    def __init__(self):
        self.connections = {}

    def prepare(self, message):
        """There is nothing to make; that the shop can be reached is worth knowing before the load."""
        self.open()
        return {"outcome": "ok"}

    def open(self):
        return Connection(self.port, self.deadline_ms / 1000)

    def connect(self, message):
        self.connections[message["client"]] = self.open()
        return {"outcome": "ok"}

    def talk(self, message, request):
        client = message["client"]
        connection = self.connections.get(client) or self.connections.setdefault(client, self.open())
        try:
            return connection.ask(request)
        except (OSError, ValueError):
            del self.connections[client]
            raise

    def query(self, message):
        status, stock = self.talk(message, message)
        if status != 200:
            return {"outcome": "rejected"}
        return {"outcome": "ok", "seen": {"quantity": stock["quantity"], "volume": stock["volume"]}}

    def trade(self, message):
        status, answer = self.talk(message, message)
        if status != 200:
            return {"outcome": "rejected", "reason": answer["error"]}
        return {"outcome": "ok", "order_no": answer["order_no"]}

    def lookup(self, message):
        status, order = self.talk(message, message)
        if status != 200:
            return {"outcome": "rejected", "reason": order["error"]}
        return {"outcome": "ok", "seen": {"stock": order["name"], "side": order["type"], "quantity": order["quantity"]}}

    def dump(self, message):
        """What the shop holds, page by page, in the shop's own words: the target's file says what they mean."""
        _, rows = self.open().ask(message)
        for first in range(0, len(rows), PAGE_ROWS):
            self.say({"id": message["id"], "rows": rows[first : first + PAGE_ROWS]})
        return {"end": True}


if __name__ == "__main__":
    TcpClient().run()
