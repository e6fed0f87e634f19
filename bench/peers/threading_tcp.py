"""Python's ThreadingTCPServer, answering lines as the text service does."""

import sys
from socketserver import StreamRequestHandler, ThreadingTCPServer


class Handler(StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        for line in self.rfile:
            known = line.rstrip(b"\r\n") == b"hello"
            self.wfile.write(b"How do you do?\n" if known else b"Invalid command.\n")


class Server(ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 1024


Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
