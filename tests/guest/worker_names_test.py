"""What a session says of its names: types, sizes, and what the last block changed. Asking runs no
user code and changes nothing."""

import time
import unittest

from worker_fixture import Case, has_module


class Names(Case):
    def names(self, **wanted):
        return {each["name"]: each for each in self.report(names=wanted or True)["names"]}

    def name(self, name):
        return self.names()[name]

    def test_types_lengths_and_plain_values_are_told(self):
        self.run_ok(
            "n = 42\ntext = 'größe'\nitems = [1, 'a', None]\npairs = {'a': 1}\nempty = set()\n"
            "def f(): pass\nclass P: pass\np = P()\nr = range(3)\nt = (1,)"
        )
        found = self.names()
        self.assertEqual(
            [(name, each["type"], each.get("length"), each.get("repr")) for name, each in found.items()],
            [
                ("n", "int", None, "42"),
                ("text", "str", 5, "'größe'"),
                ("items", "list", 3, "[1, 'a', None]"),
                ("pairs", "dict", 1, "{'a': 1}"),
                ("empty", "set", 0, "set()"),
                ("f", "function", None, None),
                ("P", "type", None, None),
                ("p", "P", None, None),
                ("r", "range", 3, "range(0, 3)"),
                ("t", "tuple", 1, "(1,)"),
            ],
        )

    def test_only_names_of_the_user_are_told(self):
        session = self.session = self.open(tools=[{"name": "search"}], seeds={"seed": 1})
        session.run("import math\nmine = search\n__dunder__ = 1\n_private = 2\n5")
        self.assertEqual(list(self.names()), ["seed", "_private"])
        self.assertEqual(list(self.names(modules=True)), ["seed", "math", "_private"])
        self.assertEqual(self.names(modules=True)["math"], {"name": "math", "type": "module"})

    def test_asking_changes_nothing(self):
        self.run_ok("x = 1\n41 + 1")
        before = self.report(names=True)
        self.assertEqual(before, self.report(names=True))
        self.assertEqual(before["changed"]["block"], 1)
        self.assertEqual(self.value("_, __result__"), "(42, 42)")

    def test_small_values_have_exact_sizes(self):
        self.run_ok("import sys\nx = [1.5, 'abc', (2.5,)]\ny = [x, x]\ns = 'a' * 1000")
        size = self.value(
            "sum(map(sys.getsizeof, [x, x[0], x[1], x[2], x[2][0]])), sys.getsizeof(y), sys.getsizeof(s)"
        )
        x, y, s = eval(size)
        found = self.names()
        self.assertEqual((found["x"]["size"], found["x"]["size_is"]), (x, "exact"))
        self.assertEqual((found["y"]["size"], found["y"]["size_is"]), (x + y, "exact"))
        self.assertEqual((found["s"]["size"], found["s"]["size_is"]), (s, "exact"))

    def test_large_values_are_estimated_in_bounded_time(self):
        self.run_ok(
            "same = [0] * 10**6\nfloats = [i + 0.5 for i in range(10**6)]\n"
            "table = {i: str(i) for i in range(10**5)}\n"
            "nested = [[[j] for j in range(300)] for i in range(300)]"
        )
        begun = time.monotonic()
        found = self.names()
        self.assertLess(time.monotonic() - begun, 5)
        self.assertAlmostEqual(found["same"]["size"] / 8e6, 1, delta=0.01)
        self.assertAlmostEqual(found["floats"]["size"] / 32e6, 1, delta=0.1)
        self.assertEqual(found["floats"]["size_is"], "estimate")
        self.assertEqual(found["table"]["size_is"], "estimate")
        self.assertGreater(found["table"]["size"], 10**7)
        self.assertEqual(found["nested"]["size_is"], "at_least")
        self.assertGreater(found["nested"]["size"], 10**6)

    def test_cycles_and_the_namespace_itself_are_no_trap(self):
        self.run_ok(
            "a = [1]\na.append(a)\nd = {}\nd['d'] = d\ng = globals()\nimport sys\nm = [sys.modules]\n"
            "class N: pass\nn = N()\nn.self = n\nn.frame = sys._getframe()"
        )
        found = self.names()
        self.assertEqual(found["a"]["repr"], "[1, [1, [1, […]]]]")
        self.assertLess(found["g"]["size"], 1000)
        self.assertLess(found["m"]["size"], 1000)
        self.assertEqual(found["n"]["size_is"], "at_least")

    def test_long_and_deep_values_are_shown_short(self):
        self.run_ok(
            "s = 'ä' * 10**6\nl = list(range(10**5))\nd = {i: 'x' * 100 for i in range(100)}\n"
            "deep = []\nfor i in range(10**5): deep = [deep]\nhuge = 1 << 10**7\n"
            "r = range(1 << 10**6)\no = [object(), {object: 1}]"
        )
        found = self.names()
        for name in ["s", "l", "d", "deep", "huge", "r", "o"]:
            self.assertLess(len(found[name]["repr"]), 200, name)
        self.assertEqual(found["l"]["repr"], "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …]")
        self.assertEqual(found["huge"]["repr"], "<int of 10000001 bits>")
        self.assertEqual(found["o"]["repr"], "[<object>, {<type>: 1}]")

    def test_there_may_be_very_many(self):
        self.run_ok("for i in range(7000): globals()['v%d' % i] = i\nglobals()['w' * 10**6] = 1")
        report = self.report(names=True)
        self.assertEqual((len(report["names"]), report["total"]), (500, 7002))
        self.assertIn("not compared", report["changed"]["unknown"])
        self.run_ok("for i in range(6990): del globals()['v%d' % i]")
        report = self.report(names=True)
        self.assertEqual(max(len(each["name"]) for each in report["names"]), 200)

    def test_names_that_are_no_text_do_not_break_it(self):
        self.run_ok("globals()['\\ud800'] = 1\nglobals()[5] = 2\nglobals()[None] = 3")
        self.assertEqual(list(self.names()), ["\\ud800"])

    @unittest.skipUnless(has_module("numpy"), "numpy is not installed")
    def test_arrays_count_their_bytes(self):
        self.run_ok(
            "import numpy as np\na = np.zeros((1000, 500))\nb = {'a': a, 'b': a}\n"
            "o = np.array([object() for i in range(100)])\nn = np.float64(1.5)"
        )
        found = self.names()
        self.assertAlmostEqual(found["a"]["size"] / 4e6, 1, delta=0.01)
        self.assertEqual((found["a"]["shape"], found["a"]["type"]), ([1000, 500], "numpy.ndarray"))
        self.assertAlmostEqual(found["b"]["size"] / 4e6, 1, delta=0.01)
        self.assertGreater(found["o"]["size"], 100 * 24)
        self.assertNotIn("repr", found["n"])


class Changed(Case):
    def changed(self, code):
        self.session.run(code)
        report = self.report(names=True)["changed"]
        self.assertEqual(report.pop("block"), self.session.block - 1)
        return {key: names for key, names in report.items() if names}

    def test_added_rebound_and_deleted_names_are_told(self):
        self.assertEqual(self.changed("a = 1\nb = [1]\nc = 'c'\nimport os"), {"added": ["a", "b", "c"]})
        self.assertEqual(
            self.changed("a = 2\ndel c\nd = b"), {"added": ["d"], "rebound": ["a"], "deleted": ["c"]}
        )
        self.assertEqual(self.changed("a + 1"), {})
        self.assertEqual(self.changed("def f(): pass\nclass C: pass"), {"added": ["f", "C"]})
        self.assertEqual(self.changed("def f(): pass"), {"rebound": ["f"]})

    def test_seeds_are_there_before_the_first_block(self):
        self.session = self.open(seeds={"seed": 1, "other": 2})
        self.assertEqual(self.report(names=True)["changed"], {"unknown": "no block has run"})
        self.session.run("")
        self.assertEqual(self.report(names=True)["changed"]["added"], [])
        self.assertEqual(self.changed("seed = 2\nx = 1"), {"added": ["x"], "rebound": ["seed"]})

    def test_builtin_containers_that_change_in_place_are_told(self):
        self.run_ok(
            "import collections\nl = [1, 2]\nd = {'a': 1}\ns = {1}\nb = bytearray(10)\n"
            "q = collections.deque([1])\nlong = list(range(1000))\nwide = {i: i for i in range(1000)}\n"
            "same = [1]\nt = (l,)"
        )
        self.assertEqual(
            self.changed(
                "l[0] = 5\nd['a'] = 2\ns.add(2)\nb[3] = 1\nq.append(2)\nlong.append(1)\nwide['x'] = 1"
            ),
            {"mutated": ["l", "d", "s", "b", "q", "long", "wide"]},
        )

    @unittest.skipUnless(has_module("numpy"), "numpy is not installed")
    def test_so_are_small_arrays(self):
        self.run_ok(
            "import numpy as np\na = np.zeros((10, 10))\nv = a[:, ::2]\nw = np.zeros(0)\n"
            "t = np.array(['2020-01-01'], dtype='M8[D]')\nz = np.array(1.5)\no = np.array([None])"
        )
        self.assertEqual(self.changed("a[5, 5] = 1")["mutated"], ["a"])
        self.assertEqual(self.changed("a.resize((5, 20), refcheck=False)")["mutated"], ["a"])

    def test_what_a_failed_block_did_is_told(self):
        self.assertEqual(self.changed("x = 1\n1 / 0\ny = 2"), {"added": ["x"]})

    def test_nothing_that_a_block_deletes_is_kept_alive(self):
        self.run_ok(
            "import weakref\nclass C: pass\nc = C()\nc.big = [0]\nr = weakref.ref(c)\n"
            "s, k = {1}, {2}\nrs = weakref.ref(s)"
        )
        self.assertEqual(
            self.value("del c, s\nr(), rs(), weakref.getweakrefcount(k)"), "(None, None, 0)"
        )

    def test_with_many_names_only_identities_are_compared(self):
        self.run_ok("for i in range(1000): globals()['v%d' % i] = []")
        report = self.changed("v3 = 3\nv4.append(1)")
        self.assertEqual(report, {"rebound": ["v3"]})
        self.assertIsNone(self.report(names=True)["changed"]["mutated"])
        report = self.changed(
            "import os\ndel v5\nv6 = 1\nfor i in range(950): del globals()['v%d' % (i + 50)]"
        )
        self.assertIn("v6", report["rebound"])
        self.assertEqual(len(report["deleted"]), 500)
        self.assertEqual(report["more"], 451)
        self.assertNotIn("added", report)

    def test_the_marks_of_a_small_namespace_take_microseconds(self):
        self.run_ok("\n".join("a%d, b%d = [1, 2], 'text'" % (i, i) for i in range(10)))
        code = (
            "import gc, time, types\nmarks = [f for f in gc.get_objects() if type(f) is types.FunctionType"
            " and f.__name__ == 'marks' and '<caisson>' in f.__code__.co_filename][0]\n"
            "def best():\n    times = []\n    for i in range(200):\n        begun = time.perf_counter()\n"
            "        marks(globals())\n        times.append(time.perf_counter() - begun)\n"
            "    return min(times) * 1e6\nbest()"
        )
        self.run_ok("import gc\ngc.unfreeze()")
        self.assertLess(float(self.value(code)), 50)


class Hostile(Case):
    def test_no_code_of_the_user_runs(self):
        self.run_ok(
            "calls = []\n"
            "def trap(name):\n"
            "    def method(*a, **k):\n        calls.append(name)\n        raise SystemExit(name)\n"
            "    return method\n"
            "names = ['__repr__', '__str__', '__len__', '__sizeof__', '__iter__', '__eq__', '__hash__',\n"
            "    '__bool__', '__getattr__', '__getattribute__', '__reduce_ex__', '__getitem__',\n"
            "    '__format__', '__contains__', '__index__', '__dir__']\n"
            "space = {name: trap(name) for name in names}\n"
            "space.update({name: property(trap(name)) for name in ['__class__', '__dict__', 'nbytes',\n"
            "    'shape', 'dtype', '__module__', '__name__']})\n"
            "made = []\n"
            "for base in [object, list, dict, set, tuple, str, int, bytearray, float, frozenset]:\n"
            "    made.append(type('T', (base,), space))\n"
            "class Meta(type):\n    pass\n"
            "for name in names + ['__instancecheck__', '__subclasscheck__', 'mro_']:\n"
            "    setattr(Meta, name, trap('meta ' + name))\n"
            "Meta.__name__ = 'Meta'\n"
            "M = Meta('M', (), {})\n"
            "for i, kind in enumerate(made): globals()['t%d' % i] = kind.__new__(kind)\n"
            "m = object.__new__(M)\n"
            "nest = [t0, [t1, t2], {1: t3}]\n"
            "calls.clear()"
        )
        report = self.report(names=True)
        self.assertEqual(self.value("calls"), "[]")
        found = {each["name"]: each for each in report["names"]}
        self.assertEqual(found["t0"]["type"], "T")
        self.assertEqual(found["t1"]["length"], 0)
        self.assertNotIn("repr", found["t5"])
        self.assertIn("<T>", found["nest"]["repr"])

    def test_a_class_that_lies_about_itself_is_seen_through(self):
        self.run_ok("class L:\n    __class__ = property(lambda self: list)\nx = L()")
        self.assertEqual(self.report(names=True)["names"][1]["type"], "L")

    def test_replaced_builtins_and_modules_do_not_matter(self):
        self.run_ok("x = [1, 2]")
        self.run_ok(
            "import builtins, sys, gc, itertools, time, zlib\n"
            "sys.getsizeof = gc.get_referents = itertools.islice = time.monotonic = zlib.crc32 = None\n"
            "for name in ['len', 'id', 'type', 'repr', 'isinstance', 'sum', 'min', 'max', 'map']:\n"
            "    setattr(builtins, name, None)"
        )
        report = self.report(names=True)
        self.assertEqual(report["names"][0]["repr"], "[1, 2]")

    def test_a_false_numpy_is_not_trusted(self):
        self.run_ok(
            "import sys, types\nfake = types.ModuleType('numpy')\nclass ndarray:\n"
            "    @property\n    def nbytes(self): raise SystemExit\n    shape = nbytes\n"
            "fake.ndarray = ndarray\nsys.modules['numpy'] = fake\na = ndarray()"
        )
        self.assertEqual(self.report(names=True)["names"][1]["type"], "ndarray")

    def test_a_thread_that_changes_what_is_looked_at_does_no_harm(self):
        self.run_ok(
            "import threading\nd, stop = {}, []\ndef work():\n    i = 0\n    while not stop:\n"
            "        i += 1\n        d[i % 5000] = [i]\n        globals()['t%d' % (i % 50)] = i\n"
            "        d.pop((i * 7) % 5000, None)\nt = threading.Thread(target=work, daemon=True)\nt.start()"
        )
        for _ in range(20):
            self.report(names=True)
            self.run_ok("1")
        self.assertEqual(self.value("stop.append(1)\nt.join()\n1"), "1")


if __name__ == "__main__":
    unittest.main()
