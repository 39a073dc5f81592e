// What was refused to one block, by any layer, as records with the rule that says so. The guest
// only claims; every rule is looked up here. No I/O.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "sandbox/policy/compile.h"
#include "sandbox/policy/failure.h"
#include "sandbox/policy/policy.h"
#include "sandbox/session/outcome.h"
#include "sandbox/wire/message.h"

namespace caisson {

class BlockDenials {
 public:
  // Of a block; beyond these they are not told apart any more.
  static constexpr std::size_t most = 256;

  BlockDenials(const Policy& policy, const CompiledPolicy& compiled)
      : policy_(policy), compiled_(compiled) {}

  // Equal ones are counted. Texts become one line each, and not a long one.
  void add(Denial denial);
  void add(DenialText text, std::uint32_t count = 1);
  // Seen by init.
  void system_call(const wire::DeniedCall& call);
  // What Python says it has refused: [["import" or "event", name, line]]. What no line of the
  // policy says is no denial.
  void guidance(const nlohmann::json& refused);
  // What the exception that ended the block was about: [[errno, path or null]].
  void failures(const nlohmann::json& failed);
  // A limit ended it.
  void end(BlockLimit limit, bool shortened);

  std::vector<Denial> take() { return std::move(denials_); }

 private:
  const Policy& policy_;
  const CompiledPolicy& compiled_;
  std::vector<Denial> denials_;
};

}  // namespace caisson
