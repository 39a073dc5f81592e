#include "sandbox/session/block_denials.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace caisson {
namespace {

// Parts of it were chosen by the guest, and a model reads it among our own lines.
void one_line(std::string& text, std::size_t longest) {
  if (text.size() > longest) text = text.substr(0, longest) + "...";
  std::replace_if(
      text.begin(), text.end(),
      [](char letter) { return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f; }, '?');
}

// The guest's lists are as long as it likes.
constexpr std::size_t most_claims = 32;

}  // namespace

void BlockDenials::add(Denial denial) {
  one_line(denial.subject, 200);
  one_line(denial.hint, 500);
  one_line(denial.fix, 500);
  for (auto& known : denials_) {
    if (known.subject == denial.subject && known.rule == denial.rule) {
      known.count += denial.count;
      return;
    }
  }
  if (denials_.size() < most) denials_.push_back(std::move(denial));
}

void BlockDenials::add(DenialText text, std::uint32_t count) {
  Denial denial;
  denial.layer = std::move(text.layer);
  denial.subject = std::move(text.subject);
  denial.error = std::move(text.error);
  denial.rule = std::move(text.rule);
  denial.hint = std::move(text.hint);
  denial.fix = std::move(text.fix);
  denial.count = count;
  add(std::move(denial));
}

void BlockDenials::system_call(const wire::DeniedCall& call) {
  DeniedSyscall denied;
  denied.number = call.number;
  denied.error = call.error;
  std::copy(std::begin(call.args), std::end(call.args), denied.args.begin());
  add(explain_denial(policy_, denied), call.count);
}

void BlockDenials::guidance(const nlohmann::json& refused) {
  // With `record` nothing was refused: a record without an error.
  const bool refuses = policy_.python.guidance == Guidance::refuse;
  for (std::size_t i = 0; i < std::min(refused.size(), most_claims); ++i) {
    const auto& each = refused[i];
    if (!each.is_array() || each.size() != 3 || !each[0].is_string() || !each[1].is_string() ||
        !each[2].is_number_unsigned()) {
      continue;
    }
    const auto name = each[1].get<std::string>();
    auto text = each[0] == "import" ? explain_import(policy_, name) : explain_event(policy_, name);
    if (!text) continue;
    text->subject += fmt::format(", line {}", each[2].get<std::uint64_t>());
    if (!refuses) text->error.clear();
    add(std::move(*text));
  }
}

void BlockDenials::failures(const nlohmann::json& failed) {
  for (std::size_t i = 0; i < std::min(failed.size(), most_claims); ++i) {
    const auto& each = failed[i];
    if (!each.is_array() || each.size() != 2 || !each[0].is_number_integer()) continue;
    Failure failure;
    failure.error = each[0].get<int>();
    if (each[1].is_string()) failure.path = each[1].get<std::string>();
    if (auto text = explain_failure(policy_, compiled_, failure)) add(std::move(*text));
  }
}

void BlockDenials::end(BlockLimit limit, bool shortened) {
  add(explain_end(policy_, limit, shortened));
}

}  // namespace caisson
