"""What the naive service and the mended one share: JSON over HTTP from Python's standard library.

`GET /orders/7` calls `get_orders("7")` of the part that is served, `POST /orders` calls `post_orders(body, key)` with
the header Idempotency-Key; each returns a status and what to answer as JSON. Whatever goes wrong in one is answered too.
"""
import argparse
import http.client
import json
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler

PRICES = {"Tux": 9.99, "Fox": 19.99, "Whale": 29.99, "Gopher": 39.99, "Crab": 49.99}
INITIAL_QUANTITY = 100
MOST_BYTES = 1 << 20  # of a request's body: orders are 100 bytes
IDLE_SECONDS = 10  # a connection that says nothing for so long is closed


def initial_stocks():
    """What the catalog starts with: 100 of each, of which nothing was traded yet."""
    return {name: {"name": name, "price": price, "quantity": INITIAL_QUANTITY, "volume": 0} for name, price in PRICES.items()}


class Unanswered(OSError):
    """Another part gave no whole answer: whether it did what it was asked is not known."""


def ask(port, method, path, body=None, key=None, seconds=5):
    """One request to another part, on a connection of its own: its status and its JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        headers = {"Idempotency-Key": key} if key else {}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unanswered(f"{method} {path} at port {port}: {error!r}") from error
    finally:
        connection.close()


def answers(port, seconds):
    """Whether a part is there, and not hung."""
    try:
        return ask(port, "GET", "/ping", seconds=seconds)[0] == 200
    except Unanswered:
        return False


def every(seconds, action):
    """Does something now and then, in the background."""

    def loop():
        while True:
            action()
            time.sleep(seconds)

    threading.Thread(target=loop, daemon=True).start()


def fault_of(order):
    """What is wrong with an order as a client sent it, if anything."""
    if not isinstance(order, dict):
        return "the body must be a JSON object"
    if not isinstance(order.get("name"), str):
        return "name must be a stock's name"
    if order.get("type") not in ("Buy", "Sell"):
        return "type must be Buy or Sell"
    if type(order.get("quantity")) is not int or order["quantity"] < 1:
        return "quantity must be a whole number above 0"
    return None


def is_number(text):
    """Whether a part of a path can be an order's number: digits, and no more than any service gets to."""
    return text.isdecimal() and len(text) <= 18


class Handler(BaseHTTPRequestHandler):
    """One request on each connection (HTTP/1.0), handed to the part that is served."""

    timeout = IDLE_SECONDS

    def do_GET(self):
        self.answer("get")

    def do_POST(self):
        self.answer("post")

    def answer(self, method):
        try:
            status, body = self.call(method)
        except Unanswered as error:
            status, body = 503, {"error": str(error)}
        except Exception as error:
            print(f"{self.command} {self.path}: {error!r}", file=sys.stderr)
            status, body = 500, {"error": "this went wrong; the log says why"}
        data = json.dumps(body).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            self.close_connection = True  # whoever asked is gone

    def call(self, method):
        noun, *names = self.path.strip("/").split("/")
        handle = getattr(self.server.part, f"{method}_{noun}", None)
        if noun == "ping" and method == "get":
            return 200, {}
        if handle is None or len(names) > 1:
            return 404, {"error": "no such path"}
        if method == "get":
            return handle(*names)
        length = int(self.headers.get("Content-Length") or 0)
        if length > MOST_BYTES:
            return 413, {"error": f"at most {MOST_BYTES} bytes"}
        try:
            body = json.loads(self.rfile.read(length))
        except ValueError:
            return 400, {"error": "the body must be JSON"}
        return handle(body, self.headers.get("Idempotency-Key"))

    def log_message(self, *_):
        """Nothing: a line for every request would be most of the log."""


class Server(socketserver.ThreadingTCPServer):
    """A thread for each connection, or those of a pool for all of them."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024  # with the 5 of the standard library a crowd's connections take seconds
    pool = None

    def process_request(self, request, client_address):
        if self.pool is None:
            super().process_request(request, client_address)
        else:
            self.pool.submit(self.process_request_thread, request, client_address)


def main(catalog, order, front_end):
    """Serves the part that the command line names, which has ports for arguments and may have a file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=["catalog", "order", "front-end"])
    parser.add_argument("--port", type=int, required=True, help="where this part listens")
    parser.add_argument("--front-end", type=int, metavar="PORT")
    parser.add_argument("--catalog", type=int, metavar="PORT")
    parser.add_argument("--orders", type=int, nargs="*", metavar="PORT", help="of order-1, order-2 and so on")
    parser.add_argument("--data", metavar="FILE", help="what this part keeps")
    arguments = parser.parse_args()
    part = {"catalog": catalog, "order": order, "front-end": front_end}[arguments.part](arguments)
    with Server(("127.0.0.1", arguments.port), Handler) as server:
        server.part = part
        server.pool = getattr(part, "pool", None)
        server.serve_forever()
