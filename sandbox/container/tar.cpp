#include "sandbox/container/tar.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

namespace caisson {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t block = 512;
constexpr std::size_t limit = 64 << 20;

// Where the fields of a header are: POSIX.1-1988, "ustar".
struct Header {
  char name[100] = {};
  char mode[8] = {};
  char uid[8] = {};
  char gid[8] = {};
  char size[12] = {};
  char mtime[12] = {};
  char checksum[8] = {};
  char type = '0';
  char linked[100] = {};
  char magic[6] = {'u', 's', 't', 'a', 'r', 0};
  char version[2] = {'0', '0'};
  char rest[247] = {};
};
static_assert(sizeof(Header) == block);

template <std::size_t N>
void put_octal(char (&field)[N], std::uint64_t value) {
  const auto text = fmt::format("{:0{}o}", value, N - 1);
  std::memcpy(field, text.data(), N - 1);
}

void append_header(std::string& tar, const std::string& name, char type, unsigned mode,
                   std::size_t size) {
  Header header;
  std::memcpy(header.name, name.data(), name.size());
  put_octal(header.mode, mode & 0777U);
  put_octal(header.uid, 0);
  put_octal(header.gid, 0);
  put_octal(header.size, size);
  put_octal(header.mtime, 0);
  header.type = type;
  std::memset(header.checksum, ' ', sizeof header.checksum);
  unsigned sum = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(&header);
  for (std::size_t i = 0; i < block; ++i) sum += bytes[i];
  std::memcpy(header.checksum, fmt::format("{:06o}", sum).c_str(), 7);
  tar.append(reinterpret_cast<const char*>(&header), block);
}

}  // namespace

Result<std::string> make_tar(const std::string& directory) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(directory, error)) {
    paths.push_back(entry.path());
  }
  if (error) {
    return Error(Errc::io, fmt::format("cannot read {}: {}", directory, error.message()));
  }
  std::sort(paths.begin(), paths.end());
  std::string tar;
  for (const auto& path : paths) {
    struct stat facts{};
    if (::lstat(path.c_str(), &facts) != 0) {
      return Error(Errc::io,
                   fmt::format("cannot read {}: {}", path.string(), std::strerror(errno)));
    }
    auto name = path.lexically_relative(directory).string();
    if (S_ISDIR(facts.st_mode)) name += '/';
    if (name.size() >= sizeof Header::name) {
      return Error(Errc::too_large, fmt::format("{}: the name is too long to pack", path.string()));
    }
    if (S_ISDIR(facts.st_mode)) append_header(tar, name, '5', facts.st_mode, 0);
    if (!S_ISREG(facts.st_mode)) continue;
    std::ifstream file(path, std::ios::binary);
    const std::string content(std::istreambuf_iterator<char>(file), {});
    if (!file) return Error(Errc::io, fmt::format("cannot read {}", path.string()));
    append_header(tar, name, '0', facts.st_mode, content.size());
    tar += content;
    tar.resize((tar.size() + block - 1) / block * block);
    if (tar.size() > limit) {
      return Error(Errc::too_large, fmt::format("{} holds more than 64 MiB", directory));
    }
  }
  tar.append(2 * block, '\0');
  return tar;
}

std::string sha256_hex(const std::string& bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  std::string text;
  for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

}  // namespace caisson
