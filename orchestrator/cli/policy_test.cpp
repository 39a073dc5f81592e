// caisson policy test: a team's own sentences about its policies, checked without a sandbox.
#include "orchestrator/cli/policy_test.h"

#include <fmt/format.h>

#include "orchestrator/cli/event_loop.h"
#include "sandbox/policy/expect.h"

namespace caisson {

void PolicyTestFlags::add_to(CLI::App& command) {
  command.add_option("FILE", files, "tables, such as strict.expect.yaml")->required();
  command.footer(
      "A table:\n  policy: mine.yaml\n  expect:\n    - {syscall: \"socket:AF_INET\", is: EPERM}\n"
      "    - {open: \"/etc/passwd:w\", is: deny}\n    - {limit: memory, is: 512Mi}\n\n"
      "Exit status: 0 all as the tables say, 1 something is not, 2 a table or policy is wrong.");
}

int test_policies(const PolicyTestFlags& flags) {
  std::size_t rows = 0;
  std::size_t wrong = 0;
  for (const auto& file : flags.files) {
    const auto table = run_expectations(file);
    if (!table) {
      complain(table.error().message);
      return exit_usage;
    }
    for (const auto& row : table->rows) {
      ++rows;
      if (row.met) continue;
      ++wrong;
      fmt::print("{}:{}: {}: {}, not {} (by {})\n", file, row.line, row.question, row.got,
                 row.expected, row.rule);
    }
  }
  fmt::print("{} of {} as expected\n", rows - wrong, rows);
  return wrong == 0 ? exit_ok : 1;
}

}  // namespace caisson
