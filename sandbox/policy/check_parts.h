// The parts of check(). Private to check*.cpp.
#pragma once

#include <string>
#include <vector>

#include "sandbox/policy/finding.h"

namespace caisson {

class PolicyCheck {
 public:
  explicit PolicyCheck(const Policy& policy) : policy_(policy) {}
  std::vector<Finding> run();

 private:
  void check_runtime();
  void check_process();
  void check_mounts();
  void check_mount(const Mount& mount);
  void check_bind(const Mount& mount, const std::string& path);
  void check_paths(const std::vector<std::string>& paths, const std::string& leaf);
  void check_egress();
  void check_egress_rule(const EgressRule& rule);
  void check_credential(const EgressCredential& credential);
  void check_syscalls();
  void check_syscall_names(const std::vector<std::string>& names, const std::string& leaf);
  void check_resources();
  void check_times();
  void check_output();
  void check_python();
  void check_env();
  void check_session();

  void error(std::string id, const std::string& path, std::string text) {
    add(Severity::error, std::move(id), path, std::move(text));
  }
  void warn(std::string id, const std::string& path, std::string text) {
    add(Severity::warning, std::move(id), path, std::move(text));
  }
  // An error unless the author takes it on: acknowledge: {id: why}. `text` ends in what to do.
  void risk(std::string id, const std::string& path, std::string text);
  void add(Severity severity, std::string id, const std::string& path, std::string text);
  // Where this leaf, or the nearest thing around it, was said.
  Origin origin(std::string path) const;

  const Policy& policy_;
  std::vector<Finding> findings_;
};

// Takes out what the author takes on, and adds what is wrong with that.
void take_acknowledged(const Policy& policy, std::vector<Finding>& findings);

// Absolute, without "//", ".", "..", a slash at its end, or control characters.
bool is_plain_path(const std::string& path);

}  // namespace caisson
