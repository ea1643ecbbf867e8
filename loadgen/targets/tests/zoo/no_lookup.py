"""Takes trades and never tells of a single order again; all of them are listed."""
import shop


class Shop(shop.Shop):
    def lookup(self, order_no):
        return 404, {"error": "no such path"}


shop.serve(Shop)
