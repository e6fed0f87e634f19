"""What CPython's own client sees of a running service; takes its URL."""

import sys
import unittest
import xmlrpc.client
from datetime import datetime

URL = sys.argv.pop()


class Client(unittest.TestCase):
    def setUp(self):
        self.server = xmlrpc.client.ServerProxy(URL, allow_none=True)
        self.addCleanup(self.server("close"))

    def check_fault(self, code, call, *params):
        with self.assertRaises(xmlrpc.client.Fault) as raised:
            call(*params)
        self.assertEqual(raised.exception.faultCode, code, raised.exception)

    def test_arithmetic(self):
        self.assertEqual(self.server.addition(2, 3), 5)
        self.assertEqual(self.server.addition(2**31 - 1, 1), 2**31)
        self.assertEqual(self.server.addition(2, 0.5), 2.5)
        self.assertEqual(self.server.addition("h\u00e9llo \u2603 ", "<&>\n"), "h\u00e9llo \u2603 <&>\n")
        self.assertEqual(self.server.addition([1], ["a", None, [True]]), [1, "a", None, [True]])
        self.assertEqual(self.server.subtraction(2, 3), -1)

    def test_types_come_back_as_they_went(self):
        values = [0, -(2**31), True, -0.0, 1e300, "", "\t ", b"\0\xff", {}, {"": {"a": [None]}}, datetime(2026, 11, 22, 10)]
        with xmlrpc.client.ServerProxy(URL, allow_none=True, use_builtin_types=True) as server:
            back = server.addition(values, [])
        self.assertEqual(back, values)
        self.assertEqual([type(value) for value in back], [type(value) for value in values])

    def test_faults(self):
        self.check_fault(-32601, self.server.no_such_method)
        self.check_fault(-32602, self.server.addition, 1)
        self.check_fault(-32602, self.server.addition, None, 1)
        self.check_fault(-32602, self.server.command.run, "foo")

    def test_introspection(self):
        names = self.server.system.listMethods()
        self.assertEqual(names, sorted(names))
        for name in names:
            self.assertTrue(self.server.system.methodHelp(name), name)
            self.assertTrue(all(self.server.system.methodSignature(name)), name)
        self.assertIn(["int", "int", "int"], self.server.system.methodSignature("addition"))

    def test_multicall(self):
        calls = xmlrpc.client.MultiCall(self.server)
        calls.addition(2, 3)
        calls.no_such_method()
        calls.command.run("hello")
        results = calls()
        self.assertEqual(results[0], 5)
        self.check_fault(-32601, lambda: results[1])
        self.assertEqual(results[2], "How do you do?")

    def test_commands(self):
        self.assertEqual(self.server.command.list(), ["hello", "time", "goodbye", "help"])
        for name in self.server.command.list():
            self.assertIsInstance(self.server.command.run(name), str)

    def test_large_request_that_is_refused_is_answered(self):
        with self.assertRaises(xmlrpc.client.ProtocolError) as raised:
            self.server.addition("x" * 8_000_000, "")
        self.assertEqual(raised.exception.errcode, 413)
        self.assertEqual(self.server.addition(2, 3), 5)


unittest.main()
