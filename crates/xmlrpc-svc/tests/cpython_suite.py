"""CPython's own tests of its XML-RPC server, from the installed test package, against a running
server (`examples/cpython_suite.rs`); takes host and port.

Each server test stands in one of the two lists below, so that a test that a newer CPython brings
is noticed.
"""

import sys
import unittest

from test import test_xmlrpc as suite

HOST, PORT = sys.argv[1:]

APPLY = {
    "SimpleServerTestCase": [
        "test_404",
        "test_allow_dotted_names_true",
        "test_client_encoding",
        "test_context_manager",
        "test_context_manager_method_error",
        "test_dotted_attribute",
        "test_introspection2",
        "test_introspection3",
        "test_multicall",
        "test_nonascii",
        "test_nonascii_methodname",
        "test_partial_post",
        "test_simple1",
        "test_unicode_host",
    ],
    "SimpleServerEncodingTestCase": ["test_server_encoding"],
    "GzipServerTestCase": ["test_bad_gzip_request"],
    "FailingServerTestCase": ["test_basic"],
}

# Why the others say nothing of another server.
DO_NOT_APPLY = {
    "SimpleServerTestCase": {
        "test_introspection1": "wants Python's listing: an attribute `Fixture`, and no other system.* than Python's",
        "test_introspection4": "wants the text 'signatures not supported'; ours are",
        "test_non_existing_multicall": "wants fault code 1 with the text of a Python exception",
    },
    "MultiPathServerTestCase": {
        name: "wants another set of methods at each path"
        for name in [
            "test_empty_path",
            "test_empty_path_fragment",
            "test_empty_path_query",
            "test_invalid_path",
            "test_path1",
            "test_path2",
            "test_path3",
            "test_path_fragment",
            "test_path_query",
            "test_path_query_fragment",
            "test_root_path",
        ]
    },
    "BaseKeepaliveServerTestCase": {},
    "KeepaliveServerTestCase1": {"test_two": "counts requests in the server's process"},
    "KeepaliveServerTestCase2": {
        "test_close": "counts connections in the server's process",
        "test_transport": "counts connections in the server's process",
    },
    "GzipServerTestCase": {
        "test_gzip_request": "reads a request's header in the server's process",
        "test_gzip_response": "sets the threshold of compressing in the server's process",
    },
    "HeadersServerTestCase": {
        name: "reads a request's headers in the server's process"
        for name in ["test_header", "test_header_empty", "test_header_items", "test_header_many", "test_header_tuple"]
    },
    "FailingServerTestCase": {
        "test_fail_no_info": "breaks the server's own reading of headers",
        "test_fail_with_info": "breaks the server's own reading of headers",
    },
}


def server_tests():
    """The tests, by class, that start a server."""
    for name, case in vars(suite).items():
        is_case = isinstance(case, type) and issubclass(case, unittest.TestCase)
        if is_case and (issubclass(case, suite.BaseServerTestCase) or case is suite.FailingServerTestCase):
            yield name, case, unittest.defaultTestLoader.getTestCaseNames(case)


def use_the_running_server(case):
    suite.ADDR, suite.PORT, suite.URL = HOST, int(PORT), f"http://{HOST}:{PORT}"


def main():
    tests, unknown = unittest.TestSuite(), []
    for name, case, methods in server_tests():
        case.setUp, case.tearDown = use_the_running_server, lambda case: None
        for method in methods:
            if method in APPLY.get(name, []):
                tests.addTest(case(method))
            elif method not in DO_NOT_APPLY.get(name, {}):
                unknown.append(f"{name}.{method}")
    if unknown:
        print("in neither list (a newer CPython?):", *unknown, file=sys.stderr)
    wanted = sum(map(len, APPLY.values()))
    if tests.countTestCases() != wanted:
        sys.exit(f"{tests.countTestCases()} of {wanted} tests that apply are there")
    result = unittest.TextTestRunner(verbosity=2).run(tests)
    sys.exit(not result.wasSuccessful() or bool(result.skipped))


main()
