#include "sandbox/guest/init/denials.h"

namespace caisson::guest {

bool Denials::add(const wire::DeniedCall& call) {
  for (auto& known : distinct_) {
    if (known.number == call.number && known.error == call.error && known.args[0] == call.args[0] &&
        known.args[1] == call.args[1]) {
      ++known.count;
      return false;
    }
  }
  if (distinct_.size() < max_distinct) {
    distinct_.push_back(call);
    distinct_.back().count = 0;
    return true;
  }
  for (auto& known : by_number_) {
    if (known.number == call.number && known.error == call.error) {
      ++known.count;
      return false;
    }
  }
  // There are not that many system calls that a policy names; the last record takes the rest.
  if (by_number_.size() < max_numbers) {
    by_number_.push_back(call);
    by_number_.back().count = 1;
  } else {
    ++by_number_.back().count;
  }
  return false;
}

std::vector<wire::DeniedCall> Denials::take() {
  std::vector<wire::DeniedCall> rest;
  for (auto* calls : {&distinct_, &by_number_}) {
    for (const auto& call : *calls) {
      if (call.count > 0) rest.push_back(call);
    }
    calls->clear();
  }
  return rest;
}

}  // namespace caisson::guest
