import unittest

from checkout import CheckoutTest


class CheckLayers(CheckoutTest):
    script = "check_layers"

    def setUp(self):
        super().setUp()
        for header in ("sandbox/base/result.h", "sandbox/session/session.h", "sandbox/policy/policy.h",
                       "sandbox/wire/frame.h", "orchestrator/agent/agent.h", "tests/support/run.h"):
            self.write(header, "#pragma once\n")

    def problem(self, path, include):
        self.write(path, f"// comment\n#include {include}\n")
        result = self.run_script()
        self.assertEqual(result.returncode, 1 if result.stdout else 0)
        return result.stdout.strip()

    def test_an_edge_of_the_picture_is_allowed(self):
        self.assertEqual(self.problem("sandbox/session/session.cpp", '"sandbox/policy/policy.h"'), "")
        self.assertEqual(self.problem("orchestrator/agent/a.cpp", '"sandbox/session/session.h"'), "")

    def test_the_sandbox_may_not_know_the_agent(self):
        problem = self.problem("sandbox/session/session.cpp", '"orchestrator/agent/agent.h"')
        self.assertIn("sandbox/session/session.cpp:2: sandbox/session may not include "
                      "orchestrator/agent", problem)

    def test_the_guest_may_use_nothing_but_the_wire(self):
        self.assertEqual(self.problem("sandbox/guest/init/main.cpp", '"sandbox/wire/frame.h"'), "")
        self.assertIn("only: sandbox/wire",
                      self.problem("sandbox/guest/init/main.cpp", '"sandbox/base/result.h"'))
        self.assertIn("uses no library", self.problem("sandbox/guest/init/main.cpp", "<fmt/format.h>"))

    def test_a_library_is_included_in_few_files(self):
        self.assertEqual(self.problem("sandbox/policy/seccomp.cpp", "<seccomp.h>"), "")
        self.assertIn("may be included only by sandbox/policy/seccomp.cpp",
                      self.problem("sandbox/policy/check.cpp", "<seccomp.h>"))

    def test_includes_are_paths_from_the_top(self):
        self.assertIn("is not a path from the top",
                      self.problem("sandbox/session/session.cpp", '"session.h"'))

    def test_product_code_may_not_include_tests(self):
        self.assertIn("only tests may include tests",
                      self.problem("sandbox/session/session.cpp", '"tests/support/run.h"'))

    def test_tests_of_the_sandbox_may_not_know_the_orchestrator(self):
        self.assertIn("may not know orchestrator/",
                      self.problem("tests/sandbox/base/x_test.cpp", '"orchestrator/agent/agent.h"'))

    def test_an_unknown_folder_must_be_entered_in_the_table(self):
        self.assertIn("is not in the table",
                      self.problem("sandbox/helpers/x.cpp", '"sandbox/base/result.h"'))

    def test_an_empty_checkout_is_not_a_success(self):
        result = self.run_script("/nonexistent")
        self.assertEqual(result.returncode, 1)
        self.assertIn("no source files", result.stdout)


if __name__ == "__main__":
    unittest.main()
