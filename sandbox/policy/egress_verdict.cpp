#include "sandbox/policy/egress_verdict.h"

#include <fmt/format.h>

#include <algorithm>

#include "sandbox/policy/host_name.h"
#include "sandbox/policy/url_path.h"

namespace caisson {
namespace {

constexpr std::uint16_t http_port = 80;
constexpr std::uint16_t https_port = 443;

Origin origin_of(const Policy& policy, std::string leaf) {
  while (!leaf.empty()) {
    if (const auto said = policy.origins.find(leaf); said != policy.origins.end()) {
      return said->second;
    }
    const auto dot = leaf.rfind('.');
    leaf = dot == leaf.npos ? "" : leaf.substr(0, dot);
  }
  return {};
}

std::string hosts_of(const Policy& policy) {
  std::string hosts;
  for (const auto& rule : policy.network.egress.allow) {
    if (hosts.size() > 200) return hosts + ", …";
    hosts += (hosts.empty() ? "" : ", ") + rule.host;
  }
  return hosts.empty() ? "none" : hosts;
}

bool has_port(const EgressRule& rule, std::uint16_t port) {
  if (rule.ports.empty()) return port == https_port;
  return std::find(rule.ports.begin(), rule.ports.end(), port) != rule.ports.end();
}

std::string ports_of(const EgressRule& rule) {
  return rule.ports.empty() ? "443" : fmt::format("{}", fmt::join(rule.ports, ", "));
}

bool has_path(const EgressRule& rule, std::string_view path) {
  return std::any_of(rule.paths.begin(), rule.paths.end(),
                     [&](const auto& pattern) { return path_matches(pattern, path); });
}

// What `rule`, which is for this host, says to the rest of the request.
EgressVerdict judge_rule(const EgressRule& rule, std::uint16_t port, std::string_view method,
                         std::string_view target) {
  EgressVerdict verdict;
  const auto refuse = [&verdict](std::string id, std::string hint) {
    verdict.id = std::move(id);
    verdict.hint = std::move(hint);
    return verdict;
  };
  const bool tunnel = method == "CONNECT";
  verdict.dial_port = port;
  if (!has_port(rule, port)) {
    if (tunnel || port != http_port || !has_port(rule, https_port)) {
      return refuse("denied_port", fmt::format("Of {} only these ports can be reached: {}.",
                                               rule.host, ports_of(rule)));
    }
    verdict.dial_port = https_port;
  }
  verdict.dial_tls = !tunnel && verdict.dial_port == https_port;
  if (tunnel) {
    if (!rule.methods.empty() || !rule.paths.empty()) {
      return refuse("denied_tunnel",
                    fmt::format("The proxy must see requests to this host: ask for http://{}/, "
                                "which it sends on encrypted.",
                                rule.host));
    }
  } else {
    if (!method.empty() && !rule.methods.empty() &&
        std::find(rule.methods.begin(), rule.methods.end(), method) == rule.methods.end()) {
      return refuse("denied_method", fmt::format("Of {} only these methods can be used: {}.",
                                                 rule.host, fmt::join(rule.methods, ", ")));
    }
    if (!target.empty() && !rule.paths.empty()) {
      const auto path = plain_path(target);
      if (!path) {
        return refuse("ambiguous_path",
                      "Write the path without dot segments, double slashes and "
                      "encoded slashes.");
      }
      if (!has_path(rule, *path)) {
        return refuse("denied_path", fmt::format("Of {} only these paths can be reached: {}.",
                                                 rule.host, fmt::join(rule.paths, ", ")));
      }
    }
  }
  verdict.allowed = true;
  return verdict;
}

}  // namespace

std::string rule_text(const Policy& policy, std::string leaf) {
  const auto origin = origin_of(policy, leaf);
  if (origin.file.empty()) return leaf + " (default)";
  return origin.line == 0 ? fmt::format("{} ({})", leaf, origin.file)
                          : fmt::format("{} ({}:{})", leaf, origin.file, origin.line);
}

EgressVerdict judge(const Policy& policy, std::string_view host, std::uint16_t port,
                    std::string_view method, std::string_view path) {
  const auto said = [&policy](EgressVerdict verdict, const std::string& leaf) {
    verdict.rule = rule_text(policy, leaf);
    verdict.origin = origin_of(policy, leaf);
    return verdict;
  };
  EgressVerdict verdict;
  if (policy.network.mode != NetworkMode::proxy) {
    verdict.id = "no_network";
    verdict.hint = "This session has no network: do not try again, use what is in the sandbox.";
    return said(verdict, "network.mode");
  }
  const auto canonical = canonical_host(host.find(':') != host.npos && !host.starts_with('[')
                                            ? fmt::format("[{}]", host)
                                            : std::string(host));
  if (!canonical) {
    verdict.id = "bad_host";
    verdict.hint = canonical.error().message + ".";
    return said(verdict, "network.egress.allow");
  }
  verdict.id = "denied_host";
  verdict.hint = fmt::format("Only these hosts can be reached: {}.", hosts_of(policy));
  verdict = said(verdict, "network.egress.allow");
  for (const auto& rule : policy.network.egress.allow) {
    if (!host_matches(rule.host, *canonical)) continue;
    // Each rule is a grant of its own. Of several refusals the first one is told.
    const auto leaf = "network.egress.allow." + rule.host;
    const auto answer = judge_rule(rule, port, method, path);
    if (answer.allowed) return said(answer, leaf);
    if (verdict.id == "denied_host") verdict = said(answer, leaf);
  }
  return verdict;
}

}  // namespace caisson
