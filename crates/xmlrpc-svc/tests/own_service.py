"""What a client sees of `examples/own_service.rs`; takes its URL."""

import sys
import unittest
import xmlrpc.client

URL = sys.argv.pop()


class Shop(unittest.TestCase):
    def test_shop(self):
        with xmlrpc.client.ServerProxy(URL) as server:
            self.assertEqual(server.shop.put({"name": "tea", "price": 2.5}), 1)
            self.assertEqual(server.shop.put({"name": "cup", "price": 4}), 2)
            self.assertEqual(server.shop.find("tea"), {"name": "tea", "price": 2.5})
            self.assertEqual(server.shop.total(2.5, 3), 7.5)
            self.assertEqual(server.system.methodSignature("shop.find"), [["struct", "string"]])
            self.assertEqual(server.system.methodHelp("shop.total"), "The price of so many.")
            with self.assertRaisesRegex(xmlrpc.client.Fault, "-32500: 'no such item'"):
                server.shop.find("salt")
            with self.assertRaisesRegex(xmlrpc.client.Fault, r"-32602: 'params\[0\].price: expected double, found string'"):
                server.shop.put({"name": "tea", "price": "2.5"})


unittest.main()
