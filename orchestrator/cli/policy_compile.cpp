// caisson policy compile: what a policy becomes at each layer, as files that can be read and
// compared.
#include "orchestrator/cli/policy_compile.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>
#include <vector>

#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/event_loop.h"
#include "sandbox/container/docker_spec.h"
#include "sandbox/container/oci_config.h"
#include "sandbox/container/spec.h"
#include "sandbox/container/tar.h"
#include "sandbox/policy/compile.h"
#include "sandbox/policy/listing.h"
#include "sandbox/policy/parse.h"
#include "sandbox/session/setup.h"

namespace caisson {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Artefact {
  std::string name;
  std::string about;
  std::string content;
};

std::string pretty(const json& value) {
  return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

// What differs from sandbox to sandbox has a fixed value here, so that equal policies give equal
// files.
ContainerSpec spec_of(const Policy& policy, const CompiledPolicy& compiled) {
  const auto image = policy.runtime.image.empty() ? "python" : policy.runtime.image;
  auto spec = make_spec(policy, compiled, "/images/" + image);
  spec.id = "sandbox";
  spec.guest_dir = "/guest";
  spec.channel_dir = "/channel";
  return spec;
}

json landlock_json(const Landlock& landlock) {
  json rules = json::array();
  for (const auto& rule : landlock.rules) {
    rules.push_back({{"path", rule.path}, {"access", rule.access}});
  }
  json ports = json::array();
  for (const auto& port : landlock.ports) {
    ports.push_back({{"port", port.port}, {"access", port.access}});
  }
  return {{"enabled", landlock.enabled},         {"handled_fs", landlock.handled_fs},
          {"handled_net", landlock.handled_net}, {"scoped", landlock.scoped},
          {"rules", std::move(rules)},           {"ports", std::move(ports)}};
}

json init_json(const wire::Setup& setup) {
  json limits = json::array();
  for (const auto& limit : setup.rlimits) {
    limits.push_back({{"resource", limit.resource}, {"soft", limit.soft}, {"hard", limit.hard}});
  }
  json calls = json::array();
  for (const auto& call : setup.calls) {
    calls.push_back(
        {{"number", call.number}, {"error", call.error}, {"mediation", call.mediation}});
  }
  const auto& of = setup.limits;
  return {{"argv", setup.argv},
          {"env", setup.env},
          {"working_dir", setup.working_dir},
          {"worker", json::parse(setup.worker_config, nullptr, false)},
          {"rlimits", std::move(limits)},
          {"notified_calls", std::move(calls)},
          {"landlock_required", setup.landlock_required != 0},
          {"notify_required", setup.notify_required != 0},
          {"limits",
           {{"stdout_bytes", of.stdout_bytes},
            {"stderr_bytes", of.stderr_bytes},
            {"total_bytes", of.total_bytes},
            {"memory_bytes", of.memory_bytes},
            {"idle_ms", of.idle_ms},
            {"lifetime_ms", of.lifetime_ms},
            {"oom_score_adj", of.oom_score_adj},
            {"umask", of.umask},
            {"checkpoints", of.checkpoints},
            {"kill_strays", of.kill_strays != 0},
            {"kill_on_exceed", of.kill_on_exceed != 0},
            {"explain", of.explain != 0}}}};
}

Result<std::vector<Artefact>> artefacts(const Policy& policy, const CompiledPolicy& compiled) {
  const auto spec = spec_of(policy, compiled);
  const auto oci = oci_config(spec, OciHost{});
  if (!oci) return oci.error();
  const auto docker = docker_create_body(spec, {"sha256:image", {}}, DockerFacts{});
  if (!docker) return docker.error();
  const auto calls = call_list(policy, compiled);
  if (!calls) return calls.error();
  const auto& filter = compiled.inner_filter;
  return std::vector<Artefact>{
      {"config.json", "container for runc and other OCI runtimes, outer filter within",
       pretty(*oci)},
      {"docker.json", "body of Docker's POST /containers/create", pretty(*docker)},
      {"seccomp.json", "outer filter: linux.seccomp of an OCI config",
       pretty(json::parse(compiled.seccomp_json))},
      {"filter.bpf", "inner filter: struct sock_filter[] as the kernel takes it",
       std::string(filter.begin(), filter.end())},
      {"filter.txt", "the same to read", filter_text(filter)},
      {"syscalls.txt", "what becomes of each system call, and by which line", *calls},
      {"landlock.json", "paths and ports, with the kernel's bits",
       pretty(landlock_json(compiled.landlock))},
      {"init.json", "limits, environment and answers of our first process",
       pretty(init_json(make_setup(policy, compiled, "/caisson")))}};
}

Result<void> write_all(const fs::path& directory, const std::vector<Artefact>& all) {
  std::error_code error;
  if (fs::exists(directory, error) && !(fs::is_directory(directory) && fs::is_empty(directory))) {
    return Error(Errc::bad_input,
                 fmt::format("--out {}: it is there already; give a new or an empty directory",
                             directory.string()));
  }
  fs::create_directories(directory, error);
  if (error) {
    return Error(Errc::io, fmt::format("--out {}: {}", directory.string(), error.message()));
  }
  for (const auto& each : all) {
    const auto path = directory / each.name;
    std::ofstream file(path, std::ios::binary);
    file << each.content;
    file.close();
    if (!file) return Error(Errc::io, fmt::format("{}: {}", path.string(), std::strerror(errno)));
  }
  return boost::system::in_place_value;
}

}  // namespace

void CompileFlags::add_to(CLI::App& command) {
  command.add_option("POLICY", policy, "a bundled policy or a file")->required();
  command.add_option("--out", out, "write all of it into this new directory")->type_name("DIR");
  command.add_flag("--list", list, "print what becomes of each system call, and by which line");
  command.footer(
      "The files are those that sandboxes get, but for names and paths of a single sandbox. Equal\n"
      "policies give equal bytes: keep them in a repository, and a change shows in a review.");
}

int compile_policy(const CompileFlags& flags) {
  const auto policy = load_policy(flags.policy);
  const auto compiled = policy ? compile(*policy) : Result<CompiledPolicy>(policy.error());
  const auto all =
      compiled ? artefacts(*policy, *compiled) : Result<std::vector<Artefact>>(compiled.error());
  if (!all) {
    complain(all.error().message);
    return exit_usage;
  }
  if (flags.list) {
    for (const auto& each : *all) {
      if (each.name == "syscalls.txt") fmt::print("{}", each.content);
    }
  }
  if (!flags.out.empty()) {
    if (const auto written = write_all(flags.out, *all); !written) {
      complain(written.error().message);
      return written.error().code == Errc::bad_input ? exit_usage : exit_infrastructure;
    }
  }
  if (flags.list) return exit_ok;
  for (const auto& each : *all) {
    fmt::print("{:<14} {:>7} bytes  sha256:{:.12}  {}\n", each.name, each.content.size(),
               sha256_hex(each.content), each.about);
  }
  return exit_ok;
}

}  // namespace caisson
