"""Python's own XML-RPC server, by HTTP, HTTPS or a Unix socket, until stdin ends.

Usage: python_server.py [--unix PATH] [--tls CERTIFICATE KEY [--clients AUTHORITY]] [--multicall]
                        [--unlisted]
"""

import argparse
import os
import socket
import socketserver
import ssl
import sys
import threading
from xmlrpc.client import Fault
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer

parser = argparse.ArgumentParser()
parser.add_argument("--unix")
parser.add_argument("--tls", nargs=2)
parser.add_argument("--clients")
parser.add_argument("--multicall", action="store_true")
parser.add_argument("--unlisted", action="store_true")
args = parser.parse_args()


class Handler(SimpleXMLRPCRequestHandler):
    protocol_version = "HTTP/1.1"
    rpc_paths = ("/RPC2",)
    # Answers come in two writes, which wait for each other otherwise.
    disable_nagle_algorithm = args.unix is None

    def address_string(self):
        return "peer"


class Server(socketserver.ThreadingMixIn, SimpleXMLRPCServer):
    daemon_threads = True
    if args.unix:
        address_family = socket.AF_UNIX

    def server_bind(self):
        socketserver.TCPServer.server_bind(self)


server = Server(args.unix or ("0.0.0.0", 0), Handler, logRequests=False, allow_none=True)


def addition(a, b):
    """Adds two numbers, or joins two strings or two arrays."""
    return a + b


server.register_function(addition, "addition")
server.register_function(lambda length: "x" * length, "text")
server.register_function(lambda value: value, "echo")


def kinds(*params):
    """Tells what it is called with."""
    value = lambda param: getattr(param, "data", None) or getattr(param, "value", None) or param
    return ", ".join(f"{type(param).__name__} {value(param)!r}" for param in params)


def fail():
    raise Fault(4, "too many\x9b")


SIGNATURES = {
    "kinds": [["string", "int"], ["string", "string"]],
    "typed": [["string", "int", "string", "double", "boolean", "dateTime.iso8601", "base64", "array", "struct"]],
}
server.register_function(kinds, "kinds")
server.register_function(kinds, "typed")
server.register_function(fail, "fail")
if args.unlisted:
    sold = []
    server.register_function(lambda: sold.append("x"), "sell")
    server.register_function(lambda: len(sold), "sold")
    server.register_function(object, "formless")
else:
    server.register_introspection_functions()
    server.register_function(lambda name: SIGNATURES.get(name, "signatures not supported"), "system.methodSignature")
if args.multicall:
    server.register_multicall_functions()
if args.tls:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*args.tls)
    if args.clients:
        context.load_verify_locations(args.clients)
        context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(0 if args.unix else server.server_address[1], flush=True)
sys.stdin.read()
os._exit(0)
