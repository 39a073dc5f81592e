"""`caisson policy learn`, and the policy `data-science` on its image, with numpy, pandas and matplotlib."""
import os
import subprocess
import unittest

import support
from support import SOURCE, TempDirTest, caisson, text

WORKLOAD = """
import matplotlib, numpy as np, pandas as pd
matplotlib.use("Agg")
import matplotlib.pyplot as plt
frame = pd.DataFrame({"a": np.arange(200), "b": np.arange(200) ** 2})
frame.to_csv("data.csv", index=False)
frame = pd.read_csv("data.csv")
frame.plot(x="a", y="b")
plt.savefig("plot.png")
import os
int(frame.b.sum()), os.path.getsize("plot.png") > 1000
"""
ESCAPES = ["ptrace", "mount", "bpf", "keyctl", "unshare", "setns", "init_module", "kexec_load", "userfaultfd",
           "perf_event_open", "io_uring_setup", "process_vm_readv", "socket:AF_INET", "socket:AF_NETLINK"]


class Learn(TempDirTest):
    @classmethod
    def setUpClass(cls):
        problem = support.backend_problem("runc")
        if problem:
            raise unittest.SkipTest("runc: " + problem)
        subprocess.run([os.path.join(SOURCE, "images", "python", "build"), "--name", "data-science"], check=True,
                       stdout=subprocess.DEVNULL, timeout=280)

    def learn(self, code, *flags):
        out = self.path("learnt.yaml")
        said = caisson("policy", "learn", "--backend", "runc", "--policy", "strict", "--out", out, *flags, "-c", code)
        self.assertIn("only code that you trust", said.stderr)
        return out, said

    def run_under(self, policy, code, *flags):
        outcome, = support.outcomes(caisson("exec", "--backend", "runc", "--policy", policy, "--json", *flags, "-c", code))
        return outcome

    def test_what_is_learnt_of_a_data_workload_runs_it_and_opens_nothing_else(self):
        out, said = self.learn(WORKLOAD, "--image", "data-science")
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertEqual(caisson("policy", "check", out).returncode, 0)
        outcome = self.run_under(out, WORKLOAD)
        self.assertEqual((outcome["status"], text(outcome)), ("ok", "(2646700, True)"), outcome)
        asked = [word for call in ESCAPES for word in ("--syscall", call)]
        answers = caisson("policy", "explain", "--policy", out, *asked).stdout
        self.assertEqual(answers.count(": deny, "), len(ESCAPES), answers)

    def test_the_bundled_policy_shows_plots(self):
        outcome = self.run_under("data-science", "plt.plot(np.arange(5))\npd.Series([1, 2]).sum()")
        self.assertEqual((outcome["status"], text(outcome)), ("ok", "3"), outcome)
        self.assertIn("image/png", outcome["displays"][0])

    def test_one_run_finds_all_that_is_missing(self):
        code = ("import subprocess, os, mmap\nsubprocess.run(['/bin/true'], check=True)\nos.listdir('/var/lib/dpkg')\n"
                "import ctypes\nlibc = ctypes.CDLL(None)\n"
                "m = mmap.mmap(-1, 4096)\na = ctypes.addressof(ctypes.c_char.from_buffer(m))\n"
                "assert libc.mincore(ctypes.c_void_p(a), 4096, (ctypes.c_char * 8)()) == 0\n"
                "assert libc.ptrace(0, 0, 0, 0) == -1\n"
                "import socket\ntry: socket.socket()\nexcept PermissionError: pass")
        before = self.run_under("strict", code)
        self.assertNotEqual(before["status"], "ok")
        out, said = self.learn(code)
        self.assertEqual(said.returncode, 0, said.stderr)
        with open(out) as file:
            learnt = file.read()
        for line in ("exec: allow", "- mincore", "- /var/lib/dpkg", "subprocess:", "# not learnt: ptrace(), once, ",
                     "# not learnt: socket(), once, "):
            self.assertIn(line, learnt)
        after = self.run_under(out, code)
        self.assertEqual(after["status"], "ok", after["error"])

    def test_a_name_of_a_file_adds_no_line(self):
        code = ("import os\nfor name in ('/tmp/a\\nnetwork: {mode: proxy}', '/tmp/b\\x85network: 1', '/tmp/c\\u2028network: 1',"
                " '/srv/x: [y]', \"/srv/#'\\\"\"):\n    try: open(name, 'w').close()\n    except OSError: pass")
        out, said = self.learn(code)
        self.assertEqual(said.returncode, 0, said.stderr)
        with open(out, encoding="utf-8") as file:
            lines = file.read().splitlines()
        self.assertFalse([line for line in lines if line.startswith("network")], lines)
        self.assertEqual(caisson("policy", "check", out).returncode, 0)

    def test_nothing_is_overwritten_and_a_ceiling_is_not_gone_round(self):
        out = self.path("mine.yaml", "mine")
        said = caisson("policy", "learn", "--backend", "runc", "--out", out, "-c", "1")
        self.assertEqual(said.returncode, 2)
        with open(out) as file:
            self.assertEqual(file.read(), "mine")
        said = caisson("policy", "learn", "--backend", "runc", "-c", "1", env={"CAISSON_CEILING": "strict"})
        self.assertEqual((said.returncode, said.stdout), (2, ""))
        self.assertIn("wider wall than the ceiling strict", said.stderr)

    def test_what_came_before_a_failure_is_learnt(self):
        said = caisson("policy", "learn", "--backend", "runc", "-c", "import os\nos.listdir('/var/lib/dpkg')\n1 / 0")
        self.assertEqual(said.returncode, 1)
        self.assertIn("- /var/lib/dpkg", said.stdout)
        self.assertIn("ended raised: ZeroDivisionError", said.stderr)


if __name__ == "__main__":
    unittest.main()
