"""Takes forms, and tells every number as a text."""
import urllib.parse

import shop


class Handler(shop.Handler):
    def read_trade(self, body):
        trade = dict(urllib.parse.parse_qsl(body.decode()))
        return {**trade, "quantity": int(trade["quantity"])}

    def reply(self, status, answer):
        rows = answer if isinstance(answer, list) else [answer]
        rows = [{field: str(value) for field, value in row.items()} for row in rows]
        super().reply(status, rows if isinstance(answer, list) else rows[0])


shop.serve(handler=Handler)
