"""Sessions that outlive a command: kept, found again, refused, ended, rebuilt, and removed without a trace."""
import fcntl
import json
import os
import pty
import random
import select
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from support import BINARY, BackendTest, caisson, for_each_backend, left_behind, mounts, outcomes, text

IMAGES = os.path.join(os.environ.get("CAISSON_STATE", "/var/lib/caisson" if os.geteuid() == 0 else
                                     os.path.expanduser("~/.local/state/caisson")), "images")
SHORT_LIVED = "version: 1\nname: short\nextends: [standard]\ntime: {idle: 1s}\n"


def kept_in(journal):
    """Codes of the blocks that make the state, by the rule of sandbox/session/block_journal.h."""
    kept, begun = [], None
    with open(journal) as file:
        for line in map(json.loads, file):
            if "begin" in line:
                begun = (line["begin"], line["code"])
                continue
            if begun and line.get("end") == begun[0]:
                kept.append(begun)
                begun = None
            if "live" in line:
                kept = [block for block in kept if block[0] <= line["live"]]
    return [code for _, code in kept]


class TcpRelay:
    """Lets a daemon on a unix socket be reached as one that is elsewhere."""

    def __init__(self, path):
        self._path = path
        self._open = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = "tcp://127.0.0.1:%d" % self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._path)
            self._open += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    @staticmethod
    def _copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self._server.shutdown(socket.SHUT_RDWR)
        for each in [self._server, *self._open]:
            each.close()


class Sessions(BackendTest):
    @classmethod
    def tearDownClass(cls):
        """What belongs to a test is found by its state directory: others may run sandboxes on this machine."""

    def setUp(self):
        self.ids = set()
        # A state directory of its own, with the images of this host.
        self.state = tempfile.mkdtemp(prefix="caisson-test-")
        os.symlink(IMAGES, os.path.join(self.state, "images"))
        self.files = tempfile.TemporaryDirectory()
        self.addCleanup(self.files.cleanup)
        self.env = {"CAISSON_STATE": self.state, "CAISSON_BACKEND": self.backend}

    def tearDown(self):
        self.remember()
        self.sessions("kill", "--all")
        self.assertEqual(self.left(), [])
        self.assertEqual(left_behind(self.running, set()), [])
        for folder in ("sandboxes", "bundles", "runc", "sessions"):
            path = os.path.join(self.state, folder)
            if os.path.isdir(path):
                for name in os.listdir(path):
                    os.unlink(os.path.join(path, name))
                os.rmdir(path)
        os.unlink(os.path.join(self.state, "images"))
        os.rmdir(self.state)

    def remember(self):
        """The sandboxes that there are now, for running()."""
        path = os.path.join(self.state, "sandboxes")
        if os.path.isdir(path):
            self.ids.update(name for name in os.listdir(path) if name != ".lock")

    def running(self):
        """Processes, cgroups, mounts and containers that belong to sandboxes of this test."""
        found = {f"process {pid}" for pid in self.processes()}
        found.update(place for place in mounts() if self.state in place)
        for base, folders, _ in os.walk("/sys/fs/cgroup"):
            found.update(os.path.join(base, name) for name in folders if any(one in name for one in self.ids))
        if self.backend == "docker":
            label = "label=org.caisson.owner=" + self.state
            listed = subprocess.run(["docker", "ps", "-aq", "--filter", label], capture_output=True, text=True, check=True)
            found.update("container " + name for name in listed.stdout.split())
        return found

    def left(self):
        """What lies in the state directory besides locks."""
        found = []
        for folder in ("sandboxes", "bundles", "runc", "sessions"):
            path = os.path.join(self.state, folder)
            if os.path.isdir(path):
                found += [f"{folder}/{name}" for name in os.listdir(path) if name != ".lock"]
        return found

    def sessions(self, *args, **kwargs):
        return caisson("sessions", *args, env=self.env, **kwargs)

    def in_session(self, name, *codes, extra=()):
        """Runs blocks in a session: their outcomes, and what was said on stderr."""
        result = caisson("exec", "--json", "--session", name, *extra, *(word for code in codes for word in ("-c", code)),
                         env=self.env)
        found = outcomes(result)
        self.assertEqual(len(found), len(codes), result.stderr)
        return found, result.stderr

    def start(self, *args):
        return subprocess.Popen([BINARY, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env={**os.environ, **self.env})

    def show(self, name):
        return json.loads(self.sessions("show", name, "--json").stdout)

    def wait_for_state(self, name, beginning, seconds=20):
        end = time.monotonic() + seconds
        while not (state := self.show(name)["state"]).startswith(beginning):
            self.assertLess(time.monotonic(), end, state)
            time.sleep(0.05)
        return state

    def policy_file(self, content):
        path = os.path.join(self.files.name, "short.yaml")
        with open(path, "w") as file:
            file.write(content)
        return path

    def test_state_lives_from_one_command_to_the_next(self):
        self.in_session("work", "x = 41", "open('note', 'w').write('kept')")
        found, said = self.in_session("work", "x + 1", "open('note').read()")
        self.assertEqual([text(outcome) for outcome in found], ["42", "'kept'"])
        self.assertEqual([outcome["block"] for outcome in found], [3, 4])
        self.assertEqual(said, "")
        self.assertEqual(self.show("work")["state"], "live")
        self.assertEqual(self.show("work")["blocks"], 4)
        self.assertIn("work", self.sessions("list").stdout)

    def test_two_sessions_share_nothing(self):
        self.in_session("one", "x = 1")
        self.in_session("two", "x = 2")
        self.assertEqual(text(self.in_session("one", "x")[0][0]), "1")

    def test_another_command_does_not_remove_a_session(self):
        self.in_session("work", "x = 1")
        caisson("exec", "-c", "1", env=self.env)
        found, said = self.in_session("work", "x")
        self.assertEqual((text(found[0]), said), ("1", ""))

    def test_a_conversation_with_a_model_goes_on_in_its_session(self):
        script = self.policy_file("--- turn\n<execute>\nanswer = 6 * 7\n</execute>\n--- turn\nIt is done.\n")
        first = caisson("run", "--session", "work", "--model", "script:" + script, "How much?", env=self.env)
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertEqual(text(self.in_session("work", "answer")[0][0]), "42")

    def test_what_does_not_fit_the_session_is_refused(self):
        self.in_session("work", "1")
        for flags, words in (("--policy", "strict"), "has the policy 'standard'"), \
                            (("--image", "other"), "has the image 'python'"), \
                            (("--backend", "docker" if self.backend == "runc" else "runc"), "has the backend"):
            result = caisson("exec", "--session", "work", *flags, "-c", "1", env=self.env)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn(words, result.stderr)
            self.assertIn("--fresh", result.stderr)
        for name in ("../x", ".x", "-x", "a" * 65, "a/b", ""):
            result = caisson("exec", "--session=" + name, "-c", "1", env=self.env)
            self.assertEqual(result.returncode, 2, result.stderr)

    def test_a_policy_file_that_was_changed_is_refused(self):
        path = self.policy_file(SHORT_LIVED.replace("1s", "5m"))
        self.in_session("work", "1", extra=("--policy", path))
        self.assertEqual(text(self.in_session("work", "2")[0][0]), "2")
        self.policy_file(SHORT_LIVED.replace("1s", "6m"))
        result = caisson("exec", "--session", "work", "-c", "1", env=self.env)
        self.assertEqual(result.returncode, 2)
        self.assertIn("is another one than when session work was started", result.stderr)

    def test_a_session_in_use_is_refused(self):
        process = self.start("exec", "--session", "work", "-c", "print('up', flush=True)\nimport time; time.sleep(30)")
        self.assertEqual(process.stdout.readline(), "up\n")
        result = caisson("exec", "--session", "work", "-c", "1", env=self.env)
        self.assertEqual(result.returncode, 3)
        self.assertIn("used by another command", result.stderr)
        self.assertEqual(self.show("work")["state"], "in use")
        process.terminate()
        process.communicate(timeout=30)
        self.assertEqual(text(self.in_session("work", "'free'")[0][0]), "'free'")

    def test_a_block_of_a_killed_command_is_waited_for_or_stopped(self):
        self.in_session("work", "x = 1")
        process = self.start("exec", "--session", "work", "-c", "x = 2\nprint('up', flush=True)\nwhile True: pass")
        self.assertEqual(process.stdout.readline(), "up\n")
        process.kill()
        process.communicate()
        found, said = self.in_session("work", "x")
        # The interrupt stops it, and an interrupted block keeps what it has done.
        self.assertEqual(text(found[0]), "2")
        self.assertIn("block 2 of session work was under way", said)

    def test_an_idle_session_ends_and_is_rebuilt(self):
        path = self.policy_file(SHORT_LIVED)
        soon = time.time() + 1
        self.in_session("work", "x = 40", "1 / 0", "x += 2", f"import time; assert time.time() < {soon + 2}",
                        extra=("--policy", path))
        self.assertIn("idle for 1s", self.wait_for_state("work", "ended"))
        time.sleep(max(0, soon + 2 - time.time()))
        found, said = self.in_session("work", "x", "x")
        self.assertEqual([text(outcome) for outcome in found], ["42", "42"])
        self.assertIn("had ended (idle for 1s)", said)
        self.assertIn("4 blocks were run again", said)
        self.assertIn("block 4 of 4 ended ok before, and raised now (AssertionError", said)
        self.assertIn("4 blocks were run again", found[0]["guarantees"]["rebuilt"])
        self.assertNotIn("rebuilt", found[1]["guarantees"])
        self.assertIn("4 blocks were run again", self.show("work")["rebuilt"])

    def test_fresh_begins_again(self):
        self.in_session("work", "x = 1")
        found, _ = self.in_session("work", "'x' in globals()", extra=("--fresh", "--policy", "strict"))
        self.assertEqual(text(found[0]), "False")
        self.assertEqual(self.show("work")["policy"], "strict")

    def test_a_session_without_blocks_to_run_again_is_new(self):
        path = self.policy_file(SHORT_LIVED)
        self.in_session("work", "import os; os._exit(1)", extra=("--policy", path))
        self.wait_for_state("work", "ended")
        found, said = self.in_session("work", "1")
        self.assertEqual(text(found[0]), "1")
        self.assertIn("has ended (idle for 1s); a new one is started", said)

    def test_attach_runs_what_comes_in_and_leaves_the_session(self):
        self.in_session("work", "x = 1")
        result = self.sessions("attach", "work", stdin="def f(a):\n    return a + x\n\ny = f(1)\ny\n\n1/0\n\n'''a\n\nb'''")
        self.assertEqual(result.stdout, "2\n'a\\n\\nb'\n")
        self.assertIn("ZeroDivisionError", result.stderr)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(text(self.in_session("work", "y")[0][0]), "2")
        self.assertEqual(self.sessions("attach", "nobody", stdin="").returncode, 2)

    def test_attach_at_a_terminal_prompts_and_leaves_the_terminal_as_it_was(self):
        self.in_session("work", "x = 1")
        ours, theirs = pty.openpty()
        process = subprocess.Popen([BINARY, "sessions", "attach", "work"], stdin=theirs, stdout=theirs, stderr=theirs,
                                   env={**os.environ, **self.env})
        for prompt, line in ((">>> ", "for i in range(2):"), ("... ", "    print('i', i)"), ("... ", ""),
                             (">>> ", "x + 1"), (">>> ", "1/0"), (">>> ", "\x04")):
            self.read_until(ours, prompt)
            os.write(ours, line.encode() + (b"" if line == "\x04" else b"\n"))
        process.wait(timeout=30)
        self.assertEqual(process.returncode, 0)
        self.assertFalse(fcntl.fcntl(theirs, fcntl.F_GETFL) & os.O_NONBLOCK)
        for wanted in ("i 0\r\ni 1\r\n", "2\r\n", "ZeroDivisionError"):
            self.assertIn(wanted, self.shown)
        os.close(ours)
        os.close(theirs)

    shown = ""

    def read_until(self, descriptor, end):
        """Reads what a terminal shows until it ends so."""
        text = ""
        while not text.endswith(end):
            ready, _, _ = select.select([descriptor], [], [], 30)
            self.assertTrue(ready, text)
            text += os.read(descriptor, 4096).decode()
        self.shown += text

    def test_a_daemon_on_another_host_cannot_keep_a_session(self):
        if self.backend != "docker":
            self.skipTest("there is no remote runc")
        host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
        if not host.startswith("unix://"):
            self.skipTest("the daemon of these tests is not on a unix socket")
        relay = TcpRelay(host.removeprefix("unix://"))
        self.addCleanup(relay.close)
        result = caisson("exec", "--session", "far", "--docker-host", relay.url, "-c", "1", env=self.env)
        self.assertEqual(result.returncode, 3)
        self.assertIn("a session cannot be kept here: the Docker daemon is on another host", result.stderr)

    def test_a_branch_goes_its_own_way_and_outlives_the_original(self):
        self.in_session("one", "x = [1]\nopen('f', 'w').write('one')")
        self.assertEqual(self.sessions("branch", "one", "two").stdout, "two\n")
        found, _ = self.in_session("two", "x.append(2)\nopen('f', 'a').write(' two')\nx, open('f').read()")
        self.assertEqual(text(found[0]), "([1, 2], 'one two')")
        found, _ = self.in_session("one", "x, open('f').read()")
        self.assertEqual(text(found[0]), "([1], 'one')")
        refused = self.sessions("branch", "one", "two")
        self.assertEqual(refused.returncode, 2, refused.stderr)
        self.assertIn("there is a session two already", refused.stderr)
        self.assertEqual(self.sessions("kill", "one").stdout, "one\n")
        found, said = self.in_session("two", "x")
        self.assertEqual(text(found[0]), "[1, 2]")
        self.assertNotIn("run again", said)
        # Its container gone, it is made again from what made its state, the original's blocks too.
        [pid] = self.processes("/caisson/init\0")
        os.kill(pid, 9)
        found, said = self.in_session("two", "x")
        self.assertEqual(text(found[0]), "[1, 2]")
        self.assertIn("blocks were run again", said)

    def test_rollback_goes_back_and_says_what_is_kept(self):
        path = self.policy_file("version: 1\nname: deep\nextends: [standard]\nsession: {checkpoints: 3}\n")
        self.in_session("work", "n = 1", "n = 2", "n = 3", extra=("--policy", path))
        self.assertEqual(self.sessions("rollback", "work", "2").stdout, "work is at block 2\n")
        found, _ = self.in_session("work", "n")
        self.assertEqual(text(found[0]), "2")
        gone = self.sessions("rollback", "work", "3")
        self.assertEqual(gone.returncode, 2, gone.stderr)
        self.assertIn("there is no checkpoint #3", gone.stderr)
        self.assertEqual(self.sessions("rollback", "work", "0").returncode, 0)
        found, _ = self.in_session("work", "'n' in globals()")
        self.assertEqual(text(found[0]), "False")

    def test_kill_removes_also_what_has_ended(self):
        path = self.policy_file(SHORT_LIVED)
        self.in_session("ended", "1", extra=("--policy", path))
        self.in_session("live", "1")
        self.wait_for_state("ended", "ended")
        os.unlink(path)
        result = self.sessions("kill", "ended", "live", "nobody")
        self.assertEqual(result.stdout, "ended\nlive\n")
        self.assertEqual(result.returncode, 2)
        self.assertIn("there is no session 'nobody'", result.stderr)
        self.assertEqual(self.left(), [])

    def test_a_lost_block_does_not_cost_the_state(self):
        self.in_session("work", "x = 5")
        [pid] = self.processes("/caisson/init\0")
        process = self.start("exec", "--session", "work", "-c", "print('up', flush=True)\nimport time; time.sleep(30)")
        self.assertEqual(process.stdout.readline(), "up\n")
        os.kill(pid, 9)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 3)
        found, said = self.in_session("work", "x")
        self.assertEqual(text(found[0]), "5")
        self.assertIn("1 block was run again", said)

    def processes(self, program=""):
        """Those whose container has its channel in our state directory."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/mountinfo") as mounts, open(f"/proc/{pid}/cmdline") as command:
                    ours = any(self.state in line and " /run/caisson " in line for line in mounts)
                    if ours and command.read().startswith(program):
                        found.append(int(pid))
            except OSError:
                continue
        return found

    def test_a_command_that_is_killed_anywhere_costs_nothing(self):
        rng = random.Random(20)
        names = [f"s{number}" for number in range(6)]
        for _ in range(50):
            name = rng.choice(names)
            process = self.start("exec", "--session", name, "-c", "n = globals().get('n', 0) + 1", "-c", "n",
                                 "-c", "import time; time.sleep(0.02)")
            try:
                process.wait(timeout=rng.uniform(0, 0.4 if rng.random() < 0.5 else 0.1))
            except subprocess.TimeoutExpired:
                process.kill()
            process.communicate()
            self.remember()
        for name in names:
            found, said = self.in_session(name, "globals().get('n', 0)")
            journal = os.path.join(self.state, "sessions", name + ".blocks")
            counted = sum(code.startswith("n =") for code in kept_in(journal))
            self.assertEqual(text(found[0]), str(counted), said)
        self.assertEqual(self.sessions("kill", "--all").returncode, 0)
        # Docker may only now make a container that a killed command had asked for.
        end = time.monotonic() + 20
        while (left := self.left()) and time.monotonic() < end:
            caisson("exec", "-c", "1", env=self.env)
        self.assertEqual(left, [])
        self.assertEqual(left_behind(self.running, set()), [])


Sessions_runc, Sessions_docker = for_each_backend(Sessions)

if __name__ == "__main__":
    unittest.main()
