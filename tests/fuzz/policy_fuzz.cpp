// A policy that can be read and has no errors compiles, and what `show` prints can be read again.
#include "sandbox/policy/check.h"
#include "sandbox/policy/compile.h"
#include "sandbox/policy/parse.h"
#include "sandbox/policy/show.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace caisson;
  const auto policy = parse_policy(text_of(data, size), "fuzz.yaml", {"/nonexistent"});
  if (!policy || has_errors(check(*policy))) return 0;
  const auto compiled = compile(*policy);
  require(compiled.has_value());
  auto again = parse_policy(show(*policy, *compiled), "shown.yaml", {"/nonexistent"});
  require(again.has_value());
  again->origins = policy->origins;
  require(*again == *policy);
  return 0;
}
