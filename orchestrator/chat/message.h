// One message of a conversation, as every model API has it.
#pragma once

#include <string>

namespace caisson {

enum class Role { system, user, assistant };

struct Message {
  Role role = Role::user;
  std::string content;
  bool operator==(const Message&) const = default;
};

constexpr const char* name(Role role) {
  switch (role) {
    case Role::system:
      return "system";
    case Role::user:
      return "user";
    case Role::assistant:
      return "assistant";
  }
  return "user";
}

}  // namespace caisson
