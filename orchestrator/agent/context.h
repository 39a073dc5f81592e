// What lives longer than one run: the memory of a conversation, and values that steps keep for it.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "orchestrator/chat/memory.h"

namespace caisson {

// Belongs to one conversation. Runs use it one after another, never two at once.
class Context {
 public:
  // Made by the first run.
  std::optional<Memory> memory;

  nlohmann::json get(const std::string& key, nlohmann::json fallback = nullptr) const {
    const auto found = values_.find(key);
    return found == values_.end() ? std::move(fallback) : *found;
  }
  void set(const std::string& key, nlohmann::json value) { values_[key] = std::move(value); }
  const nlohmann::json& values() const { return values_; }

 private:
  nlohmann::json values_ = nlohmann::json::object();
};

}  // namespace caisson
