#include "sandbox/policy/finding.h"

#include <fmt/format.h>

#include <algorithm>

namespace caisson {

std::string to_text(const Finding& finding) {
  std::string line;
  if (!finding.where.file.empty()) {
    line = finding.where.file + ":";
    if (finding.where.line > 0) line += fmt::format("{}:", finding.where.line);
    if (finding.where.column > 0) line += fmt::format("{}:", finding.where.column);
    line += " ";
  }
  if (finding.severity == Severity::warning) line += "warning: ";
  if (finding.severity == Severity::note) line += "note: ";
  if (!finding.path.empty()) line += finding.path + ": ";
  return line + finding.text;
}

std::string to_text(const std::vector<Finding>& findings) {
  std::string text;
  for (const auto& finding : findings) {
    if (!text.empty()) text += '\n';
    text += to_text(finding);
  }
  return text;
}

bool has_errors(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const auto& finding) { return finding.severity == Severity::error; });
}

}  // namespace caisson
