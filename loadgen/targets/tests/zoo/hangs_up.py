"""Takes every trade and query, does it, and closes the connection without a word. Only /ping and lists are answered."""
import shop


class Handler(shop.Handler):
    def send(self, *answer):
        if self.path in ("/ping", "/stocks") or (self.path == "/orders" and self.command == "GET"):
            super().send(*answer)
        else:
            self.close_connection = True


shop.serve(handler=Handler)
