"""A block that dies costs the session nothing: every way to die, on both backends."""
import unittest

from support import BackendTest, for_each_backend, text

# name, code, the statuses that it may end with, what it has printed before
BAD_ENDS = [
    ("loop", "print('p', flush=True)\nwhile True: pass", {"timeout_wall"}),
    ("loop with signals blocked",
     "import signal\nprint('p', flush=True)\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))\n"
     "while True: pass", {"timeout_wall"}),
    ("sleep in C", "import time\nprint('p', flush=True)\ntime.sleep(99)", {"timeout_wall"}),
    ("memory bomb", "print('p', flush=True)\nx = []\nwhile True: x.append(bytearray(10**7))",
     {"raised", "out_of_memory"}),
    ("memory bomb of many processes",
     "import os, time\nprint('p', flush=True)\nx = None\nx = bytearray(10**8)\n"
     "for _ in range(20):\n  if os.fork() == 0:\n    x[:] = b'y' * len(x)\n    time.sleep(99)\n"
     "time.sleep(99)", {"out_of_memory", "timeout_wall"}),
    ("exit", "import os\nprint('p', flush=True)\nos._exit(3)", {"exited"}),
    ("abort", "import os\nprint('p', flush=True)\nos.abort()", {"signal"}),
    ("null pointer", "import ctypes\nprint('p', flush=True)\nctypes.string_at(0)", {"signal"}),
    ("kill -9 of itself", "import os\nprint('p', flush=True)\nos.kill(os.getpid(), 9)", {"signal"}),
    ("regex that never returns",
     "import re\nprint('p', flush=True)\nre.match('(a+)+$', 'a' * 60 + 'b')", {"timeout_wall"}),
    ("regex that never returns, signals blocked",
     "import re, signal\nprint('p', flush=True)\n"
     "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))\nre.match('(a+)+$', 'a' * 60 + 'b')",
     {"timeout_wall"}),
    ("stack overflow",
     "import sys\nprint('p', flush=True)\nsys.setrecursionlimit(10**9)\n"
     "class A:\n  def __repr__(self): return repr(self)\nrepr(A())", {"signal", "raised"}),
    ("fork bomb",
     "import os\nprint('p', flush=True)\nwhile True:\n  try: os.fork()\n  except OSError: pass",
     {"timeout_wall", "out_of_memory"}),
    ("close all descriptors", "import os\nprint('p', flush=True)\nos.closerange(0, 4096)",
     {"ok", "exited", "signal"}),
]
ROLLED_BACK = {"exited", "signal", "out_of_memory"}


class Deaths(BackendTest):
    def test_none_of_them_loses_the_state(self):
        codes = [code for _, code, _ in BAD_ENDS]
        found = self.blocks("a = list(range(10**6))", *codes, "len(a)",
                            extra=("--timeout", "1500ms"))
        for (name, _, statuses), outcome in zip(BAD_ENDS, found[1:]):
            with self.subTest(name):
                self.assertIn(outcome["status"], statuses, outcome)
                self.assertEqual(outcome["stdout"], "p\n")
                if outcome["status"] in ROLLED_BACK:
                    self.assertEqual(outcome["state"]["change"], "rolled_back")
                self.assertNotEqual(outcome["state"]["checkpoint"], 0, outcome)
        self.assertEqual(text(found[-1]), "1000000")

    def test_half_done_work_is_undone(self):
        found = self.blocks("a = [1]", "a.append(2)\nimport os\nos._exit(0)", "a",
                            "a.append(3)\n1 / 0", "a")
        self.assertEqual(found[1]["state"], {"change": "rolled_back", "checkpoint": 1})
        self.assertEqual(text(found[2]), "[1]")
        self.assertEqual(found[3]["state"]["change"], "committed")
        self.assertEqual(text(found[4]), "[1, 3]")

    def test_what_does_not_go_back_is_said(self):
        found = self.blocks(
            "import threading, mmap\nthreading.Thread(target=threading.Event().wait, daemon=True).start()",
            "m = mmap.mmap(-1, 1 << 16)\nm.write(b'x' * 65536)")
        self.assertIn("1 of the session run on", found[0]["guarantees"]["threads"])
        self.assertIn("64 KiB", found[1]["guarantees"]["shared_memory"])


class StrictDeaths(Deaths):
    policy = "strict"


Deaths_runc, Deaths_docker = for_each_backend(Deaths)
StrictDeaths_runc, StrictDeaths_docker = for_each_backend(StrictDeaths)

if __name__ == "__main__":
    unittest.main()
