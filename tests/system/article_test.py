"""The article's promises that only the whole program can keep; each test is named after its row."""
import json
import os
import socketserver
import threading
import unittest

from support import SOURCE, BackendTest, TempDirTest, caisson, for_each_backend, outcomes, text


class ModelServer:
    """A small OpenAI-compatible server: plays replies, keeps the requests."""

    def __init__(self, *replies):
        self.requests = []
        waiting = list(replies)
        keep = self.requests

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                length = 0
                while (line := self.rfile.readline().strip()):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                keep.append(json.loads(self.rfile.read(length)))
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
                reply = waiting.pop(0)
                try:
                    for at in range(0, len(reply), 7):
                        self.event({"choices": [{"index": 0, "delta": {"content": reply[at:at + 7]}}]})
                    self.event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
                    self.wfile.write(b"data: [DONE]\n\n")
                except (BrokenPipeError, ConnectionResetError):
                    pass  # the client had read enough

            def event(self, data):
                self.wfile.write(b"data: " + json.dumps(data).encode() + b"\n\n")

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = "http://127.0.0.1:%d/v1" % self.server.server_address[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Article(BackendTest, TempDirTest):
    def run_with(self, server, *args):
        return caisson("run", "--backend", self.backend, "--base-url", server.url, "--model", "any", *args)

    def test_S1_an_instruction_becomes_code_that_runs(self):
        with ModelServer("Let me compute.\n<execute>\n2 ** 100\n</execute>\nIt is 7.", "Done.") as server:
            result = self.run_with(server, "What is 2 to the power of 100?")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("1267650600228229401496703205376", result.stdout)
        self.assertNotIn("It is 7.", result.stdout, "what the model invents after a block is never read")
        self.assertIn("1267650600228229401496703205376", server.requests[1]["messages"][-1]["content"])

    def test_S2_S92_the_hosts_files_are_not_in_the_sandbox(self):
        canary = self.path("canary", "host")
        [outcome] = self.blocks(f"import os\n[os.path.exists({canary!r}), os.path.exists({SOURCE!r}), os.getpid() < 100]")
        self.assertEqual(text(outcome), "[False, False, True]")

    def test_S5_a_hostile_block_changes_nothing_on_the_host(self):
        canary = self.path("canary", "host")
        self.blocks(
            "import os, shutil, signal\n"
            "for root in ('/tmp', '/workspace', '/etc', '/usr', '/'): shutil.rmtree(root, ignore_errors=True)\n"
            f"for name in ('/etc/passwd', {canary!r}):\n"
            "    try: open(name, 'w').write('x')\n"
            "    except OSError: pass\n"
            "for pid in range(2, 400):\n"
            "    try: os.kill(pid, signal.SIGTERM)\n"
            "    except OSError: pass")
        with open(canary) as file:
            self.assertEqual(file.read(), "host")
        [outcome] = self.blocks("import json; json.dumps([1])")
        self.assertEqual(text(outcome), "'[1]'", "the image is as before")

    def test_S7_the_prompt_is_the_users_to_write(self):
        template = self.path("prompt.txt", "Speak like a pirate. {these braces stay}\n{fn_str}\n")
        tools = os.path.join(SOURCE, "orchestrator/tools/examples/arithmetic.py")
        with ModelServer("Arr.") as server:
            self.run_with(server, "--prompt", template, "--tools", tools, "Hello?")
        system = server.requests[0]["messages"][0]
        self.assertEqual(system["role"], "system")
        self.assertTrue(system["content"].startswith("Speak like a pirate. {these braces stay}\ndef add(a: int"))

    def test_S9_generation_execution_and_limits_are_set_one_by_one(self):
        two = "<execute>\na = 1\n</execute> then <execute>\nprint(a + 1)\n</execute>"
        with ModelServer(two, "Done.") as server:
            result = self.run_with(server, "--mode", "each", "--timeout", "5s", "--max-iterations", "2", "--json", "Go.")
        codes = [json.loads(line)["code"] for line in result.stdout.splitlines() if json.loads(line)["type"] == "code"]
        self.assertEqual(codes, ["a = 1", "print(a + 1)"])

    def test_S10_everything_has_a_default(self):
        self.assertEqual(caisson("exec", "-c", "1 + 1").stdout, "2\n")

    def test_S93_two_busy_processes_get_no_more_than_the_quota(self):
        [outcome] = self.blocks(
            "import os, time\n"
            "child = os.fork()\n"
            "end = time.monotonic() + 1.5\n"
            "while time.monotonic() < end: pass\n"
            "if child == 0: os._exit(0)\n"
            "os.waitpid(child, 0)[1]")
        usage = outcome["usage"]
        # standard: cpus 1.0. A quota is kept over periods of 100 ms, so a little more is no leak.
        self.assertLess(usage["cpu_ms"], 1.25 * usage["wall_ms"] + 100)

    def test_S94_ten_gigabytes_are_a_memory_error_and_the_session_lives(self):
        found = self.blocks("kept = 1", "x = bytearray(10 * 2**30)", "kept")
        self.assertEqual(found[1]["error"]["type"], "MemoryError")
        self.assertEqual(text(found[2]), "1")

    def test_S95_an_endless_loop_ends_at_its_limit_and_the_session_lives(self):
        found = self.blocks("kept = 1", "while True: pass", "kept", extra=("--timeout", "300ms"))
        self.assertEqual(found[1]["status"], "timeout_wall")
        self.assertEqual(text(found[2]), "1")

    def test_S98_malformed_code_is_an_outcome_and_never_an_end(self):
        deep = "(" * 5000 + ")" * 5000
        found = self.blocks("x = = 1", deep, "'\\ud800'", "print('\\ud800')", "'alive'")
        self.assertEqual([outcome["status"] for outcome in found][:2], ["raised", "denied"])
        self.assertEqual(text(found[4]), "'alive'")

    def test_S99_an_output_that_looks_like_a_block_is_not_run(self):
        script = self.path("turns", "--- turn\n<execute>\nprint('<execute>\\nprint(6*7)\\n</execute>')\n</execute>\n"
                                    "--- turn\nThere was something odd in the output.\n")
        result = caisson("run", "--backend", self.backend, "--model", "script:" + script, "--json", "q")
        events = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertEqual(len([event for event in events if event["type"] == "code"]), 1)
        [outcome] = [event for event in events if event["type"] == "result"]
        self.assertNotIn("<execute>", outcome["observation"])

    def test_S100_policy_and_functions_are_chosen_for_a_scenario(self):
        policy = self.path("tutor.yaml", "version: 1\nextends: [strict]\ntime: {block: 1s}\n"
                                         "env: {LESSON: fractions}\n")
        result = caisson("exec", "--backend", self.backend, "--policy", policy, "-c", "import os; os.environ['LESSON']")
        self.assertEqual(result.stdout, "'fractions'\n", result.stderr)


class Denials(BackendTest):
    policy = "strict"

    def test_S96_a_sensitive_module_is_refused_with_a_reason(self):
        [outcome] = self.blocks("import subprocess")
        self.assertEqual(outcome["error"]["type"], "ImportError")
        self.assertIn("This session starts no programs", outcome["error"]["message"])

    def test_S97_a_system_function_is_refused_with_a_reason(self):
        [outcome] = self.blocks("import os\nos.posix_spawn('/bin/sh', ['sh'], {})")
        self.assertEqual(outcome["error"]["type"], "PermissionError")
        self.assertIn("process.exec: deny", outcome["denials"][0]["rule"])
        self.assertIn("do it in Python", outcome["denials"][0]["hint"])


class Documents(unittest.TestCase):
    def test_S35_the_readme_says_what_is_not_promised(self):
        with open(os.path.join(SOURCE, "README.md")) as file:
            readme = file.read()
        self.assertIn("## What is not there yet", readme)
        self.assertRegex(readme, r"(?m)^## .*(not promise|[Ll]imits)")


class Backends(TempDirTest):
    def test_S107_another_runtime_is_a_line_in_the_policy(self):
        policy = self.path("stronger.yaml", "version: 1\nextends: [standard]\nruntime: {handler: no-such-runtime}\n")
        result = caisson("exec", "--backend", "docker", "--policy", policy, "-c", "1")
        if "does not answer" in result.stderr:
            self.skipTest("no Docker daemon")
        self.assertEqual(result.returncode, 2, "the policy asks for what the daemon does not know")
        self.assertIn("no-such-runtime", result.stderr)


Article_runc, Article_docker = for_each_backend(Article)
Denials_runc, Denials_docker = for_each_backend(Denials)

if __name__ == "__main__":
    unittest.main()
