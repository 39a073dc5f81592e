"""What Python says early of modules and functions that the policy denies (guard.py)."""

import unittest

from worker_fixture import Case


class Guard(Case):
    config = {
        "deny": {"socket": "use the tool http_get", "xml.dom": "", "ctypes": "no C here"},
        "preload": ["ctypes"],
    }

    def denied(
        self, code, text='"socket" is denied by the session\'s policy: use the tool http_get'
    ):
        error = self.error(code)
        self.assertEqual((error["type"], error["message"]), ("ImportError", text), code)
        self.assertNotIn("caisson", error["traceback"])

    def test_user_code_is_told_what_to_do_instead(self):
        for code in [
            "import socket",
            "from socket import socket",
            "import os, socket as s",
            "__import__('socket')",
            "import importlib\nimportlib.import_module('socket')",
            "def f():\n    import socket\nf()",
            "exec('import socket')",
        ]:
            self.denied(code)

    def test_a_module_that_is_already_loaded_is_denied_too(self):
        self.run_ok("import asyncio\nawait asyncio.sleep(0)")  # it imports socket
        self.denied("import socket")
        self.denied("import ctypes", '"ctypes" is denied by the session\'s policy: no C here')

    def test_submodules_are_denied_by_their_full_name(self):
        text = '"xml.dom" is denied by the session\'s policy'
        self.denied("import xml.dom", text)
        self.denied("from xml import dom", text)
        self.denied("import xml.dom.minidom", text)
        self.run_ok("import xml\nimport xml.sax.saxutils")

    def test_modules_in_the_workspace_are_user_code(self):
        self.run_ok("open('%s/sneaky.py', 'w').write('import socket')" % self.workspace)
        error = self.error("import sneaky")
        self.assertEqual(error["type"], "ImportError")
        self.assertIn('File "sneaky.py", line 1', error["traceback"])

    def test_the_standard_library_imports_what_it_needs(self):
        self.run_ok("import urllib.request, smtplib, multiprocessing.connection, http.client")
        self.assertEqual(self.value("import time\ntime.strptime('1', '%d').tm_mday"), "1")

    def test_other_imports_are_as_ever(self):
        self.assertEqual(
            self.value(
                "from json import (dumps as d)\nimport os.path\nfrom collections import *\n"
                "d([]), os.path.basename('/a/b'), Counter('a')"
            ),
            "('[]', 'b', Counter({'a': 1}))",
        )
        self.assertEqual(self.error("import no_such_module")["type"], "ModuleNotFoundError")
        self.assertEqual(self.error("from . import x")["type"], "ImportError")


    def test_all_denied_imports_are_named_before_anything_runs(self):
        error = self.error("x = 1\nimport socket\ndef f():\n    import ctypes, json\n")
        self.assertEqual(error["type"], "ImportError")
        self.assertEqual(
            error["message"],
            "nothing of this block ran:\n"
            'line 2: "socket" is denied by the session\'s policy: use the tool http_get\n'
            'line 4: "ctypes" is denied by the session\'s policy: no C here',
        )
        self.assertEqual(self.error("x")["type"], "NameError")

    def test_code_that_is_prepared_for_it_goes_its_way(self):
        code = "try:\n    import socket\nexcept ImportError:\n    socket = None\nsocket is None"
        self.assertEqual(self.value(code), "True")

    def test_the_host_is_told_what_and_where(self):
        told = self.session.run("y = 1\nimport socket.x").guidance
        self.assertEqual(told, [["import", "socket.x", 2]])
        self.assertIsNone(self.run_ok("1").guidance)


class Events(Case):
    config = {"events": {"os.system": "start nothing", "socket.*": ""}}

    def test_user_code_is_refused(self):
        error = self.error("import os\nos.system('true')")
        self.assertEqual(
            (error["type"], error["message"]),
            ("PermissionError", '"os.system" is denied by the session\'s policy: start nothing'),
        )
        error = self.error("import socket\nsocket.getaddrinfo('localhost', 1)")
        self.assertIn('"socket.getaddrinfo" is denied', error["message"])

    def test_through_the_standard_library_too(self):
        error = self.error("import urllib.request\nurllib.request.urlopen('http://localhost')")
        self.assertIn("denied by the session's policy", error["message"])
        told = self.session.run("import os\nos.system('true')").guidance
        self.assertEqual(told, [["event", "os.system", 2]])

    def test_what_nobody_denies_is_as_ever(self):
        self.assertEqual(self.value("import os\nos.getcwd() != ''"), "True")


class Recorded(Case):
    config = {"deny": {"colorsys": "no"}, "events": {"os.listdir": ""}, "guidance": "record"}

    def test_it_runs_and_is_told(self):
        told = self.run_ok("import colorsys, os\nlen(os.listdir('/')) > 0").guidance
        self.assertEqual(sorted(told), [["event", "os.listdir", 2], ["import", "colorsys", 1]])


if __name__ == "__main__":
    unittest.main()
