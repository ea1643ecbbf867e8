"""The shop without HTTP: lines of JSON over TCP. A request is a line, and so is its answer, [status, body]."""
import json
import socketserver

import shop


class Lines(socketserver.StreamRequestHandler):
    """One connection: one request after another, until the other side hangs up."""

    disable_nagle_algorithm = True

    def handle(self):
        for line in self.rfile:
            self.wfile.write(json.dumps(self.answer(json.loads(line))).encode() + b"\n")

    def answer(self, request):
        kept = self.server.shop
        if request["op"] == "query":
            return kept.query(request["stock"])
        if request["op"] == "trade":
            trade = {"name": request["stock"], "type": request["side"], "quantity": request["quantity"]}
            return kept.trade(trade, request["key"])
        if request["op"] == "lookup":
            return kept.lookup(str(request["order_no"]))
        with kept.lock:
            return 200, list(kept.orders if request["what"] == "orders" else kept.stocks.values())


class Server(shop.Server):
    def __init__(self):
        super().__init__(("127.0.0.1", shop.PORT), Lines)
        self.shop = shop.Shop()


if __name__ == "__main__":
    shop.die_with_starter()
    with Server() as server:
        server.serve_forever()
