"""Code that breaks what it can reach: the session goes on, and the value channel says the truth."""

import os
import time
import unittest

from worker_fixture import Case


class Streams(Case):
    def assert_captures(self):
        outcome = self.run_ok(
            "import sys\nprint('out')\nprint('err', file=sys.stderr)\nimport os\n"
            "x = os.write(1, b'fd')"
        )
        self.assertEqual((outcome.out, outcome.err), ("out\nfd", "err\n"))

    def test_closed_or_replaced_streams_are_back_in_the_next_block(self):
        for code in [
            "import sys\nsys.stdout.close(); sys.stderr.close()",
            "import sys\nsys.stdout = None; del sys.stderr",
            "import sys, io\nsys.stdout = io.StringIO(); sys.stderr = 5",
            "import sys\nsys.stdout.detach()",
            "import sys\nsys.stdout.buffer.close()",
            "import sys\nsys.stdout.buffer.raw.close()",
            "import sys\nsys.__stdout__ = None\nsys.stdin.close()",
        ]:
            self.session.run(code)
            self.assert_captures()

    def test_closed_descriptors_are_back_in_the_next_block(self):
        for code in [
            "import os\nos.close(1); os.close(2)",
            "import os\nos.closerange(0, 3)",
            "import os\nos.close(0)",
            "import os\nfor fd in range(3, 40):\n    try: os.close(fd)\n    except OSError: pass",
            "import os\nos.dup2(os.open('/dev/null', os.O_WRONLY), 1)",
        ]:
            self.session.run(code)
            self.assert_captures()

    def test_closed_descriptors_are_back_without_new_pipes(self):
        self.session.start("import os\nos.close(1); os.close(2)")
        pipes, outcome = self.session.pipes, self.session.finish
        self.session.pipes = ()
        self.assertEqual(outcome().status, "ok")
        self.session.start("print('again')", pipes=False)
        self.session.pipes = pipes
        self.assertEqual(self.session.finish().out, "again\n")

    def test_output_without_a_newline_is_flushed(self):
        self.assertEqual(self.run_ok("print('a', end='')").out, "a")
        self.assertEqual(self.run_ok("import sys\nn = sys.stdout.buffer.write(b'b')").out, "b")
        self.assertEqual(
            self.run_ok(
                "f = sys.stdout\nsys.stdout = open(1, 'w', closefd=False)\nprint('c', end='')"
            ).out,
            "c",
        )

    def test_a_thread_of_an_earlier_block_does_not_print_into_a_later_one(self):
        self.run_ok(
            "import threading, sys\ngo, done = threading.Event(), threading.Event()\ndef late():\n"
            "    print('mine', flush=True)\n    go.wait()\n    print('late'); sys.stderr.write('late')\n"
            "    sys.stdout.flush()\n    done.set()\nt = threading.Thread(target=late)\nt.start()\nt2 = t"
        )
        outcome = self.run_ok(
            "print('before')\ngo.set()\nx = done.wait()\nt.join()\nprint('after')"
        )
        self.assertEqual((outcome.out, outcome.err), ("before\nafter\n", ""))

    def test_a_thread_without_a_thread_object_does_not_print_into_a_later_block_either(self):
        self.run_ok(
            "import _thread, sys\ngo, done = _thread.allocate_lock(), _thread.allocate_lock()\n"
            "go.acquire(); done.acquire()\ndef late():\n    done.release()\n    go.acquire()\n    print('late')\n"
            "    sys.stdout.buffer.write(b'late'); sys.stdout.flush()\n    done.release()\n"
            "x = _thread.start_new_thread(late, ())\nx = done.acquire()"
        )
        self.assertEqual(self.run_ok("go.release()\nx = done.acquire()\nprint('own')").out, "own\n")

    def test_a_new_thread_without_a_thread_object_is_heard(self):
        code = (
            "import _thread\ndone = _thread.allocate_lock()\nx = done.acquire()\n"
            "def f():\n    print('x')\n    sys.stdout.buffer.write(b'y\\n')\n    done.release()\n"
            "import sys\nt = _thread.start_new_thread(f, ())\nx = done.acquire()"
        )
        for _ in range(20):
            self.assertEqual(self.run_ok(code).out, "x\ny\n")

    def test_a_thread_of_an_earlier_block_cannot_write_bytes_to_the_stream(self):
        self.run_ok(
            "import threading, sys\ngo = threading.Event()\ndef late():\n    go.wait()\n"
            "    sys.stdout.buffer.write(b'late'); sys.stdout.flush()\n"
            "t = threading.Thread(target=late)\nt.start()"
        )
        self.assertEqual(self.run_ok("go.set()\nt.join()\nprint('own')").out, "own\n")

    def test_a_thread_prints_into_its_own_block(self):
        outcome = self.run_ok(
            "import threading\nts = [threading.Thread(target=print, args=('x',)) for i in range(5)]\n"
            "for t in ts: t.start()\nfor t in ts: t.join()"
        )
        self.assertEqual(outcome.out, "x\n" * 5)

    def test_a_thread_that_prints_between_blocks_is_dropped_and_lives_on(self):
        self.run_ok(
            "import threading, time\nstop = threading.Event()\ncount = 0\ndef chatter():\n    global count\n"
            "    while not stop.is_set():\n        print('chatter'); display('chatter'); count += 1\n"
            "t = threading.Thread(target=chatter, daemon=True)\nt.start()\nn = count"
        )
        for _ in range(20):
            outcome = self.run_ok(
                "before = count\nwhile count < before + 3: time.sleep(0.0001)\nprint('own')"
            )
            self.assertEqual((outcome.out, outcome.displays), ("own\n", []))
        self.assertEqual(self.value("stop.set()\nt.join()\n1"), "1")

    def test_child_processes_write_into_the_block_that_started_them(self):
        self.session.start(
            "import subprocess\np = subprocess.Popen(['sh', '-c', 'read x; echo late'], stdin=subprocess.PIPE)"
        )
        old, self.session.pipes = self.session.pipes, ()
        self.assertEqual(self.session.finish().status, "ok")
        outcome = self.run_ok("p.stdin.write(b'\\n'); p.stdin.close()\nx = p.wait()\nprint('now')")
        self.assertEqual(outcome.out, "now\n")
        self.assertEqual(os.read(old[0], 100), b"late\n")
        for fd in old:
            os.close(fd)


class Control(Case):
    def test_descriptor_three_is_not_the_control_socket(self):
        self.session.run("import os\nos.close(3)")
        self.assertEqual(self.value("1"), "1")
        self.session.run("import os\nos.closerange(0, 200)")
        self.assertEqual(self.value("2"), "2")

    def test_the_control_socket_is_not_inherited_by_programs(self):
        outcome = self.run_ok(
            "import subprocess\nsubprocess.run(['ls', '/proc/self/fd'], close_fds=False)"
        )
        self.assertTrue(set(outcome.out.split()) <= {"0", "1", "2", "3"}, outcome.out)

    def test_monkeypatched_modules_do_not_break_the_worker(self):
        for code in [
            "import json\njson.dumps = json.loads = None\njson.encoder.encode_basestring = None\n"
            "json.encoder.JSONEncoder.encode = None\njson.decoder.JSONDecoder.decode = None",
            "import os\nfor name in list(vars(os)):\n    if name != '__name__': setattr(os, name, None)",
            "import sys\nsys.modules.clear()",
            "import sys\nsys.excepthook = sys.displayhook = None",
            "import sys\nsys._getframe = sys.exc_info = sys.getrecursionlimit = sys.gettrace = None",
            "import builtins\nbuiltins.print = builtins.repr = builtins.len = builtins.isinstance = None",
            "import builtins\nfor name in list(vars(builtins)): delattr(builtins, name)",
        ]:
            self.session = self.open()
            self.session.run(code)
            for _ in range(2):
                self.assertEqual(self.value("6 * 7"), "42", code)
                self.assertEqual(self.value("x = 6\nx * 7\n"), "42", code)
                self.assertEqual(self.session.run("1 / 0").status, "raised", code)
                self.assertEqual(self.session.run("x = = 1").status, "raised", code)

    def test_a_forged_value_is_impossible_through_builtins(self):
        self.run_ok(
            "import builtins, json\nbuiltins.repr = builtins.str = lambda x: 'forged'\n"
            "json.dumps = lambda *a, **k: 'forged'"
        )
        self.assertEqual(self.value("41 + 1"), "42")

    def test_deleted_builtins_of_the_namespace_are_back(self):
        self.run_ok("del __builtins__")
        self.assertEqual(self.value("len([1])"), "1")
        self.run_ok("__builtins__ = {}")
        self.assertEqual(self.value("len([1])"), "1")
        self.assertEqual(self.value("import builtins\n__builtins__ is builtins"), "True")

    def test_a_cleared_namespace_is_usable(self):
        self.run_ok("globals().clear()")
        self.assertEqual(self.value("__name__, 1"), "('__main__', 1)")

    def test_tracing_does_not_outlive_a_block(self):
        self.run_ok(
            "import sys\nseen = []\nsys.settrace(lambda *a: seen.append(a[1]))\nsys.setprofile(lambda *a: None)"
        )
        self.assertEqual(self.value("sys.gettrace(), sys.getprofile()"), "(None, None)")
        self.assertEqual(self.value("def f(): pass\nn = len(seen)\nf()\nlen(seen) - n"), "0")

    def test_a_tiny_recursion_limit_does_not_starve_the_worker(self):
        self.session.run("import sys\nsys.setrecursionlimit(30)")
        self.assertEqual(self.value("[[1]]"), "[[1]]")
        self.assertEqual(self.error("1/0")["type"], "ZeroDivisionError")

    def test_recursion_at_a_raised_limit_is_an_error(self):
        self.run_ok("import sys\nsys.setrecursionlimit(5000)")
        self.assertEqual(self.error("def f(): f()\nf()")["type"], "RecursionError")
        self.assertEqual(self.value("sys.getrecursionlimit()"), "5000")

    def test_exceptions_that_refuse_to_be_told_are_told_anyway(self):
        for code in [
            "class E(Exception):\n    def __str__(self): raise ValueError('x')\nraise E",
            "class E(Exception):\n    def __str__(self): raise SystemExit\nraise E",
            "class E(Exception):\n    def __getattribute__(self, name): raise KeyError(name)\nraise E",
            "class M(type):\n    def __getattribute__(c, name): raise KeyError(name)\n"
            "class E(Exception, metaclass=M): pass\nraise E",
            "class E(Exception):\n    __module__ = 5\n    __qualname__ = 'q'\nraise E",
            "e = SyntaxError('s', ('f', 'l', 'm', 'n'))\nraise e",
            "e = ValueError()\ne.__context__ = KeyError()\ne.__context__.__cause__ = e\nraise e",
        ]:
            outcome = self.session.run(code)
            self.assertEqual(outcome.status, "raised", code)
            self.assertTrue(outcome.error["type"], code)
        self.assertEqual(self.value("1"), "1")

    def test_memory_errors_are_errors(self):
        self.run_ok("import resource\nresource.setrlimit(resource.RLIMIT_DATA, (300 << 20,) * 2)")
        self.assertEqual(self.error("x = bytearray(1 << 30)")["type"], "MemoryError")
        self.assertEqual(
            self.error("x = []\nwhile True: x.append(bytes(1 << 20))")["type"], "MemoryError"
        )
        self.assertEqual(self.value("len(x) > 10"), "True")
        self.assertEqual(
            self.error("def f():\n    y = []\n    while True: y.append([0] * 100)\nf()")["type"],
            "MemoryError",
        )
        self.assertEqual(self.value("1"), "1")

    def test_the_collector_may_be_off(self):
        self.run_ok("import gc\ngc.disable()")
        self.assertEqual(self.value("gc.isenabled()"), "False")

    def test_a_forked_child_that_returns_does_not_answer_for_its_parent(self):
        outcome = self.run_ok(
            "import os\npid = os.fork()\nif pid: os.waitpid(pid, 0)\nelse: display('child')\n"
            "print('child' if pid == 0 else 'parent', flush=True)\npid > 0"
        )
        self.assertEqual(outcome.out, "child\nparent\n")
        self.assertEqual((outcome.text, outcome.displays), ("True", []))
        self.assertEqual(self.value("2"), "2")

    def test_multiprocessing_works(self):
        self.run_ok("import multiprocessing as mp\ndef f(x): return x * x")
        self.assertEqual(
            self.value("with mp.get_context('fork').Pool(2) as p:\n    r = p.map(f, [1, 2, 3])\nr"),
            "[1, 4, 9]",
        )

    def test_an_exit_in_native_code_ends_the_process_and_only_it(self):
        other = self.open()
        with self.assertRaises(EOFError):
            self.session.run("import os\nos._exit(3)")
        self.assertEqual(other.run("1").text, "1")


class Signals(Case):
    def interrupt_when(self, mark, code):
        self.session.start(code)
        return self.session.finish(
            on_output=lambda text: mark in text and self.session.interrupt(self.pid)
        )

    def setUp(self):
        super().setUp()
        self.pid = self.session.pid()

    def test_a_caught_interrupt_lets_the_block_go_on(self):
        outcome = self.interrupt_when(
            b"begun",
            "import time\ntry:\n    print('begun')\n    time.sleep(60)\n"
            "except KeyboardInterrupt:\n    x = 'caught'\nx",
        )
        self.assertEqual((outcome.status, outcome.text), ("ok", "'caught'"))

    def test_interrupts_between_blocks_are_nothing(self):
        for i in range(300):
            self.session.interrupt(self.pid)
            self.assertEqual(self.value("%d" % i), str(i))
            self.session.interrupt(self.pid)

    def test_interrupts_at_any_moment_leave_a_session_that_answers(self):
        statuses = set()
        for i in range(400):
            self.session.start("y = [repr(j) for j in range(20)]\nsum(range(%d))" % (i * 5))
            end = time.perf_counter() + i * 5e-7
            while time.perf_counter() < end:
                pass
            self.session.interrupt(self.pid)
            statuses.add(self.session.finish().status)
        self.assertTrue(statuses <= {"ok", "interrupted"}, statuses)
        self.assertEqual(self.value("1"), "1")

    def test_handlers_of_a_block_do_not_outlive_it(self):
        for code in [
            "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)",
            "import signal\nsignal.signal(signal.SIGINT, signal.SIG_DFL)",
            "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])",
            "import signal\nx = signal.signal(signal.SIGINT, lambda *a: 1/0)",
        ]:
            self.run_ok(code)
            self.session.interrupt(self.pid)
            outcome = self.interrupt_when(b"begun", "print('begun')\nwhile True: pass")
            self.assertEqual(outcome.status, "interrupted", code)

    def test_a_late_alarm_does_not_kill_the_session(self):
        self.run_ok(
            "import signal\ndef ring(*a): raise TimeoutError\nx = signal.signal(signal.SIGALRM, ring)\n"
            "x = signal.setitimer(signal.ITIMER_REAL, 0.01)"
        )
        end = time.monotonic() + 0.05
        while time.monotonic() < end:
            self.session.run("1")
        self.assertEqual(self.value("2"), "2")

    def test_sigpipe_and_friends_keep_their_meaning(self):
        outcome = self.run_ok("import subprocess\nsubprocess.run(['sh', '-c', 'yes | head -1'])")
        self.assertEqual((outcome.out, outcome.err), ("y\n", ""))


if __name__ == "__main__":
    unittest.main()
