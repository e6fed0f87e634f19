"""What people do on the page, in a browser. Run by page.rs, which says where it is served."""

import datetime
import os
import pathlib
import subprocess
import tempfile
import unittest
import urllib.parse

from browser import Browser

OPEN, CLOSED, MOUNTED, MARKUP = (os.environ[name] for name in ("OPEN", "CLOSED", "MOUNTED", "MARKUP"))

FORM = "article.current .call"
FIELD = f"{FORM} .field:nth-child(%d) :is(input, textarea, select)"
BUTTON = f"{FORM} .actions button"
OUTCOME = "article.current .outcome"


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.__exit__)

    def setUp(self):
        self.browser.set_width(1280)
        self.browser.requests()
        self.browser.log("browser")

    def tearDown(self):
        """Nothing is asked of another origin, and nothing that the page does is against its policy."""
        for url in self.browser.requests():
            self.assertRegex(url, f"^({OPEN}|{CLOSED}|{MOUNTED}|data:|about:|blob:)")
        said = [entry["message"] for entry in self.browser.log("browser")]
        self.assertEqual([line for line in said if " 401 " not in line], [])

    def open(self, url, method=""):
        self.browser.open(url + (f"#{urllib.parse.quote(method, safe='')}" if method else ""))
        self.browser.wait("the script has run", "document.documentElement.matches('.scripted')")
        if method:
            self.browser.find(FORM)

    def call(self, method, *typed):
        """Types into the fields one by one, calls, and gives back what is shown."""
        self.open(OPEN, method)
        for place, text in enumerate(typed, 1):
            self.browser.type_into(FIELD % place, text)
        self.browser.click(BUTTON)
        return self.outcome()

    def outcome(self):
        return self.browser.text(f"{OUTCOME} strong"), self.browser.text(f"{OUTCOME} .answer")

    def test_methods_are_listed_by_groups(self):
        self.open(OPEN)
        self.assertEqual(self.browser.texts("nav h2"), ["echo", "system"])
        self.assertEqual(self.browser.texts("nav li")[:4], [MARKUP, "addition", "fail", "subtraction"])
        self.assertEqual(self.browser.text("h1"), "teahouse 2.1")
        self.assertEqual(self.browser.text(".readiness"), "ready")
        self.assertEqual(self.browser.text(".count"), "15 methods")

    def test_search_finds_names_and_help(self):
        self.open(OPEN)
        for words, found in [("ADDI", ["addition"]), ("once twice", ["text"]), ("echo.da", ["date"]), ("nothing such", [])]:
            self.browser.press("/")
            self.browser.run("document.activeElement.value = ''")
            self.browser.type(words)
            self.assertEqual(self.browser.texts("nav li"), found)
        self.assertEqual(self.browser.texts(".nothing"), ["No method fits."])
        self.browser.press("Escape")
        self.assertEqual(len(self.browser.texts("nav li")), 15)

    def test_search_and_call_take_no_mouse(self):
        self.open(OPEN)
        self.browser.press("/")
        self.browser.type("addi")
        self.browser.press("Enter")
        self.browser.wait("the first field has the focus", "document.activeElement.closest('.field')")
        self.browser.type("2")
        self.browser.press("Tab")
        self.browser.type("3")
        self.browser.press("Enter")
        self.assertEqual(self.outcome(), ("int", "5"))
        self.assertIn("5", self.browser.text(".said"))
        self.assertTrue(self.browser.do_get("/url").endswith("#addition"))

    def test_method_has_a_deep_link(self):
        self.open(OPEN, "subtraction")
        self.assertEqual(self.browser.texts("article h2"), ["subtraction"])
        self.assertEqual(self.browser.texts("nav [aria-current]"), ["subtraction"])
        self.browser.click("h1 a")
        self.browser.wait("all are there", "!document.querySelector('article.current')")
        self.assertEqual(len(self.browser.texts("article h2")), 15)

    def test_other_signature_has_other_fields(self):
        self.open(OPEN, "addition")
        self.browser.click(f"{FORM} fieldset label:nth-of-type(3) input")
        for place, text in enumerate(["tea ", "& <b>"], 1):
            self.browser.type_into(FIELD % place, text)
        self.browser.press("Enter")
        self.assertEqual(self.outcome(), ("string", "tea & <b>"))

    def test_fault_is_shown_with_its_code(self):
        self.assertEqual(self.call("fail"), ("Fault 42", "out of tea"))

    def test_file_is_sent_as_bytes(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(bytes(range(256)))
            file.flush()
            kind, answer = self.call("echo.bytes", file.name)
        self.assertEqual((kind, answer[:8]), ("base64", "AAECAwQF"))
        self.assertEqual(self.browser.text(f"{OUTCOME} a"), "Save 256 bytes")

    def test_date_is_sent(self):
        self.open(OPEN, "echo.date")
        self.browser.run("document.querySelector(arguments[0]).value = '2030-01-02T03:04'", FIELD % 1)
        self.browser.click(BUTTON)
        self.assertEqual(self.outcome(), ("dateTime.iso8601", "2030-01-02T03:04:00"))

    def test_struct_is_sent_as_json(self):
        typed = '{"__proto__": [9007199254740993, 0.1, 3.0, null, true], "at": {"$dateTime": "2030-01-02T03:04:05"}, "raw": {"$base64": "AP8="}, "text": "é\\n<"}'
        kind, answer = self.call("echo.struct", typed)
        self.assertEqual(kind, "struct")
        for part in ["[9007199254740993, 0.1, 3.0, null, true]", '{"$dateTime":"2030-01-02T03:04:05"}', '{"$base64":"AP8="}', '"é\\n<"']:
            self.assertIn(part, answer)

    def test_optional_parameter_may_be_left_out(self):
        self.assertEqual(self.call("echo.text", "tea"), ("string", "tea"))
        self.assertEqual(self.call("echo.text", "tea", "true"), ("string", "teatea"))

    def test_wrong_input_is_marked_at_its_field(self):
        self.open(OPEN, "addition")
        self.browser.type_into(FIELD % 1, "1")
        self.browser.type_into(FIELD % 2, "two")
        self.browser.press("Enter")
        self.assertEqual(self.browser.text(f"{FORM} .error:not([hidden])"), "Expected a whole number.")
        invalid = "document.activeElement.matches(arguments[0]) && document.activeElement.matches('[aria-invalid=true]')"
        self.browser.wait("it has the focus", invalid, FIELD % 2)
        self.assertEqual(self.browser.texts(OUTCOME), [])
        for typed, error in [("9223372036854775808", "It is beyond 64 bits."), (" ", "It is needed.")]:
            self.browser.run("document.activeElement.value = arguments[0]", typed)
            self.browser.press("Enter")
            self.browser.wait(error, f"document.querySelector('{FORM} .error:not([hidden])')?.innerText === arguments[0]", error)
        self.open(OPEN, "echo.struct")
        self.browser.type_into(FIELD % 1, '{"a": 1, "a": 2}')
        self.browser.click(BUTTON)
        self.assertEqual(self.browser.text(f"{FORM} .error:not([hidden])"), "A name is there twice.")

    def test_call_that_does_not_end_is_cancelled(self):
        self.open(OPEN, "wait")
        self.browser.click(BUTTON)
        self.browser.wait("it waits", "document.querySelector(arguments[0]).matches('.waiting')", BUTTON)
        self.browser.click(f"{BUTTON}:nth-child(2)")
        self.assertEqual(self.outcome()[0], "Cancelled")

    def spelled(self, tab):
        self.browser.run("[...document.querySelectorAll('article.current .tabs button')].find(b => b.innerText === arguments[0]).click()", tab)
        self.browser.wait("it is chosen", "document.querySelector('.tabs [aria-pressed=true]')?.innerText === arguments[0]", tab)
        return self.browser.text("article.current .spelled pre")

    def test_copied_call_is_the_same_for_others(self):
        typed = "it's \"$HOME\" `x` \\ & <é>"
        self.call("echo.text", typed)
        shell = subprocess.run(["sh", "-c", self.spelled("curl")], capture_output=True, text=True)
        self.assertIn("it's \"$HOME\" `x` \\ &amp; &lt;é&gt;", shell.stdout)
        python = subprocess.run(["python3", "-c", self.spelled("Python")], capture_output=True, text=True)
        self.assertEqual(python.stdout, typed + "\n", python.stderr)
        json = subprocess.run(["sh", "-c", self.spelled("JSON-RPC")], capture_output=True, text=True)
        self.assertIn('"it\'s \\"$HOME\\" `x` \\\\ & <é>"', json.stdout)
        self.assertIn("<methodName>echo.text</methodName>", self.spelled("Request"))
        self.assertIn("<value><string>it's", self.spelled("Response").replace("\n", ""))

    def test_dates_and_bytes_are_text_in_json_where_they_are_declared(self):
        self.open(OPEN, "echo.date")
        self.browser.run("document.querySelector(arguments[0]).value = '2030-01-02T03:04'", FIELD % 1)
        self.browser.click(BUTTON)
        self.outcome()
        json = subprocess.run(["sh", "-c", self.spelled("JSON-RPC")], capture_output=True, text=True)
        self.assertIn('"result":"2030-01-02T03:04:00"', json.stdout)

    def test_last_calls_are_there_again(self):
        self.call("addition", "2", "3")
        self.browser.run("location.hash = 'fail'")
        self.browser.wait("the other is chosen", "document.querySelector('article.current').id === 'fail'")
        self.browser.click(BUTTON)
        self.browser.find(f"{OUTCOME}.failed")
        self.assertEqual([line.split("\n")[-1] for line in self.browser.texts(".history li")], ["fail() → Fault 42", "addition(2, 3) → 5"])
        self.browser.click(".history li:nth-child(2) button")
        self.browser.wait("it is there", "document.querySelector('article.current').id === 'addition'")
        self.assertEqual(self.outcome(), ("int", "5"))
        self.assertEqual(self.browser.run("return document.querySelector(arguments[0]).value", FIELD % 2), "3")

    def test_markup_stays_text(self):
        kind, answer = self.call(MARKUP, MARKUP)
        self.assertEqual((kind, answer), ("string", MARKUP))
        self.assertEqual(self.browser.text("article.current h2"), MARKUP)
        self.assertEqual(self.browser.text("article.current .help"), MARKUP)
        self.assertEqual(self.browser.text(f"{FORM} label b"), MARKUP)
        self.assertIn(MARKUP, self.browser.text(".history li"))
        self.assertIsNone(self.browser.run("return window.ran"))
        self.assertEqual(self.browser.run("return document.querySelectorAll('img').length"), 0)

    def sign_in(self, user, secret):
        self.browser.run("document.querySelector('.sign-in').open = true")
        fields = "document.querySelectorAll('.sign-in input')"
        self.browser.run(f"const [user, secret] = {fields}; [user.value, secret.value] = arguments", user, secret)
        self.browser.click(".sign-in button")

    def test_account_is_signed_in_and_out(self):
        self.open(CLOSED)
        self.assertEqual(self.browser.text(".count"), "1 method")
        self.sign_in("ana", "wrong")
        self.assertEqual(self.browser.text(".sign-in .error:not([hidden])"), "Wrong user, password or token.")
        self.sign_in("ana", "secret")
        self.browser.wait("it is signed in", "document.querySelector('.account')?.innerText === 'for ana'")
        self.assertEqual(self.browser.text(".count"), "15 methods")
        self.assertEqual(self.browser.text(".sign-in summary"), "ana")
        self.browser.run("location.hash = 'who'")
        self.browser.click(BUTTON)
        self.assertEqual(self.outcome(), ("string", "ana"))
        self.assertIn("-u 'ana'", self.spelled("curl"))
        self.assertNotIn("YW5hOnNlY3JldA", self.browser.run("return document.documentElement.outerHTML"))
        self.assertEqual(self.browser.run("return document.querySelector('[type=password]').value"), "")
        self.browser.run("document.querySelector('.sign-in').open = true")
        self.browser.click(".sign-in button")
        self.browser.wait("it is signed out", "document.querySelector('.count').innerText === '1 method'")
        self.assertEqual(self.browser.run("return document.querySelectorAll('article').length"), 1)
        # What was asked and answered meanwhile is not the next one's to see.
        self.assertEqual(self.browser.texts(".history li"), [])

    def test_what_is_no_xml_rpc_is_shown_as_it_came(self):
        self.open(OPEN, "addition")
        self.browser.run("window.fetch = async () => new Response('<p>Log in')")
        for place in [1, 2]:
            self.browser.type_into(FIELD % place, "2")
        self.browser.click(BUTTON)
        self.assertEqual(self.outcome(), ("No XML-RPC", "<p>Log in"))
        # What the browser's parser says of it has a style of its own, which the policy forbids.
        self.assertRegex(self.browser.log("browser")[0]["message"], "inline style")

    def test_marks_in_dates_and_bytes_stay_in_their_quotes(self):
        for written in ["$dateTime", "$base64"]:
            self.open(OPEN, "echo.struct")
            self.browser.type_into(FIELD % 1, '{"x": {"%s": "a\\"b"}}' % written)
            for tab in ["Python", "JSON-RPC"]:
                self.assertIn('"a\\"b"', self.spelled(tab))

    def test_page_is_at_home_under_a_prefix(self):
        self.open(MOUNTED, "addition")
        self.browser.type_into(FIELD % 1, "2")
        self.browser.type_into(FIELD % 2, "3")
        self.browser.click(BUTTON)
        self.assertEqual(self.outcome(), ("int", "5"))
        self.assertIn(f"curl '{MOUNTED}'", self.spelled("curl"))
        self.assertIn(f"curl '{MOUNTED}/jsonrpc'", self.spelled("JSON-RPC"))

    def test_colours_follow_the_system(self):
        self.open(OPEN)
        shades = []
        for scheme in ["light", "dark"]:
            self.browser.set_scheme(scheme)
            shades.append(self.browser.run("return getComputedStyle(document.body).backgroundColor"))
        self.browser.set_scheme("light")
        self.assertEqual(shades, ["rgb(255, 255, 255)", "rgb(21, 24, 26)"])

    def test_narrow_page_does_not_scroll_sideways(self):
        self.browser.set_width(360)
        wide = "return document.documentElement.scrollWidth - innerWidth"
        self.open(OPEN)
        self.assertLessEqual(self.browser.run(wide), 0)
        for method, typed in [("addition", ["2", "3"]), ("echo.text", ["x" * 300]), (MARKUP, [MARKUP]), ("fail", [])]:
            self.browser.set_width(360)
            self.call(method, *typed)
            self.assertLessEqual(self.browser.run(wide), 0, method)
        self.browser.click(".back a")
        self.browser.wait("the list is there", "document.querySelector('nav').checkVisibility()")

    def test_page_is_read_without_scripts(self):
        self.browser.devtools("Emulation.setScriptExecutionDisabled", value=True)
        try:
            self.browser.open(OPEN + "#addition")
            shown = self.browser.text("body")
            for part in ["addition", "Adds two numbers", "(a: int, b: int) → int", "$URL"]:
                self.assertIn(part, shown)
            self.assertEqual(self.browser.texts(".search, .call, .sign-in"), [])
            self.browser.click("#addition summary")
            self.assertIn("curl \"$URL\"", self.browser.text("#addition pre"))
        finally:
            self.browser.devtools("Emulation.setScriptExecutionDisabled", value=False)

    def test_axe_finds_nothing_serious(self):
        path = os.environ.get("AXE")
        if not path and "CI" not in os.environ:
            self.skipTest("no axe-core: AXE is not set")
        axe = pathlib.Path(path).read_text()
        check = "const done = arguments[0]; axe.run().then((found) => done(found.violations.map((v) => [v.impact, v.id, v.nodes.map((n) => n.html)])))"
        # Where it runs, the page may run what its policy does not know.
        for scheme in ["light", "dark"]:
            self.browser.set_scheme(scheme)
            self.open(OPEN)
            for go in [lambda: None, lambda: self.call("addition", "2", "3"), lambda: self.call("fail")]:
                go()
                self.browser.run(axe)
                self.assertEqual(self.browser.run_async(check), [], scheme)
        self.browser.set_scheme("light")


if __name__ == "__main__":
    unittest.main()
