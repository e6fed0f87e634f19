"""Python's own client over one kept connection: tells how many calls it made, and in what time.

usage: xmlrpc_client.py URL METHOD SECONDS
"""

import sys
import time
from xmlrpc.client import ServerProxy

url, method, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
call = getattr(ServerProxy(url), method)


def calls_for(seconds):
    calls, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        call(2, 3)
        calls += 1
    return calls


calls_for(seconds / 4)
started, busy = time.monotonic(), time.process_time()
calls = calls_for(seconds)
print(calls, time.monotonic() - started, time.process_time() - busy)
