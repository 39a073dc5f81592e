"""Names that are saved in one session and restored in another, and what is said of the others."""

import json
import os
import struct
import unittest
import zlib

from worker_fixture import States, has_module


class Values(States):
    def test_plain_values_come_back(self):
        self.moved("n, s, l, d = 1, 'größe', [1, [2]], {'a': (1, {2}), None: b'x'}\n_private = 1.5")
        self.assertEqual(
            self.value("n, s, l, d, _private"),
            "(1, 'größe', [1, [2]], {'a': (1, {2}), None: b'x'}, 1.5)",
        )

    def test_a_path_is_relative_to_the_working_directory(self):
        self.run_ok("import os\nos.mkdir('there')\nos.chdir('there')\nx = 1")
        self.report(save={"path": "x.pkl", "names": ["x"]})
        self.assertTrue(os.path.exists(os.path.join(self.workspace, "there", "x.pkl")))
        self.assertEqual(os.listdir(os.path.join(self.workspace, "there")), ["x.pkl"])

    def test_only_the_names_that_were_asked_for(self):
        self.run_ok("a, b = 1, 2")
        report = self.save(["b", "c"])
        self.assertEqual(report["saved"], ["b"])
        self.assertEqual(self.reasons(report), {"c": "there is no such name"})
        self.assertEqual(self.restore()["restored"], ["b"])

    def test_objects_that_names_share_are_shared_again(self):
        self.moved(
            "a = [1]\nb = {'a': a}\nc = (b, a)\nother = [1]\ncycle = []\ncycle.append(cycle)\n"
            "class P: pass\np = P()\np.a = a"
        )
        self.assertEqual(
            self.value("b['a'] is a, c[0] is b, p.a is a, other is a, cycle[0] is cycle"),
            "(True, True, True, False, True)",
        )

    def test_modules_are_imported_again(self):
        self.moved("import json, os.path as path\nimport collections.abc\nx = [json]")
        self.assertEqual(self.value("json.dumps(x[0] is json), path.sep"), "('true', '/')")

    def test_saving_is_no_block_and_restoring_is_one(self):
        self.run_ok("x = 1\n41 + 1")
        self.save()
        self.assertEqual(self.value("_, __result__"), "(42, 42)")
        self.run_ok("y = 1")
        self.save()
        self.assertEqual(self.report(names=True)["changed"]["added"], ["y"])
        self.restore()
        self.assertEqual(self.report(names=True)["changed"]["added"], ["x", "y"])
        self.assertEqual(self.error("_")["type"], "NameError")

    @unittest.skipUnless(has_module("numpy"), "numpy is not installed")
    def test_arrays_come_back(self):
        self.moved("import numpy as np\na = np.arange(12.).reshape(3, 4)\nb = a\nt = a.T.copy()")
        self.assertEqual(self.value("a.sum(), a is b, t.shape"), "(66.0, True, (4, 3))")


class Refused(States):
    def test_what_cannot_be_saved_is_named_with_the_reason(self):
        self.run_ok(
            "import socket, threading, sys, types\nok = 1\ngen = (i for i in [1])\nfile = open('/dev/null')\n"
            "sock = socket.socket()\nlock = threading.Lock()\nthread = threading.Thread()\n"
            "def outer():\n    class Local: pass\n    return Local()\nlocal = outer()\n"
            "made = type('Made', (), {})()\nmod = types.ModuleType('mine')\ng = globals()\n"
            "def holds():\n    return lambda: lock2\nlock2 = lock\nclosure = (lambda l: lambda: l)(lock)\n"
            "frame = sys._getframe()\nmodules = [mod]\nalien = eval('lambda: 1', {})\nn = [[gen]]"
        )
        reasons = self.reasons(self.save())
        self.assertEqual(
            sorted(reasons),
            sorted(
                "gen file sock lock lock2 thread local made mod g closure frame modules alien n".split()
            ),
        )
        self.assertIn("generator", reasons["gen"])
        self.assertIn("_thread.lock", reasons["closure"])
        self.assertIn("inside of a function", reasons["local"])
        self.assertIn("class Made: the source of its definition is not known", reasons["made"])
        self.assertIn("namespace itself", reasons["g"])
        self.assertIn("'mine' is not one that an import finds", reasons["modules"])
        self.assertEqual(self.restore()["failed"], [])
        self.assertEqual(self.value("ok, callable(holds)"), "(1, True)")

    def test_one_name_that_fails_takes_no_other_with_it(self):
        self.run_ok(
            "shared = [1]\nclass Bad:\n    def __reduce__(self): raise ValueError('no')\n"
            "a = [shared]\nbad = [shared, Bad()]\nb = {'s': shared}\n"
            "import threading\nworse = [shared, (lambda lock: lambda: lock)(threading.Lock())]"
        )
        report = self.save()
        self.assertEqual(
            self.reasons(report),
            {"bad": "ValueError: no", "worse": "cannot pickle '_thread.lock' object"},
        )
        self.restore()
        self.assertEqual(self.value("a[0] is shared is b['s']"), "True")

    def test_nor_does_one_that_cannot_be_restored(self):
        with open(os.path.join(self.workspace, "gone_later.py"), "w") as file:
            file.write("class G:\n    pass\n")
        self.run_ok("import gone_later\nl = [1]\ng = [gone_later.G(), l]\nh = [l]\nx = 2\nd = lambda: gone_later")
        self.assertEqual(self.save()["failed"], [])
        os.unlink(os.path.join(self.workspace, "gone_later.py"))
        report = self.restore()
        self.assertEqual(list(self.reasons(report)), ["gone_later", "g"])
        self.assertIn("No module named 'gone_later'", self.reasons(report)["g"])
        self.assertEqual(self.value("h, l, x, callable(d)"), "([[1]], [1], 2, True)")

    def test_exceptions_of_all_kinds_are_reasons(self):
        self.run_ok(
            "class R:\n    def __init__(self, e): self.e = e\n    def __reduce__(self): raise self.e\n"
            "class S(Exception):\n    def __str__(self): raise SystemExit\n"
            "class Odd:\n    def __reduce__(self): return 5\n"
            "class Lie:\n    __class__ = property(lambda self: list)\n"
            "a, b, c, o, l = R(SystemExit(1)), R(MemoryError()), R(S()), Odd(), Lie()\ny = 1"
        )
        report = self.save(["a", "b", "c", "o", "l", "y"])
        reasons = self.reasons(report)
        self.assertEqual((reasons["a"], reasons["b"], reasons["c"]), ("SystemExit: 1", "MemoryError", "S"))
        self.assertIn("o", reasons)
        self.assertIn("y", report["saved"])

    def test_a_structure_that_is_too_deep_is_named(self):
        self.run_ok(
            "import sys\nsys.setrecursionlimit(10**6)\ndeep = []\nfor i in range(10**5): deep = [deep]\nx = 1"
        )
        report = self.save()
        self.assertIn("RecursionError", self.reasons(report)["deep"])
        self.assertEqual(self.value("sys.getrecursionlimit()"), "1000000")

    def test_a_file_has_a_largest_size(self):
        self.run_ok("big = bytes(10**6)\nalso = [big, big]\nsmall = 1")
        report = self.save(max_bytes=100000)
        self.assertEqual(report["saved"], ["small"])
        self.assertIn("larger than 100000 bytes", self.reasons(report)["big"])
        self.assertLess(os.path.getsize(self.path), 100000)

    def test_many_objects_are_saved_without_a_search(self):
        self.run_ok("many = [[i] for i in range(400000)]\nx = [many[0]]")
        report = self.save()
        self.assertEqual(report["saved"], ["many", "x"])
        self.assertIn("too many parts", report["notes"][0])

    def test_names_that_are_no_text_are_refused(self):
        self.run_ok("globals()['\\ud800'] = 1\nglobals()[5] = 1\nx = '\\ud800'")
        report = self.save()
        self.assertEqual((report["saved"], list(self.reasons(report))), (["x"], ["\\ud800"]))
        self.restore()
        self.assertEqual(self.value("x"), "'\\ud800'")

    def test_a_place_that_cannot_be_written_is_an_error(self):
        outcome = self.session.run("", save={"path": "/nowhere/x", "names": None})
        self.assertEqual((outcome.status, outcome.error["type"]), ("raised", "FileNotFoundError"))
        outcome = self.session.run("", save={"path": "", "names": None})
        self.assertEqual((outcome.status, outcome.error["type"]), ("raised", "StateError"))

    def test_an_endless_reduce_is_interrupted_and_leaves_the_old_file(self):
        self.run_ok("old = 1")
        self.save()
        pid = self.session.pid()
        self.run_ok("class L:\n    def __reduce__(self):\n        print('begun', flush=True)\n        while True: pass\nx = L()")
        self.session.start("", save={"path": self.path, "names": None})
        outcome = self.session.finish(
            on_output=lambda text: b"begun" in text and self.session.interrupt(pid)
        )
        self.assertEqual(outcome.status, "interrupted")
        self.assertEqual([name for name in os.listdir(self.workspace) if "saving" in name], [])
        self.assertEqual(self.value("import sys\n'_caisson' in sys.modules, old"), "(False, 1)")
        self.assertEqual(self.restore()["restored"], ["old"])

    def test_an_interrupted_restore_leaves_the_names_as_they_were(self):
        self.run_ok(
            "class L:\n    def __setstate__(self, s):\n        print('begun', flush=True)\n"
            "        while True: pass\na = 1\nl = L()\nl.x = 1"
        )
        self.save()
        self.session = self.open()
        pid = self.session.pid()
        self.run_ok("a = 'mine'")
        self.session.start("", restore={"path": self.path})
        outcome = self.session.finish(
            on_output=lambda text: b"begun" in text and self.session.interrupt(pid)
        )
        self.assertEqual(outcome.status, "interrupted")
        self.assertEqual(self.value("a, 'l' in globals(), 'L' in globals()"), "('mine', False, False)")

    def test_replaced_functions_do_not_matter(self):
        self.run_ok("def f(): return 1\nclass C: pass\nc = C()\nx = [1]")
        self.run_ok(
            "import pickle, marshal, builtins, os, io, ast, types, zlib, sys, struct\n"
            "for m in (pickle, marshal, zlib, struct):\n"
            "    for n in list(vars(m)):\n        if n[:2] != '__': setattr(m, n, None)\n"
            "for n in ['open', 'replace', 'fdopen', 'unlink', 'fstat']: setattr(os, n, None)\n"
            "io.BytesIO = ast.ClassDef = ast.iter_child_nodes = None\n"
            "for n in ['len', 'open', 'compile', 'exec', 'sorted', 'isinstance', 'type', 'zip', 'getattr']:\n"
            "    setattr(builtins, n, None)\n"
            "sys.setrecursionlimit = None\ndel m, n"
        )
        report = self.save(["f", "c", "x"])
        self.assertEqual((report["saved"], report["failed"]), (["f", "c", "x"], []))
        report = self.report(restore={"path": self.path})
        self.assertEqual((report["restored"], report["failed"]), (["f", "c", "x"], []))


class Files(States):
    def refusal(self, data):
        with open(self.path, "wb") as file:
            file.write(data)
        outcome = self.session.run("", restore={"path": self.path})
        self.assertEqual((outcome.status, outcome.error["type"]), ("raised", "StateError"))
        return outcome.error["message"]

    def saved(self):
        self.run_ok("a = [1]\nb = [a]\nc = 'text'\ndef f(): return c\nclass K:\n    def m(self): return f\nk = K()")
        self.save()
        with open(self.path, "rb") as file:
            return file.read()

    def test_bad_files_are_told_apart(self):
        data = self.saved()
        self.assertIn("is not a saved state of Caisson", self.refusal(b""))
        self.assertIn("is not a saved state of Caisson", self.refusal(b"\x80\x04K\x01." * 50))
        self.assertIn("is truncated", self.refusal(data[:-1]))
        self.assertIn("is truncated", self.refusal(data[:60]))
        self.assertIn("is damaged", self.refusal(data + b"x"))
        self.assertIn("is damaged", self.refusal(data[:-20] + b"\xff" * 20))
        self.assertIn("format 2", self.refusal(data[:15] + b"\x02" + data[16:]))
        outcome = self.session.run("", restore={"path": self.path + ".none"})
        self.assertEqual(outcome.error["type"], "FileNotFoundError")

    def test_a_file_cut_anywhere_is_refused(self):
        data = self.saved()
        for length in range(0, len(data), 7):
            self.refusal(data[:length])

    def test_a_changed_byte_is_found_wherever_it_is(self):
        data = self.saved()
        for at in range(0, len(data), 5):
            with open(self.path, "wb") as file:
                file.write(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :])
            session = self.open()
            outcome = session.run("", restore={"path": self.path})
            if outcome.status == "ok":
                self.assertTrue(
                    40 <= at and (outcome.report["failed"] or outcome.report["restored"]), at
                )
                self.assertEqual(
                    session.run("all(v in ([1], [[1]], 'text') for n, v in globals().items() if n in 'abc')").text,
                    "True",
                )
            else:
                self.assertEqual(outcome.error["type"], "StateError", (at, outcome.error))
            session.close()

    def test_functions_of_another_python_are_named(self):
        data = self.saved()
        at, length = struct.unpack_from("<QQ", data, 16)
        index = json.loads(data[at : at + length])
        code, index["code"], index["python"] = index["code"], "ffff0d0a", "3.99.0"
        text = json.dumps(index).replace(": ", ":").replace(", ", ",").encode()
        head = data[:16] + struct.pack("<QQI", at, len(text), zlib.crc32(text)) + data[36:40]
        with open(self.path, "wb") as file:
            file.write(head + data[40:at] + text)
        report = self.restore()
        self.assertEqual(list(self.reasons(report)), ["f"])
        self.assertIn("compiled by Python 3.99.0", self.reasons(report)["f"])
        self.assertEqual(sorted(report["restored"]), ["K", "a", "b", "c", "k"])
        self.assertTrue(code)


if __name__ == "__main__":
    unittest.main()
