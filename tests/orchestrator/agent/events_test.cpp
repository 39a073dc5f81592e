#include "orchestrator/agent/events.h"

#include <gtest/gtest.h>

#include <set>

namespace caisson {
namespace {

using nlohmann::json;

json as_json(EventBody body) {
  return to_json(Event{
      "r", 7, std::chrono::system_clock::time_point(std::chrono::milliseconds(1'700'000'000'123)),
      std::move(body)});
}

TEST(Events, EveryEventHasRunSequenceTimeAndType) {
  EXPECT_EQ(as_json(StreamEvent{"x"}), (json{{"run", "r"},
                                             {"seq", 7},
                                             {"time", "2023-11-14T22:13:20.123Z"},
                                             {"type", "stream_delta"},
                                             {"delta", "x"},
                                             {"part", "prose"}}));
}

TEST(Events, S36_S37_S39_S40_S41_S42_TheArticlesEventsAreTyped) {
  EXPECT_EQ(as_json(StartEvent{"q"})["user_input"], "q");
  const auto input = as_json(InputEvent{{{Role::system, "s"}, {Role::user, "u"}}});
  EXPECT_EQ(input["input"], json::parse(R"([{"role": "system", "content": "s"},
                                            {"role": "user", "content": "u"}])"));
  EXPECT_EQ(as_json(CodeExecutionEvent{"x = 1", {}})["code"], "x = 1");
  const auto stop = as_json(StopEvent{StopReason::final_answer, "55", ""});
  EXPECT_EQ(stop["reason"], "final");
  EXPECT_EQ(stop["result"], "55");
}

template <std::size_t... I>
std::set<std::string_view> all_types(std::index_sequence<I...>) {
  return {std::variant_alternative_t<I, EventBody>::type...};
}

TEST(Events, TypesAndNamesAreDistinct) {
  constexpr auto count = std::variant_size_v<EventBody>;
  EXPECT_EQ(all_types(std::make_index_sequence<count>()).size(), count);
  std::set<std::string_view> names;
  for (EventType type = 0; type < count; ++type) names.insert(event_name(type));
  EXPECT_EQ(names.size(), count);
  EXPECT_EQ(event_name(event_type<InputEvent>()), "InputEvent");
}

TEST(Events, S3_ResultHasItsOutcomeWithStreamsValueAndError) {
  Outcome outcome;
  outcome.out = {"o", "", 1};
  outcome.value = {{"text/plain", "55"}};
  const auto result = as_json(ResultEvent{outcome, "told"});
  EXPECT_EQ(result["outcome"]["stdout"], "o");
  EXPECT_EQ(result["outcome"]["stderr"], "");
  EXPECT_EQ(result["outcome"]["value"]["text/plain"], "55");
  EXPECT_TRUE(result["outcome"]["error"].is_null());
  EXPECT_EQ(result["observation"], "told");
}

TEST(Events, ToolResultHasAValueOrAnError) {
  EXPECT_EQ(as_json(ToolResultEvent{1, "f", 8, ""})["value"], 8);
  const auto failed = as_json(ToolResultEvent{1, "f", nullptr, "no"});
  EXPECT_EQ(failed["error"], "no");
  EXPECT_FALSE(failed.contains("value"));
}

}  // namespace
}  // namespace caisson
