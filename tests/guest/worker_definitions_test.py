"""Functions and classes of blocks that are saved in one session and restored in another."""

import unittest

from worker_fixture import States


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


if __name__ == "__main__":
    unittest.main()
