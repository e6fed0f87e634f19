"""What a client sees of the examples: a class for each, named before its URL."""

import sys
import unittest
import xmlrpc.client

URL = sys.argv.pop()


class Example(unittest.TestCase):
    def setUp(self):
        self.server = xmlrpc.client.ServerProxy(URL)
        self.addCleanup(self.server("close"))

    def check_fault(self, code, text, method, *params):
        with self.assertRaises(xmlrpc.client.Fault) as raised:
            method(*params)
        self.assertEqual((raised.exception.faultCode, raised.exception.faultString), (code, text))


class Hello(Example):
    def test_hello(self):
        self.assertEqual(self.server.hello("Ada"), "Hello, Ada!")
        self.assertEqual(self.server.system.methodHelp("hello"), "Greets someone.")


class Shop(Example):
    def test_shop(self):
        shop = self.server.shop
        self.assertEqual(shop.put("tea", 2.5), 1)
        self.assertEqual(shop.put("cup", 4), 1)
        self.assertEqual(shop.price("tea"), 2.5)
        self.check_fault(-32500, "no such item", shop.price, "salt")
        self.check_fault(-32602, "params[1]: expected double, found string", shop.put, "tea", "2.5")
        signature = self.server.system.methodSignature("shop.put")
        self.assertEqual(signature, [["int", "string", "double"], ["i8", "string", "double"]])


class ShopAgain(Example):
    """The shop after another start on the same database."""

    def test_shelf_is_as_it_was(self):
        self.assertEqual(self.server.shop.price("tea"), 2.5)


class Errors(Example):
    def test_every_error_is_the_fault_that_it_says(self):
        orders = self.server.orders
        self.check_fault(101, "salt is sold out", orders.place, "salt", 1)
        self.check_fault(102, "at most 10 at once", orders.place, "tea", 11)
        self.check_fault(-32603, "internal error", orders.place, "tea", 1)
        self.check_fault(-32500, "invalid float literal", orders.price, "cheap")
        self.check_fault(-32500, "tea is no order's name", orders.number, "tea")
        self.check_fault(-32400, "the office is closed", orders.cancel, 7)
        self.assertEqual(orders.number("order-7"), 7)


class InAxum(Example):
    def test_who(self):
        self.assertRegex(self.server.who(), r"^127\.0\.0\.1:\d+$")


class OwnRuntime(Example):
    def test_twice(self):
        self.assertEqual(self.server.twice(21), 42)


unittest.main()
