// What a sandbox has asked of the network: a JSON line for each request, and their sums. Of
// secrets, queries, headers and bodies there is nothing in it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace caisson {

struct EgressRecord {
  std::string method;  // "GET", "CONNECT"; empty: it was no request
  std::string host;    // canonical when it could be
  std::uint16_t port = 0;
  std::string address;  // that was dialled
  // "allowed", the id of the refusal, "failed" (allowed, but its host did not do its part), or
  // "cut" (one of both hung up in the middle).
  std::string verdict;
  std::string rule;
  unsigned status = 0;  // of the answer; 0: none, or within a tunnel
  std::uint64_t up_bytes = 0;
  std::uint64_t down_bytes = 0;
  std::uint64_t duration_ms = 0;
};

struct EgressTotals {
  std::uint64_t requests = 0;
  std::uint64_t refused = 0;
  std::uint64_t failed = 0;  // and cut
  std::uint64_t up_bytes = 0;
  std::uint64_t down_bytes = 0;
  bool operator==(const EgressTotals&) const = default;
};
nlohmann::json to_json(const EgressTotals& totals);
void add(EgressTotals& totals, const EgressRecord& record);

class EgressJournal {
 public:
  // Goes on with what is there, and removes journals of other sandboxes that are a month old.
  // Error: io.
  static Result<EgressJournal> open(const std::filesystem::path& path);

  // Appends a line. Requests are few a minute, so it does not grow beyond reason. A disk that is
  // full loses lines, and totals() still counts.
  void write(const EgressRecord& record);
  // Without a line.
  void count(const EgressRecord& record) { add(totals_, record); }
  // Whose requests they are from now on, by name.
  void set_session(std::string name) { session_ = std::move(name); }
  const EgressTotals& totals() const { return totals_; }

 private:
  OwnedFd file_;
  std::string session_;
  EgressTotals totals_;
};

// <state_dir>/egress/<sandbox>.jsonl; it stays when the sandbox goes.
std::filesystem::path egress_journal_path(const std::filesystem::path& state_dir,
                                          const std::string& sandbox);
// Sums of what is there; nothing: no such journal.
EgressTotals read_egress_totals(const std::filesystem::path& path);

}  // namespace caisson
