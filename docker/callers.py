"""The callers of docker/replace and docker/swarm: they call without pause, and none repeats a call that failed.

Says `calling` once all are at it, goes on until its stdin ends, and exits 1 where a call failed.
"""

import http.client
import socket
import subprocess
import sys
import threading
import time
import xmlrpc.client

HOST = "127.0.0.1"
WAIT = 20  # seconds: the deadline of a call
MIN_CALLS = 20  # of each caller, before it counts as being at it
SHOWN = 5  # failures of a caller

XMLRPC, TEXT, RUST = sys.argv[1:]
ADDITION = xmlrpc.client.dumps((2, 3), "addition")
COMMAND = xmlrpc.client.dumps(("hello",), "command.run")
HEADERS = {"Content-Type": "text/xml"}


def expect(seen, expected):
    assert expected in seen, f"{seen!r} instead of {expected!r}"


def post(connection, document, expected):
    connection.request("POST", "/RPC2", document, HEADERS)
    response = connection.getresponse()
    body = response.read()
    assert response.status == 200, f"status {response.status}"
    expect(body, expected)


def kept(document, expected):
    """On one connection, until the other side announces its end."""
    connection = http.client.HTTPConnection(HOST, int(XMLRPC), timeout=WAIT)
    return lambda: post(connection, document, expected)


def anew(document, expected):
    def call():
        connection = http.client.HTTPConnection(HOST, int(XMLRPC), timeout=WAIT)
        try:
            post(connection, document, expected)
        finally:
            connection.close()

    return call


def of_python():
    server = xmlrpc.client.ServerProxy(f"http://{HOST}:{XMLRPC}/RPC2")

    def call():
        calls = xmlrpc.client.MultiCall(server)
        calls.addition(2, 3)
        calls.command.run("hello")
        answers = list(calls())
        assert answers == [5, "How do you do?"], answers

    return call


def by_curl():
    arguments = ["curl", "-fsS", "-m", str(WAIT), "-H", "Content-Type: text/xml", "-d", ADDITION,
                 f"http://{HOST}:{XMLRPC}/RPC2"]
    return lambda: expect(subprocess.run(arguments, capture_output=True, check=True).stdout, b">5<")


def of_the_notebook():
    def call():
        with socket.create_connection((HOST, int(TEXT)), timeout=WAIT) as stream:
            stream.sendall(b"hello")
            expect(stream.recv(1024), b"How do you do?")

    return call


class Caller(threading.Thread):
    def __init__(self, name, call):
        super().__init__(daemon=True, name=name)
        self.call, self.calls, self.failures = call, 0, []

    def run(self):
        while not is_over.is_set():
            try:
                self.call()
            except (AssertionError, OSError, http.client.HTTPException, xmlrpc.client.Error,
                    subprocess.CalledProcessError) as error:
                self.failures.append(f"{time.strftime('%T')} {type(error).__name__}: {error}")
            self.calls += 1
            if self.calls == MIN_CALLS:
                at_it.release()


CALLERS = [
    Caller("kept connection, addition", kept(ADDITION, b">5<")),
    Caller("kept connection, addition", kept(ADDITION, b">5<")),
    Caller("kept connection, command.run", kept(COMMAND, b"How do you do?")),
    Caller("new connections, addition", anew(ADDITION, b">5<")),
    Caller("new connections, command.run", anew(COMMAND, b"How do you do?")),
    Caller("Python's client, multicalls", of_python()),
    Caller("curl, addition", by_curl()),
    Caller("the notebook's client, hello", of_the_notebook()),
]
# The example `without_pause` of callbox-client: kept connections of Rust.
OF_RUST = [RUST, f"http://{HOST}:{XMLRPC}/RPC2"]
is_over, at_it = threading.Event(), threading.Semaphore(0)

if __name__ == "__main__":
    of_rust = subprocess.Popen(OF_RUST, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for caller in CALLERS:
        caller.start()
    for _ in CALLERS:
        at_it.acquire()
    print("calling", flush=True)
    sys.stdin.read()
    is_over.set()
    for caller in CALLERS:
        caller.join()
        print(f"    {caller.name}: {caller.calls} calls, {len(caller.failures)} failed")
        for failure in caller.failures[:SHOWN]:
            print(f"        {failure}")
    told, _ = of_rust.communicate()
    print("".join(f"    kept connection of Rust, addition: {line}\n" for line in told.splitlines()), end="")
    sys.exit(of_rust.returncode != 0 or any(caller.failures for caller in CALLERS))
