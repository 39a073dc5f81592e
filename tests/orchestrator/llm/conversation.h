// One question to an OpenAiModel whose server plays prepared answers.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "orchestrator/llm/openai.h"
#include "sandbox/base/async.h"
#include "sandbox/base/nursery.h"
#include "tests/support/http_server.h"
#include "tests/support/run_coro.h"

namespace caisson::test {

using namespace std::chrono_literals;
using nlohmann::json;

inline const std::string done = "data: [DONE]\n\n";

inline std::string content(const std::string& text) {
  return "data: " + json{{"choices", {{{"index", 0}, {"delta", {{"content", text}}}}}}}.dump() +
         "\n\n";
}

inline std::string finish(const std::string& reason) {
  return "data: " +
         json{{"choices", {{{"index", 0}, {"delta", json::object()}, {"finish_reason", reason}}}}}
             .dump() +
         "\n\n";
}

inline HttpAnswer hello() {
  return event_stream({content("Hel"), content("lo"), finish("stop"), done});
}

// Asks a model whose server plays `answers`, and keeps everything that happened.
struct Conversation {
  OpenAiSettings settings;
  Request request;
  Deadline deadline = Deadline::after(20s);
  Model::Reader reader;

  std::vector<SeenRequest> requests;
  std::vector<Delta> deltas;
  std::vector<Millis> waits;
  int closed_by_client = 0;

  Conversation() {
    settings.model = "m";
    settings.api_key = "sk-secret";
    settings.random = [] { return 0.0; };
    settings.pause = [this](Millis time) -> asio::awaitable<void> {
      waits.push_back(time);
      co_return;
    };
    request.messages = {{Role::system, "Be brief."}, {Role::user, "Hi"}};
    reader = [](const Delta&) { return Reading::go_on; };
  }

  Result<Reply> ask(std::vector<HttpAnswer> answers) { return run_coro(run(std::move(answers))); }

  asio::awaitable<Result<Reply>> run(std::vector<HttpAnswer> answers) {
    auto executor = co_await asio::this_coro::executor;
    HttpServer server(executor, std::move(answers));
    Nursery nursery(executor);
    nursery.start(server.serve());
    settings.base_url = server.url() + "/v1";
    auto model = OpenAiModel::make(settings);
    EXPECT_TRUE(model) << model.error().message;
    auto reply = co_await (*model)->complete(request, deadline, [this](const Delta& delta) {
      deltas.push_back(delta);
      return reader(delta);
    });
    server.stop();
    EXPECT_TRUE(co_await with_timeout(nursery.join(), Deadline::after(10s)))
        << "a connection was left open";
    requests = server.requests();
    closed_by_client = server.closed_by_client();
    co_return reply;
  }
};

inline void expect_error(const Result<Reply>& reply, Errc code, std::vector<std::string> parts) {
  ASSERT_FALSE(reply) << reply->content;
  EXPECT_EQ(reply.error().code, code) << reply.error().message;
  for (const auto& part : parts) {
    EXPECT_NE(reply.error().message.find(part), std::string::npos)
        << "'" << part << "' is not in: " << reply.error().message;
  }
  EXPECT_EQ(reply.error().message.find("sk-secret"), std::string::npos);
}

}  // namespace caisson::test
