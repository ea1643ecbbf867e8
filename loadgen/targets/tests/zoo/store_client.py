"""A client program of the key-value service: reads, writes and compares, and dumps what the store holds."""
import sys
import threading
import json

import client
import shop


class Client(client.Client):
    def run(self):
        shop.die_with_starter()
        for line in sys.stdin:
            message = json.loads(line)
            if message["op"] == "hello":
                self.port = message["ports"]["store"]
                self.deadline_ms = message["deadline_ms"]
                assert message["registers"], "it is told which registers there are"
                self.say({"hello": 1, "can": ["read", "write", "compare-and-set", "dump"]})
            else:
                threading.Thread(target=self.do, args=(message,), daemon=True).start()

    def do(self, message):
        super().do({**message, "op": message["op"].replace("-", "_")})

    def read(self, message):
        status, answer = self.ask("GET", f"/keys/{message['register']}")
        return {"outcome": "ok", "seen": {"value": answer["value"] if status == 200 else None}}

    def write(self, message):
        body = {field: message[field] for field in ("value", "expected") if field in message}
        status, answer = self.ask("PUT", f"/keys/{message['register']}", body)
        if status == 409:
            return {"outcome": "rejected", "reason": answer["error"]}
        return {"outcome": "ok" if status == 200 else "unknown"}

    compare_and_set = write

    def dump(self, message):
        _, rows = self.ask("GET", "/keys")
        self.say({"id": message["id"], "rows": rows})
        return {"end": True}


if __name__ == "__main__":
    Client().run()
