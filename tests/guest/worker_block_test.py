"""The semantics of a block, beyond what the article promises."""

import sys
import time
import unittest

from worker_fixture import Case


class Source(Case):
    def test_an_indented_block_is_taken_as_meant(self):
        self.assertEqual(self.value("    x = 1\n    x + 1\n"), "2")
        self.assertEqual(self.value("\n\n\tif x:\n\t\ty = 5\n\ty\n"), "5")
        self.assertEqual(self.value("# why\n    x = 3\n    x"), "3")

    def test_strings_of_several_lines_survive_an_indented_block(self):
        self.assertEqual(self.value("    s = '''a\n    b\nc'''\n    s"), "'a\\n    b\\nc'")

    def test_strings_of_several_lines_survive_a_block_that_is_not_indented(self):
        self.assertEqual(self.value("s = '''\n    a\n      b\n'''\ns"), "'\\n    a\\n      b\\n'")

    def test_an_error_in_an_indented_block_names_its_own_line(self):
        self.assertIn(
            'File "<block 1>", line 2', self.error("    x = 1\n    y = = 2\n")["traceback"]
        )
        trace = self.error("    x = 1\n    1 / 0\n")["traceback"]
        self.assertIn('File "<block 2>", line 2, in <module>\n    1 / 0\n', trace)

    def test_indentation_that_is_simply_wrong_is_reported(self):
        for code in ["x = 1\n  y = 2", "  x = 1\ny = 2", "  if 1:\nx", "if 1:\nx"]:
            self.assertEqual(self.error(code)["type"], "IndentationError", code)

    def test_line_ends_of_windows_are_line_ends(self):
        self.assertEqual(self.value("x = '''a\r\nb'''\r\nif x:\r\n    y = x\r\ny\r\n"), "'a\\nb'")

    def test_a_byte_order_mark_is_no_code(self):
        self.assertEqual(self.value("\ufeffx = 1\nx"), "1")

    def test_nul_and_lone_surrogates_are_errors_of_the_block(self):
        self.error("x = '\0'")
        self.error("x = '\ud800'")
        self.assertEqual(self.value("1"), "1")

    def test_code_may_be_of_any_script(self):
        self.assertEqual(self.value("größe = '数字 🐍'\ngröße"), "'数字 🐍'")

    def test_a_long_block_arrives_whole(self):
        code = "x = [\n" + "".join("    '%06d',\n" % i for i in range(30000)) + "]\nlen(x), x[-1]"
        self.assertGreater(len(code), 5 * 65536)
        self.assertEqual(self.value(code), "(30000, '029999')")

    def test_a_trailing_semicolon_changes_nothing(self):
        self.assertEqual(self.value("7;"), "7")

    def test_future_statements_stay_in_force(self):
        self.run_ok("from __future__ import annotations")
        self.run_ok("def f(x: nowhere): pass")
        self.assertEqual(self.value("f.__annotations__"), "{'x': 'nowhere'}")

    def test_deep_nesting_is_an_error_or_a_value_and_the_session_goes_on(self):
        outcome = self.session.run("(" * 150 + "1" + ")" * 150)
        self.assertIn(outcome.status, ("ok", "raised"))
        self.error("[" * 3000 + "]" * 3000)
        self.assertEqual(self.value("2"), "2")

    def test_a_warning_of_the_compiler_comes_once(self):
        outcome = self.run_ok("x = 5\nx is 5")
        self.assertLessEqual(outcome.err.count("SyntaxWarning"), 1)


class Namespace(Case):
    def test_the_session_is_main(self):
        self.assertEqual(self.value("__name__"), "'__main__'")
        self.assertEqual(
            self.value(
                "import sys, __main__\n__main__.__dict__ is globals() and "
                "sys.modules['__main__'] is __main__"
            ),
            "True",
        )

    def test_objects_of_the_session_can_be_pickled(self):
        self.run_ok(
            "import pickle, dataclasses\n@dataclasses.dataclass\nclass P:\n    x: int\ndef f(): return 3"
        )
        self.assertEqual(
            self.value("pickle.loads(pickle.dumps((P(1), f)))[0], pickle.loads(pickle.dumps(f))()"),
            "(P(x=1), 3)",
        )

    def test_type_hints_resolve(self):
        self.run_ok("import typing\nclass A:\n    b: 'B'\nclass B: pass")
        self.assertEqual(self.value("typing.get_type_hints(A)['b'] is B"), "True")

    def test_source_code_of_functions_is_known(self):
        self.run_ok("def f():\n    return 'seen'\n")
        self.assertEqual(
            self.value("import inspect\ninspect.getsource(f)"),
            repr("def f():\n    return 'seen'\n"),
        )

    def test_scopes_nest(self):
        self.run_ok(
            "n = 3\ndef outer():\n    return [[n * i + j for j in range(n)] for i in range(n)]"
        )
        self.assertEqual(self.value("outer()[2], (lambda: n)()"), "([6, 7, 8], 3)")

    def test_underscore_keeps_the_last_value_that_was_one(self):
        self.run_ok("10")
        self.run_ok("x = 1")
        self.assertEqual(self.value("_ + 1"), "11")
        self.error("1/0")
        self.assertEqual(self.value("_"), "11")

    def test_a_failed_block_keeps_what_it_did(self):
        self.error("x = [1]\nx.append(2)\nraise ValueError")
        self.assertEqual(self.value("x"), "[1, 2]")

    def test_the_working_directory_is_state(self):
        self.assertEqual(
            self.value(
                "import os\nos.mkdir('sub')\nos.chdir('sub')\nos.path.basename(os.getcwd())"
            ),
            "'sub'",
        )
        self.assertEqual(self.value("os.path.basename(os.getcwd())"), "'sub'")

    def test_a_working_directory_that_has_gone_is_the_workspace_again(self):
        self.run_ok("import os\nos.makedirs('gone')\nos.chdir('gone')\nos.rmdir(os.getcwd())")
        self.assertEqual(self.value("os.getcwd()"), repr(self.workspace))

    def test_modules_in_the_workspace_can_be_imported_and_written_again(self):
        self.run_ok("open('%s/mine.py', 'w').write('x = 1')" % self.workspace)
        self.assertEqual(self.value("import mine\nmine.x"), "1")
        self.run_ok("open('%s/mine.py', 'w').write('x = 2')" % self.workspace)
        self.assertEqual(self.value("import importlib\nimportlib.reload(mine).x"), "2")

    def test_names_of_the_worker_are_free(self):
        for name in ["wire", "tools", "display", "head", "execute", "guard", "_caisson"]:
            self.assertEqual(self.error("import %s" % name)["type"], "ModuleNotFoundError", name)

    def test_stdin_is_empty(self):
        self.assertEqual(self.error("input('? ')")["type"], "EOFError")
        self.assertEqual(self.value("import sys\nsys.stdin.read()"), "''")


class Await(Case):
    def test_await_for_and_with_work_at_top_level(self):
        self.run_ok(
            "import asyncio\nasync def count(n):\n    for i in range(n):\n        await asyncio.sleep(0)\n"
            "        yield i\nclass C:\n    async def __aenter__(self): return 'in'\n"
            "    async def __aexit__(self, *a): print('out')"
        )
        self.assertEqual(self.value("s = 0\nasync for i in count(4):\n    s += i\ns"), "6")
        self.assertEqual(self.value("[i async for i in count(3)]"), "[0, 1, 2]")
        outcome = self.run_ok("async with C() as c:\n    print(c)")
        self.assertEqual(outcome.out, "in\nout\n")

    def test_there_is_one_event_loop_per_session(self):
        self.run_ok(
            "import asyncio\nloop = None\nasync def me(): return asyncio.get_running_loop()\nloop = await me()"
        )
        self.run_ok(
            "queue = asyncio.Queue()\ntask = asyncio.ensure_future(queue.get())\nawait asyncio.sleep(0)"
        )
        self.assertEqual(
            self.value("queue.put_nowait(7)\nawait task, (await me()) is loop"), "(7, True)"
        )

    def test_an_exception_in_await_is_that_of_the_block(self):
        error = self.error(
            "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    raise KeyError('k')\nawait f()"
        )
        self.assertEqual((error["type"], error["message"]), ("KeyError", "'k'"))
        self.assertIn("line 4, in f", error["traceback"])

    def test_asyncio_run_works_in_a_block_without_await(self):
        self.run_ok("import asyncio\nawait asyncio.sleep(0)")
        self.assertEqual(self.value("async def f(): return 3\nasyncio.run(f())"), "3")
        self.assertEqual(self.value("await f()"), "3")

    def test_await_can_be_interrupted_and_its_cleanup_runs(self):
        pid = self.session.pid()
        self.session.start(
            "import asyncio\ntry:\n    print('begun')\n    await asyncio.sleep(60)\nfinally:\n    print('cleaned')"
        )
        outcome = self.session.finish(
            on_output=lambda text: text == b"begun\n" and self.session.interrupt(pid)
        )
        self.assertEqual((outcome.status, outcome.out), ("interrupted", "begun\ncleaned\n"))
        self.assertEqual(self.value("await asyncio.sleep(0, 1)"), "1")

    def test_exits_and_cancellations_in_await_end_the_block_only(self):
        self.run_ok("import asyncio")
        self.assertEqual(
            self.error("await asyncio.sleep(0)\nraise SystemExit(1)")["type"], "SystemExit"
        )
        self.assertEqual(
            self.error("raise asyncio.CancelledError\nawait asyncio.sleep(0)")["type"],
            "CancelledError",
        )
        self.run_ok("asyncio.get_event_loop().close()")
        self.assertEqual(self.value("await asyncio.sleep(0, 1)"), "1")

    def test_asyncio_is_not_loaded_for_nothing(self):
        self.assertEqual(self.value("import sys\n'asyncio' in sys.modules"), "False")


class Tracebacks(Case):
    def test_the_label_names_the_code(self):
        self.run_ok("def f():\n    return g()\n", label="tools.py", load=True)
        trace = self.error("f()")["traceback"]
        self.assertIn('File "<block 2>", line 1, in <module>\n    f()\n', trace)
        self.assertIn('File "<tools.py>", line 2, in f\n    return g()\n', trace)

    def test_frames_of_earlier_blocks_show_their_source(self):
        self.run_ok("def f(x):\n    return 1 / x\n")
        self.run_ok("import linecache\nlinecache.clearcache()")
        self.assertIn(
            'File "<block 1>", line 2, in f\n    return 1 / x\n', self.error("f(0)")["traceback"]
        )

    def test_library_frames_are_shown_by_their_place_in_the_library(self):
        trace = self.error("import json\njson.loads('{')")["traceback"]
        self.assertIn('File "json/decoder.py"', trace)
        self.assertIn("self.raw_decode(s", trace)

    def test_frames_of_workspace_modules_are_shown_by_their_place_there(self):
        self.run_ok(
            "open('%s/helper.py', 'w').write('def f():\\n    return 1 / 0\\n')" % self.workspace
        )
        trace = self.error("import helper\nhelper.f()")["traceback"]
        self.assertIn('File "helper.py", line 2, in f\n    return 1 / 0\n', trace)
        self.run_ok("open('%s/broken.py', 'w').write('x = = 1')" % self.workspace)
        trace = self.error("import broken")["traceback"]
        self.assertIn('File "broken.py", line 1', trace)
        self.assertNotIn(self.workspace, trace)

    def test_an_import_error_names_no_path(self):
        error = self.error("from json import nothing")
        self.assertIn(
            "cannot import name 'nothing' from 'json' (json/__init__.py)", error["message"]
        )
        self.assertIn(error["message"], error["traceback"])

    def test_chained_exceptions_are_told(self):
        trace = self.error(
            "try:\n    1/0\nexcept Exception as e:\n    raise ValueError('v') from e"
        )["traceback"]
        self.assertIn("ZeroDivisionError", trace)
        self.assertIn("direct cause", trace)
        trace = self.error("try:\n    1/0\nexcept Exception as e:\n    raise ValueError('v')")[
            "traceback"
        ]
        self.assertIn("During handling", trace)
        self.assertTrue(trace.endswith("ValueError: v\n"))

    @unittest.skipIf(sys.version_info < (3, 11), "exception groups came with Python 3.11")
    def test_groups_and_notes_are_told(self):
        error = self.error(
            "e = ValueError('inner')\ne.add_note('a note')\nraise ExceptionGroup('many', [e, KeyError(1)])"
        )
        self.assertEqual(
            (error["type"], error["message"]), ("ExceptionGroup", "many (2 sub-exceptions)")
        )
        for part in ["ValueError: inner", "a note", "KeyError: 1"]:
            self.assertIn(part, error["traceback"])

    def test_deep_recursion_has_a_short_traceback(self):
        error = self.error("def f(n): return g(n + 1)\ndef g(n): return f(n + 1)\nf(0)")
        self.assertEqual(error["type"], "RecursionError")
        self.assertLess(error["traceback"].count("\n"), 100)
        self.assertIn("frames in between are not shown", error["traceback"])

    def test_a_chain_of_a_thousand_exceptions_is_cut(self):
        error = self.error(
            "e = None\nfor i in range(1000):\n    try:\n        raise ValueError(i) from e\n"
            "    except ValueError as x:\n        e = x\nraise e"
        )
        self.assertLess(len(error["traceback"]), 10000)
        self.assertTrue(error["traceback"].endswith("ValueError: 999\n"))

    def test_a_huge_message_is_cut(self):
        error = self.error("raise ValueError('a' * 10**7 + 'end')")
        self.assertLess(len(error["message"]), 20000)
        self.assertLess(len(error["traceback"]), 80000)
        self.assertTrue(error["message"].endswith("end"))
        self.assertIn("characters are left out", error["message"])

    def test_errors_of_the_kernel_are_told_with_their_path(self):
        outcome = self.session.run("raise PermissionError(13, 'no', '/a/../b') from OSError(24, 'no')")
        self.assertEqual(outcome.failed, [[13, "/b"], [24, None]])
        self.assertEqual(self.session.run("raise PermissionError(13, 'no', b'/\\xff')").status, "raised")
        self.assertEqual(self.session.run("x = []\nraise BlockingIOError(11, 'no')").failed, None)
        self.assertEqual(self.session.run("def f(fork=1):\n    os.fork\n    raise BlockingIOError(11, 'no')\nimport os\nf()")
                         .failed, [[11, None]])

    def test_an_exception_that_cannot_be_asked_still_has_its_traceback(self):
        for code in [
            "import os\nos.mkdir('d'); os.chdir('d'); os.rmdir('../d')\nraise PermissionError(13, 'no', 'x')",
            "class E(RuntimeError):\n    args = property(lambda self: 1 / 0)\nraise E('x')",
        ]:
            error = self.error(code)
            self.assertIn("<block", error["traceback"], code)

    def test_an_exception_in_a_thread_is_told_on_stderr_without_paths(self):
        outcome = self.run_ok(
            "import threading\nt = threading.Thread(target=lambda: 1/0, name='t1')\nt.start()\nt.join()"
        )
        self.assertIn("Exception in thread t1", outcome.err)
        self.assertIn("ZeroDivisionError", outcome.err)
        self.assertNotIn("/usr", outcome.err)

    @unittest.skipIf(
        sys.version_info < (3, 12), "suggestions came to the traceback module with Python 3.12"
    )
    def test_a_name_that_is_almost_right_gets_a_hint(self):
        self.assertIn("Did you mean: 'number'", self.error("number = 1\nnumbr")["traceback"])


class Values(Case):
    config = {"value_max_bytes": 10000}

    def test_what_is_too_large_is_said_and_kept(self):
        outcome = self.session.run("'x' * 20000")
        self.assertEqual((outcome.status, outcome.value), ("result_too_large", None))
        self.assertIn("`_`", outcome.error["message"])
        self.assertEqual(self.value("len(_)"), "20000")

    def test_the_limit_counts_bytes(self):
        self.assertEqual(self.run_ok("'ä' * 4999").status, "ok")
        self.assertEqual(self.session.run("'ä' * 5000").status, "result_too_large")

    def test_huge_containers_are_not_even_printed(self):
        self.run_ok(
            "import resource\ndef peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
            "big = list(range(2 * 10**6))\nnested = [[0] * 10**4] * 10**4\nn = 1 << 10**8"
        )
        before = int(self.value("peak()"))
        begun = time.monotonic()
        for name in ["big", "nested", "n", "{'a': big}", "(big, big)", "{1: {2: nested}}"]:
            self.assertEqual(self.session.run(name).status, "result_too_large", name)
        self.assertLess(time.monotonic() - begun, 5)
        self.assertLess(int(self.value("peak()")) - before, 60000)  # KiB

    def test_containers_of_reasonable_size_are_exact(self):
        for code in [
            "list(range(1500))",
            "{i: str(i) for i in range(500)}",
            "{1, 2, 3}",
            "(1,)",
            "[[], {}, ()]",
        ]:
            self.assertEqual(self.value(code), repr(eval(code)))
        self.assertEqual(self.value("a = [1]\na.append(a)\na"), "[1, [...]]")

    def test_a_value_that_fails_to_print_says_so(self):
        self.run_ok(
            "class Bad:\n    def __init__(self, e): self.e = e\n    def __repr__(self): raise self.e"
        )
        self.assertEqual(
            self.value("Bad(ValueError('no'))"), "<repr of Bad failed: ValueError: no>"
        )
        self.assertEqual(self.value("Bad(SystemExit(1))"), "<repr of Bad failed: SystemExit: 1>")
        self.assertIn(
            "<repr of list failed: ZeroDivisionError", self.value("[Bad(ZeroDivisionError())]")
        )
        self.assertEqual(
            self.value("class Odd:\n    def __repr__(self): return 5\nOdd()"),
            "<repr of Odd failed: TypeError: __repr__ returned non-string (type int)>",
        )

    def test_text_that_json_cannot_hold_is_escaped(self):
        self.assertEqual(
            self.value("class S:\n    def __repr__(self): return 'a\\udc80\\0\\n\"'\nS()"),
            'a\\udc80\0\n"',
        )
        outcome = self.run_ok("print('a\\udc80b')")
        self.assertEqual(outcome.out, "a\\udc80b\n")

    def test_an_endless_repr_can_be_interrupted(self):
        pid = self.session.pid()
        self.session.start(
            "class E:\n    def __repr__(self):\n        print('begun')\n        while True: pass\nE()"
        )
        outcome = self.session.finish(
            on_output=lambda text: b"begun" in text and self.session.interrupt(pid)
        )
        self.assertEqual(outcome.status, "interrupted")


if __name__ == "__main__":
    unittest.main()
