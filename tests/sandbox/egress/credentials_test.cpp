#include "sandbox/egress/credentials.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

namespace caisson {
namespace {

Result<std::vector<Credential>> load(const std::string& value,
                                     const std::string& secret = "env:TEST_SECRET") {
  ::setenv("TEST_SECRET", value.c_str(), 1);
  Policy policy;
  policy.network.egress.credentials = {{"api.example.org", "Authorization", secret}};
  return load_credentials(policy);
}

std::string masked(const Credential& credential, std::string_view text, std::size_t piece) {
  Mask mask(&credential);
  std::string out;
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    out += mask.pass(text.substr(0, piece));
  }
  return out + mask.finish();
}

TEST(Credentials, AreFoundWhereThePolicySays) {
  EXPECT_EQ(load("Bearer abcdefgh")->at(0).value, "Bearer abcdefgh");
  const auto path = testing::TempDir() + "secret";
  std::ofstream(path) << "Bearer from-a-file\n";
  EXPECT_EQ(load("", "file:" + path)->at(0).value, "Bearer from-a-file");
}

TEST(Credentials, AMessageNeverHasTheValue) {
  for (const auto* value : {"short", "Bearer x", "two\nlines-of-it", "Bearer \x80-not-ascii", ""}) {
    const auto loaded = load(value);
    ASSERT_FALSE(loaded) << value;
    EXPECT_EQ(loaded.error().message.find("lines"), std::string::npos);
    EXPECT_NE(loaded.error().message.find("credentials.api.example.org"), std::string::npos);
  }
  ::unsetenv("TEST_SECRET_2");
  const auto missing = load("", "env:TEST_SECRET_2");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("TEST_SECRET_2 is not set"), std::string::npos);
  EXPECT_FALSE(load("", "file:/no/such/file"));
}

TEST(Credentials, NoFormOfTheSecretPassesWhateverPiecesItComesIn) {
  const auto bearer = load("Bearer s3cr3t/t0\"ken")->at(0);
  const auto basic = load("Basic dXNlcjpwYXNzd29yZDEyMw==")->at(0);  // user:password123
  for (std::size_t piece = 1; piece < 60; ++piece) {
    const auto one = masked(
        bearer, "a Bearer s3cr3t/t0\"ken b s3cr3t/t0\"ken c s3cr3t%2Ft0%22ken d s3cr3t/t0\\\"ken",
        piece);
    EXPECT_EQ(one, "a " + std::string(20, '*') + " b " + std::string(13, '*') + " c " +
                       std::string(17, '*') + " d " + std::string(14, '*'));
    const auto two =
        masked(basic, "x dXNlcjpwYXNzd29yZDEyMw== y user:password123 z password123", piece);
    EXPECT_EQ(two.find("dXNl"), std::string::npos) << two;
    EXPECT_EQ(two.find("password"), std::string::npos) << two;
    EXPECT_EQ(two.size(), 59U);
  }
}

TEST(Credentials, WithoutOneNothingIsChanged) {
  Mask mask(nullptr);
  EXPECT_EQ(mask.pass("anything"), "anything");
  EXPECT_EQ(mask.finish(), "");
  EXPECT_EQ(mask.whole("anything"), "anything");
}

}  // namespace
}  // namespace caisson
