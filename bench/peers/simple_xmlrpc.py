"""Python's SimpleXMLRPCServer with kept connections; a thread for each, or one peer would be all."""

import sys
from socketserver import ThreadingMixIn
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer


class Handler(SimpleXMLRPCRequestHandler):
    protocol_version = "HTTP/1.1"


class Server(ThreadingMixIn, SimpleXMLRPCServer):
    daemon_threads = True
    request_queue_size = 1024


server = Server(("127.0.0.1", int(sys.argv[1])), Handler, logRequests=False, allow_none=True)
server.register_function(lambda a, b: a + b, "addition")
server.register_function(lambda value: value, "interopEchoTests.echoValue")
server.register_multicall_functions()
server.serve_forever()
