#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "sandbox/policy/address.h"
#include "sandbox/policy/check_parts.h"
#include "sandbox/policy/egress_verdict.h"
#include "sandbox/policy/host_name.h"

namespace caisson {
namespace {

// RFC 9110's token.
bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(letter) != std::string_view::npos;
  });
}

// What decides about the connection or the body is the proxy's own.
bool is_own_header(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char letter) {
    return static_cast<char>(letter >= 'A' && letter <= 'Z' ? letter + 32 : letter);
  });
  static const std::set<std::string> own{
      "host",       "content-length", "transfer-encoding", "connection",
      "te",         "trailer",        "upgrade",           "expect",
      "keep-alive", "range",          "accept-encoding"};
  return own.contains(name) || name.starts_with("proxy-");
}

}  // namespace

void PolicyCheck::check_egress_rule(const EgressRule& rule) {
  const auto path = "network.egress.allow." + rule.host;
  if (const auto problem = problem_of_pattern(rule.host); !problem.empty()) {
    error("bad_host", path, problem);
    return;
  }
  if (const auto address = parse_address(rule.host)) {
    const auto& exempt = policy_.network.egress.exempt;
    const bool open = std::any_of(exempt.begin(), exempt.end(), [&](const auto& text) {
      const auto range = parse_cidr(text);
      return range && contains(*range, *address);
    });
    if (const auto closed = closed_range(*address); !closed.empty() && !open) {
      error("closed_address", path,
            fmt::format("{} is never reached: {} (network.egress.exempt opens private networks)",
                        rule.host, closed));
    }
  }
  if (rule.host.starts_with("*")) {
    risk("wildcard_host", path,
         "the code chooses a label, and so says something to whoever answers for that domain's "
         "names (name each host)");
  }
  for (const auto& method : rule.methods) {
    if (method == "CONNECT" || method == "TRACE") {
      error("bad_method", path + ".methods",
            fmt::format("'{}' cannot be allowed (take it out)", method));
    } else if (!is_token(method) || std::any_of(method.begin(), method.end(), [](char letter) {
                 return letter >= 'a' && letter <= 'z';
               })) {
      error("bad_method", path + ".methods",
            fmt::format("'{}' is not a method in capitals (try GET)", method));
    }
  }
  for (const auto& pattern : rule.paths) {
    if (!pattern.starts_with('/') || pattern.find_first_of("?#\\% \t") != pattern.npos) {
      error("bad_path", path + ".paths",
            fmt::format("'{}' is not a path without query and escapes (try \"/simple/**\")",
                        pattern));
    }
  }
}

void PolicyCheck::check_credential(const EgressCredential& credential) {
  const auto path = "network.egress.credentials." + credential.host;
  if (const auto problem = problem_of_pattern(credential.host);
      !problem.empty() || credential.host.starts_with('*')) {
    error("bad_host", path, problem.empty() ? "a credential is for one host: name it" : problem);
    return;
  }
  const auto& rules = policy_.network.egress.allow;
  const bool reached = std::any_of(rules.begin(), rules.end(), [&](const auto& rule) {
    return host_matches(rule.host, credential.host);
  });
  if (!reached) {
    error("unused_credential", path,
          fmt::format("no rule allows {} (add it to network.egress.allow)", credential.host));
  }
  const bool in_clear = std::any_of(rules.begin(), rules.end(), [&](const auto& rule) {
    return host_matches(rule.host, credential.host) &&
           std::any_of(rule.ports.begin(), rule.ports.end(), [](auto port) { return port != 443; });
  });
  if (in_clear) {
    risk("secret_in_clear", path,
         "on ports other than 443 the secret is sent without TLS (allow 443 alone)");
  }
  if (!is_token(credential.header) || is_own_header(credential.header)) {
    error("bad_header", path + ".header",
          fmt::format("'{}' is not a header that can be added (try Authorization)",
                      credential.header));
  }
  const auto& secret = credential.secret;
  const bool of_env = secret.starts_with("env:") && secret.size() > 4;
  const bool of_file = secret.starts_with("file:/");
  if (!of_env && !of_file) {
    // Not what it is: it may be the secret itself.
    error("bad_secret", path + ".secret",
          "this says where the host finds the value: env:NAME or file:/path");
  }
}

void PolicyCheck::check_egress() {
  const auto& egress = policy_.network.egress;
  for (const auto& rule : egress.allow) check_egress_rule(rule);
  for (const auto& credential : egress.credentials) check_credential(credential);
  for (const auto& text : egress.exempt) {
    const auto range = parse_cidr(text);
    if (!range) {
      error("bad_range", "network.egress.exempt",
            fmt::format("'{}' is not a range of addresses (try 10.1.2.0/24)", text));
    } else if (never_exempt(*range)) {
      error("exempt_too_wide", "network.egress.exempt",
            fmt::format("'{}' has the host's own services or its cloud's keys in it (name the "
                        "network that is meant)",
                        text));
    } else {
      risk("private_network", "network.egress.exempt",
           fmt::format("allowed hosts whose names resolve to {} are reached (take it out)", text));
    }
    findings_.back().where = origin(fmt::format("network.egress.exempt[{}]", text));
  }
  if (policy_.network.mode != NetworkMode::proxy && !egress.allow.empty()) {
    warn("no_effect", "network.egress.allow", "only network.mode: proxy reaches any host");
  }
  if (policy_.network.mode == NetworkMode::proxy) {
    // init's own limit: two for each connection, and what it needs besides.
    const auto limit = policy_.resources.rlimits.find("nofile");
    const auto needed = 2 * (egress.max_connections + 32ULL) + 64;
    if (limit != policy_.resources.rlimits.end() && limit->second < needed) {
      error("too_few_descriptors", "network.egress.max_connections",
            fmt::format("{} connections need resources.rlimits.nofile of {} or more",
                        egress.max_connections, needed));
    }
    for (const auto* module : {"requests", "urllib.request"}) {
      if (policy_.python.guidance != Guidance::off && policy_.python.deny.contains(module)) {
        warn(
            "http_denied", std::string("python.deny.") + module,
            fmt::format("the code is told that there is no network (extend networked, or add '{}:' "
                        "to python.deny)",
                        module));
      }
    }
    for (const auto* name : {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"}) {
      if (policy_.env.contains(name)) {
        warn("no_effect", std::string("env.") + name, "the sandbox's own proxy stands there");
      }
    }
  }
}

}  // namespace caisson
