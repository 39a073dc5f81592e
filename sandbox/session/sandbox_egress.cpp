// A sandbox and its proxy on the host.
#include "sandbox/container/channel.h"
#include "sandbox/session/sandbox.h"

namespace caisson {
namespace {

// For the operator.
std::string fix_for(const Refusal& refusal) {
  const auto leaf = refusal.rule.substr(0, refusal.rule.find(' '));
  if (!leaf.starts_with("network.")) return "";
  return refusal.id == "denied_host" ? leaf + ": a rule for this host"
                                     : leaf + ": what it says of this request";
}

}  // namespace

Result<void> Sandbox::make_egress() {
  if (policy().network.mode != NetworkMode::proxy) return boost::system::in_place_value;
  EgressOptions options;
  options.open_line = [channel = directory_.channel().string()] {
    return try_channel(channel, 0, egress_file);
  };
  options.journal = egress_journal_path(options_.state_dir, id_);
  options.settings = options_.egress;
  options.on_refusal = [this](const Refusal& refusal) { egress_refused(refusal); };
  auto made = EgressProxy::make(executor_, policy(), std::move(options));
  if (!made) return made.error();
  egress_ = std::move(*made);
  egress_->set_session(directory_.facts().session);
  return boost::system::in_place_value;
}

Result<void> Sandbox::keep_for(const std::string& session) {
  if (egress_) egress_->set_session(session);
  return directory_.keep_for(session);
}

// Nobody knows which session of several a connection belongs to: then only the journal tells.
void Sandbox::egress_refused(const Refusal& refusal) {
  RunningBlock* only = nullptr;
  for (const auto& [number, context] : contexts_) {
    if (context.running == nullptr) continue;
    if (only != nullptr) return;
    only = context.running;
  }
  if (only == nullptr) return;
  only->denied(
      {"egress", refusal.subject, refusal.id, refusal.rule, refusal.hint, fix_for(refusal)});
}

}  // namespace caisson
