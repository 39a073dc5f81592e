import re
import unittest

from checkout import CheckoutTest

with open("/etc/os-release", encoding="utf-8") as release:
    CODENAME = (re.findall(r"^VERSION_CODENAME=(\w+)", release.read(), re.M) or [""])[0]

DEB822 = f"""\
# Debian
Types: deb deb-src
URIs: http://mirror.example.org/debian
Suites: {CODENAME} {CODENAME}-updates other
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example.org/debian-off
Suites: {CODENAME}
Components: main
Enabled: no
"""
THIRD_PARTY = f"""\
Types: deb
URIs: https://tools.example.org/debian
Suites: {CODENAME}
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 -----END PGP PUBLIC KEY BLOCK-----
"""


@unittest.skipUnless(CODENAME, "/etc/os-release names no Debian release")
class DebianSources(CheckoutTest):
    script = "debian_sources"

    def sources(self):
        result = self.run_script()
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.splitlines()

    def test_deb822_gives_a_line_for_each_suite_of_this_release(self):
        self.write("sources.list.d/debian.sources", DEB822)
        signed = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
        self.assertEqual(self.sources(), [
            f"{signed} http://mirror.example.org/debian {CODENAME} main",
            f"{signed} http://mirror.example.org/debian {CODENAME}-updates main"])

    def test_one_line_lists_are_read_without_their_other_components(self):
        self.write("sources.list", f"# deb http://old.example.org/debian {CODENAME} main\n"
                   f"deb [ arch=amd64 ] http://mirror.example.org/debian {CODENAME} main contrib # x\n"
                   f"deb-src http://mirror.example.org/debian {CODENAME} main\n")
        self.assertEqual(self.sources(), [f"deb http://mirror.example.org/debian {CODENAME} main"])

    def test_third_parties_are_left_out(self):
        self.write("sources.list.d/debian.sources", DEB822)
        self.write("sources.list.d/tools.sources", THIRD_PARTY)
        self.write("sources.list.d/engine.list",
                   f"deb [signed-by=/etc/apt/keyrings/e.gpg] https://engine.example.org/linux/debian {CODENAME} main\n"
                   f"deb https://engine.example.org/apt {CODENAME} main\n")
        self.assertTrue(all("mirror.example.org" in line for line in self.sources()))

    def test_no_sources_of_debian_is_an_error_that_names_the_files(self):
        self.write("sources.list.d/tools.sources", THIRD_PARTY)
        result = self.run_script()
        self.assertEqual(result.returncode, 1)
        self.assertIn("tools.sources serves main of Debian " + CODENAME, result.stderr)


if __name__ == "__main__":
    unittest.main()
