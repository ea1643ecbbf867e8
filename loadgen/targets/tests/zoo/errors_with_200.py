"""Answers everything with 200, and says in the body whether it went well."""
import shop


class Handler(shop.Handler):
    def reply(self, status, answer):
        super().reply(200, {"success": status == 200, "code": status, "data": answer})


shop.serve(handler=Handler)
