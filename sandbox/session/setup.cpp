#include "sandbox/session/setup.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "sandbox/base/json.h"
#include "sandbox/policy/fields.h"

namespace caisson {
namespace {

std::uint32_t ms(Millis time) {
  return static_cast<std::uint32_t>(
      std::min<std::int64_t>(time.count(), std::numeric_limits<std::uint32_t>::max()));
}

// Both spellings: some libraries know only one.
void point_to_proxy(std::map<std::string, std::string>& env) {
  const auto url = "http://127.0.0.1:" + std::to_string(egress_port);
  for (const auto* name : {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"}) {
    env[name] = url;
  }
  for (const auto* name : {"NO_PROXY", "no_proxy"}) env[name] = "";
}

std::string worker_config(const Policy& policy, bool audit) {
  const nlohmann::json config{{"preload", policy.python.preload},
                              {"aliases", policy.python.aliases},
                              {"deny", policy.python.deny},
                              {"events", policy.python.events},
                              {"guidance", *find_field("python.guidance")->write(policy)},
                              {"value_max_bytes", policy.output.value_max_bytes},
                              {"display_max_bytes", policy.output.display_max_bytes},
                              {"workspace", policy.process.working_dir},
                              {"audit", audit}};
  return to_text(config);
}

}  // namespace

wire::Setup make_setup(const Policy& policy, const CompiledPolicy& compiled,
                       const std::string& guest_mount) {
  wire::Setup setup;
  setup.argv = {"python3", "-I", "-X", "utf8", guest_mount + "/worker/main.py"};
  auto env = policy.env;
  if (policy.network.mode == NetworkMode::proxy) point_to_proxy(env);
  for (const auto& [name, value] : env) setup.env.push_back(name + "=" + value);
  setup.working_dir = policy.process.working_dir;
  setup.worker_config = worker_config(policy, compiled.audit);
  for (const auto& limit : compiled.rlimits) {
    setup.rlimits.push_back(
        {static_cast<std::uint32_t>(limit.resource), 0, limit.soft, limit.hard});
  }

  auto& limits = setup.limits;
  limits.stdout_bytes = policy.output.stdout_max_bytes;
  limits.stderr_bytes = policy.output.stderr_max_bytes;
  limits.total_bytes = policy.output.total_max_bytes;
  limits.memory_bytes = policy.resources.memory_max_bytes;
  limits.idle_ms = ms(policy.time.idle);
  limits.lifetime_ms = ms(policy.time.session);
  limits.oom_score_adj = policy.process.oom_score_adj;
  limits.umask = policy.process.umask;
  limits.checkpoints = policy.session.checkpoints;
  limits.kill_strays = policy.session.strays == Strays::kill ? 1 : 0;
  limits.kill_on_exceed = policy.output.on_exceed == Exceed::kill ? 1 : 0;
  limits.explain = compiled.notified.empty() ? 0 : 1;

  setup.inner_filter.assign(compiled.inner_filter.begin(), compiled.inner_filter.end());
  for (const auto& call : compiled.notified) {
    setup.calls.push_back({call.number, call.error, static_cast<std::uint32_t>(call.mediation)});
  }
  setup.landlock_required = policy.runtime.landlock == Need::required ? 1 : 0;
  setup.notify_required = policy.runtime.notify == Need::required ? 1 : 0;
  if (compiled.landlock.enabled) {
    setup.landlock_fs = compiled.landlock.handled_fs;
    setup.landlock_net = compiled.landlock.handled_net;
    setup.landlock_scoped = compiled.landlock.scoped;
    for (const auto& rule : compiled.landlock.rules) {
      setup.landlock_rules.push_back({rule.path, rule.access});
    }
    for (const auto& port : compiled.landlock.ports) {
      setup.landlock_ports.push_back({port.port, 0, port.access});
    }
  }
  return setup;
}

}  // namespace caisson
