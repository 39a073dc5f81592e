// The first message of a TLS client, piece by piece, right or wrong.
#pragma once

#include <string>

namespace caisson::test {

inline std::string number(std::size_t value, int size) {
  std::string out;
  for (int at = size - 1; at >= 0; --at) out += static_cast<char>(value >> (8 * at) & 0xff);
  return out;
}
inline std::string vector(const std::string& bytes, int length_size) {
  return number(bytes.size(), length_size) + bytes;
}
inline std::string extension(unsigned type, const std::string& body) {
  return number(type, 2) + vector(body, 2);
}
inline std::string server_name(const std::string& host, int kind = 0) {
  return extension(0, vector(number(static_cast<unsigned>(kind), 1) + vector(host, 2), 2));
}
inline std::string message(const std::string& extensions) {
  const auto body = std::string("\3\3") + std::string(32, 'r') + vector("session", 1) +
                    vector("\x13\x01", 2) + vector(std::string(1, '\0'), 1) + vector(extensions, 2);
  return std::string(1, '\1') + vector(body, 3);
}
// In records of at most so many bytes.
inline std::string records(const std::string& message, std::size_t size = 16384) {
  std::string out;
  for (std::size_t at = 0; at < message.size(); at += size) {
    out += "\x16\x03\x01" + vector(message.substr(at, size), 2);
  }
  return out;
}

}  // namespace caisson::test
