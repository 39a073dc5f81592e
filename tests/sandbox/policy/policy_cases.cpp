#include "tests/sandbox/policy/policy_cases.h"

#include <gtest/gtest.h>

#include <charconv>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "sandbox/policy/groups.h"
#include "sandbox/policy/parse.h"

namespace caisson {
namespace {

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  while (true) {
    const auto end = text.find(at);
    parts.push_back(trim(text.substr(0, end)));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::uint64_t number(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const int base = text.starts_with("0x") ? 16 : 10;
  if (base == 16) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || stop != text.data() + text.size()) {
    throw std::runtime_error("not a number in a table: " + std::string(text));
  }
  return negative ? 0 - value : value;
}

template <class T>
T value_or_fail(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

}  // namespace

std::string trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\n");
  if (begin == text.npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(" \t\n") - begin + 1));
}

std::string read_case_file(const std::string& file) {
  const auto path = std::string(CAISSON_SOURCE_DIR) + "/tests/cases/policies/" + file;
  std::ifstream stream(path);
  if (!stream) throw std::runtime_error("no table " + path);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::vector<ErrorCase> read_error_cases(const std::string& file) {
  std::vector<ErrorCase> cases;
  std::istringstream lines(read_case_file(file));
  bool in_yaml = true;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("=== ")) {
      cases.push_back({line.substr(4), "", ""});
      in_yaml = true;
    } else if (line == "-->") {
      in_yaml = false;
    } else if (!cases.empty()) {
      (in_yaml ? cases.back().yaml : cases.back().expected) += line + "\n";
    }
  }
  for (auto& each : cases) each.expected = trim(each.expected);
  return cases;
}

std::string test_name(const ErrorCase& error_case) {
  auto name = error_case.name;
  for (auto& letter : name) {
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '_';
  }
  return name;
}

void PrintTo(const ErrorCase& error_case, std::ostream* out) {
  *out << error_case.name;
}

std::vector<VerdictCase> read_verdict_cases(const std::string& file) {
  std::vector<VerdictCase> cases;
  std::istringstream lines(read_case_file(file));
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    const auto cells = split(line, '|');
    if (cells.size() != 5) throw std::runtime_error("not five cells: " + line);
    VerdictCase row{cells[0], cells[1], {}, cells[3], cells[4]};
    auto name = cells[1];
    if (name.starts_with("i386:")) {
      row.call.arch = arch_i386;
      row.call.number = static_cast<std::uint32_t>(number(name.substr(5)));
    } else if (name.starts_with("x32:")) {
      row.call.number = x32_call | static_cast<std::uint32_t>(number(name.substr(4)));
    } else if (name.starts_with("number:")) {
      row.call.number = static_cast<std::uint32_t>(number(name.substr(7)));
    } else {
      if (!known_syscall(name)) throw std::runtime_error("unknown call in a table: " + name);
      row.call.number = static_cast<std::uint32_t>(syscall_number(name));
    }
    if (!cells[2].empty()) {
      std::size_t i = 0;
      for (const auto& argument : split(cells[2], ' ')) row.call.args.at(i++) = number(argument);
    }
    cases.push_back(std::move(row));
  }
  return cases;
}

Policy loaded(const std::string& name) {
  return value_or_fail(load_policy(name));
}

Policy parsed(std::string_view yaml) {
  return value_or_fail(parse_policy(yaml, "mine.yaml"));
}

CompiledPolicy compiled(const Policy& policy) {
  return value_or_fail(compile(policy));
}

}  // namespace caisson
