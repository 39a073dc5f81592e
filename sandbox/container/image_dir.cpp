#include "sandbox/container/image_dir.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <vector>

namespace caisson {

namespace fs = std::filesystem;

namespace {

bool has_python(const fs::path& root) {
  // Where the interpreter's name may be; what it links to lies inside and is not followed here.
  for (const char* place : {"usr/bin/python3", "usr/local/bin/python3", "bin/python3"}) {
    std::error_code error;
    if (fs::exists(fs::symlink_status(root / place, error))) return true;
  }
  return false;
}

std::string line_of(const fs::path& root, const fs::path& path) {
  struct stat facts{};
  if (::lstat(path.c_str(), &facts) != 0) return "";
  return fmt::format("{}\t{:o}\t{}\t{}\n", path.lexically_relative(root).string(), facts.st_mode,
                     S_ISREG(facts.st_mode) ? facts.st_size : 0,
                     S_ISDIR(facts.st_mode) ? 0 : facts.st_mtim.tv_sec);
}

}  // namespace

Error image_dir_missing(const std::string& directory) {
  return Error(Errc::not_found,
               fmt::format("there is no image directory '{}'\nBuild one with images/python/build, "
                           "or name a directory that holds a root file system with python3",
                           directory));
}

Result<std::string> list_image_dir(const std::string& directory) {
  std::error_code error;
  if (!fs::is_directory(directory, error)) return image_dir_missing(directory);
  const auto root = fs::absolute(directory).lexically_normal();
  if (!has_python(root)) {
    return Error(Errc::not_found,
                 fmt::format("the image directory {} has no python3\nBuild one with "
                             "images/python/build, or install python3 into it",
                             root.string()));
  }
  std::vector<std::string> lines;
  const auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator entry(root, options, error), end; !error && entry != end;
       entry.increment(error)) {
    lines.push_back(line_of(root, entry->path()));
  }
  std::sort(lines.begin(), lines.end());
  std::string all;
  for (const auto& line : lines) all += line;
  return all;
}

}  // namespace caisson
