"""Holds the methods socket.* of a service to Python's own module: socket_client.py URL"""

import random
import socket
import sys
import xmlrpc.client

server = xmlrpc.client.ServerProxy(sys.argv[1], allow_none=True)
compared = 0


def plain(value):
    """As XML-RPC's values are."""
    if isinstance(value, bytes):
        return xmlrpc.client.Binary(value)
    if isinstance(value, tuple):
        return list(value)
    return value


def check(name, *arguments, called=None):
    """The same result by both; where Python has an exception, a fault -32500."""
    global compared
    compared += 1
    try:
        expected = plain(getattr(socket, name)(*arguments))
    except (OSError, OverflowError, UnicodeError, ValueError) as error:
        expected = error
    try:
        told = getattr(server.socket, name)(*(called or arguments))
    except xmlrpc.client.Fault as fault:
        assert isinstance(expected, Exception), (name, arguments, expected, fault)
        assert fault.faultCode == -32500, (name, arguments, fault)
        return
    assert told == expected, (name, arguments, expected, told)


def check_packed(packed):
    check("inet_ntoa", packed, called=[xmlrpc.client.Binary(packed)])


random.seed(5022)

check("gethostname")

edges = [0, 1, 255, 256, 32767, 32768, 65535, 65536, -1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, -(2**31), 2**31 + 5]
for name in ["ntohs", "htons", "ntohl", "htonl"]:
    for number in edges:
        if number < 2**31:
            check(name, number)
for name in ["ntohs", "htons"]:
    for _ in range(50):
        check(name, random.randrange(65536))
for name in ["ntohl", "htonl"]:
    for _ in range(50):
        check(name, random.randrange(2**31))

for text in ["127.0.0.1", "127.1", "0x7f.1", "0", "", "1.2.3.4 x", "1.2.3.4x", "08.1.1.1", "1.2.3.256", "4294967296"]:
    check("inet_aton", text)
for _ in range(400):
    parts = [
        random.choice(["%d", "0%o", "0x%x", "%d."]) % random.choice([0, 7, 8, 255, 256, 65535, 65536, 2**24, 2**32 - 1, 2**32])
        for _ in range(random.randrange(1, 6))
    ]
    check("inet_aton", ".".join(parts))
for _ in range(300):
    check("inet_aton", "".join(random.choice("0123456789.xXaf -+\t") for _ in range(random.randrange(12))))
for _ in range(50):
    check_packed(random.randbytes(4))
for length in [0, 3, 5, 16]:
    check_packed(bytes(length))

services, protocols = set(), set()
for path, names in [("/etc/services", services), ("/etc/protocols", protocols)]:
    with open(path) as lines:
        for words in (line.split("#")[0].split() for line in lines):
            names.update(words[:1] + words[2:])
for service in sorted(services) + ["no-such-service", "HTTP", ""]:
    check("getservbyname", service)
    for protocol in ["tcp", "udp", "sctp", "TCP", ""]:
        check("getservbyname", service, protocol)
for protocol in sorted(protocols) + ["no-such-protocol", "Tcp", ""]:
    check("getprotobyname", protocol)

for host in ["localhost", "127.0.0.1", "127.1", "0x7f.0.0.1", "", "<broadcast>", "255.255.255.255", "::1", "no.such.host.invalid", socket.gethostname(), "a b", "x" * 300]:
    check("gethostbyname", host)
for host in ["127.0.0.1", "localhost", "no.such.host.invalid"]:
    check_name = getattr(socket, "gethostbyaddr")
    try:
        name, _, addresses = check_name(host)
    except OSError:
        check("gethostbyaddr", host)
        continue
    told = server.socket.gethostbyaddr(host)
    # Aliases are not known here.
    assert told == [name, [], told[2]] and told[2][0] in addresses + ["::1"], (host, told)

assert compared > 2000, compared
