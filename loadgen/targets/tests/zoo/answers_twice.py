"""Sends every answer to a trade twice on one connection: the next request there finds an answer that is not its own."""
import shop


class Handler(shop.Handler):
    def reply(self, *answer):
        super().reply(*answer)
        if self.command == "POST":
            super().reply(*answer)


shop.serve(handler=Handler)
