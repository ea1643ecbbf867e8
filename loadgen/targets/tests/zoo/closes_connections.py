"""Answers as if the connection stayed open (HTTP/1.1, no word of closing), and closes it."""
import shop


class Handler(shop.Handler):
    def send(self, *answer):
        super().send(*answer)
        self.close_connection = True


shop.serve(handler=Handler)
