"""The peers of docker/hostile: crowds that take much and give little, and those who look whether the service minds.

hostile_peers.py kinds SERVICE
hostile_peers.py ready SERVICE ADDRESS
hostile_peers.py attack SERVICE KIND ADDRESS CONTAINER PID
"""

import errno
import http.client
import multiprocessing
import os
import resource
import select
import socket
import struct
import subprocess
import sys
import time
from collections import Counter, namedtuple
from contextlib import suppress

ARRIVAL = 5  # seconds that the peers may take to come
HOLD = 3  # seconds that they stay
MAX_CONNECTING = 1000  # at once: more would only wait for their SYN to be sent again
HEALTH_WITHIN = 1  # seconds
EXEC_WITHIN = 5  # seconds, of which the engine takes most
RECOVERY = 1  # seconds after the peers left
CALLS = 20
# Of peers that read nothing: their own kernel is not to take in what the service should have to keep.
RECEIVE_BUFFER_BYTES = 4096

ADMIN_PORTS = {"xmlrpc-svc": 9022, "tcp-command-svc": 9004}
PORTS = {"xmlrpc-svc": 5022, "tcp-command-svc": 5004}


def post(body, length=None):
    return b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%b" % (
        length or len(body), body)


def document(method, *values):
    params = b"".join(b"<param><value>%b</value></param>" % value for value in values)
    return b"<methodCall><methodName>%b</methodName><params>%b</params></methodCall>" % (method, params)


def array(item, count):
    return b"<array><data>" + item * count + b"</data></array>"


ADDITION = post(document(b"addition", b"<int>2</int>", b"<int>3</int>"))
# Each entry is wrong, and its fault takes 30 times its room: over 200 kB for 8 kB.
LARGE_ANSWER = post(document(b"system.multicall", array(b"<value/>", 1000)))
LARGE_DOCUMENT = post(document(b"addition", *[array(b"<value/>", 240_000)] * 2))

# So many `peers` send `request` to `port` and stay; unless it `reads`, nothing is taken of what comes back.
Kind = namedtuple("Kind", "peers request reads port", defaults=[True, PORTS])

KINDS = {
    "xmlrpc-svc": {
        "half-heads": Kind(10_000, b"POST / HTTP/1.1\r\nHost: x\r\nX: ".ljust(15_000, b"a")),
        "half-bodies": Kind(10_000, post(b"<methodCall>".ljust(14_000), 60_000)),
        "kept": Kind(10_000, ADDITION),
        "unread-answers": Kind(10_000, LARGE_ANSWER, False),
        "large-documents": Kind(20, LARGE_DOCUMENT),
        "pipelined": Kind(2_000, ADDITION * 50, False),
    },
    "tcp-command-svc": {
        "empty-lines": Kind(10_000, b"\r\n" * 20_000, False),
        "half-lines": Kind(10_000, b"a" * 4_000),
        "silent": Kind(10_000, b""),
    },
}
for kinds in KINDS.values():
    kinds["admin-64"] = Kind(64, b"", port=ADMIN_PORTS)
    kinds["admin-200"] = Kind(200, b"", port=ADMIN_PORTS)


class Peer:
    def __init__(self, stream, request, is_second):
        self.stream, self.unsent, self.is_second = stream, memoryview(request), is_second
        self.is_connected = self.has_read = False


class Crowd:
    """The peers of one kind. Whom the service closes comes once more."""

    def __init__(self, kind, target):
        self.kind, self.target = kind, target
        self.to_come = [False] * kind.peers  # whether it is for the second time
        self.here, self.connecting, self.sending = {}, 0, 0
        self.connected = self.refused = self.closed = 0
        self.replies = Counter()
        self.poll = select.epoll()

    def visit(self, is_alive):
        """Comes, stays, and leaves at once. Ends early where the service does, or holds none of the peers."""
        end = time.monotonic() + ARRIVAL + HOLD
        is_staying = False
        while time.monotonic() < end and (self.to_come or self.here) and is_alive():
            self.come()
            for descriptor, events in self.poll.poll(0.05, 1000):
                self.handle(self.here[descriptor], events)
            if not is_staying and not (self.to_come or self.connecting or self.sending):
                is_staying = True
                end = min(end, time.monotonic() + HOLD)
        for peer in self.here.values():
            peer.stream.close()

    def come(self):
        for _ in range(min(len(self.to_come), MAX_CONNECTING - self.connecting, 200)):
            stream = socket.socket()
            stream.setblocking(False)
            # It leaves by RST, and no port waits.
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            events = select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
            if self.kind.reads:
                events |= select.EPOLLIN
            else:
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            peer = Peer(stream, self.kind.request, self.to_come.pop())
            self.here[stream.fileno()] = peer
            self.connecting += 1
            if stream.connect_ex(self.target) in (0, errno.EINPROGRESS):
                self.poll.register(stream, events)
            else:
                self.lose(peer)

    def handle(self, peer, events):
        if not peer.is_connected and not events & (select.EPOLLERR | select.EPOLLHUP):
            peer.is_connected = True
            self.connecting -= 1
            self.connected += 1
            self.sending += bool(peer.unsent)
        try:
            if peer.unsent and peer.is_connected and events & select.EPOLLOUT:
                self.send(peer)
            if events & select.EPOLLIN:
                self.read(peer)
        except OSError:
            events |= select.EPOLLHUP
        if events & (select.EPOLLERR | select.EPOLLHUP | select.EPOLLRDHUP):
            self.lose(peer)

    def send(self, peer):
        with suppress(BlockingIOError):
            while peer.unsent:
                peer.unsent = peer.unsent[peer.stream.send(peer.unsent):]
            self.sending -= 1

    def read(self, peer):
        with suppress(BlockingIOError):
            while data := peer.stream.recv(65536):
                if not peer.has_read:
                    peer.has_read = True
                    # An HTTP status, or what the text service says.
                    self.replies[data[9:12] if data.startswith(b"HTTP/1.1 ") else data.strip()[:20]] += 1

    def lose(self, peer):
        del self.here[peer.stream.fileno()]
        peer.stream.close()
        if peer.is_connected:
            self.closed += 1
            self.sending -= bool(peer.unsent)
        else:
            self.refused += 1
            self.connecting -= 1
        if not peer.is_second:
            self.to_come.append(True)

    def told(self):
        replies = [f"{count} told {reply.decode(errors='replace')}" for reply, count in self.replies.most_common(3)]
        return ", ".join([f"{self.connected} connected", f"{self.refused} refused", f"{self.closed} closed", *replies])


class Watch:
    """Does `look(*arguments)` in a process of its own, again and again, until it is asked what was seen: the worst."""

    def __init__(self, pause, look, *arguments):
        self.stop, (self.mine, theirs) = multiprocessing.Event(), multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=self.run, args=(pause, look, arguments, theirs), daemon=True)
        self.process.start()

    def run(self, pause, look, arguments, pipe):
        worst = look(*arguments)
        while not self.stop.wait(pause):
            worst = max(worst, look(*arguments))
        pipe.send(worst)

    def worst(self):
        self.stop.set()
        worst = self.mine.recv()
        self.process.join()
        return worst


NEVER = float("inf")


def health(address, port):
    """Seconds until it said that it lives."""
    start = time.monotonic()
    connection = http.client.HTTPConnection(address, port, timeout=2 * HEALTH_WITHIN)
    try:
        connection.request("GET", "/healthz")
        return time.monotonic() - start if connection.getresponse().status == 200 else NEVER
    except (OSError, http.client.HTTPException):
        return NEVER
    finally:
        connection.close()


def healthcheck(container, service):
    """Seconds of the image's own health check."""
    start = time.monotonic()
    command = ["docker", "exec", container, f"/{service}", "healthcheck"]
    try:
        subprocess.run(command, check=True, timeout=EXEC_WITHIN, capture_output=True)
        return time.monotonic() - start
    except subprocess.SubprocessError:
        return NEVER


def number(file):
    """What the kernel tells there, while it is there."""
    try:
        with open(file) as text:
            return int(text.read())
    except OSError:
        return 0


def memory_files(pid):
    """Where the kernel tells what a container takes. Version 1 of cgroups counts the buffers of sockets apart, outside
    the limit, and only where they have a limit of their own: an endless one makes them known, and has the sockets
    themselves counted under the limit, as version 2 does with both."""
    with open(f"/proc/{pid}/cgroup") as lines:
        groups = dict(line.rstrip("\n").split(":", 2)[1:] for line in lines)
    if "memory" not in groups:
        files = {"memory": f"/sys/fs/cgroup{groups['']}/memory.current"}
    else:
        root = f"/sys/fs/cgroup/memory{groups['memory']}/memory"
        files = {"memory": f"{root}.usage_in_bytes", "sockets beside": f"{root}.kmem.tcp.usage_in_bytes"}
        with suppress(OSError), open(f"{root}.kmem.tcp.limit_in_bytes", "w") as limit:
            limit.write(str(2**40))
    return {name: file for name, file in files.items() if os.path.exists(file)}


def call(service, address, timeout):
    with socket.create_connection((address, PORTS[service]), timeout) as stream:
        request, expected = {
            "xmlrpc-svc": (ADDITION, b">5</"),
            "tcp-command-svc": (b"hello\n", b"How do you do?\n"),
        }[service]
        stream.sendall(request)
        reply = b""
        while expected not in reply:
            data = stream.recv(4096)
            if not data:
                raise ConnectionError(f"answered {reply!r}")
            reply += data


def serves_again(service, address):
    """Whether so many calls in a row, each on a connection of its own, are answered before the time is up."""
    in_a_row, end = 0, time.monotonic() + RECOVERY
    while in_a_row < CALLS and (left := end - time.monotonic()) > 0:
        try:
            call(service, address, left)
            in_a_row += 1
        except OSError:
            in_a_row = 0
            time.sleep(0.02)
    return in_a_row == CALLS


def millis(seconds):
    return "none" if seconds == NEVER else f"{seconds * 1000:.0f} ms"


def attack(service, name, address, container, pid):
    kind = KINDS[service][name]

    def is_alive():
        return os.path.exists(f"/proc/{pid}")

    seen_health = Watch(0.1, health, address, ADMIN_PORTS[service])
    seen_check = Watch(1, healthcheck, container, service)
    seen_memory = {name: Watch(0.01, number, file) for name, file in memory_files(pid).items()}
    # The peers are to take their time from each other, not from those who look.
    os.nice(5)
    crowd = Crowd(kind, (address, kind.port[service]))
    crowd.visit(is_alive)
    is_serving = serves_again(service, address)
    worst_health, worst_check = seen_health.worst(), seen_check.worst()
    peaks = ", ".join(f"{name} {watch.worst() / 2**20:.1f} MiB" for name, watch in seen_memory.items())

    troubles = ["the service ended"] if not is_alive() else [trouble for trouble, is_so in (
        ("nobody was let in", not crowd.connected),
        (f"/healthz was not answered within {HEALTH_WITHIN} s", worst_health > HEALTH_WITHIN),
        ("healthcheck failed", worst_check == NEVER),
        (f"not {CALLS} calls in a row within {RECOVERY} s after", not is_serving),
    ) if is_so]
    worst = f"health {millis(worst_health)}, by exec {millis(worst_check)}"
    print(f"{crowd.told()}; {peaks or 'memory unknown'}; {worst}; {', '.join(troubles)}")
    return not troubles


def ready(service, address):
    end = time.monotonic() + 10
    while health(address, ADMIN_PORTS[service]) == NEVER:
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def raise_descriptors():
    wanted = max(kind.peers for kinds in KINDS.values() for kind in kinds.values()) + 100
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))


if __name__ == "__main__":
    command, arguments = sys.argv[1], sys.argv[2:]
    if command == "kinds":
        print(*KINDS[arguments[0]], sep="\n")
    elif command == "ready":
        sys.exit(0 if ready(*arguments) else f"{arguments[0]} does not come up")
    else:
        raise_descriptors()
        sys.exit(0 if attack(*arguments) else 1)
