// Tables of tests/cases/policies.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/policy/compile.h"
#include "sandbox/policy/verdict.h"

namespace caisson {

// One of errors.txt: a policy and what is wrong with it.
struct ErrorCase {
  std::string name;
  std::string yaml;
  std::string expected;  // a line each; empty: nothing is wrong
};
std::vector<ErrorCase> read_error_cases(const std::string& file);
std::string test_name(const ErrorCase& error_case);
void PrintTo(const ErrorCase& error_case, std::ostream* out);

// One of verdicts.txt: a call and what `strict` and `standard` say.
struct VerdictCase {
  std::string id;    // row of the probe corpus
  std::string name;  // of the call
  SyscallInput call;
  std::string strict;
  std::string standard;
};
std::vector<VerdictCase> read_verdict_cases(const std::string& file);

std::string read_case_file(const std::string& file);
std::string trim(std::string_view text);

// A bundled or written policy; the test fails when it does not load or compile.
Policy loaded(const std::string& name);
Policy parsed(std::string_view yaml);
CompiledPolicy compiled(const Policy& policy);

}  // namespace caisson
