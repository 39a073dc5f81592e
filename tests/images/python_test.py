"""The sandbox image: what is in it, what is not, and that a build can be repeated."""
import hashlib
import json
import os
import subprocess
import tarfile
import tempfile
import time
import unittest
from pathlib import Path

BUILD = Path(__file__).resolve().parent.parent.parent / "images/python/build"


def state_dir():
    if os.environ.get("CAISSON_STATE"):
        return Path(os.environ["CAISSON_STATE"])
    if os.geteuid() == 0:
        return Path("/var/lib/caisson")
    home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(home) / "caisson"


def build(*arguments, env=None):
    return subprocess.run([BUILD, *arguments], capture_output=True, text=True, timeout=500,
                          env={**os.environ, **(env or {})})


class PythonImage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.images = state_dir() / "images"
        manifest = cls.images / "python/manifest.json"
        if not manifest.is_file():
            raise unittest.SkipTest(f"no image in {cls.images}: build it with images/python/build")
        cls.manifest = json.loads(manifest.read_text("utf-8"))
        with tarfile.open(cls.images / "python.tar") as tar:
            cls.members = tar.getmembers()
        cls.names = {member.name.removeprefix("./") for member in cls.members}

    def test_the_digest_is_that_of_the_archive(self):
        digest = hashlib.sha256((self.images / "python.tar").read_bytes()).hexdigest()
        self.assertEqual(self.manifest["digest"], "sha256:" + digest)

    def test_the_manifest_names_every_package_with_its_version(self):
        for package in ("python3", "python3-numpy", "libc6"):
            self.assertRegex(self.manifest["packages"][package], r"^[0-9]")

    def test_mount_points_of_a_sandbox_exist(self):
        for path in ("caisson", "run/caisson", "workspace", "tmp", "proc", "dev", "sys"):
            self.assertTrue(path in self.names, path)
            self.assertTrue((self.images / "python/rootfs" / path).is_dir(), path)

    def test_nothing_gains_rights_and_everyone_may_read(self):
        for member in self.members:
            if member.issym():
                continue
            self.assertFalse(member.mode & 0o6000 and member.isfile(), member.name)
            self.assertTrue(member.mode & 0o004, member.name)
            self.assertEqual((member.uid, member.isdev()), (0, False), member.name)

    def test_no_trace_of_the_machine_that_built_it(self):
        for path in ("etc/machine-id", "etc/hostname", "etc/shadow", "var/lib/apt/lists"):
            self.assertFalse(path in self.names, path)
        self.assertEqual([name for name in self.names if name.startswith(("var/log/", "etc/apt/sources"))
                          and name != "etc/apt/sources.list.d"], [])
        self.assertEqual((self.images / "python/rootfs/etc/resolv.conf").read_bytes(), b"")

    def test_modules_are_compiled_without_time_stamps(self):
        cache = self.images / "python/rootfs/usr/lib/python3.11/__pycache__"
        if not cache.is_dir():
            cache = next((self.images / "python/rootfs/usr/lib").glob("python3.*/__pycache__"))
        flags = {file.read_bytes()[4] for file in cache.glob("*.pyc")}
        self.assertEqual(flags, {1})  # PEP 552: hash-based, unchecked

    def test_a_second_call_is_quick_and_says_so(self):
        began = time.monotonic()
        result = build()
        self.assertEqual(result.stdout, "image python is up to date\n", result.stderr)
        self.assertLess(time.monotonic() - began, 1)

    def test_a_second_build_gives_the_same_bytes(self):
        result = build("--check")
        if "the mirror has newer packages" in result.stderr:
            # The versions decide: the same inputs must give the same digest, so compare two new ones.
            with tempfile.TemporaryDirectory() as state:
                built = build(env={"CAISSON_STATE": state})
                self.assertEqual(built.returncode, 0, built.stderr)
                result = build("--check", env={"CAISSON_STATE": state})
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("the same digest", result.stdout)


class BadInput(unittest.TestCase):
    def error(self, *arguments, env=None, status=1):
        result = build(*arguments, env=env)
        self.assertEqual(result.returncode, status, result.stdout)
        return result.stderr

    def test_a_name_that_is_a_path_is_refused(self):
        self.assertIn("a name has lower-case letters", self.error("--name", "../x", "--with", "python3-yaml"))

    def test_packages_need_a_name_of_their_own(self):
        self.assertIn("--with needs a --name", self.error("--with", "python3-yaml"))

    def test_a_shell_character_in_a_package_name_is_refused(self):
        self.assertIn("--with takes Debian package names", self.error("--name", "x", "--with", "a;b"))

    def test_an_unknown_option_is_named(self):
        self.assertIn("'--frobnicate' is not an option", self.error("--frobnicate"))

    def test_a_state_directory_that_cannot_be_made_is_named(self):
        self.assertIn("cannot create /proc/nothing/images: set CAISSON_STATE",
                      self.error(env={"CAISSON_STATE": "/proc/nothing"}))

    def test_a_package_that_does_not_exist_leaves_nothing_behind(self):
        with tempfile.TemporaryDirectory() as state:
            message = self.error("--name", "x", "--with", "python3-no-such-thing", env={"CAISSON_STATE": state})
            self.assertIn("a package of --with does not exist in Debian", message)
            self.assertEqual([name for name in os.listdir(state + "/images") if name != ".lock"], [])


if __name__ == "__main__":
    unittest.main()
