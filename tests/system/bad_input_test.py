"""Bad input of every kind gets one message that says what, where and what to do."""
import socket
import socketserver
import threading
import unittest

from support import TempDirTest, caisson, containers_of_ours, left_behind, outcomes


class RefusalTest(TempDirTest):
    """Nothing that is refused leaves a sandbox behind."""

    def setUp(self):
        super().setUp()
        self.before = containers_of_ours()

    def tearDown(self):
        self.assertEqual(left_behind(containers_of_ours, self.before), [])
        super().tearDown()

    def refused(self, *args, status, says, env=None, stdin=None):
        result = caisson(*args, env=env, stdin=stdin)
        for words in says:
            self.assertIn(words, result.stderr)
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertNotIn("terminate called", result.stderr)
        return result


class BadInput(RefusalTest):
    def test_a_policy_with_an_unknown_key(self):
        policy = self.path("mine.yaml", "version: 1\nextends: [strict]\nresources:\n  memry:\n    max: 1Gi\n")
        self.refused("exec", "--policy", policy, "-c", "1", status=2,
                     says=["mine.yaml:4:3", "memry", "did you mean 'memory'"])

    def test_a_policy_that_is_not_there(self):
        self.refused("exec", "--policy", "nosuch", "-c", "1", status=2, says=["nosuch", "strict"])

    def test_a_missing_image(self):
        for backend in ("runc", "docker"):
            with self.subTest(backend=backend):
                self.refused("exec", "--backend", backend, "--image", "nosuch-image", "-c", "1", status=3,
                             says=["nosuch-image", "build"])

    def test_a_daemon_that_does_not_answer(self):
        self.refused("exec", "--backend", "docker", "--docker-host", "unix://" + self.path("nothing.sock"),
                     "-c", "1", status=3, says=["nothing.sock", "--backend runc"])
        with socket.socket(socket.AF_UNIX) as silent:
            silent.bind(self.path("silent.sock"))
            silent.listen()
            self.refused("exec", "--backend", "docker", "--docker-host", "unix://" + self.path("silent.sock"),
                         "-c", "1", status=3, says=["silent.sock"])

    def test_no_runc(self):
        self.refused("exec", "--backend", "runc", "-c", "1", status=3, says=["runc", "install"],
                     env={"PATH": self.directory})

    def test_an_unwritable_state_directory(self):
        self.refused("exec", "--backend", "runc", "--state-dir", "/proc/nowhere", "-c", "1", status=3,
                     says=["/proc/nowhere", "--state-dir"])

    def test_a_block_that_is_not_utf8(self):
        file = self.path("bad.py", b"x = 1\ny = '\xff'\n")
        result = caisson("exec", "--json", "-c", "kept = 1", file, "-c", "kept")
        found = outcomes(result)
        self.assertEqual([outcome["status"] for outcome in found], ["ok", "denied", "ok"])
        self.assertIn("not UTF-8", found[1]["reason"])
        self.assertIn("line 2", found[1]["reason"])
        self.assertEqual(result.returncode, 1)

    def test_a_block_of_100_megabytes(self):
        file = self.path("big.py", b"#" * 100_000_000)
        result = caisson("exec", "--json", file, "-c", "1")
        found = outcomes(result)
        self.assertEqual(found[0]["status"], "denied")
        self.assertIn("input.max_bytes", found[0]["reason"])
        self.assertEqual(found[1]["status"], "ok")

    def test_a_file_that_is_not_there(self):
        self.refused("exec", self.path("nosuch.py"), status=2, says=["nosuch.py", "No such file"])
        self.refused("exec", self.directory, status=2, says=[self.directory])

    def test_a_time_that_is_none(self):
        self.refused("exec", "--timeout", "soon", "-c", "1", status=2, says=["--timeout", "try 500ms"])

    def test_a_time_beyond_the_policy_is_refused_and_not_cut_in_silence(self):
        self.refused("exec", "--timeout", "5m", "-c", "1", status=2, says=["time.block: 1m", "builtin:standard:"])


class Server:
    """An HTTP server that gives one fixed answer, byte for byte."""

    def __init__(self, answer):
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                data = b""
                while b"\r\n\r\n" not in data:
                    data += self.request.recv(65536)
                self.request.sendall(answer)

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = "http://127.0.0.1:%d/v1" % self.server.server_address[1]

    def __enter__(self):
        return self.url

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def response(status, content_type, body):
    body = body.encode()
    return (f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n").encode() + body


class BadModel(RefusalTest):
    def run_with(self, answer, says, status=3):
        with Server(answer) as url:
            result = self.refused("run", "--base-url", url, "What is 1 + 1?", status=status, says=says,
                                  env={"OPENAI_API_KEY": "sk-secret-canary"})
            self.assertNotIn("sk-secret-canary", result.stdout + result.stderr)

    def test_a_url_that_refuses(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        self.refused("run", "--base-url", f"http://127.0.0.1:{port}/v1", "q", status=3,
                     says=[f"127.0.0.1:{port}", "--base-url"])

    def test_a_401_names_the_key_and_does_not_print_it(self):
        self.run_with(response("401 Unauthorized", "application/json",
                               '{"error": {"message": "Incorrect API key provided: sk-secret-canary"}}'),
                      says=["Incorrect API key", "OPENAI_API_KEY"])

    def test_a_429_without_credit_is_not_tried_again(self):
        self.run_with(response("429 Too Many Requests", "application/json",
                               '{"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}'),
                      says=["exceeded your quota"])

    def test_html_instead_of_a_stream(self):
        self.run_with(response("200 OK", "text/html", "<html><title>Welcome to the proxy</title></html>"),
                      says=["text/html", "--base-url"])

    def test_a_stream_that_breaks_off_inside_a_block_runs_nothing(self):
        chunk = 'data: {"choices":[{"index":0,"delta":{"content":"<execute>\\nprint(1"}}]}\n\n'
        self.run_with(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + chunk.encode(),
                      says=["broke off"])


if __name__ == "__main__":
    unittest.main()
