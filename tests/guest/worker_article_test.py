"""What the article promises of its executor (rows S16-S34) and what its code gets wrong instead
(rows D1-D16): each row that concerns the worker is a test of that name. The docstrings say how the
article's executor fails."""

import os
import unittest

import worker_fixture
from worker_fixture import Case, has_module

HELPERS = """
def add(a: int, b: int) -> int:
    '''将两个数字相加'''
    return a + b

def subtract(a: int, b: int) -> int:
    '''两个数字相减'''
    return a - b

def multiply(a: int, b: int) -> int:
    '''两个数字相乘'''
    return a * b

def divide(a: int, b: int) -> float:
    '''两个数字相除'''
    return a / b
"""
NOTEBOOK = [
    ("numbers = range(1, 11)\ntotal = sum(numbers)\ntotal\n", "55"),
    ("result = multiply(add(5, 3), 2)\nresult\n", "16"),
    (
        "def fibonacci(n):\n    if n < 2:\n        return n\n"
        "    return fibonacci(n - 1) + fibonacci(n - 2)\n\n"
        "sum(fibonacci(i) for i in range(10))\n",
        "88",
    ),
    ("sum(fibonacci(i) for i in range(20))\n", "10945"),
]


class Notebook(Case):
    def test_the_four_blocks_give_55_16_88_and_10945(self):
        self.run_ok(HELPERS, label="tools.py", load=True)
        self.assertEqual([self.value(code) for code, _ in NOTEBOOK], [text for _, text in NOTEBOOK])


class Promises(Case):
    config = {"aliases": {"np": "numpy", "js": "json"}}

    def test_S16_state_is_kept_across_blocks(self):
        self.run_ok("x = 41\nimport math\ndef f(): return x + math.floor(1.5)\nclass C: y = 7")
        self.assertEqual(self.value("f() + C.y"), "49")

    def test_S17_a_session_is_seeded_with_names_and_values(self):
        self.session = self.open(
            seeds={"x": 41, "words": ["ä", "b"], "nothing": None, "deep": {"a": [1]}}
        )
        self.assertEqual(
            self.value("x, words, nothing, deep"), "(41, ['ä', 'b'], None, {'a': [1]})"
        )

    def test_S18_a_seed_is_the_same_object_in_every_block(self):
        self.session = self.open(seeds={"box": {}})
        self.run_ok("box['a'] = 1\nalias = box")
        self.assertEqual(self.value("box, alias is box"), "({'a': 1}, True)")

    def test_S19_helpers_are_there_by_name(self):
        self.run_ok(HELPERS, load=True)
        self.assertEqual(
            self.value("add(1, 2), subtract(5, 3), multiply(2, 4), divide(1, 4)"), "(3, 2, 8, 0.25)"
        )

    def test_S20_builtins_are_there(self):
        self.assertEqual(self.value("sum(range(11))"), "55")

    @unittest.skipUnless(has_module("numpy"), "numpy is not importable")
    def test_S21_a_module_is_there_under_its_alias_without_an_import(self):
        self.assertEqual(self.value("int(np.arange(3).sum())"), "3")

    def test_S21_an_alias_needs_no_import_also_inside_a_function(self):
        self.run_ok("def dump(x):\n    return js.dumps(x)")
        self.assertEqual(self.value("dump([1])"), "'[1]'")

    def test_S22_one_block_has_one_result(self):
        self.assertEqual(self.value("1\n2\n3"), "3")

    def test_S23_stdout_is_captured(self):
        outcome = self.run_ok("print('a', end='')\nprint('ü')")
        self.assertEqual((outcome.out, outcome.err), ("aü\n", ""))

    def test_S24_stderr_is_captured(self):
        outcome = self.run_ok("import sys\nprint('o')\nprint('e', file=sys.stderr)")
        self.assertEqual((outcome.out, outcome.err), ("o\n", "e\n"))

    def test_S25_only_an_expression_as_last_statement_has_a_value(self):
        self.assertIsNone(self.value("5\nx = 6"))
        self.assertIsNone(self.value("5\nif True: 6"))

    def test_S26_the_value_of_the_last_expression_is_returned_whatever_follows_it(self):
        for code in [
            "40 + 2",
            "40 + 2\n",
            "40 + 2\n\n  \n",
            "40 + 2  # why",
            "x = 40; x + 2",
            "x = 40\nx + 2",
            "(40 +\n 2)",
            "(\n40 + 2\n)\n# done",
            "f'{40 + 2}' and 42",
        ]:
            self.assertEqual(self.value(code), "42", code)

    def test_S27_the_value_is_bound_in_the_namespace(self):
        self.run_ok("6 * 7")
        self.assertEqual(self.value("__result__, _"), "(42, 42)")
        self.run_ok("None")
        self.assertEqual(self.value("__result__ is None, _"), "(True, (42, 42))")

    def test_S28_none_is_no_value(self):
        outcome = self.run_ok("print('x')")
        self.assertIsNone(outcome.value)

    def test_S29_a_block_of_statements_has_no_value_and_no_output(self):
        outcome = self.run_ok("y = 1")
        self.assertEqual((outcome.value, outcome.out, outcome.err), (None, "", ""))

    def test_S30_what_does_not_parse_is_one_syntax_error_and_runs_not_at_all(self):
        error = self.error("ran = True\nx = = 1\n")
        self.assertEqual(error["type"], "SyntaxError")
        self.assertEqual(error["traceback"].count("SyntaxError"), 1)
        self.assertIn('File "<block 1>", line 2', error["traceback"])
        self.assertIn("x = = 1", error["traceback"])
        self.assertIn("^", error["traceback"])
        self.assertNotIn("Traceback", error["traceback"])
        self.assertNotIn("caisson", error["traceback"])
        self.assertEqual(self.value("'ran' in globals()"), "False")

    def test_S31_both_streams_arrive_whole_and_apart(self):
        outcome = self.run_ok(
            "import sys\nfor i in range(1000):\n"
            "    print('o', i); print('e', i, file=sys.stderr)"
        )
        self.assertEqual(outcome.out, "".join("o %d\n" % i for i in range(1000)))
        self.assertEqual(outcome.err, "".join("e %d\n" % i for i in range(1000)))

    def test_S32_an_exception_has_type_message_and_traceback(self):
        error = self.error("def f():\n    return 1 / 0\nf()")
        self.assertEqual(
            (error["type"], error["message"]), ("ZeroDivisionError", "division by zero")
        )
        self.assertTrue(error["traceback"].startswith("Traceback (most recent call last):\n"))
        self.assertTrue(error["traceback"].endswith("ZeroDivisionError: division by zero\n"))
        self.assertIn('File "<block 1>", line 2, in f\n    return 1 / 0', error["traceback"])

    def test_S33_the_session_goes_on_after_an_exception(self):
        self.error("kept = 1\n1/0")
        self.assertEqual(self.value("kept"), "1")

    def test_S34_empty_code_is_ok_and_nothing(self):
        for code in ["", "\n", "   \n\t\n", "# only a comment"]:
            outcome = self.run_ok(code)
            self.assertEqual((outcome.value, outcome.out, outcome.err), (None, "", ""))


class Defects(Case):
    def test_D1_a_newline_after_the_last_expression_does_not_lose_its_value(self):
        """The article cuts the last line's length off the end of the code; with the newline that a
        closing tag leaves, it cuts the wrong bytes, fails, and runs the block again for no value.
        """
        self.assertEqual(self.value("x = 55\nx\n"), "55")

    def test_D2_a_block_runs_once(self):
        """The article swallows any exception of the first attempt and runs the block again: this
        records ['a', 'a'], and [1, 1] for the second."""
        self.run_ok("seen = []")
        self.error("seen.append('a'); 1/0")
        self.run_ok("seen.append(1)\nseen\n")
        self.error("seen.append('b')\nraise ValueError")
        self.assertEqual(self.value("seen"), "['a', 1, 'b']")

    def test_D3_there_is_one_namespace(self):
        """The article passes separate globals and locals to exec: functions do not see each other or
        themselves, comprehensions do not see variables (NameError in all three)."""
        self.run_ok("def add(a, b): return a + b")
        self.assertEqual(
            self.value("def fib(n): return n if n < 2 else fib(n-1) + fib(n-2)\nfib(10)"), "55"
        )
        self.assertEqual(self.value("def twice(a): return add(a, a)\ntwice(4)"), "8")
        self.assertEqual(self.value("n = 3\n[n * i for i in range(3) if i < n]"), "[0, 3, 6]")
        self.assertEqual(
            self.value("class A:\n    b = n\n    def c(self): return A.b + n\nA().c()"), "6"
        )
        self.assertEqual(self.value("globals() is locals()"), "True")

    def test_D4_the_value_is_that_of_the_statement_not_of_the_last_line(self):
        """The article takes the last *line* for the last expression: `x = 5; x + 1` gives 5, values
        of several lines and before a comment none."""
        self.assertEqual(self.value("x = 5; x + 1"), "6")
        self.assertEqual(self.value("[\n  1,\n  2,\n]"), "[1, 2]")
        self.assertEqual(self.value("x + 1  # six"), "6")
        self.assertEqual(self.value("'''a\nb'''"), "'a\\nb'")

    def test_D5_output_before_an_exception_is_kept(self):
        """The article returns the traceback alone."""
        outcome = self.session.run("print('before')\n1/0")
        self.assertEqual((outcome.status, outcome.out), ("raised", "before\n"))

    def test_D6_exits_and_interrupts_do_not_escape(self):
        """The article catches Exception only: SystemExit ends the host program."""
        pid = self.session.pid()
        for code, kind, message in [
            ("raise SystemExit(3)", "SystemExit", "3"),
            ("exit()", "SystemExit", "None"),
            ("import sys; sys.exit('bye')", "SystemExit", "bye"),
            ("class B(BaseException): pass\nraise B('b')", "B", "b"),
            ("raise GeneratorExit", "GeneratorExit", ""),
        ]:
            outcome = self.session.run(code)
            self.assertEqual(outcome.status, "raised", code)
            self.assertEqual((outcome.error["type"], outcome.error["message"]), (kind, message))
        self.assertEqual(self.error("input()")["type"], "EOFError")  # exit() has closed sys.stdin
        self.assertEqual(self.session.run("raise KeyboardInterrupt").status, "interrupted")
        self.assertEqual(self.session.pid(), pid)

    def test_D7_child_processes_and_descriptors_are_captured(self):
        """The article redirects sys.stdout only: this went to the terminal of the host program."""
        outcome = self.run_ok(
            "import os, subprocess, sys\nprint('one')\nos.system('echo two')\n"
            "subprocess.run(['sh', '-c', 'echo three; echo oops >&2'])\n"
            "n = os.write(1, b'four\\n')\nprint('five')"
        )
        self.assertEqual((outcome.out, outcome.err), ("one\ntwo\nthree\nfour\nfive\n", "oops\n"))

    @unittest.skipUnless(has_module("ctypes"), "ctypes is not importable")
    def test_D7_what_c_code_prints_is_captured_in_its_block(self):
        outcome = self.run_ok("import ctypes\nn = ctypes.CDLL(None).puts(b'from C')")
        self.assertEqual(outcome.out, "from C\n")

    def test_D10_a_block_can_be_stopped(self):
        """The article has no way to stop code."""
        pid = self.session.pid()
        self.session.start("print('begun')\nwhile True: pass")
        outcome = self.session.finish(
            on_output=lambda text: b"begun" in text and self.session.interrupt(pid)
        )
        self.assertEqual(
            (outcome.status, outcome.error["type"]), ("interrupted", "KeyboardInterrupt")
        )
        self.assertEqual(outcome.out, "begun\n")

    def test_D11_a_block_of_white_space_is_not_an_error(self):
        self.assertIsNone(self.value(" \n \t \n"))

    def test_D12_a_tool_without_documentation_has_an_empty_one(self):
        '''The article renders the docstring None as """ None """.'''
        loaded = self.run_ok("def f(x): return x", load=True).loaded
        self.assertEqual(loaded, [{"name": "f", "signature": "(x)", "doc": ""}])

    def test_D14_tracebacks_name_no_path_and_no_second_exception(self):
        """The article shows its own file, /usr/lib/python3.11/ast.py, and `During handling of the
        above exception, another exception occurred`."""
        for code in [
            "1/0",
            "import json\njson.loads('{')",
            "x = (",
            "import ast\nast.literal_eval('f()')",
            "print(undefined)",
            "import no_such_module",
            "async def f(): 1/0\nawait f()",
        ]:
            trace = self.error(code)["traceback"]
            self.assertNotIn("/usr", trace)
            self.assertNotIn(os.path.dirname(os.__file__), trace)
            self.assertNotIn(worker_fixture.ROOT, trace)
            self.assertNotIn("<caisson>", trace)
            self.assertNotIn("worker", trace)
            self.assertNotIn("During handling", trace)

    def test_D15_output_and_displays_arrive_while_the_block_runs(self):
        """The article tells of the code, never of its output. The block here goes on only after its
        output has been seen."""
        path = os.path.join(self.workspace, "seen")
        self.session.start(
            "import os, time\nprint('first', flush=True)\n"
            "while not os.path.exists(%r): time.sleep(0.001)\nprint('second')" % path
        )
        seen = []

        def on_output(text):
            if not seen:
                seen.append(text)
                open(path, "w").close()

        self.assertEqual(self.session.finish(on_output=on_output).out, "first\nsecond\n")
        self.assertEqual(seen, [b"first\n"])

    def test_D16_await_and_rich_representations_work(self):
        """The article has neither: `await` at top level is its SyntaxError, a table is str(table)."""
        self.assertEqual(self.value("import asyncio\nawait asyncio.sleep(0, 'awake')"), "'awake'")
        outcome = self.run_ok(
            "class T:\n  def _repr_html_(self): return '<b>t</b>'\n"
            "  def __repr__(self): return 't'\nT()"
        )
        self.assertEqual(outcome.value, {"text/plain": "t", "text/html": "<b>t</b>"})


if __name__ == "__main__":
    unittest.main()
