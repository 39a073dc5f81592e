#include "sandbox/egress/credentials.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "sandbox/base/durable_file.h"
#include "sandbox/base/json.h"

namespace caisson {
namespace {

// Shorter ones would be found in the middle of innocent text.
constexpr std::size_t shortest_secret = 8;
constexpr std::size_t longest_secret = 8192;

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= 'a' && byte <= 'z') ||
                       std::string_view("-._~").find(letter) != std::string_view::npos;
    out += plain ? std::string(1, letter) : fmt::format("%{:02X}", byte);
  }
  return out;
}

std::string base64_decoded(std::string_view text) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned bits = 0;
  unsigned count = 0;
  for (const char letter : text) {
    if (letter == '=') break;
    const auto value = alphabet.find(letter);
    if (value == alphabet.npos) return "";
    bits = bits << 6 | static_cast<unsigned>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xff);
  }
  return out;
}

std::vector<std::string> forms_of(const std::string& value) {
  std::vector<std::string> forms{value};
  const auto space = value.rfind(' ');
  if (space != value.npos) {
    forms.push_back(value.substr(space + 1));
    if (value.starts_with("Basic ")) {
      const auto login = base64_decoded(forms.back());
      forms.push_back(login);
      forms.push_back(login.substr(std::min(login.find(':') + 1, login.size())));
    }
  }
  for (std::size_t i = 0, count = forms.size(); i < count; ++i) {
    forms.push_back(percent_encoded(forms[i]));
    const auto quoted = to_text(nlohmann::json(forms[i]));
    forms.push_back(quoted.substr(1, quoted.size() - 2));
  }
  // The longest first: what is part of another form must not break it up.
  std::sort(forms.begin(), forms.end(), [](const auto& a, const auto& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  });
  forms.erase(std::unique(forms.begin(), forms.end()), forms.end());
  std::erase_if(forms, [](const auto& form) { return form.size() < shortest_secret; });
  return forms;
}

Result<std::string> value_of(const EgressCredential& wanted) {
  const auto bad = [&wanted](std::string_view why) {
    return Error(Errc::bad_input,
                 fmt::format("network.egress.credentials.{}.secret: {}", wanted.host, why));
  };
  std::string value;
  if (wanted.secret.starts_with("env:")) {
    const auto name = wanted.secret.substr(4);
    const char* found = std::getenv(name.c_str());
    if (found == nullptr) {
      return bad(fmt::format("the variable {} is not set where this program runs", name));
    }
    value = found;
  } else {
    const auto path = wanted.secret.substr(wanted.secret.find(':') + 1);
    auto text = load_file(path, longest_secret);
    if (!text) return bad(text.error().message);
    value = std::move(*text);
    while (!value.empty() && (value.back() == '\n' || value.back() == '\r')) value.pop_back();
  }
  const bool plain = std::all_of(value.begin(), value.end(),
                                 [](char letter) { return letter >= 0x20 && letter < 0x7f; });
  if (!plain || value.size() > longest_secret) return bad("it is not one line of ASCII");
  const auto forms = forms_of(value);
  const auto space = value.rfind(' ');
  if (value.size() - (space == value.npos ? 0 : space + 1) < shortest_secret) {
    return bad("it is shorter than 8 letters, so that it could not be told from other text");
  }
  return value;
}

}  // namespace

Result<std::vector<Credential>> load_credentials(const Policy& policy) {
  std::vector<Credential> loaded;
  for (const auto& wanted : policy.network.egress.credentials) {
    auto value = value_of(wanted);
    if (!value) return value.error();
    auto forms = forms_of(*value);
    loaded.push_back({wanted.host, wanted.header, std::move(*value), std::move(forms)});
  }
  return loaded;
}

void Mask::cover(std::string& bytes) const {
  for (const auto& form : credential_->forms) {
    for (auto at = bytes.find(form); at != bytes.npos; at = bytes.find(form, at + form.size())) {
      bytes.replace(at, form.size(), form.size(), '*');
    }
  }
}

std::string Mask::pass(std::string_view bytes) {
  if (credential_ == nullptr || credential_->forms.empty()) return std::string(bytes);
  held_.append(bytes);
  cover(held_);
  const auto keep = std::min(held_.size(), credential_->forms.front().size() - 1);
  auto out = held_.substr(0, held_.size() - keep);
  held_.erase(0, out.size());
  return out;
}

std::string Mask::finish() {
  return std::exchange(held_, std::string());
}

std::string Mask::whole(std::string_view text) const {
  std::string out(text);
  if (credential_ != nullptr) cover(out);
  return out;
}

}  // namespace caisson
