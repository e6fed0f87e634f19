"""Python's own TLS and XML-RPC client against the service: tls_client.py CASE PORT CA [FILE...]

TLS in the environment says which version.
"""

import http.client
import os
import socket
import ssl
import sys
import xmlrpc.client
from contextlib import suppress

PATIENCE = 30
CALL = b"<methodCall><methodName>system.listMethods</methodName></methodCall>"


def context(ca, *identity):
    made = ssl.create_default_context(cafile=ca)
    made.minimum_version = made.maximum_version = ssl.TLSVersion[os.environ.get("TLS", "TLSv1_3")]
    if identity:
        made.load_cert_chain(*identity)
    return made


def connect(port, ca, *identity):
    plain = socket.create_connection(("localhost", port), timeout=PATIENCE)
    # A stream that ends without close_notify is then an error.
    return context(ca, *identity).wrap_socket(
        plain, server_hostname="localhost", suppress_ragged_eofs=False
    )


def answer(stream):
    response = http.client.HTTPResponse(stream)
    response.begin()
    assert response.status == 200, response.status
    return response.read()


def post(headers="", body=CALL):
    head = f"POST / HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def proxy(port, ca, *identity):
    url = f"https://localhost:{port}"
    with xmlrpc.client.ServerProxy(url, context=context(ca, *identity)) as server:
        assert server.addition(2, 3) == 5
        # More than a record of TLS either way.
        text = "x" * 100_000
        assert server.addition(text, text) == text + text


def stranger(port, _ca):
    try:
        xmlrpc.client.ServerProxy(f"https://localhost:{port}").addition(2, 3)
    except ssl.SSLCertVerificationError:
        return
    raise AssertionError("a certificate of an unknown authority was believed")


def pipelined(port, ca, *identity):
    """A call that comes with the end of the handshake is answered, and so are two at once."""
    with connect(port, ca, *identity) as stream:
        stream.sendall(post() + post("Connection: close\r\n"))
        assert b"addition" in answer(stream)
        assert b"addition" in answer(stream)
        assert stream.recv(1) == b""


def kept(port, ca, *identity):
    """Two calls on one connection, with a line of the test's between them."""
    with connect(port, ca, *identity) as stream:
        stream.sendall(post())
        answer(stream)
        print("answered", flush=True)
        sys.stdin.readline()
        stream.sendall(post())
        answer(stream)


def closed(port, ca, *identity):
    """A kept connection and one that has said nothing are closed as TLS closes."""
    with connect(port, ca, *identity) as stream, connect(port, ca, *identity) as silent:
        stream.sendall(post())
        answer(stream)
        print("answered", flush=True)
        assert stream.recv(1) == b""
        assert silent.recv(1) == b""


def unread(port, ca):
    """A crowd that takes nothing of its answers, and stays until the test's line."""
    # Each entry is wrong, which its answer says at length.
    entries = b"<array><data>" + b"<value/>" * 32 + b"</data></array>"
    call = CALL.replace(b"listMethods", b"multicall").replace(
        b"</methodCall>", b"<params><param><value>" + entries + b"</value></param></params></methodCall>"
    )
    made, crowd = context(ca), []
    for _ in range(600):
        plain = socket.socket()
        plain.settimeout(PATIENCE)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        # Whom there is no memory for is closed.
        with suppress(OSError):
            plain.connect(("localhost", port))
            stream = made.wrap_socket(plain, server_hostname="localhost")
            crowd.append(stream)
            stream.setblocking(False)
            stream.send(post(body=call) * 17)
    print("answered", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    case, port, *rest = sys.argv[1:]
    globals()[case](int(port), *rest)
