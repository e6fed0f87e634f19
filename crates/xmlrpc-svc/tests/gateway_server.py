"""Python's own XML-RPC server, with what a gateway is to hide and to show, until stdin ends.

Usage: gateway_server.py [--unix PATH] [--basic USER:PASSWORD]
"""

import argparse
import base64
import os
import socket
import socketserver
import sys
import threading
from xmlrpc.client import Fault
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer

parser = argparse.ArgumentParser()
parser.add_argument("--unix")
parser.add_argument("--basic")
args = parser.parse_args()


class Handler(SimpleXMLRPCRequestHandler):
    protocol_version = "HTTP/1.1"
    rpc_paths = ("/RPC2",)
    disable_nagle_algorithm = args.unix is None

    def address_string(self):
        return "peer"

    def do_POST(self):
        if args.basic:
            wanted = "Basic " + base64.b64encode(args.basic.encode()).decode()
            if self.headers.get("Authorization") != wanted:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(401)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
        super().do_POST()


class Server(socketserver.ThreadingMixIn, SimpleXMLRPCServer):
    daemon_threads = True
    if args.unix:
        address_family = socket.AF_UNIX

    def server_bind(self):
        socketserver.TCPServer.server_bind(self)


class Downloads:
    """Answers what it does not list, too."""

    def _listMethods(self):
        return ["d.name", "d.erase"]

    def _methodHelp(self, name):
        return "The name of a download." if name == "d.name" else ""

    def _dispatch(self, name, params):
        return [name, *params]


def fail():
    raise Fault(42, "not today")


server = Server(args.unix or ("127.0.0.1", 0), Handler, logRequests=False, allow_none=True)
server.register_introspection_functions()
server.register_multicall_functions()
server.register_function(lambda a, b: a + b, "addition")
server.register_function(fail, "fail")
server.register_instance(Downloads())
threading.Thread(target=server.serve_forever, daemon=True).start()
print(0 if args.unix else server.server_address[1], flush=True)
sys.stdin.read()
os._exit(0)
