#include "orchestrator/llm/make_model.h"

#include <gtest/gtest.h>

namespace caisson {
namespace {

TEST(MakeModel, S46_TheDefaultIsTheArticlesModel) {
  ModelConfig config;
  config.api_key = "k";
  const auto model = make_model(config);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ((*model)->name(), "openai:gpt-4o-mini");
  EXPECT_EQ((*model)->context_window(), 128'000U);
}

TEST(MakeModel, OpenAiWithoutAKeySaysWhatCanBeDone) {
  const auto model = make_model(ModelConfig());
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, Errc::unauthorized);
  for (const char* part : {"OPENAI_API_KEY", "--base-url", "script:FILE"}) {
    EXPECT_NE(model.error().message.find(part), std::string::npos) << model.error().message;
  }
}

TEST(MakeModel, ALocalServerNeedsNoKeyAndAColonIsPartOfAName) {
  ModelConfig config;
  config.model = "llama3:8b";
  config.base_url = "http://localhost:11434/v1";
  config.context_window = 4'096;
  const auto model = make_model(config);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ((*model)->name(), "openai:llama3:8b");
  EXPECT_EQ((*model)->context_window(), 4'096U);
}

TEST(MakeModel, AScriptIsReadAtOnce) {
  ModelConfig config;
  config.model = "script:" CAISSON_SOURCE_DIR "/tests/cases/streams/article.script";
  const auto model = make_model(config);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ((*model)->name(), config.model);
  EXPECT_EQ((*model)->context_window(), 128'000U);
}

TEST(MakeModel, WhatCannotBeMadeIsTold) {
  const std::pair<const char*, Errc> table[] = {{"script:/no/such.script", Errc::not_found},
                                                {"script:", Errc::not_found},
                                                {"replay:7", Errc::unsupported},
                                                {"openai:", Errc::bad_input},
                                                {"", Errc::bad_input}};
  for (const auto& [name, code] : table) {
    ModelConfig config;
    config.model = name;
    config.api_key = "k";
    const auto model = make_model(config);
    ASSERT_FALSE(model) << name;
    EXPECT_EQ(model.error().code, code) << model.error().message;
    EXPECT_NE(model.error().message.find("--model"), std::string::npos) << model.error().message;
  }
}

}  // namespace
}  // namespace caisson
