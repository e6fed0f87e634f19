"""CPython's client at a gateway, with Supervisor or rTorrent behind it, as docs/gateway.md has it.

Usage: gateway_parts.py supervisor|torrents URL
"""

import sys
from xmlrpc.client import Binary, Fault, MultiCall, ServerProxy

WHICH, URL = sys.argv[1:]
server = ServerProxy(URL)


def code(method, *params):
    try:
        result = method(*params)
    except Fault as fault:
        return fault.faultCode
    raise AssertionError(f"a result: {result!r}")


def together(*calls):
    """The result of each call, or the code of its fault."""
    multicall = MultiCall(server)
    for name, *params in calls:
        getattr(multicall, name)(*params)
    results = multicall()
    found = []
    for index in range(len(calls)):
        try:
            found.append(results[index])
        except Fault as fault:
            found.append(fault.faultCode)
    return found


def check(found, expected):
    assert found == expected, f"{found!r} is not {expected!r}"


def listed(prefix):
    return [name for name in server.system.listMethods() if name.startswith(prefix)]


def supervisor():
    ours = ["getAllProcessInfo", "getProcessInfo", "getState", "getVersion"]
    ours += ["startProcess", "stopProcess"]
    check(listed("supervisor."), ["supervisor." + name for name in ours])
    supervisor = server.supervisor
    check(supervisor.getState(), {"statecode": 1, "statename": "RUNNING"})
    names = [process["name"] for process in supervisor.getAllProcessInfo()]
    check(names, ["database", "web"])
    check(supervisor.startProcess("web"), True)
    check(supervisor.getProcessInfo("web")["statename"], "RUNNING")
    check(code(supervisor.startProcess, "web"), 60)  # its own: already started
    check(supervisor.stopProcess("web", True), True)
    check(supervisor.getProcessInfo("web")["statename"], "STOPPED")
    for method, *params in [
        (supervisor.shutdown,),
        (supervisor.restart,),
        (supervisor.readLog, 0, 0),
        (supervisor.system.multicall, []),
        (supervisor.twiddler.getAPIVersion,),
    ]:
        check(code(method, *params), -32601)
    for params in [("database",), ("web\n",), (Binary(b"database"),), (["web"],), ({"a": "web"},)]:
        check(code(supervisor.stopProcess, *params), -32602)
    found = together(
        ("supervisor.getVersion",),
        ("supervisor.shutdown",),
        ("supervisor.stopProcess", "database"),
        ("supervisor.stopProcess", "web"),
        ("supervisor.getState",),
    )
    check(found, ["3.0", -32601, -32602, 70, {"statecode": 1, "statename": "RUNNING"}])
    check(supervisor.getProcessInfo("database")["statename"], "RUNNING")


def torrents():
    names = listed("rt.")
    for name in ["rt.d.multicall2", "rt.d.name", "rt.download_list", "rt.system.client_version"]:
        assert name in names, names
    for name in ["rt.execute", "rt.d.erase", "rt.load.raw_start", "rt.system.multicall"]:
        assert name not in names, names
    rt = server.rt
    version = rt.system.client_version()
    assert version.startswith("0."), version
    (download,) = rt.download_list("")
    check(rt.d.name(download), "lab é")
    check(rt.d.size_bytes(download), 5_000_000_000)
    check(rt.d.is_active(download), 0)
    fields = ["d.name=", "d.size_bytes=", "d.ratio="]
    check(rt.d.multicall2("", "main", *fields), [["lab é", 5_000_000_000, 0]])
    for method, *params in [
        (rt.execute, "", "touch", "no"),
        (rt.execute.capture, "", "id"),
        (rt.d.erase, download),
        (rt.load.raw_start, "", Binary(b"d4:infod0:0:ee")),
        (rt.system.shutdown.normal,),
        (rt.system.multicall, [{"methodName": "system.pid", "params": []}]),
        (server.execute, "", "touch", "no"),
    ]:
        check(code(method, *params), -32601)
    harmful = ["execute=touch,no", "d.name=$execute=touch,no", "d.name=;execute=touch,no", "d.erase="]
    for field in [*harmful, *(Binary(field.encode()) for field in harmful), ["d.name="]]:
        check(code(rt.d.multicall2, "", "main", "d.name=", field), -32602)
    for target in ["", "lab", download.lower(), download + ":f0", "$execute=touch,no"]:
        check(code(rt.d.name, target), -32602)
    unknown = "0" * 40
    found = together(
        ("rt.d.name", download),
        ("rt.d.erase", download),
        ("rt.d.multicall2", "", "main", "d.erase="),
        ("rt.d.name", unknown),
        ("rt.d.size_bytes", download),
    )
    check(found[:3] + found[4:], ["lab é", -32601, -32602, 5_000_000_000])
    check(found[3], code(rt.d.name, unknown))  # its own
    check(rt.download_list(""), [download])


{"supervisor": supervisor, "torrents": torrents}[WHICH]()
