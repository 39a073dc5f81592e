"""`caisson exec` on real containers: what a user sees of blocks, values, errors and exit statuses."""
import os
import signal
import subprocess
import unittest

from support import BINARY, BackendTest, TempDirTest, caisson, containers_of_ours, for_each_backend, left_behind, outcomes, text

TOOLS = """
def add(a: int, b: int) -> int:
    return a + b
def multiply(a: int, b: int) -> int:
    return a * b
"""
NOTEBOOK = [
    "sum(range(1, 11))\n",
    TOOLS + "multiply(add(5, 3), 2)\n",
    "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\nsum(fib(i) for i in range(10))\n",
    "sum(fib(i) for i in range(20))\n",
]


class Exec(BackendTest):
    def test_the_articles_four_blocks_give_55_16_88_10945(self):
        found = self.blocks(*NOTEBOOK)
        self.assertEqual([text(outcome) for outcome in found], ["55", "16", "88", "10945"])
        self.assertEqual({outcome["status"] for outcome in found}, {"ok"})

    def test_an_outcome_has_every_promised_field(self):
        [outcome] = self.blocks("print('out')\nimport sys; print('err', file=sys.stderr)\n42")
        for key in ("status", "state", "stdout", "stderr", "value", "error", "usage", "denials", "guarantees"):
            self.assertIn(key, outcome)
        self.assertEqual(outcome["stdout"], "out\n")
        self.assertEqual(outcome["stderr"], "err\n")
        self.assertEqual(outcome["value"], {"text/plain": "42"})
        self.assertIsNone(outcome["error"])
        self.assertGreater(outcome["usage"]["wall_ms"], 0)
        self.assertGreater(outcome["usage"]["peak_memory_bytes"], 1 << 20)

    def test_a_block_that_raises_gives_status_1_and_the_session_goes_on(self):
        result = self.exec("--json", "-c", "a = 1", "-c", "1/0", "-c", "a + 1")
        found = outcomes(result)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(found[1]["error"]["type"], "ZeroDivisionError")
        self.assertNotIn("/caisson", found[1]["error"]["traceback"])
        self.assertEqual(text(found[2]), "2")

    def test_names_are_saved_after_the_blocks_and_what_cannot_be_is_listed(self):
        result = self.exec("--save", "kept.state", "-c", "x = 1; g = (i for i in 'a')", "-c", "x + 1")
        self.assertEqual((result.returncode, result.stdout), (0, "2\n"))
        self.assertIn("not saved: g: cannot pickle 'generator' object", result.stderr)
        result = self.exec("--restore", "kept.state", "-c", "x")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("the names are not restored: FileNotFoundError", result.stderr)

    def test_a_timeout_is_an_outcome_and_the_output_before_it_is_kept(self):
        found = self.blocks("kept = 5", "print('before')\nwhile True: pass", "kept", extra=("--timeout", "500ms"))
        self.assertEqual(found[1]["status"], "timeout_wall")
        self.assertEqual(found[1]["stdout"], "before\n")
        self.assertEqual(text(found[2]), "5")

    def test_a_memory_bomb_ends_the_block_and_not_the_sandbox(self):
        found = self.blocks("b = []\nwhile True: b.append(bytearray(10**7))", "1 + 1")
        self.assertIn(found[0]["status"], ("raised", "out_of_memory"))
        if found[0]["status"] == "raised":
            self.assertEqual(found[0]["error"]["type"], "MemoryError")
        self.assertEqual(text(found[1]), "2")

    def test_deaths_are_named_and_the_next_block_runs(self):
        found = self.blocks("import os; os._exit(3)", "import os; os.abort()",
                            "import os; os.kill(os.getpid(), 9)", "2")
        self.assertEqual((found[0]["status"], found[0]["exit_code"]), ("exited", 3))
        self.assertEqual((found[1]["status"], found[1]["signal"]), ("signal", 6))
        self.assertEqual((found[2]["status"], found[2]["signal"]), ("signal", 9))
        self.assertEqual(text(found[3]), "2")

    def test_a_flood_of_output_is_cut_in_the_middle_and_counted(self):
        [outcome] = self.blocks("import sys\nfor i in range(200000): sys.stdout.write('line %d\\n' % i)")
        self.assertEqual(outcome["status"], "ok")
        self.assertTrue(outcome["output"]["stdout"]["truncated"])
        self.assertTrue(outcome["stdout"].startswith("line 0\n"))
        self.assertTrue(outcome["stdout"].endswith("line 199999\n"))
        self.assertEqual(outcome["output"]["stdout"]["bytes"], sum(len("line %d\n" % i) for i in range(200000)))

    def test_garbage_on_every_descriptor_ends_only_the_block(self):
        found = self.blocks("import os\nfor fd in range(256):\n    try: os.write(fd, b'\\0' * 100)\n    except OSError: pass",
                            "'alive'")
        self.assertEqual(text(found[1]), "'alive'")

    def test_the_network_is_not_there_and_the_denial_says_why(self):
        [outcome] = self.blocks("import _socket\n_socket.socket(2, 1)")
        self.assertEqual(outcome["status"], "raised")
        [denial] = outcome["denials"]
        self.assertEqual(denial["layer"], "seccomp")
        self.assertIn("socket(AF_INET, SOCK_STREAM", denial["subject"])
        self.assertIn("network.mode: none", denial["rule"])
        self.assertIn("no network", denial["hint"])

    def test_children_and_c_code_are_captured_too(self):
        [outcome] = self.blocks("import subprocess, os\nsubprocess.run(['echo', 'child'])\nos.write(1, b'raw\\n')\nNone")
        self.assertEqual(outcome["stdout"], "child\nraw\n")

    def test_numpy_is_there_under_its_alias(self):
        [outcome] = self.blocks("int(np.arange(3).sum())")
        self.assertEqual(text(outcome), "3")

    def test_the_guarantees_are_whole_as_root(self):
        [outcome] = self.blocks("1")
        if os.geteuid() == 0:
            self.assertEqual(outcome["guarantees"], {})

    def test_a_reader_that_goes_takes_the_sandbox_down(self):
        before = containers_of_ours()
        process = subprocess.Popen([BINARY, "exec", "--backend", self.backend, "-c", "while True: print('more')"],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        process.stdout.read(1)
        process.stdout.close()
        process.wait(timeout=90)
        self.assertEqual(left_behind(containers_of_ours, before), [])

    def test_ctrl_c_takes_the_sandbox_down(self):
        before = containers_of_ours()
        process = subprocess.Popen([BINARY, "exec", "--backend", self.backend, "-c", "print('up', flush=True)\nwhile True: pass"],
                                   stdout=subprocess.PIPE, text=True)
        self.assertEqual(process.stdout.readline(), "up\n")
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
        process.stdout.close()
        self.assertEqual(process.returncode, 130)
        self.assertEqual(left_behind(containers_of_ours, before), [])

    def test_what_a_killed_orchestrator_left_ends_by_itself_or_is_removed_by_the_next(self):
        before = containers_of_ours()
        process = subprocess.Popen([BINARY, "exec", "--backend", self.backend, "-c", "print('up', flush=True)\nwhile True: pass"],
                                   stdout=subprocess.PIPE, text=True)
        self.assertEqual(process.stdout.readline(), "up\n")
        process.kill()
        process.wait()
        process.stdout.close()
        self.blocks("1")
        self.assertEqual(left_behind(containers_of_ours, before), [])


class Strict(BackendTest):
    policy = "strict"

    def test_starting_a_program_is_refused_and_explained(self):
        [outcome] = self.blocks("import os\nos.execv('/bin/true', ['true'])")
        self.assertEqual(outcome["status"], "raised")
        self.assertIn("process.exec: deny", outcome["denials"][0]["rule"])

    def test_a_fork_bomb_is_swept(self):
        found = self.blocks("import os, time\nwhile True:\n    try: os.fork()\n    except OSError: time.sleep(0.01)",
                            "'alive'", extra=("--timeout", "1s"))
        self.assertEqual(found[0]["status"], "timeout_wall")
        self.assertEqual(text(found[1]), "'alive'")

    def test_a_write_outside_the_workspace_is_refused(self):
        found = self.blocks("open('/etc/passwd', 'a')", "open('/workspace/x', 'w').write('ok')")
        self.assertIn(found[0]["error"]["type"], ("PermissionError", "OSError"))
        self.assertEqual(text(found[1]), "2")


class Plain(TempDirTest):
    """What a person sees without --json."""

    def test_values_and_output_go_to_stdout_and_errors_to_stderr(self):
        result = caisson("exec", "-c", "print('hello')\n6 * 7", "-c", "1/0")
        self.assertEqual(result.stdout, "hello\n42\n")
        self.assertIn("ZeroDivisionError: division by zero", result.stderr)
        self.assertIn('File "<block 2>", line 1', result.stderr)
        self.assertEqual(result.returncode, 1)

    def test_files_and_code_run_in_the_order_of_the_command_line(self):
        file = self.path("b.py", "print('file', x)\nx = 2")
        result = caisson("exec", "-c", "x = 1", file, "-c", "x", "-", stdin="print('stdin', x)")
        self.assertEqual(result.stdout, "file 1\n2\nstdin 2\n", result.stderr)

    def test_output_beyond_the_limit_is_marked_and_its_end_is_shown(self):
        result = caisson("exec", "-c", "for i in range(300000): print(i)")
        self.assertTrue(result.stdout.endswith("299998\n299999\n"))
        self.assertIn("bytes not kept", result.stdout)

    def test_output_that_cannot_be_written_is_no_success(self):
        with open("/dev/full", "w") as full:
            process = subprocess.run([BINARY, "exec", "-c", "print(1)"], stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(process.returncode, 3)
        self.assertIn(b"could be written", process.stderr)

    def test_nothing_to_run_is_wrong_usage(self):
        result = caisson("exec")
        self.assertEqual(result.returncode, 2)
        self.assertIn("give -c CODE or a FILE", result.stderr)

    def test_help_explains_exit_statuses(self):
        result = caisson("exec", "--help")
        self.assertEqual(result.returncode, 0)
        self.assertIn("Exit status", result.stdout)
        self.assertEqual(caisson("--help").returncode, 0)


Exec_runc, Exec_docker = for_each_backend(Exec)
Strict_runc, Strict_docker = for_each_backend(Strict)

if __name__ == "__main__":
    unittest.main()
