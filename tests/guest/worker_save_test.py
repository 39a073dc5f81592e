"""Names that are saved in one session and restored in another, and what is said of the others."""

import json
import os
import struct
import sys
import unittest

from worker_fixture import Case, has_module


class States(Case):
    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.workspace, self.id().rpartition(".")[2] + ".state")

    def save(self, names=None, **more):
        return self.report(save=dict({"path": self.path, "names": names}, **more))

    def restore(self, **session):
        """In a new session."""
        self.session = self.open(**session)
        return self.report(restore={"path": self.path})

    def reasons(self, report, key="failed"):
        return {each["name"]: each["reason"] for each in report[key]}

    def moved(self, code, **session):
        """Runs a block, saves, and restores all of it."""
        self.run_ok(code)
        saved = self.save()
        self.assertEqual(saved["failed"], [])
        restored = self.restore(**session)
        self.assertEqual((restored["failed"], restored["skipped"]), ([], []))
        self.assertEqual(sorted(restored["restored"]), sorted(saved["saved"]))
        return restored


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


class Definitions(States):
    def test_functions_of_blocks_work_in_a_session_that_lacks_them(self):
        self.moved(
            "import math\nscale = 2\n"
            "def area(r: float, *, n=[1], k='x') -> float:\n    'doc'\n    return scale * helper(r)\n"
            "def helper(r): return math.pi * r * r\n"
            "area.cache = {1: 2}\nsquare = lambda x: x * x\nasync def later(): return 5\n"
            "def gen(n):\n    yield from range(n)"
        )
        self.assertEqual(
            self.value("round(area(1), 3), area.__doc__, area.cache, square(3), list(gen(2))"),
            "(6.283, 'doc', {1: 2}, 9, [0, 1])",
        )
        self.assertEqual(
            self.value("area.__annotations__['r'] is float, area.__kwdefaults__, await later()"),
            "(True, {'n': [1], 'k': 'x'}, 5)",
        )
        self.assertEqual(self.value("scale = 3\nround(area(1), 3)"), "9.425")

    def test_closures_keep_what_they_share(self):
        self.moved(
            "def counter():\n    n = 0\n    def up():\n        nonlocal n\n        n += 1\n        return n\n"
            "    def get(): return n\n    def rec(k): return 1 if k == 0 else k * rec(k - 1)\n"
            "    return up, get, rec\nup, get, rec = counter()\nup()\n"
            "def empty():\n    def inner(): return late\n    if 0: late = 1\n    return inner\ne = empty()"
        )
        self.assertEqual(self.value("up(), get(), rec(5)"), "(2, 2, 120)")
        self.assertEqual(self.error("e()")["type"], "NameError")

    def test_classes_of_blocks_and_their_objects_come_back(self):
        self.moved(
            "import abc, dataclasses, enum, typing, collections\n"
            "class Base(abc.ABC):\n    @abc.abstractmethod\n    def f(self): ...\n"
            "class Child(Base):\n    '''doc'''\n    registry = {}\n    def f(self): return __class__\n"
            "    @property\n    def p(self): return 7\n    @staticmethod\n    def s(): return Child\n"
            "@dataclasses.dataclass(order=True)\nclass Point:\n    x: int\n    tags: list = dataclasses.field(default_factory=list)\n"
            "class Color(enum.Enum):\n    RED = 1\n    BLUE = 2\n"
            "class Row(typing.NamedTuple):\n    a: int\n    b: str = 'b'\n"
            "Pair = collections.namedtuple('Pair', 'x y')\n"
            "class Slots:\n    __slots__ = ('v',)\n    def __init__(self): self.v = 3\n"
            "class Outer:\n    class Inner:\n        pass\n"
            "c, pt, red, row, pair, sl, inner = Child(), Point(1, ['t']), Color.RED, Row(1), Pair(1, 2), Slots(), Outer.Inner()\n"
            "Child.registry['c'] = c\nclass E(Exception): pass\ne = E('why')\nmethod = c.f"
        )
        self.assertEqual(
            self.value(
                "c.f() is Child, c.p, c.s() is Child, pt == Point(1, ['t']), red is Color.RED, row, pair, sl.v,"
                " type(inner) is Outer.Inner, Child.registry['c'].__class__ is Child, type(e) is E, e.args"
            ),
            "(True, 7, True, True, True, Row(a=1, b='b'), Pair(x=1, y=2), 3, True, True, True, ('why',))",
        )
        self.assertEqual(self.value("Point(1) < Point(2), Base.__abstractmethods__"),
                         "(True, frozenset({'f'}))")
        self.assertEqual(self.value("method.__self__.f() is Child, Child.__doc__"), "(True, 'doc')")

    def test_a_class_comes_with_what_its_statement_needs_and_leaves_nothing_else(self):
        self.run_ok(
            "import functools\nLIMIT = 10\ncalls = []\n"
            "def note(f):\n    calls.append(1)\n    @functools.wraps(f)\n"
            "    def inner(*a): return f(*a) + bonus()\n    return inner\n"
            "def bonus(): return LIMIT\n"
            "class Parent:\n    size = LIMIT\n"
            "class Kid(Parent):\n    @note\n    def go(self, n=LIMIT): return n\n"
            "k = Kid()"
        )
        self.assertEqual(self.save(["k"])["saved"], ["k"])
        self.restore()
        self.assertEqual(self.value("sorted(n for n in globals() if n[0] != '_')"), "['k']")
        self.assertEqual(self.value("LIMIT = 10\ndef bonus(): return 1\nk.go(), k.size"), "(11, 10)")

    def test_a_class_that_was_changed_later_stays_changed(self):
        self.moved(
            "class C:\n    n = 1\n    def f(self): return 'old'\ndef f(self): return 'new', self.n\n"
            "C.f = f\nC.n = 5\nC.g = lambda self: 'g'\nc = C()"
        )
        self.assertEqual(self.value("c.f(), c.g(), C.n"), "(('new', 5), 'g', 5)")

    def test_of_two_classes_of_one_name_each_object_keeps_its_own(self):
        self.run_ok("class C:\n    def f(self): return 1\na = C()")
        self.run_ok("class C:\n    def f(self): return 2\nb = C()")
        self.moved("class C(C):\n    def g(self): return self.f()\nc = C()")
        self.assertEqual(self.value("a.f(), b.f(), c.g(), type(c) is C"), "(1, 2, 2, True)")

    def test_tracebacks_and_sources_come_along(self):
        self.moved("def fail(x):\n    return x / 0  # here\nclass K:\n    def m(self):\n        raise ValueError")
        trace = self.error("fail(1)")["traceback"]
        self.assertIn('File "<block 1, restored in block 1>", line 2, in fail\n    return x / 0  # here', trace)
        self.assertIn("raise ValueError", self.value("import inspect\ninspect.getsource(K.m)"))

    def test_what_was_restored_can_be_saved_again(self):
        self.moved("def f(): return 1\nclass C:\n    def m(self): return f()\nc = C()")
        self.moved("def g(): return f() + 1\nclass D(C): pass\nd = D()")
        self.moved("x = 1")
        self.assertEqual(self.value("c.m(), g(), d.m(), x"), "(1, 2, 1, 1)")

    def test_tools_of_the_host_are_those_of_the_new_session(self):
        self.session = self.open(tools=[{"name": "search"}])
        self.run_ok("t = [search]\nsearch_more = lambda q: search(q)\nx = 1")
        self.assertEqual(sorted(self.save()["saved"]), ["search_more", "t", "x"])
        self.restore(tools=[{"name": "search"}, {"name": "x"}])
        outcome = self.session.run("t[0] is search, search_more(1)", tools=lambda call: {"value": 9})
        self.assertEqual(outcome.text, "(True, 9)")
        self.session = self.open(tools=[{"name": "x"}])
        report = self.report(restore={"path": self.path})
        self.assertEqual(self.reasons(report), {"t": "this session has no tool search of the host"})
        self.assertEqual(list(self.reasons(report, "skipped")), ["x"])

    def test_generics_come_back(self):
        self.moved(
            "import typing\nT = typing.TypeVar('T', bound=int)\nclass Box(typing.Generic[T]):\n"
            "    def __init__(self, v: T): self.v = v\nb = Box[int](5)"
        )
        self.assertEqual(self.value("b.v, T.__bound__ is int, Box[int].__origin__ is Box"), "(5, True, True)")

    def test_code_under_a_future_statement_keeps_its_meaning(self):
        self.run_ok("from __future__ import annotations")
        self.moved("def f(x: nowhere): pass\nclass C:\n    a: nowhere\n    def m(self, b: nowhere): pass")
        self.assertEqual(
            self.value("f.__annotations__['x'], C.__annotations__['a']"), "('nowhere', 'nowhere')"
        )

    def test_an_indented_block_defines_classes_too(self):
        self.moved("    s = '''a\n  b'''\n    class C:\n        t = '''x\n  y'''\n        def f(self): return self.t\n    c = C()")
        self.assertEqual(self.value("c.f()"), "'x\\n  y'")


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
        import zlib

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
