"""A client of the shop that speaks JSON lines, for targets that are no HTTP services: it does everything right.

`client_*.py` spoil it in one place each. It ends with its stdin.
"""
import http.client
import json
import sys
import threading

import shop

WRITING = threading.Lock()


class Client:
    """One line in, one or more lines out; every request is a thread, so many can be under way."""

    can = ["query", "trade", "lookup", "dump"]

    def run(self):
        shop.die_with_starter()
        for line in sys.stdin:
            message = json.loads(line)
            if message["op"] == "hello":
                self.port = message["ports"]["shop"]
                self.deadline_ms = message["deadline_ms"]
                self.say({"hello": 1, "can": self.can})
            else:
                threading.Thread(target=self.do, args=(message,), daemon=True).start()

    def say(self, message):
        with WRITING:
            print(json.dumps(message), flush=True)

    def ask(self, method, path, body=None, key=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.deadline_ms / 1000)
        try:
            connection.request(method, path, body and json.dumps(body), {"Idempotency-Key": key} if key else {})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def do(self, message):
        try:
            answer = getattr(self, message["op"])(message)
        except ConnectionRefusedError:
            answer = {"outcome": "failed", "reason": "refused"}
        except (OSError, http.client.HTTPException, ValueError) as error:
            answer = {"outcome": "unknown", "reason": repr(error)}
        self.answer(message, {"id": message["id"], **answer})

    def answer(self, message, answer):
        self.say(answer)

    def connect(self, message):
        return {"outcome": "ok"}

    def query(self, message):
        status, stock = self.ask("GET", f"/stocks/{message['stock']}")
        if status != 200:
            return {"outcome": "rejected"}
        return {"outcome": "ok", "seen": {"quantity": stock["quantity"], "volume": stock["volume"]}}

    def trade(self, message):
        body = {"name": message["stock"], "type": message["side"], "quantity": message["quantity"]}
        status, answer = self.ask("POST", "/orders", body, message["key"])
        if status == 409:
            return {"outcome": "rejected", "reason": answer["error"]}
        return {"outcome": "ok", "order_no": answer["order_no"]} if status == 200 else {"outcome": "unknown"}

    def lookup(self, message):
        status, order = self.ask("GET", f"/orders/{message['order_no']}")
        if status != 200:
            return {"outcome": "rejected"}
        return {"outcome": "ok", "seen": {"stock": order["name"], "side": order["type"], "quantity": order["quantity"]}}

    def dump(self, message):
        """A page of rows, and an answer that says that there are no more."""
        _, rows = self.ask("GET", f"/{message['what']}")
        names = {"name": "stock", "type": "side"}
        rows = [{names.get(field, field): value for field, value in row.items() if field != "key"} for row in rows]
        self.say({"id": message["id"], "rows": rows})
        return {"end": True}


if __name__ == "__main__":
    Client().run()
