#include "sandbox/session/denial_log.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cstring>
#include <ctime>
#include <fstream>
#include <random>
#include <string_view>
#include <system_error>

#include "sandbox/base/fd.h"
#include "sandbox/base/json.h"

namespace caisson {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr off_t largest = 4 << 20;

fs::path newer(const fs::path& directory) {
  return directory / "denials.jsonl";
}
fs::path older(const fs::path& directory) {
  return directory / "denials.old.jsonl";
}

// Forty bits in letters that a person can read aloud.
std::string new_id() {
  static std::random_device random;
  constexpr std::string_view letters = "0123456789abcdefghjkmnpqrstvwxyz";
  std::string id = "d-";
  for (int i = 0; i < 8; ++i) id += letters[random() % letters.size()];
  return id;
}

Error failed(const fs::path& path) {
  return {Errc::io, fmt::format("{}: {}", path.string(), std::strerror(errno))};
}

// To append to. Who finds it full puts it away, unless somebody else is doing so: nobody waits for
// a lock here, as its holder may have been stopped.
Result<OwnedFd> open_log(const fs::path& directory) {
  const auto path = newer(directory);
  const auto opened = [&path] {
    return OwnedFd(
        ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  };
  auto file = opened();
  struct stat ours{};
  if (!file || ::fstat(file.get(), &ours) != 0) return failed(path);
  if (ours.st_size < largest || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return file;
  struct stat named{};
  const bool is_still_it = ::stat(path.c_str(), &named) == 0 && named.st_ino == ours.st_ino;
  if (is_still_it && ::rename(path.c_str(), older(directory).c_str()) != 0) return failed(path);
  file = opened();
  if (!file) return failed(path);
  return file;
}

// The line with this id; without one the last line.
std::optional<json> look(const fs::path& path, const std::string& id) {
  std::optional<json> found;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const bool maybe = id.empty() || line.find(id) != line.npos;
    if (!maybe) continue;
    auto record = parse_json(line);
    if (!record || !record->is_object()) continue;  // cut short when its writer was killed
    if (id.empty() || get_string(*record, "id") == id) found = std::move(*record);
  }
  return found;
}

}  // namespace

Result<void> DenialLog::write(const DenialPlace& place, Outcome& outcome) const {
  if (outcome.denials.empty()) return boost::system::in_place_value;
  const auto time = fmt::format("{:%FT%TZ}", fmt::gmtime(std::time(nullptr)));
  std::string lines;
  for (auto& denial : outcome.denials) {
    denial.id = new_id();
    lines += to_text({{"id", denial.id},
                      {"time", time},
                      {"sandbox", place.sandbox},
                      {"session", place.session},
                      {"block", outcome.block},
                      {"policy", place.policy},
                      {"layer", denial.layer},
                      {"subject", denial.subject},
                      {"error", denial.error},
                      {"rule", denial.rule},
                      {"hint", denial.hint},
                      {"fix", denial.fix},
                      {"count", denial.count}}) +
             "\n";
  }
  const auto file = open_log(directory_);
  if (!file) return file.error();
  const auto written = ::write(file->get(), lines.data(), lines.size());
  if (written != static_cast<ssize_t>(lines.size())) return failed(newer(directory_));
  return boost::system::in_place_value;
}

Result<json> DenialLog::find(const std::string& id) const {
  const bool last = id == "last";
  for (const auto& path : {newer(directory_), older(directory_)}) {
    if (auto found = id.empty() ? std::nullopt : look(path, last ? "" : id)) {
      return std::move(*found);
    }
  }
  if (last) return Error(Errc::not_found, "nothing has been denied yet on this host");
  return Error(
      Errc::not_found,
      fmt::format("there is no denial '{}': ids are at the end of what `caisson exec` says "
                  "of a denial and in its JSON, and the newest ten thousand are kept in {} "
                  "(`last` is the newest)",
                  id, newer(directory_).string()));
}

}  // namespace caisson
