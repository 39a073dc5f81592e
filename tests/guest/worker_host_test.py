"""What the host gives a session: preloaded modules, seeds, tools; and the zygote."""

import json
import os
import struct
import tempfile
import time
import unittest

import worker_fixture
from worker_fixture import Case, Zygote


class ZygoteStarts(unittest.TestCase):
    def test_it_says_what_it_is_and_what_it_preloaded(self):
        zygote = Zygote(preload=["json", "no_such_module", "decimal"])
        self.assertRegex(zygote.ready["python"], r"^3\.\d+\.\d+$")
        self.assertEqual(zygote.ready["preloaded"], ["json", "decimal"])
        self.assertEqual(list(zygote.ready["failed"]), ["no_such_module"])
        self.assertIn("No module named", zygote.ready["failed"]["no_such_module"])
        self.assertEqual(zygote.close(), 0)

    def test_a_frame_that_is_none_ends_it_with_a_reason(self):
        with tempfile.TemporaryFile() as log:
            zygote = Zygote(stderr=log.fileno())
            zygote.link.sock.send(b"garbage that is longer than a header, but not one")
            self.assertNotEqual(zygote.close(), 0)
            log.seek(0)
            self.assertIn(b"not a frame", log.read())

    def test_an_open_without_descriptors_ends_it_with_a_reason(self):
        with tempfile.TemporaryFile() as log:
            zygote = Zygote(stderr=log.fileno())
            zygote.link.send(worker_fixture.OPEN, b"{}", 1)
            self.assertNotEqual(zygote.close(), 0)
            log.seek(0)
            self.assertIn(b"`open` with three descriptors was expected", log.read())

    def test_a_session_outlives_its_zygote_and_ends_with_its_socket(self):
        zygote = Zygote()
        session = zygote.open()
        pid = session.pid()
        zygote.close()
        self.assertEqual(session.run("1").text, "1")
        session.close()
        for _ in range(2000):
            try:
                os.kill(pid, 0)
                with open("/proc/%d/stat" % pid) as stat:
                    if stat.read().rpartition(")")[2].split()[0] == "Z":
                        return  # nobody reaps it here; init would
            except (ProcessLookupError, FileNotFoundError):
                return
            time.sleep(0.001)
        self.fail("the session's process lives on")


class Sessions(Case):
    config = {
        "preload": ["decimal", "random"],
        "aliases": {"D": "decimal", "nothing": "no_such_module"},
    }

    def test_sessions_are_apart(self):
        other = self.open()
        self.run_ok("x = 1\nimport decimal\ndecimal.x = 1")
        self.assertEqual(other.run("'x' in globals(), hasattr(D, 'x')").text, "(False, False)")
        self.assertNotEqual(self.session.pid(), other.pid())

    def test_a_session_is_no_child_of_its_zygote_and_leads_its_own_processes(self):
        self.assertNotEqual(self.value("import os\nos.getppid()"), str(self.zygote.pid))
        self.assertEqual(self.value("os.getsid(0) == os.getpid() == os.getpgrp()"), "True")

    def test_a_session_holds_no_descriptor_of_another(self):
        self.open()
        self.run_ok(
            "import os\ndef target(fd):\n    try: return os.readlink('/proc/self/fd/' + fd)\n"
            "    except OSError: return ''  # of listdir itself"
        )
        listed = self.value("[target(fd) for fd in os.listdir('/proc/self/fd')]")
        self.assertEqual(listed.count("socket"), 1, listed)

    def test_preloaded_modules_are_shared_and_aliases_bound(self):
        self.assertEqual(self.value("D.Decimal(1) / 4"), "Decimal('0.25')")

    def test_an_alias_of_a_missing_module_is_a_plain_name_error(self):
        self.assertEqual(self.error("nothing")["type"], "NameError")

    def test_random_numbers_differ_between_sessions(self):
        code = "import random\nrandom.random()"
        self.assertNotEqual(self.value(code), self.open().run(code).text)

    def test_seeds_win_over_aliases(self):
        self.session = self.open(seeds={"D": 5})
        self.assertEqual(self.value("D"), "5")

    def test_a_seed_may_be_large(self):
        self.session = self.open(seeds={"big": "ä" * 200000})
        self.assertEqual(self.value("len(big)"), "200000")


class Load(Case):
    def test_functions_are_listed_in_order_with_signature_and_documentation(self):
        loaded = self.run_ok(
            "import math\nfrom os.path import join\nLIMIT = 3\n"
            'def search(query: str, *, limit: int = 10) -> "list[str]":\n    """Searches 网络.\n\n    More.\n    """\n'
            "async def fetch(url): ...\n_hidden = lambda: 1\ndef _private(): ...\n"
            'class Point:\n    """A point."""\n    def __init__(self, x=0): ...\n'
            "double = lambda x: 2 * x\nif LIMIT:\n    def conditional(): ...\n"
            'def search(query: str, *, limit: int = 5) -> "list[str]":\n    """Searches 网络."""\n',
            load=True,
        ).loaded
        self.assertEqual(
            [(f["name"], f["signature"], f["doc"]) for f in loaded],
            [
                ("search", "(query: str, *, limit: int = 5) -> 'list[str]'", "Searches 网络."),
                ("fetch", "(url)", ""),
                ("Point", "(x=0)", "A point."),
                ("double", "(x)", ""),
                ("conditional", "()", ""),
            ],
        )

    def test_a_file_from_windows_is_a_file(self):
        code = "\ufeffdef f():\r\n    return 'a\\\r\nb'\r\n"
        loaded = self.run_ok(code, load=True, label="tools.py").loaded
        self.assertEqual([function["name"] for function in loaded], ["f"])
        self.assertEqual(self.value("f()"), "'ab'")

    def test_a_file_that_fails_is_an_error_like_any_other(self):
        error = self.error("def f(): ...\n1 / 0\n", load=True, label="tools.py")
        self.assertIn('File "<tools.py>", line 2', error["traceback"])

    def test_a_label_cannot_break_a_traceback(self):
        trace = self.error("1/0", label="a\nb>c" + "x" * 500)["traceback"]
        self.assertIn('File "<abc', trace)
        self.assertLess(len(trace), 400)


class Tools(Case):
    TOOLS = [
        {"name": "search", "signature": "(query: str, *, limit: int = 3) -> list", "doc": "Finds."},
        {"name": "max_", "tool": "max"},
    ]

    def setUp(self):
        self.session = self.open(tools=self.TOOLS)

    def echo(self, call):
        return {"value": {key: call[key] for key in ("name", "args", "kwargs")}}

    def test_a_host_tool_is_called_like_a_function(self):
        outcome = self.run_ok("search('ä', limit=2)", tools=self.echo)
        self.assertEqual(
            eval(outcome.text), {"name": "search", "args": ["ä"], "kwargs": {"limit": 2}}
        )
        self.assertEqual(len(outcome.calls), 1)
        self.assertEqual(eval(self.value("max_([1], k=None)", tools=self.echo))["name"], "max")

    def test_ids_are_unique_in_the_session(self):
        calls = self.run_ok("for i in range(3): search('x')", tools=self.echo).calls
        calls += self.run_ok("search('x')", tools=self.echo).calls
        self.assertEqual(len({call["id"] for call in calls}), 4)

    def test_a_stub_looks_like_the_function_it_stands_for(self):
        self.assertEqual(
            self.value(
                "import inspect\nstr(inspect.signature(search)), search.__name__, search.__doc__"
            ),
            "(\"(query: 'str', *, limit: 'int' = 3) -> 'list'\", 'search', 'Finds.')",
        )

    def test_a_wrong_call_does_not_reach_the_host(self):
        outcome = self.session.run("search()")
        self.assertEqual((outcome.error["type"], outcome.calls), ("TypeError", []))
        self.assertIn("missing a required argument: 'query'", outcome.error["message"])

    def test_an_error_of_the_host_is_a_tool_error(self):
        error = self.error("search('x')", tools=lambda call: {"error": "no network here"})
        self.assertEqual((error["type"], error["message"]), ("ToolError", "no network here"))
        self.assertNotIn("<caisson>", error["traceback"])
        self.assertEqual(
            self.value(
                "try:\n    search('x')\nexcept ToolError as e:\n    r = str(e)\nr",
                tools=lambda call: {"error": "no"},
            ),
            "'no'",
        )
        self.assertEqual(
            self.value(
                "import caisson, pickle\ncaisson.ToolError is ToolError, "
                "pickle.loads(pickle.dumps(ToolError('x')))"
            ),
            "(True, ToolError('x'))",
        )

    def test_any_tool_can_be_called_by_name(self):
        self.assertEqual(
            eval(self.value("import caisson\ncaisson.call_tool('other', 1, a=2)", tools=self.echo)),
            {"name": "other", "args": [1], "kwargs": {"a": 2}},
        )

    def test_arguments_near_json_are_converted(self):
        outcome = self.run_ok(
            "import datetime, pathlib, decimal\nsearch({'t': (1, 2), 's': {3}, "
            "'d': datetime.date(2020, 1, 2), 'p': pathlib.Path('a/b'), 1: None})",
            tools=self.echo,
        )
        self.assertEqual(
            outcome.calls[0]["args"],
            [{"t": [1, 2], "s": [3], "d": "2020-01-02", "p": "a/b", "1": None}],
        )

    @unittest.skipUnless(worker_fixture.has_module("numpy"), "numpy is not importable")
    def test_arrays_are_converted(self):
        outcome = self.run_ok(
            "import numpy as np\nsearch([np.arange(2), np.float64(0.5), np.int32(7)])",
            tools=self.echo,
        )
        self.assertEqual(outcome.calls[0]["args"], [[[0, 1], 0.5, 7]])

    def test_arguments_that_are_not_json_are_refused_here(self):
        self.run_ok("loop = []\nloop.append(loop)\ndeep = []\nfor i in range(100): deep = [deep]")
        for argument in ["object()", "float('nan')", "loop", "deep", "[1, {2: lambda: 1}]"]:
            outcome = self.session.run("search(%s)" % argument)
            self.assertEqual((outcome.status, outcome.calls), ("raised", []), argument)
            self.assertIn(
                "search: the arguments can't be sent to the host: ", outcome.error["message"]
            )
        self.assertEqual(self.value("search(1)['args']", tools=self.echo), "[1]")

    def test_large_arguments_and_answers_arrive_whole(self):
        self.assertEqual(
            self.value("len(search('ä' * 200000)['args'][0])", tools=self.echo), "200000"
        )

    def test_a_waiting_call_can_be_interrupted_and_its_late_answer_is_dropped(self):
        pid = self.session.pid()
        late = []

        def interrupt(call):
            late.append(call["id"])
            self.session.interrupt(pid)
            return {"value": "unused"} if len(late) > 1 else None

        self.session.answer = lambda number, reply: None
        outcome = self.session.run("search('x')", tools=interrupt)
        self.assertEqual(outcome.status, "interrupted")
        del self.session.answer
        self.session.answer(late[0], {"value": "late"})
        self.assertEqual(self.value("search('y')['args']", tools=self.echo), "['y']")

    def test_threads_may_call_at_the_same_time(self):
        code = (
            "from concurrent.futures import ThreadPoolExecutor as Pool\nwith Pool(8) as pool:\n"
            "    got = list(pool.map(lambda i: search(i)['args'][0], range(40)))\n"
            "got == list(range(40)), search('main')['args']"
        )
        self.assertEqual(self.value(code, tools=self.echo), "(True, ['main'])")

    def test_answers_may_come_in_any_order(self):
        code = (
            "import threading\ngot = []\nts = [threading.Thread(target=lambda i=i: got.append(search(i))) for i in range(5)]\n"
            "for t in ts: t.start()\ngot.append(search(5))\nfor t in ts: t.join()\nsorted(got)"
        )
        held = []

        def answer_last_first(call):
            held.append(call)
            return None

        def answer(number, reply):
            if len(held) == 6:
                for call in reversed(held):
                    worker_fixture.Session.answer(
                        self.session, call["id"], {"value": call["args"][0]}
                    )

        self.session.answer = answer
        self.assertEqual(self.value(code, tools=answer_last_first), "[0, 1, 2, 3, 4, 5]")

    def test_a_call_that_a_thread_still_waits_for_ends_with_its_block(self):
        self.session.answer = lambda number, reply: None
        path = os.path.join(self.workspace, "called")
        self.run_ok(
            "import os, threading, time\nfailed = []\ndef work():\n    try: search('x')\n"
            "    except ToolError as e: failed.append(str(e))\n"
            "t = threading.Thread(target=work)\nt.start()\n"
            "while not os.path.exists(%r): time.sleep(0.001)" % path,
            tools=lambda call: open(path, "w").close(),
        )
        del self.session.answer
        self.assertEqual(
            self.value("t.join()\nfailed"), "['the block that made this call has ended']"
        )
        self.assertEqual(self.value("search('y')['args']", tools=self.echo), "['y']")

    def test_a_call_between_blocks_or_in_a_child_is_refused(self):
        self.run_ok(
            "import threading, os\ngo, failed = threading.Event(), []\ndef work():\n    go.wait()\n    try: search('x')\n"
            "    except ToolError as e: failed.append('refused')\n"
            "pid = os.fork()\nif pid == 0:\n    try: search('x')\n    except ToolError: os._exit(7)\n    os._exit(8)\n"
            "status = os.waitpid(pid, 0)[1] >> 8"
        )
        self.assertEqual(self.value("status"), "7")


class Wire(Case):
    def test_a_message_in_many_frames_with_others_between_is_one_message(self):
        link = self.session.link
        self.session.block += 1
        body = (
            struct.pack("<Q", self.session.block)
            + json.dumps({"code": "'" + "a" * 150000 + "'[:3]"}).encode()
        )
        for start in range(0, len(body), 65536):
            part = body[start : start + 65536]
            more = 1 if start + 65536 < len(body) else 0
            link.sock.send(
                worker_fixture.HEADER.pack(
                    worker_fixture.MAGIC,
                    worker_fixture.EXECUTE,
                    more,
                    self.session.context,
                    len(part),
                    0,
                    0,
                    0,
                )
                + part
            )
            if more:
                link.send(worker_fixture.TOOL_RESULT, b'{"id":1,"value":2}', self.session.context)
        self.session.pipes = ()
        self.assertEqual(self.session.finish().text, "'aaa'")

    def test_a_request_that_is_not_json_fails_alone(self):
        self.session.block += 1
        self.session.pipes = ()
        self.session.link.send(
            worker_fixture.EXECUTE,
            struct.pack("<Q", self.session.block) + b"{nonsense",
            self.session.context,
        )
        self.assertEqual(self.session.finish().error["type"], "WorkerError")
        self.assertEqual(self.value("1"), "1")

    def test_a_frame_that_is_none_ends_the_session(self):
        self.session.link.sock.send(b"x" * 40)
        self.assertIsNone(self.session.link.receive())


if __name__ == "__main__":
    unittest.main()
