#include "sandbox/session/sandbox_dir.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>

#include "sandbox/base/durable_file.h"
#include "sandbox/base/json.h"

namespace caisson {

namespace fs = std::filesystem;

namespace {

constexpr const char* lock_name = "lock";
constexpr const char* earlier_lock_name = "backend";
constexpr const char* facts_name = "facts.json";
constexpr const char* epoch_name = "epoch";

std::string text_of(const SandboxFacts& facts) {
  return to_text({{"backend", facts.backend},
                  {"memory_bytes", facts.memory_bytes},
                  {"session", facts.session}});
}

SandboxFacts read_facts(const fs::path& directory) {
  SandboxFacts facts;
  const auto text = load_file(directory / facts_name, 65536);
  if (!text) return facts;
  const auto found = parse_json(*text);
  if (!found || !found->is_object()) return facts;
  facts.backend = get_string(*found, "backend");
  facts.session = get_string(*found, "session");
  const auto memory = found->find("memory_bytes");
  if (memory != found->end() && memory->is_number_unsigned()) {
    facts.memory_bytes = memory->get<std::uint64_t>();
  }
  return facts;
}

}  // namespace

Result<SandboxDir> SandboxDir::make(const fs::path& state_dir, const std::string& id,
                                    SandboxFacts facts) {
  const auto all = state_dir / "sandboxes";
  SandboxDir made;
  made.path_ = all / id;
  made.facts_ = std::move(facts);
  const auto failed = [&](const std::string& why) {
    return Error(Errc::io, fmt::format("cannot make {}: {} (choose another place with --state-dir)",
                                       made.path_.string(), why));
  };
  std::error_code error;
  fs::create_directories(all, error);
  if (error) return failed(error.message());
  // Held while a directory has no lock of its own yet: nobody may take it for an orphan.
  const auto making = lock_file(all / ".lock", Locking::wait);
  if (!making) return failed(std::strerror(errno));
  fs::create_directories(made.channel(), error);
  if (error) return failed(error.message());
  ::chmod(made.path_.c_str(), 0700);
  // init makes its socket there with the user id of the container, which this host may not even
  // have. Everybody may write to it, and nobody else gets to it: the directory above is ours.
  ::chmod(made.channel().c_str(), 0777);
  made.lock_ = lock_file(made.path_ / lock_name, Locking::try_once);
  if (!made.lock_) return failed(std::strerror(errno));
  // Not forced to the disk: after a crash of the machine nothing of it lives.
  std::ofstream file(made.path_ / facts_name);
  file << text_of(made.facts_);
  file.close();
  if (!file) return failed(std::strerror(errno));
  return made;
}

Result<SandboxDir> SandboxDir::take_over(const fs::path& state_dir, const std::string& id) {
  SandboxDir taken;
  taken.path_ = state_dir / "sandboxes" / id;
  std::error_code error;
  if (!fs::is_directory(taken.path_, error)) {
    return Error(Errc::not_found, fmt::format("there is no sandbox {} any more", id));
  }
  // One that an older program has started has its lock there, and until that is free is not ours.
  const auto earlier = lock_file(taken.path_ / earlier_lock_name, Locking::try_existing);
  if (!earlier && errno != ENOENT) {
    return Error(Errc::unavailable, fmt::format("sandbox {} belongs to another process", id));
  }
  taken.lock_ = lock_file(taken.path_ / lock_name, Locking::try_once);
  if (!taken.lock_) {
    const bool gone = errno == ENOENT;
    return Error(gone ? Errc::not_found : Errc::unavailable,
                 gone ? fmt::format("there is no sandbox {} any more", id)
                      : fmt::format("sandbox {} belongs to another process", id));
  }
  taken.facts_ = read_facts(taken.path_);
  return taken;
}

void SandboxDir::seal() {
  ::chmod(channel().c_str(), 0555);
}

// Fixed width and in place: it needs no room on a full disk.
Result<std::uint32_t> SandboxDir::next_epoch() {
  const auto file = path_ / epoch_name;
  const OwnedFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  std::array<char, 16> text{};
  std::uint32_t epoch = 0;
  const auto got = fd ? ::pread(fd.get(), text.data(), text.size(), 0) : -1;
  if (got > 0) std::from_chars(text.data(), text.data() + got, epoch);
  // from_chars takes "0000000007" for 7.
  ++epoch;
  const auto next = fmt::format("{:010}\n", epoch);
  if (got < 0 || ::pwrite(fd.get(), next.data(), next.size(), 0) < 0) {
    return Error(Errc::io, fmt::format("{}: {}", file.string(), std::strerror(errno)));
  }
  return epoch;
}

Result<void> SandboxDir::keep_for(const std::string& session) {
  facts_.session = session;
  return replace_file(path_ / facts_name, text_of(facts_));
}

void SandboxDir::remove() {
  if (path_.empty()) return;
  // Back from seal(): without root we could not empty it.
  ::chmod(channel().c_str(), 0700);
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  path_.clear();
  lock_.reset();
}

std::vector<SandboxFacts> all_sandboxes(const fs::path& state_dir) {
  std::vector<SandboxFacts> all;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(state_dir / "sandboxes", error)) {
    if (entry.is_directory(error)) all.push_back(read_facts(entry.path()));
  }
  return all;
}

std::vector<SandboxDir> find_orphans(const fs::path& state_dir) {
  const auto all = state_dir / "sandboxes";
  std::vector<SandboxDir> orphans;
  std::error_code error;
  if (!fs::exists(all / ".lock", error)) return orphans;
  const auto looking = lock_file(all / ".lock", Locking::wait);
  if (!looking) return orphans;
  for (const auto& entry : fs::directory_iterator(all, error)) {
    if (!entry.is_directory(error)) continue;
    // Its owner lives, or is taking the directory away right now.
    auto taken = SandboxDir::take_over(state_dir, entry.path().filename().string());
    if (taken) orphans.push_back(std::move(*taken));
  }
  return orphans;
}

}  // namespace caisson
