"""What the tests of the whole program share: they start the real `caisson` against real backends.

CAISSON_BINARY names the program (ctest sets it). A backend that is not there is skipped with the
reason; the test set-up starts a Docker daemon of its own, so both are normally there.
"""
import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest

BINARY = os.environ.get("CAISSON_BINARY", "caisson")
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def caisson(*args, stdin=None, env=None, timeout=120, text=True):
    """Runs the program to its end; `env` is added to ours."""
    return subprocess.run(
        [BINARY, *args], input=stdin, capture_output=True, text=text, timeout=timeout,
        env={**os.environ, **(env or {})})


def outcomes(result):
    """The objects that `exec --json` printed, one a line."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def backend_problem(name):
    """Why a backend cannot be used here, or None."""
    result = caisson("exec", "--backend", name, "--json", "-c", "1")
    return None if result.returncode == 0 else result.stderr.strip()


def containers_of_ours():
    """Cgroups of live sandboxes on either backend: what a test must not leave behind."""
    found = []
    for base, _, files in os.walk("/sys/fs/cgroup"):
        if "caisson" in base and "cgroup.procs" in files:
            with open(os.path.join(base, "cgroup.procs")) as procs:
                if procs.read().strip():
                    found.append(base)
    return set(found)


def mounts():
    with open("/proc/self/mounts") as file:
        return {line.split()[1] for line in file}


def left_behind(look, before, seconds=20):
    """What look() finds beyond `before` and goes on finding. Docker takes mounts down after it has said
    that a container is gone, and somebody else on this machine may be running sandboxes: both pass."""
    deadline = time.monotonic() + seconds
    while (left := look() - before) and time.monotonic() < deadline:
        time.sleep(0.1)
    return sorted(left)


class BackendTest(unittest.TestCase):
    """A test case that runs once for each backend: subclasses set `backend`."""

    backend = None
    policy = "standard"

    @classmethod
    def setUpClass(cls):
        if cls.backend is None:
            raise unittest.SkipTest("the base of the backends' tests")
        problem = backend_problem(cls.backend)
        if problem:
            raise unittest.SkipTest(f"{cls.backend} cannot be used here: {problem}")
        cls.mounts_before = mounts()
        cls.cgroups_before = containers_of_ours()

    @classmethod
    def tearDownClass(cls):
        left = left_behind(mounts, cls.mounts_before) + left_behind(containers_of_ours, cls.cgroups_before)
        assert not left, f"left behind: {left}"

    def exec(self, *args, **kwargs):
        return caisson("exec", "--backend", self.backend, "--policy", self.policy, *args, **kwargs)

    def blocks(self, *codes, extra=()):
        """Runs blocks of one session, returns their outcomes."""
        flags = [word for code in codes for word in ("-c", code)]
        result = self.exec("--json", *extra, *flags)
        found = outcomes(result)
        self.assertEqual(len(found), len(codes), result.stderr)
        return found


class TempDirTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="caisson-test-")

    def tearDown(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    def path(self, name, content=None):
        path = os.path.join(self.directory, name)
        if content is not None:
            with open(path, "wb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
        return path


def for_each_backend(base):
    """Two test cases from one: for runc and for Docker."""
    return tuple(
        type(f"{base.__name__}_{name}", (base,), {"backend": name, "__module__": base.__module__})
        for name in ("runc", "docker"))


def text(outcome):
    return (outcome["value"] or {}).get("text/plain")
