"""`caisson policy`: what it says of policies, and that a real sandbox says the same."""
import json
import os
import unittest

import support
from support import SOURCE, caisson

POLICIES = os.path.join(SOURCE, "policies")
QUESTIONS = os.path.join(SOURCE, "tests", "cases", "policies", "questions.txt")

# A call that the kernel lets through fails for its arguments, or not at all; these two are ours.
HELPERS = """
import ctypes, errno, os, resource
_libc = ctypes.CDLL(None, use_errno=True)
def call(number, *args):
    ctypes.set_errno(0)
    got = _libc.syscall(number, *[ctypes.c_long(a) for a in args + (0,) * (6 - len(args))])
    name = errno.errorcode.get(ctypes.get_errno()) if got < 0 else None
    return name if name in ("EPERM", "ENOSYS") else "allow"
def opened(path, flags):
    try:
        os.close(os.open(path, flags, 0o600))
    except OSError as error:
        return errno.errorcode[error.errno]
    return "allow"
def connected(host, port):
    import socket
    try:
        with socket.socket() as s:
            s.connect((host, port))
    except ConnectionRefusedError:
        pass
    except OSError as error:
        return errno.errorcode[error.errno]
    return "allow"
def imported(name):
    try:
        __import__(name)
    except ModuleNotFoundError:
        pass
    except ImportError:
        return "ImportError"
    return "allow"
def started(path):
    if path.startswith("/workspace"):
        with open("/usr/bin/env", "rb") as a, open(path, "wb") as b:
            b.write(a.read())
        os.chmod(path, 0o700)
    child = os.fork()
    if child == 0:
        try:
            os.execv(path, [path, "true"])
        except OSError as error:
            os._exit(error.errno)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return "allow" if code == 0 else errno.errorcode[code]
"""


def rows():
    with open(QUESTIONS) as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                yield [part.strip() for part in line.split("|", 3)]


def answer(policy, kind, question):
    said = caisson("policy", "explain", "--json", "--policy", policy, "--" + kind, question)
    assert said.returncode == 0, said.stderr
    row = json.loads(said.stdout)
    return row["value"] or ("allow" if row["verdict"] == "allow" else row["error"])


class Explain(unittest.TestCase):
    def test_a_real_sandbox_says_the_same(self):
        problem = support.backend_problem("runc")
        if problem:
            self.skipTest("runc: " + problem)
        for policy in sorted({row[0] for row in rows()}):
            asked = [row for row in rows() if row[0] == policy]
            blocks = [HELPERS] + [row[3] for row in asked]
            ran = caisson("exec", "--backend", "runc", "--policy", policy, "--json",
                          *[word for code in blocks for word in ("-c", code)])
            outcomes = support.outcomes(ran)[1:]
            self.assertEqual(len(outcomes), len(asked), ran.stderr)
            for (_, kind, question, _), outcome in zip(asked, outcomes):
                with self.subTest(policy=policy, question=question):
                    got = (outcome["value"] or {}).get("text/plain", "").strip("'")
                    self.assertEqual(got, answer(policy, kind, question), outcome["error"])

    def test_every_answer_names_a_line_and_what_would_change_it(self):
        said = caisson("policy", "explain", "--policy", "strict", "--syscall", "socket:AF_INET",
                       "--open", "/etc/passwd:w", "--import", "requests", "--limit", "memory")
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertEqual(said.stdout.count("builtin:strict:"), 4, said.stdout)
        self.assertIn("network.mode", said.stdout)

    def test_a_question_that_is_none_is_told(self):
        said = caisson("policy", "explain", "--policy", "strict", "--syscall", "sockt")
        self.assertEqual(said.returncode, 2)
        self.assertIn("did you mean 'socket'", said.stderr)
        self.assertEqual(caisson("policy", "explain", "--policy", "strict").returncode, 2)


class Denials(unittest.TestCase):
    """Each layer's refusal has a rule with its line, and is found again by its id."""

    CASES = [  # code, layer, rule, error
        ("import socket; socket.socket()", "seccomp", "network.mode: none (builtin:strict:", "EPERM"),
        ("open('/proc/1/environ')", "landlock", "filesystem.read (builtin:strict:", "EACCES"),
        ("open('/usr/x', 'w')", "mount", "filesystem.mounts (builtin:strict:", "EROFS"),
        ("f = [open('/dev/null') for _ in range(300)]", "rlimit", "resources.rlimits.nofile: 256 (",
         "EMFILE"),
        ("x = b'x' * (1 << 30)", "rlimit", "resources.memory.max: 512Mi (", "ENOMEM"),
        ("open('/workspace/x', 'wb').write(b'x' * (127 << 20))\n"
         "open('/workspace/y', 'wb').write(b'x' * (127 << 20))", "mount", "filesystem.mounts (", "ENOSPC"),
        ("import requests", "python", "python.deny.requests (", "ImportError"),
        ("import threading, time\nfor _ in range(100):\n"
         "    threading.Thread(target=time.sleep, args=(2,)).start()",
         "cgroup", "resources.pids.max: 64 (", "EAGAIN"),
        ("while True: pass", "clock", "a limit of the caller, within time.block: ", "timeout_wall"),
        ("[" * 200 + "]" * 200, "input", "input.max_depth (", ""),
    ]

    def test_every_layer_explains_itself_and_is_found_again(self):
        problem = support.backend_problem("runc")
        if problem:
            self.skipTest("runc: " + problem)
        ran = caisson("exec", "--backend", "runc", "--policy", "strict", "--timeout", "3s", "--json",
                      *[word for case in self.CASES for word in ("-c", case[0])])
        outcomes = support.outcomes(ran)
        self.assertEqual(len(outcomes), len(self.CASES), ran.stderr)
        for (code, layer, rule, error), outcome in zip(self.CASES, outcomes):
            with self.subTest(code=code):
                denial = outcome["denials"][-1]
                self.assertEqual((denial["layer"], denial["error"]), (layer, error))
                self.assertTrue(denial["rule"].startswith(rule), denial["rule"])
                self.assertNotIn("fix", denial)  # not what a model should read
                said = caisson("policy", "explain", "--json", "--denial", denial["id"])
                record = json.loads(said.stdout)
                self.assertEqual((record["rule"], record["block"]), (denial["rule"], outcome["block"]))
        said = caisson("policy", "explain", "--denial", outcomes[0]["denials"][0]["id"])
        self.assertIn("socket(AF_INET, SOCK_STREAM, 0), EPERM\n", said.stdout)
        self.assertIn("other  network.mode: loopback", said.stdout)

    def test_an_id_that_nobody_knows_is_told(self):
        said = caisson("policy", "explain", "--denial", "d-nothing")
        self.assertEqual((said.returncode, said.stdout), (2, ""))
        self.assertIn("there is no denial 'd-nothing'", said.stderr)


class Diff(unittest.TestCase):
    def test_what_is_looser_has_another_exit_status(self):
        same = caisson("policy", "diff", "strict", "strict")
        self.assertEqual((same.returncode, same.stdout), (0, "strict and strict allow the same\n"))
        looser = caisson("policy", "diff", "strict", "standard")
        self.assertEqual(looser.returncode, 2)
        grants = looser.stdout.split("revokes:")[0]
        self.assertIn("execve()", grants)
        self.assertIn("resources.memory.max: 512Mi -> 1Gi", grants)
        self.assertEqual(caisson("policy", "diff", "strict", "nobody").returncode, 3)

    def test_json_is_one_difference_a_line(self):
        said = caisson("policy", "diff", "--json", "standard", "strict")
        kinds = {json.loads(line)["kind"] for line in said.stdout.splitlines()}
        self.assertIn("revokes", kinds)


class Ceiling(unittest.TestCase):
    def test_nothing_runs_beyond_it_and_every_excess_is_named(self):
        said = caisson("exec", "--policy", "standard", "-c", "1", env={"CAISSON_CEILING": "strict"})
        self.assertEqual(said.returncode, 2, said.stderr)
        for excess in ("execve()", "resources.memory.max: 512Mi -> 1Gi", "builtin:standard:"):
            self.assertIn(excess, said.stderr)

    def test_the_image_of_the_command_is_bound_too(self):
        with support.tempfile.TemporaryDirectory() as folder:
            ceiling = os.path.join(folder, "ceiling.yaml")
            with open(ceiling, "w") as file:
                file.write("version: 1\nextends: [strict]\nruntime: {image: python}\n")
            said = caisson("exec", "--policy", "strict", "--image", "other", "-c", "1",
                           env={"CAISSON_CEILING": ceiling})
            self.assertEqual(said.returncode, 2, said.stderr)
            self.assertIn("runtime.image: python -> other", said.stderr)

    def test_two_of_them_hold_together(self):
        """One bounds what the other leaves open, whichever comes first."""
        with support.tempfile.TemporaryDirectory() as folder:
            paths = []
            for name, text in (("a", "resources: {memory: {max: 256Mi}}"), ("b", "time: {block: 1s}")):
                paths.append(os.path.join(folder, name + ".yaml"))
                with open(paths[-1], "w") as file:
                    file.write("version: 1\nname: %s\nextends: [strict]\n%s\n" % (name, text))
            for host, own in (paths, paths[::-1]):
                said = caisson("policy", "check", "strict", "--ceiling", own, env={"CAISSON_CEILING": host})
                self.assertEqual(said.returncode, 2)
                self.assertIn("resources.memory.max: 256Mi -> 512Mi", said.stderr)
                self.assertIn("time.block: 1s -> 10s", said.stderr)
            said = caisson("exec", "--policy", "strict", "--ceiling", paths[1], "-c", "1")
            self.assertEqual(said.returncode, 2)
            self.assertIn("time.block: 1s -> 10s", said.stderr)
            shown = caisson("policy", "show", "strict", "--ceiling", paths[0], "--ceiling", "strict").stdout
            self.assertIn("# ceiling %s: exceeded" % paths[0], shown)
            self.assertIn("# ceiling strict: within", shown)

    def test_a_bind_mount_is_what_its_path_leads_to(self):
        with support.tempfile.TemporaryDirectory() as folder:
            os.symlink("/etc", os.path.join(folder, "link"))
            policy = os.path.join(folder, "mine.yaml")
            with open(policy, "w") as file:
                file.write("version: 1\nfilesystem: {mounts: {/data: {type: bind, source: %s/link, read_only: true}}}\n"
                           % os.path.realpath(folder))
            self.assertEqual(caisson("policy", "check", policy).returncode, 0)
            said = caisson("exec", "--policy", policy, "-c", "1")
            self.assertEqual(said.returncode, 2)
            self.assertIn("leads through a symbolic link to /etc:", said.stderr)

    def test_what_is_tighter_runs(self):
        problem = support.backend_problem("runc")
        if problem:
            self.skipTest("runc: " + problem)
        said = caisson("exec", "--backend", "runc", "--policy", "batch", "-c", "6 * 7",
                       env={"CAISSON_CEILING": "strict"})
        self.assertEqual((said.returncode, said.stdout), (0, "42\n"), said.stderr)


class Schema(unittest.TestCase):
    """The JSON Schema takes what the program takes, and refuses what an editor should mark."""

    @classmethod
    def setUpClass(cls):
        try:
            import jsonschema
            import yaml
        except ImportError as error:
            raise unittest.SkipTest("%s (scripts/install_deps --test)" % error)

        class Loader(yaml.SafeLoader):
            """YAML 1.2 as editors read it: `off` is a word there."""

        Loader.yaml_implicit_resolvers = {
            first: [(tag, rule) for tag, rule in rules if tag != "tag:yaml.org,2002:bool" or first in "tfTF"]
            for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()}
        cls.load = staticmethod(lambda text: yaml.load(text, Loader))
        said = caisson("policy", "schema")
        cls.check = jsonschema.Draft202012Validator(json.loads(said.stdout))

    def problems(self, text):
        return [error.message for error in self.check.iter_errors(self.load(text))]

    def cases(self, file):
        with open(os.path.join(SOURCE, "tests", "cases", "policies", file)) as text:
            for case in text.read().split("\n=== ")[1:]:
                title, _, rest = case.partition("\n")
                policy, _, said = rest.partition("-->")
                yield title, policy, said.strip()

    def test_it_is_a_schema(self):
        self.check.check_schema(self.check.schema)

    def test_it_takes_every_bundled_policy(self):
        for name in os.listdir(POLICIES):
            if name.endswith(".yaml") and not name.endswith(".expect.yaml"):
                with open(os.path.join(POLICIES, name)) as file:
                    self.assertEqual(self.problems(file.read()), [], name)

    def test_it_takes_what_can_be_read(self):
        taken = 0
        for title, policy, said in self.cases("findings.txt"):
            if any(": warning: " not in line for line in said.splitlines()):
                continue
            with self.subTest(title):
                self.assertEqual(self.problems(policy), [])
                taken += 1
        self.assertGreater(taken, 4)

    def test_it_refuses_what_cannot(self):
        for policy in ["{}", "version: 2", "version: 1\ntimes: {block: 1s}", "version: 1\ntime: {block: 10}",
                       "version: 1\nresources: {memory: {max: 1GB}}", "version: 1\nnetwork: {mode: bridge}",
                       "version: 1\nfilesystem: {mounts: {/x: {sice: 1Mi}}}", "version: 1\nprocess: {umask: 77}",
                       "version: 1\nsyscalls: {alow+: [ptrace]}", "version: 1\nsyscalls: {allow: ptrace}",
                       "version: 1\nresources: {cpus: 0}", "version: 1\nsession: {checkpoints: 65}"]:
            with self.subTest(policy):
                self.assertNotEqual(self.problems(policy), [])


class Compile(unittest.TestCase):
    """What a policy compiles to, as files: the same bytes each time, and what a sandbox really gets."""

    def files(self, folder):
        found = {}
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), "rb") as file:
                found[name] = file.read()
        return found

    def test_equal_policies_give_equal_files_and_nothing_is_overwritten(self):
        with support.tempfile.TemporaryDirectory() as folder:
            first, second = (os.path.join(folder, name) for name in ("a", "b"))
            said = caisson("policy", "compile", "strict", "--out", first)
            self.assertEqual(said.returncode, 0, said.stderr)
            self.assertEqual(said.stdout, caisson("policy", "compile", "strict", "--out", second).stdout)
            self.assertEqual(self.files(first), self.files(second))
            self.assertEqual(len(said.stdout.splitlines()), len(self.files(first)))
            again = caisson("policy", "compile", "standard", "--out", first)
            self.assertEqual(again.returncode, 2)
            self.assertIn("give a new or an empty directory", again.stderr)
            self.assertEqual(self.files(first), self.files(second))

    def test_the_list_says_what_becomes_of_each_call_and_why(self):
        said = caisson("policy", "compile", "strict", "--list")
        rows = {line.split()[0]: line for line in said.stdout.splitlines() if not line.startswith(" ")}
        self.assertGreater(len(rows), 350)
        self.assertRegex(rows["read"], r"allow +syscalls.allow\[@python\] \(builtin:strict:\d+\)")
        self.assertRegex(rows["mount"], r"EPERM +syscalls.allow \(builtin:strict:\d+\)")
        self.assertRegex(rows["io_uring_setup"], "ENOSYS +syscalls.missing")
        self.assertRegex(rows["socket"], "allow when +arg0 = 0x1$")

    def test_a_container_gets_these_very_files(self):
        problem = support.backend_problem("runc")
        if problem:
            self.skipTest("runc: " + problem)
        name = "compile-%d" % os.getpid()
        bundles = os.path.join(os.environ.get("CAISSON_STATE", "/var/lib/caisson"), "bundles")
        if os.geteuid() != 0 or not os.path.isdir(bundles):
            self.skipTest("reads the bundle of runc as root")
        before = set(os.listdir(bundles))
        ran = caisson("exec", "--backend", "runc", "--policy", "strict", "--session", name, "-c", "1")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        try:
            bundle, = set(os.listdir(bundles)) - before
            with open(os.path.join(bundles, bundle, "config.json")) as file:
                real = json.load(file)
        finally:
            caisson("sessions", "kill", name)
        with support.tempfile.TemporaryDirectory() as folder:
            caisson("policy", "compile", "strict", "--out", os.path.join(folder, "a"))
            files = self.files(os.path.join(folder, "a"))
        ours = json.loads(files["config.json"])
        self.assertEqual(ours["linux"]["seccomp"], real["linux"]["seccomp"])
        self.assertEqual(ours["linux"]["seccomp"], json.loads(files["seccomp.json"]))
        for key in ("maskedPaths", "readonlyPaths", "namespaces"):
            self.assertEqual(ours["linux"][key], real["linux"][key], key)
        self.assertEqual(ours["process"]["capabilities"], real["process"]["capabilities"])


class Tables(unittest.TestCase):
    def test_every_bundled_policy_has_one_and_keeps_it(self):
        names = [name[:-5] for name in os.listdir(POLICIES)
                 if name.endswith(".yaml") and not name.endswith(".expect.yaml")]
        tables = [os.path.join(POLICIES, name + ".expect.yaml") for name in names]
        said = caisson("policy", "test", *tables)
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)

    def test_what_is_not_as_expected_is_told_with_its_line(self):
        with support.tempfile.TemporaryDirectory() as folder:
            table = os.path.join(folder, "mine.expect.yaml")
            with open(table, "w") as file:
                file.write("policy: strict\nexpect:\n  - {syscall: read, is: allow}\n"
                           "  - {syscall: mount, is: allow}\n")
            said = caisson("policy", "test", table)
            self.assertEqual(said.returncode, 1)
            self.assertIn("mine.expect.yaml:4: mount(): EPERM, not allow (by ", said.stdout)
            self.assertIn("1 of 2 as expected", said.stdout)
            with open(table, "w") as file:
                file.write("policy: strict\nexpect:\n  - {sycall: read, is: allow}\n")
            said = caisson("policy", "test", table)
            self.assertEqual(said.returncode, 2)
            self.assertIn("mine.expect.yaml:3: ", said.stderr)


if __name__ == "__main__":
    unittest.main()
