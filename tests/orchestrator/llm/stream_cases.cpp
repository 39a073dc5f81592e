#include "tests/orchestrator/llm/stream_cases.h"

#include <openssl/evp.h>

#include <fstream>
#include <string_view>

namespace caisson::test {
namespace {

std::string base64(std::string_view text) {
  std::string bytes(text.size(), '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  // OpenSSL counts the padding as bytes.
  const auto padding = text.ends_with("==") ? 2U : text.ends_with('=') ? 1U : 0U;
  bytes.resize(static_cast<std::size_t>(size) - padding);
  return bytes;
}

}  // namespace

std::vector<StreamCase> load_streams(const std::string& table) {
  std::ifstream lines(CAISSON_SOURCE_DIR "/tests/cases/streams/" + table);
  std::vector<StreamCase> cases;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    const auto json = nlohmann::json::parse(line);
    StreamCase example;
    example.name = json.at("name").get<std::string>();
    example.stream = json.contains("b64") ? base64(json["b64"].get<std::string>())
                                          : json.at("text").get<std::string>();
    example.expected = json.at("expect");
    cases.push_back(std::move(example));
  }
  return cases;
}

}  // namespace caisson::test
