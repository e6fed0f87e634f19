"""What CPython's own client sees of a running service with all groups of methods; takes its URL."""

import sys
import unittest
import xmlrpc.client
from datetime import datetime

URL = sys.argv.pop()


class TestCase(unittest.TestCase):
    def setUp(self):
        self.server = xmlrpc.client.ServerProxy(URL, allow_none=True, use_builtin_types=True)
        self.addCleanup(self.server("close"))

    def check_fault(self, code, call, *params):
        with self.assertRaises(xmlrpc.client.Fault) as raised:
            call(*params)
        self.assertEqual(raised.exception.faultCode, code, raised.exception)

    def check_echo(self, echo, *values):
        for value in values:
            back = echo(value)
            self.assertEqual(back, value)
            self.assertIs(type(back), type(value))


class Client(TestCase):
    def test_arithmetic(self):
        self.assertEqual(self.server.addition(2, 3), 5)
        self.assertEqual(self.server.addition(2**31 - 1, 1), 2**31)
        self.assertEqual(self.server.addition(2, 0.5), 2.5)
        self.assertEqual(self.server.addition("h\u00e9llo \u2603 ", "<&>\n"), "h\u00e9llo \u2603 <&>\n")
        self.assertEqual(self.server.addition([1], ["a", None, [True]]), [1, "a", None, [True]])
        self.assertEqual(self.server.subtraction(2, 3), -1)

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

    def test_capabilities(self):
        capabilities = self.server.system.getCapabilities()
        names = ["faults_interop", "introspection", "nil", "system.multicall", "xmlrpc"]
        self.assertEqual(sorted(capabilities), names)
        for capability in capabilities.values():
            self.assertEqual(sorted(capability), ["specUrl", "specVersion"])
            self.assertIsInstance(capability["specUrl"], str)
            self.assertIsInstance(capability["specVersion"], int)

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


class Validator1(TestCase):
    def setUp(self):
        super().setUp()
        self.validator1 = self.server.validator1

    def test_array_of_structs(self):
        stooges = [{"moe": n, "larry": -n, "curly": n * n} for n in range(20)]
        self.assertEqual(self.validator1.arrayOfStructsTest(stooges), sum(n * n for n in range(20)))
        self.assertEqual(self.validator1.arrayOfStructsTest([]), 0)
        self.check_fault(-32602, self.validator1.arrayOfStructsTest, [{"moe": 1}])

    def test_count_the_entities(self):
        self.assertEqual(
            self.validator1.countTheEntities("<<<>>&'''\"x"),
            {"ctLeftAngleBrackets": 3, "ctRightAngleBrackets": 2, "ctAmpersands": 1, "ctApostrophes": 3, "ctQuotes": 1},
        )

    def test_structs(self):
        stooges = {"moe": 1, "larry": -5, "curly": 10}
        self.assertEqual(self.validator1.easyStructTest(stooges), 6)
        more = stooges | {"more": [stooges]}
        self.assertEqual(self.validator1.echoStructTest(more), more)
        calendar = {"1999": {"12": {"31": {}}}, "2000": {"04": {"01": stooges, "02": {}}, "05": {}}}
        self.assertEqual(self.validator1.nestedStructTest(calendar), 6)
        products = {"times10": -70, "times100": -700, "times1000": -7000}
        self.assertEqual(self.validator1.simpleStructReturnTest(-7), products)
        self.check_fault(-32602, self.validator1.easyStructTest, {"moe": 1, "larry": "2", "curly": 3})

    def test_many_types(self):
        values = [7, True, "text", 2.5, datetime(2026, 11, 22, 10, 14, 3), b"\0\1"]
        self.assertEqual(self.validator1.manyTypesTest(*values), values)
        self.check_fault(-32602, self.validator1.manyTypesTest, *reversed(values))

    def test_moderate_size_array(self):
        texts = [f"text {n}" for n in range(150)]
        self.assertEqual(self.validator1.moderateSizeArrayCheck(texts), "text 0text 149")
        self.check_fault(-32602, self.validator1.moderateSizeArrayCheck, [])


class InteropEchoTests(TestCase):
    def setUp(self):
        super().setUp()
        self.echo = self.server.interopEchoTests

    def test_echoes(self):
        self.check_echo(self.echo.echoString, "", " a\tb\n ", "\u00e9\u2603\U0001f600", "<&>]]>\"'", "x" * 100_000)
        self.check_echo(self.echo.echoInteger, 0, -1, 2**31 - 1, -(2**31))
        self.check_echo(self.echo.echoFloat, 0.5, -0.0, 1e300, 5e-324, 1.7976931348623157e308, 0.1 + 0.2)
        self.check_echo(self.echo.echoBoolean, True, False)
        dates = datetime(1, 1, 1), datetime(2026, 11, 22, 10, 14, 3), datetime(9999, 12, 31)
        self.check_echo(self.echo.echoDate, *dates)
        self.check_echo(self.echo.echoBase64, b"", bytes(range(256)) * 100)
        self.check_echo(self.echo.echoStruct, {}, {"": None, "a b": [{}], "\u00e9<": 1})
        self.check_echo(self.echo.echoStringArray, [], ["a", ""])
        self.check_echo(self.echo.echoIntegerArray, [], [1, -1])
        self.check_echo(self.echo.echoFloatArray, [], [1.5, -1.5])
        self.check_echo(self.echo.echoStructArray, [], [{"a": 1}, {}])

    def test_values_of_any_type(self):
        values = [0, -(2**31), True, -0.0, 1e300, "", "\t ", b"\0\xff", {}, {"": {"a": [None]}}, [], None]
        self.check_echo(self.echo.echoValue, *values, values)

    def test_argument_of_another_type_is_a_fault(self):
        for name, wrong in {
            "echoString": 1,
            "echoInteger": "1",
            "echoFloat": "1.5",
            "echoBoolean": 1,
            "echoDate": "20261122T10:14:03",
            "echoBase64": "AAE=",
            "echoStruct": [],
            "echoStringArray": [1],
            "echoIntegerArray": [1.5],
            "echoFloatArray": "1.5",
            "echoStructArray": [[]],
        }.items():
            self.check_fault(-32602, getattr(self.echo, name), wrong)
            self.check_fault(-32602, getattr(self.echo, name))

    def test_no_parameters(self):
        self.assertIs(self.echo.noInParams(), True)
        self.check_fault(-32602, self.echo.noInParams, 1)
        toolkit = self.echo.whichToolkit()
        names = ["toolkitDocsUrl", "toolkitName", "toolkitOperatingSystem", "toolkitVersion"]
        self.assertEqual(sorted(toolkit), names)
        self.assertTrue(all(isinstance(value, str) for value in toolkit.values()))


unittest.main()
