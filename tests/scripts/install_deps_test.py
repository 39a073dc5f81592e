import re
import time
import unittest

from checkout import SOURCE, CheckoutTest


class InstallDeps(CheckoutTest):
    script = "install_deps"

    def test_an_unknown_group_is_a_usage_error(self):
        result = self.run_script("--everything")
        self.assertEqual(result.returncode, 2)
        self.assertIn("'--everything' is not one of", result.stderr)

    def test_nothing_to_do_is_silent_and_quick(self):
        began = time.monotonic()
        result = self.run_script("--run")
        if result.stdout:
            self.skipTest("packages were missing: " + result.stdout)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertLess(time.monotonic() - began, 1)

    def test_every_package_that_cmake_looks_for_is_in_the_list(self):
        names = {"Boost": "libboost1.81-dev", "OpenSSL": "libssl-dev", "nlohmann_json": "nlohmann-json3-dev",
                 "yaml-cpp": "libyaml-cpp-dev", "SQLite3": "libsqlite3-dev", "CLI11": "libcli11-dev",
                 "fmt": "libfmt-dev", "spdlog": "libspdlog-dev", "GTest": "libgtest-dev",
                 "benchmark": "libbenchmark-dev", "PkgConfig": "pkg-config", "Threads": "clang-19"}
        listed = (SOURCE / "scripts/install_deps").read_text("utf-8").split()
        for found in re.findall(r"find_package\((\S+)", (SOURCE / "CMakeLists.txt").read_text("utf-8")):
            self.assertIn(names[found], listed)


if __name__ == "__main__":
    unittest.main()
