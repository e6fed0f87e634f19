"""Foreign clients of JSON-RPC, and foreign readers of what rpc.discover tells.

usage: json_clients.py URL, of a service with all its groups of methods
"""

import json
import sys
import unittest
import urllib.request

import jsonrpcclient
import jsonrpclib
import jsonschema
from openrpc import OpenRPC

URL = sys.argv.pop()


def post(path, document):
    """What a document is answered with."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(URL + path, document.encode(), headers)
    with urllib.request.urlopen(request) as response:
        return response.read().decode()


def without(value, name):
    """The value without members of that name, which its reader does not know."""
    if isinstance(value, dict):
        return {key: without(inner, name) for key, inner in value.items() if key != name}
    return [without(inner, name) for inner in value] if isinstance(value, list) else value


class Jsonrpclib(unittest.TestCase):
    def setUp(self):
        self.server = jsonrpclib.ServerProxy(URL + "/jsonrpc")

    def test_calls_by_position_and_by_name(self):
        self.assertEqual(self.server.addition(2, 3), 5)
        self.assertEqual(self.server.subtraction(b=2, a=5), 3)
        self.assertEqual(self.server.command.run(name="hello"), "How do you do?")
        self.assertIn("addition", self.server.system.listMethods())

    def test_values_come_back(self):
        echo = self.server.interopEchoTests.echoValue
        for value in [None, True, -7, 2**53 + 1, 0.1, "é\n\0\U0001f600", [], {"a": [{"b": 1}]}]:
            self.assertEqual(echo(value), value)
        text = "1998-07-17T14:08:55"
        self.assertEqual(self.server.interopEchoTests.echoDate(date=text), text)
        self.assertEqual(self.server.interopEchoTests.echoBase64("AAH/"), "AAH/")

    def test_errors_have_code_and_text(self):
        with self.assertRaises(jsonrpclib.ProtocolError) as raised:
            self.server.addition(1)
        self.assertEqual(raised.exception.args[0][0], -32602)
        with self.assertRaises(jsonrpclib.ProtocolError) as raised:
            self.server.nothing()
        self.assertEqual(raised.exception.args[0], (-32601, "Method not found"))

    def test_notification(self):
        # It takes the status of an answer without a document for a failure.
        with self.assertRaises(jsonrpclib.jsonrpc.TransportError) as raised:
            self.server._notify.addition(2, 3)
        self.assertEqual(raised.exception.args[1], 204)

    def test_batch_with_a_notification(self):
        batch = jsonrpclib.MultiCall(self.server)
        batch.addition(2, 3)
        batch._notify.addition(2, 3)
        batch.subtraction(a=5, b=3)
        self.assertEqual(list(batch()), [5, 2])


class Jsonrpcclient(unittest.TestCase):
    def ask(self, *calls, **named):
        call = jsonrpcclient.request(*calls, **named)
        return jsonrpcclient.parse(json.loads(post("/jsonrpc", json.dumps(call))))

    def test_calls_and_errors(self):
        self.assertEqual(self.ask("addition", params={"a": 2, "b": 3}).result, 5)
        self.assertEqual(self.ask("addition", params=(2, 3)).result, 5)
        self.assertEqual(self.ask("addition", params={"a": 2}).code, -32602)

    def test_notification_and_batch(self):
        self.assertEqual(post("/jsonrpc", jsonrpcclient.notification_json("command.list")), "")
        calls = [jsonrpcclient.request("addition", params=(n, 1)) for n in range(50)]
        answers = jsonrpcclient.parse(json.loads(post("/jsonrpc", json.dumps(calls))))
        self.assertEqual([answer.result for answer in answers], list(range(1, 51)))


class Discovery(unittest.TestCase):
    def test_document_is_of_openrpc(self):
        document = json.loads(post("/json/rpc.discover", ""))
        read = OpenRPC.model_validate(document)
        self.assertEqual(len(read.methods), len(document["methods"]))
        written = read.model_dump(mode="json", by_alias=True, exclude_unset=True)
        self.assertEqual(written, without(document, "contentEncoding"))

    def test_schemas_are_schemas_and_fit_what_is_passed(self):
        document = json.loads(post("/json/rpc.discover", ""))
        methods = {method["name"]: method for method in document["methods"]}
        for method in methods.values():
            contents = method["params"] + [method["result"]]
            for content in contents:
                jsonschema.Draft7Validator.check_schema(content["schema"])
            names = [content["name"] for content in contents]
            self.assertEqual(len(set(names)), len(names))
        schema = methods["addition"]["params"][0]["schema"]
        for fits in [2, 2.5, "a", [1]]:
            jsonschema.validate(fits, schema)
        for other in [None, True, {}]:
            with self.assertRaises(jsonschema.ValidationError):
                jsonschema.validate(other, schema)


if __name__ == "__main__":
    unittest.main()
