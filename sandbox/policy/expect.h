// Tables of what a policy should say: FILE.expect.yaml.
//
//   policy: strict            # a bundled name, or a file beside the table
//   expect:
//     - {syscall: "socket:AF_INET", is: EPERM}
//     - {open: /etc/passwd, is: allow}
//     - {limit: memory, is: 512Mi}
//
// `is`: "allow", "deny" (with any error), the error's name, or a limit's value.
#pragma once

#include <string>
#include <vector>

#include "sandbox/base/result.h"

namespace caisson {

struct Expectation {
  int line = 0;          // from 1
  std::string question;  // "socket(AF_INET)"
  std::string expected;
  std::string got;   // "allow", the error's name, or a limit's value
  std::string rule;  // that says so
  bool met = false;
};

struct ExpectedTable {
  std::string policy;
  std::vector<Expectation> rows;
};

// Errors: not_found, bad_input (what is wrong with the table, with its line), bad_policy.
Result<ExpectedTable> run_expectations(const std::string& file);

}  // namespace caisson
