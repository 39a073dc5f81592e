// Secrets that the proxy adds to requests, and that must not come back with the answers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/http_client.h"
#include "sandbox/base/result.h"
#include "sandbox/policy/policy.h"

namespace caisson {

struct Credential {
  std::string host;
  std::string header;
  std::string value;
  // The value as it might come back: itself, its token alone, the password inside, and how URLs and
  // JSON spell them.
  std::vector<std::string> forms;
};

// The values that a policy names. Error: bad_input, with the leaf and what to do; never with a
// value.
Result<std::vector<Credential>> load_credentials(const Policy& policy);

// Writes stars over the forms of a secret, also where they are cut by the pieces that they come in.
// As many as there were letters: lengths stay true.
class Mask {
 public:
  explicit Mask(const Credential* credential) : credential_(credential) {}

  // What of the bytes so far can be passed on. Without a credential all of it, unchanged.
  std::string pass(std::string_view bytes);
  // The rest.
  std::string finish();
  // A text that comes whole.
  std::string whole(std::string_view text) const;

 private:
  void cover(std::string& bytes) const;

  const Credential* credential_;
  std::string held_;
};

}  // namespace caisson
