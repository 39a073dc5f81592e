import unittest

from checkout import CheckoutTest


class CheckTests(CheckoutTest):
    script = "check_tests"

    def setUp(self):
        super().setUp()
        self.write("sandbox/policy/parse.h")

    def problem(self, lists, path, text=""):
        self.write("tests/sandbox/policy/CMakeLists.txt", lists)
        self.write(path, text)
        result = self.run_script()
        self.assertEqual(result.returncode, 1 if result.stdout else 0)
        return result.stdout.strip()

    def test_a_test_beside_its_subject_is_fine(self):
        self.assertEqual(self.problem("parse_test.cpp", "tests/sandbox/policy/parse_test.cpp"), "")

    def test_a_second_file_on_a_subject_appends_a_word(self):
        self.assertEqual(
            self.problem("parse_cases_test.cpp", "tests/sandbox/policy/parse_cases_test.cpp"), "")

    def test_a_test_without_subject_is_named(self):
        self.assertIn("tests nothing of sandbox/policy/",
                      self.problem("other_test.cpp", "tests/sandbox/policy/other_test.cpp"))

    def test_a_test_of_several_files_includes_one_of_them(self):
        self.assertEqual(self.problem("other_test.cpp", "tests/sandbox/policy/other_test.cpp",
                                      '#include "sandbox/policy/parse.h"\n'), "")

    def test_a_test_that_nothing_builds_is_named(self):
        self.assertIn("no CMakeLists.txt builds it",
                      self.problem("reparse_test.cpp", "tests/sandbox/policy/parse_test.cpp"))

    def test_a_loop_in_cmake_may_spell_the_name(self):
        self.assertEqual(
            self.problem("foreach(x parse)\n${x}_test.cpp", "tests/sandbox/policy/parse_test.cpp"), "")


if __name__ == "__main__":
    unittest.main()
