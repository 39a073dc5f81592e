"""caisson probe and caisson doctor, as a user sees them."""
import json
import os
import shutil
import sys
import unittest

import support

sys.dont_write_bytecode = True


class Usage(support.TempDirTest):
    def test_a_policy_that_is_wrong_is_wrong_usage(self):
        policy = self.path("bad.yaml", "version: 1\nresources: {memroy: 1}\n")
        result = support.caisson("probe", "--policy", policy)
        self.assertEqual(result.returncode, 2)
        self.assertIn("memroy", result.stderr)

    def test_a_missing_corpus_is_said(self):
        result = support.caisson("probe", env={"CAISSON_ATTACKS": self.directory})
        self.assertEqual(result.returncode, 77)
        self.assertIn("CAISSON_ATTACKS", result.stderr)

    def test_a_missing_python_is_said(self):
        os.mkdir(self.path("bin"))
        os.symlink(shutil.which("runc") or "/nowhere", self.path("bin") + "/runc")
        result = support.caisson("probe", "--backend", "runc", env={"PATH": self.path("bin")})
        self.assertEqual(result.returncode, 77)
        if "python3" not in result.stderr:
            self.skipTest("runc cannot be used here: " + result.stderr)


class Probe(support.BackendTest, support.TempDirTest):
    def probe(self, *args):
        return support.caisson("probe", "--backend", self.backend, "--policy", "strict", *args)

    def test_the_table_names_leaf_mechanism_attacks_and_result(self):
        result = self.probe("--only", "K-01")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        row = next(line for line in result.stdout.splitlines() if "K-01" in line)
        self.assertRegex(row, r"^syscalls\.allow +seccomp +K-01 +held$")
        self.assertRegex(result.stdout.splitlines()[-1], r"^strict on \w+: 1 attacks held, ")

    def test_json_has_what_each_attack_gave(self):
        report = json.loads(self.probe("--only", "R-11", "--json").stdout)
        [row] = report["attacks"]
        self.assertEqual((row["verdict"], row["leaf"]), ("held", "resources.rlimits.nofile"))
        self.assertLessEqual(row["result"]["open"], 256)
        self.assertEqual(report["traces"], [])

    def test_an_expectation_that_does_not_hold_is_status_1(self):
        with open(os.path.join(support.SOURCE, "tests/attacks/k01_mount.py")) as file:
            text = file.read()
        folder = self.path("attacks")
        shutil.copytree(os.path.join(support.SOURCE, "tests/attacks"), folder)
        with open(os.path.join(folder, "k01_mount.py"), "w") as file:
            file.write(text.replace('["EPERM"]', '["ENOSYS"]', 1))
        result = support.caisson("probe", "--backend", self.backend, "--policy", "strict",
                                 "--only", "K-01", env={"CAISSON_ATTACKS": folder})
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn("NOT AS EXPECTED: K-01", result.stdout)

    def test_an_attack_that_is_unknown_is_wrong_usage(self):
        self.assertEqual(self.probe("--only", "X-99").returncode, 2)

    def test_a_row_that_cannot_be_shown_has_its_reason(self):
        result = self.probe("--only", "R-25")
        self.assertEqual(result.returncode, 77)
        self.assertIn("quota", result.stdout)


class Doctor(unittest.TestCase):
    def test_json_names_versions_policies_and_what_to_do(self):
        result = support.caisson("doctor", "--json")
        self.assertIn(result.returncode, (0, 3))
        report = json.loads(result.stdout)
        self.assertEqual(report["ready"], result.returncode == 0)
        checks = {check["check"]: check for check in report["checks"]}
        for what in ("kernel", "Landlock", "explained denials", "kernel calls", "cgroups", "guest files"):
            self.assertIn(what, checks)
        if report["ready"]:
            self.assertTrue(any(name.startswith("strict on ") for name in checks), checks)
        for check in report["checks"]:
            self.assertIn(check["result"], ("ok", "less", "no"))
            if check["check"].endswith(" hole"):
                self.assertEqual(check["result"], "less")
                self.assertTrue(check["advice"], check)

    def test_an_image_that_is_not_there_is_said(self):
        result = support.caisson("doctor", "--image", "no-such-image", "--json")
        self.assertEqual(result.returncode, 3)
        found = [c for c in json.loads(result.stdout)["checks"] if c["check"].startswith("image on ")]
        for check in found:
            self.assertEqual(check["result"], "no")
            self.assertIn("no-such-image", check["finding"])


Probe_runc, Probe_docker = support.for_each_backend(Probe)
del Probe

if __name__ == "__main__":
    unittest.main()
