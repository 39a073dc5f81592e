// The first message of a TLS client, as it arrives: over any number of records and reads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace caisson {

struct ClientHello {
  std::optional<std::string> server_name;  // as it was sent; none: the client names no host
  bool encrypted = false;                  // there is another one inside (ECH, or its ancestor)
};

class ClientHelloParser {
 public:
  enum class Step { need_more, hello, broken };

  // The next bytes of the connection. After `hello` and `broken` it takes no more. Bounded: 64 KiB.
  Step feed(std::string_view bytes);
  const ClientHello& hello() const { return hello_; }
  const char* problem() const { return problem_; }

 private:
  Step broken(const char* why);
  Step parse();

  std::string records_;  // not yet taken apart
  std::string message_;  // the handshake, without record headers
  std::size_t bytes_ = 0;
  ClientHello hello_;
  const char* problem_ = "";
};

}  // namespace caisson
