"""The clients of docker/smoke: each function that COMMANDS names is one check and raises where it fails."""

import datetime
import fcntl
import http.client
import re
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
import xmlrpc.client
from collections import namedtuple

HOST = "127.0.0.1"
WAIT = 20  # seconds: the deadline of whatever is waited for


def equal(seen, expected):
    assert seen == expected, f"saw {seen!r}, expected {expected!r}"


def fault_of(call, *params):
    try:
        answer = call(*params)
    except xmlrpc.client.Fault as fault:
        return fault.faultCode
    raise AssertionError(f"answered {answer!r} instead of a fault")


def until(condition, what):
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline, f"not within {WAIT} s: {what}"
        time.sleep(0.02)


def proxy(port):
    return xmlrpc.client.ServerProxy(f"http://{HOST}:{port}/RPC2", allow_none=True)


def connect(port, host=HOST):
    stream = socket.create_connection((host, int(port)), timeout=WAIT)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return stream


def read_to_end(stream):
    return b"".join(iter(lambda: stream.recv(4096), b""))


def xmlrpc_client(port):
    with proxy(port) as server:
        equal(server.addition(2, 3), 5)
        equal(server.subtraction(2, 3), -1)
        methods = server.system.listMethods()
        for method in ("addition", "subtraction", "command.run", "system.multicall"):
            assert method in methods, f"{method} is not in {methods}"
        calls = xmlrpc.client.MultiCall(server)
        calls.addition(2, 3)
        calls.subtraction(7, 4)
        equal(list(calls()), [5, 3])
        equal(server.command.run("hello"), "How do you do?")
        # A value like any other: read, and then of the wrong type.
        equal(fault_of(server.addition, None, 3), -32602)
        equal(fault_of(server.no_such_method), -32601)


def notebook_client(port):
    with connect(port) as stream:
        stream.sendall(b"hello")
        equal(stream.recv(1024), b"How do you do?")
        equal(stream.recv(1024), b"")


def line_client(port):
    with connect(port) as stream:
        stream.sendall(b"hello\r\nfoo\ngoodbye\n")
        equal(read_to_end(stream), b"How do you do?\r\nInvalid command.\nIt was nice hearing from you.\n")


def clock(port, utc_offset_minutes):
    with connect(port) as stream:
        stream.sendall(b"time\ngoodbye\n")
        told = datetime.datetime.strptime(read_to_end(stream).decode().splitlines()[0], "%a %b %d %H:%M:%S %Y")
    zone = datetime.timezone(datetime.timedelta(minutes=int(utc_offset_minutes)))
    off = abs(datetime.datetime.now(zone).replace(tzinfo=None) - told)
    assert off < datetime.timedelta(seconds=5), f"{told} is off by {off}"


def fault_within_a_second(port):
    with proxy(port) as server:
        start = time.monotonic()
        equal(fault_of(server.command.run, "hello"), -32400)
        took = time.monotonic() - start
        assert took < 1, f"the fault took {took:.2f} s"
        equal(server.addition(2, 3), 5)


def heals(port):
    def answers():
        try:
            return server.command.run("hello") == "How do you do?"
        except xmlrpc.client.Fault as fault:
            equal(fault.faultCode, -32400)

    with proxy(port) as server:
        until(answers, "an answer to command.run")


def redis_by_gateway(port):
    """What docker/smoke has called before by the words of the example counts as one visit."""
    with proxy(port) as server:
        redis = server.redis
        equal(redis.increment("visits", 1), 2)
        for text in ("tea", 'two "quoted" words', "é\\n"):
            equal(redis.set("text", text, 60), None)
            equal(redis.get("text"), text)
        equal(redis.delete("text"), True)
        equal(redis.delete("text"), False)
        equal(redis.get("text"), None)
        equal(fault_of(redis.increment, "visits", 1_000_001), -32602)
        equal(fault_of(redis.get, "a b"), -32602)
        equal(fault_of(redis.flushall), -32601)
        equal(server.addition(2, 3), 5)


def redis_is_down(port):
    with proxy(port) as server:
        equal(fault_of(server.redis.get, "visits"), -32400)
        equal(server.addition(2, 3), 5)


def redis_is_back(port):
    def answers():
        try:
            return server.redis.get("visits") is None
        except xmlrpc.client.Fault as fault:
            equal(fault.faultCode, -32400)

    with proxy(port) as server:
        until(answers, "an answer of Redis, which has begun anew")


def large_documents(port):
    """As many as are turned away for want of room; those that are not are answered."""
    array = b"<value><array><data>" + b"<value/>" * 240_000 + b"</data></array></value>"
    param = b"<param>" + array + b"</param>"
    body = b"<methodCall><methodName>addition</methodName><params>" + param + param + b"</params></methodCall>"
    statuses = []

    def post():
        connection = http.client.HTTPConnection(HOST, int(port), timeout=3 * WAIT)
        connection.request("POST", "/", body, {"Content-Type": "text/xml"})
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)

    threads = [threading.Thread(target=post) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(len(statuses), len(threads))
    assert 200 in statuses and set(statuses) <= {200, 503}, statuses


def head(body, *more):
    return "\r\n".join([
        "POST /RPC2 HTTP/1.1", "Host: smoke", "Content-Type: text/xml", f"Content-Length: {len(body)}", *more, "", "",
    ]).encode()


def is_whole_http(reply):
    start, end, body = reply.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", start)
    return bool(end and length) and len(body) == int(length[1])


Request = namedtuple("Request", "sent expected is_whole")


def call(method, params, expected):
    body = xmlrpc.client.dumps(params, method).encode()
    return Request(head(body) + body, expected, is_whole_http)


ADDITION = call("addition", (2, 3), b">5</")
COMMAND_RUN = call("command.run", ("hello",), b"How do you do?")
# Few enough to come in one segment, so that the service has read all of a burst or none of it.
HELLOS = Request(b"hello\n" * 10, b"How do you do?\n" * 10, lambda reply: reply.count(b"\n") == 10)


def read_reply(stream, is_whole):
    """What came until the reply was whole or the connection ended."""
    reply = b""
    try:
        while not is_whole(reply):
            more = stream.recv(65536)
            if not more:
                break
            reply += more
    except ConnectionError:
        pass
    return reply


def answer(stream, request):
    reply = read_reply(stream, request.is_whole)
    assert request.is_whole(reply) and request.expected in reply, f"a request in flight was answered by {reply!r}"


class Caller(threading.Thread):
    """Sends its request again and again on one connection until the service closes it."""

    def __init__(self, port, request):
        super().__init__(daemon=True)
        self.stream, self.request = connect(port), request
        self.answered, self.torn = 0, None

    def run(self):
        with self.stream:
            while self.torn is None:
                try:
                    self.stream.sendall(self.request.sent)
                except ConnectionError:
                    return
                reply = read_reply(self.stream, self.request.is_whole)
                if not reply:
                    # The service closed an idle connection while the request was on its way to it.
                    return
                if self.request.is_whole(reply) and self.request.expected in reply:
                    self.answered += 1
                else:
                    self.torn = reply


class HalfSentCall:
    """A call that the service has begun to read (it said so by 100 Continue) and that is not sent in full yet."""

    def __init__(self, port, request):
        self.stream, self.request = connect(port), request
        body = request.sent.partition(b"\r\n\r\n")[2]
        self.stream.sendall(head(body, "Expect: 100-continue"))
        equal(read_reply(self.stream, lambda reply: reply.endswith(b"\r\n\r\n"))[:12], b"HTTP/1.1 100")
        half = len(body) // 2
        self.stream.sendall(body[:half])
        self.rest = body[half:]

    def finish(self):
        with self.stream:
            self.stream.sendall(self.rest)
            answer(self.stream, self.request)


def is_listening(port):
    # Docker's own proxy may still accept where the service does not: only an answer counts.
    try:
        with connect(port) as stream:
            stream.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            return stream.recv(1) != b""
    except OSError:
        return False


def stop_answers_what_had_arrived(service, container, address, port):
    """Requests arrive while the process is frozen, so that it finds them and the SIGTERM together when it wakes."""
    request = {"tcp-command-svc": HELLOS, "xmlrpc-svc": ADDITION}[service]
    streams = [connect(port, address) for _ in range(20)]
    for stream in streams:
        stream.sendall(request.sent)
        answer(stream, request)

    signal(container, "STOP")
    for stream in streams:
        stream.sendall(request.sent)
    until(lambda: not any(map(unacknowledged, streams)), "the requests' arrival")
    signal(container, "TERM")
    signal(container, "CONT")
    for stream in streams:
        with stream:
            answer(stream, request)
            equal(stream.recv(1), b"")


def signal(container, name):
    subprocess.run(["docker", "kill", "--signal", name, container], check=True, stdout=subprocess.DEVNULL)


def unacknowledged(stream):
    return struct.unpack("i", fcntl.ioctl(stream, termios.TIOCOUTQ, bytes(4)))[0]


def stop_loses_nothing(xmlrpc_port, text_port, *stop_command):
    callers = [Caller(xmlrpc_port, request) for request in (ADDITION, COMMAND_RUN) * 2]
    callers += [Caller(text_port, HELLOS) for _ in range(2)]
    half_sent = [HalfSentCall(xmlrpc_port, request) for request in (ADDITION, COMMAND_RUN) * 5]
    for caller in callers:
        caller.start()
    until(lambda: all(caller.answered > 50 for caller in callers), "50 answers for each caller")
    assert all(caller.is_alive() for caller in callers), "a connection was closed before the stop"

    with subprocess.Popen(stop_command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as stop:
        until(lambda: not is_listening(xmlrpc_port), "the listener's end")
        for call in half_sent:
            call.finish()
    equal(stop.returncode, 0)
    for caller in callers:
        caller.join(WAIT)
        assert not caller.is_alive(), "a connection outlived its service"
        assert caller.torn is None, f"a torn or wrong answer: {caller.torn!r}"
    print(f"    {sum(caller.answered for caller in callers)} requests on kept connections and {len(half_sent)} of "
          f"{len(half_sent)} half-sent calls were answered, no answer was torn")


COMMANDS = (
    xmlrpc_client, notebook_client, line_client, clock, fault_within_a_second, heals,
    redis_by_gateway, redis_is_down, redis_is_back, large_documents, stop_answers_what_had_arrived,
    stop_loses_nothing,
)

if __name__ == "__main__":
    command = {command.__name__: command for command in COMMANDS}[sys.argv[1]]
    try:
        command(*sys.argv[2:])
    except (AssertionError, OSError, xmlrpc.client.Error) as error:
        sys.exit(f"{sys.argv[1]}: {type(error).__name__}: {error}")
