"""Speaks HTTP/1.0 and tells no length: an answer ends where the connection does."""
import shop


class Handler(shop.Handler):
    protocol_version = "HTTP/1.0"

    def send(self, status, kind, data):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(data)


shop.serve(handler=Handler)
