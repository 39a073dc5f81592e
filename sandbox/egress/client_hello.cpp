#include "sandbox/egress/client_hello.h"

#include <set>

namespace caisson {
namespace {

constexpr std::size_t most_bytes = 65536;
constexpr std::size_t longest_record = 16384;
constexpr std::uint8_t handshake = 22;
constexpr std::uint8_t client_hello = 1;
constexpr std::uint16_t extension_server_name = 0;
constexpr std::uint16_t extension_ech = 0xfe0d;   // RFC 9849
constexpr std::uint16_t extension_esni = 0xffce;  // its drafts

// Reads from the front; once something is missing everything after it is.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool good() const { return good_; }
  bool empty() const { return bytes_.empty(); }

  std::string_view take(std::size_t size) {
    if (size > bytes_.size()) {
      good_ = false;
      bytes_ = {};
      return {};
    }
    const auto part = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return part;
  }
  // Big-endian.
  std::size_t number(std::size_t size) {
    std::size_t value = 0;
    for (const char byte : take(size)) value = value << 8 | static_cast<unsigned char>(byte);
    return value;
  }
  // With its length in front, in so many bytes.
  std::string_view vector(std::size_t length_size) { return take(number(length_size)); }

 private:
  std::string_view bytes_;
  bool good_ = true;
};

}  // namespace

ClientHelloParser::Step ClientHelloParser::broken(const char* why) {
  problem_ = why;
  return Step::broken;
}

ClientHelloParser::Step ClientHelloParser::feed(std::string_view bytes) {
  bytes_ += bytes.size();
  records_.append(bytes);
  for (;;) {
    if (records_.empty()) break;
    if (static_cast<unsigned char>(records_[0]) != handshake) return broken("it is not TLS");
    if (records_.size() > 1 && records_[1] != 3) return broken("it is not TLS");
    if (records_.size() < 5) break;
    const auto size = Reader(std::string_view(records_).substr(3)).number(2);
    if (size == 0 || size > longest_record) return broken("a TLS record of an impossible size");
    if (records_.size() < 5 + size) break;
    message_.append(records_, 5, size);
    records_.erase(0, 5 + size);
    if (static_cast<unsigned char>(message_[0]) != client_hello) {
      return broken("TLS that does not begin with a ClientHello");
    }
    if (const auto step = parse(); step != Step::need_more) return step;
  }
  if (bytes_ > most_bytes) return broken("a ClientHello without end");
  return Step::need_more;
}

ClientHelloParser::Step ClientHelloParser::parse() {
  if (message_.size() < 4) return Step::need_more;
  const auto size = Reader(std::string_view(message_).substr(1)).number(3);
  if (size > most_bytes) return broken("a ClientHello without end");
  if (message_.size() < 4 + size) return Step::need_more;
  if (message_.size() > 4 + size || !records_.empty()) {
    return broken("more than a ClientHello before the server has spoken");
  }
  Reader reader(std::string_view(message_).substr(4));
  reader.take(2 + 32);  // version, random
  reader.vector(1);     // session
  reader.vector(2);     // ciphers
  reader.vector(1);     // compression
  if (reader.good() && reader.empty()) return Step::hello;
  Reader extensions(reader.vector(2));
  if (!reader.good() || !reader.empty()) return broken("a ClientHello that is cut or padded");
  std::set<std::size_t> seen;
  while (extensions.good() && !extensions.empty()) {
    const auto type = extensions.number(2);
    const auto body = extensions.vector(2);
    if (!extensions.good()) break;
    if (!seen.insert(type).second) return broken("an extension that is there twice");
    if (type == extension_ech || type == extension_esni) hello_.encrypted = true;
    if (type != extension_server_name) continue;
    Reader outer(body);
    Reader list(outer.vector(2));
    const auto kind = list.number(1);
    const auto name = list.vector(2);
    // Exactly one name, of a host.
    if (!outer.good() || !outer.empty() || !list.good() || !list.empty() || kind != 0) {
      return broken("a server name that is not exactly one host name");
    }
    hello_.server_name = std::string(name);
  }
  if (!extensions.good()) return broken("a ClientHello that is cut or padded");
  return Step::hello;
}

}  // namespace caisson
