#include "sandbox/container/docker_container.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include <thread>

#include "sandbox/base/async.h"
#include "sandbox/base/json.h"
#include "sandbox/container/channel.h"
#include "sandbox/container/words.h"

namespace caisson {

using nlohmann::json;
using namespace std::chrono_literals;

namespace {

constexpr int killed = 137;  // 128 + SIGKILL, as Docker reports it

int int_of(const json& object, const char* key, int fallback) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<int>() : fallback;
}

bool bool_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

}  // namespace

asio::awaitable<std::string> remove_docker(DockerApi& api, std::string name, Deadline deadline) {
  const auto path = "/containers/" + name;
  std::string problem = "it did not say why";
  for (auto pause = 2ms;; pause = std::min(pause * 2, 50ms)) {
    // v: with the volumes that an image may declare.
    auto removed = co_await api.call("DELETE", path + "?force=1&v=1", json(), deadline);
    if (!removed && removed.error().code != Errc::not_found) problem = removed.error().message;
    auto known = co_await api.call("GET", path + "/json", json(), deadline);
    if (!known && known.error().code == Errc::not_found) co_return "";
    if (!known) problem = known.error().message;
    if (deadline.passed()) {
      co_return fmt::format("Docker has not removed the container {}: {}", name, problem);
    }
    co_await sleep_for(pause);
  }
}

std::string DockerContainer::path(std::string_view rest) const {
  return fmt::format("/containers/{}{}", parts_.docker_id, rest);
}

asio::awaitable<Result<void>> DockerContainer::start(Deadline deadline) {
  auto started = co_await api_.call("POST", path("/start"), json(), deadline);
  if (!started) co_return started.error();
  // A container that has ended already is gone (AutoRemove): connect() says so.
  auto state = co_await inspect(deadline);
  if (state) init_ = state->init;
  co_return boost::system::in_place_value;
}

asio::awaitable<bool> DockerContainer::look(Deadline deadline) {
  const auto state = co_await inspect(deadline);
  if (!state || !state->running) co_return false;
  init_ = state->init;
  co_return true;
}

asio::awaitable<Result<DockerContainer::State>> DockerContainer::inspect(Deadline deadline) {
  auto facts = co_await api_.call("GET", path("/json"), json(), deadline);
  if (!facts) co_return facts.error();
  State state;
  if (!facts->is_object() || !facts->contains("State")) {
    co_return Error(Errc::protocol, "Docker says nothing about the state of " + id());
  }
  const auto& said = (*facts)["State"];
  state.running = bool_of(said, "Running");
  state.code = int_of(said, "ExitCode", -1);
  state.oom = bool_of(said, "OOMKilled");
  state.error = get_string(said, "Error");
  state.init = int_of(said, "Pid", 0);
  co_return state;
}

// Why there is nothing to connect to, or nothing while it runs.
asio::awaitable<std::string> DockerContainer::end_if_ended(Deadline deadline) {
  auto state = co_await inspect(deadline);
  if (state && state->running) co_return "";
  if (!state && state.error().code != Errc::not_found) co_return "";
  co_return co_await describe_end(state ? state->code : -1);
}

asio::awaitable<Result<std::unique_ptr<ByteStream>>> DockerContainer::connect(Deadline deadline) {
  if (removed_) co_return Error(Errc::closed, "the container has been removed");
  if (!parts_.channel_dir.empty()) {
    auto next = Clock::now() + 50ms;
    EndedCheck ended = [this, next, deadline]() mutable -> asio::awaitable<std::string> {
      // The daemon is not asked each millisecond.
      if (Clock::now() < next) co_return "";
      auto end = co_await end_if_ended(deadline);
      next = Clock::now() + 50ms;
      co_return end;
    };
    co_return co_await connect_channel(parts_.channel_dir, init_, std::move(ended), deadline);
  }
  if (std::exchange(handed_out_, true)) {
    const auto end = co_await end_if_ended(deadline);
    if (!end.empty()) co_return Error(Errc::closed, "the container has ended: " + end);
    parts_.attached->close();
    auto stream =
        co_await api_.hijack(path("/attach?stream=1&stdin=1&stdout=1&stderr=1"), deadline);
    if (!stream) co_return stream.error();
    parts_.attached = std::make_shared<AttachStream>(std::move(*stream));
  }
  co_return as_byte_stream(parts_.attached);
}

asio::awaitable<void> DockerContainer::lift_cpu_limit(bool lifted) {
  constexpr auto patience = 5s;
  if (lifted == (nano_cpus_ > 0)) co_return;
  std::int64_t wanted = nano_cpus_;
  if (lifted) {
    const auto facts = co_await api_.call("GET", path("/json"), json(), Deadline::after(patience));
    if (!facts || !facts->contains("HostConfig")) co_return;
    nano_cpus_ = facts->at("HostConfig").value("NanoCpus", std::int64_t{0});
    // The daemon refuses more than its host has.
    wanted = static_cast<std::int64_t>(std::thread::hardware_concurrency()) * 1'000'000'000;
  } else {
    nano_cpus_ = 0;
  }
  if (nano_cpus_ == 0 && lifted) co_return;
  const json body{{"NanoCpus", wanted}};
  (void)co_await api_.call("POST", path("/update"), body, Deadline::after(patience));
}

asio::awaitable<void> DockerContainer::kill(Deadline deadline) {
  if (removed_) co_return;
  const auto problem = co_await remove_docker(api_, parts_.docker_id, deadline);
  if (!problem.empty()) throw Fault(problem);
  if (!parts_.channel_dir.empty()) clear_channel(parts_.channel_dir);
  removed_ = true;
}

asio::awaitable<std::string> DockerContainer::wait_end() {
  for (int attempt = 0;; ++attempt) {
    auto waited =
        co_await api_.call("POST", path("/wait?condition=not-running"), json(), Deadline::never());
    if (waited) co_return co_await describe_end(int_of(*waited, "StatusCode", -1));
    if (waited.error().code == Errc::not_found) co_return co_await describe_end(-1);
    // The daemon may be starting again; with live-restore its containers outlive that.
    if (attempt == 50) throw Fault(waited.error().message);
    co_await sleep_for(200ms);
  }
}

// What the daemon still remembers when the container is gone already: its last 256 events.
asio::awaitable<void> DockerContainer::look_into_events(int& code, bool& oom) {
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
      (std::chrono::system_clock::now() + 100ms).time_since_epoch());
  const json filters = {{"container", {parts_.docker_id}}, {"event", {"die", "oom"}}};
  HttpRequest request;
  request.target =
      fmt::format("/events?since=1&until={}.{:03}000000&filters={}", now.count() / 1000,
                  now.count() % 1000, percent_encoded(filters.dump()));
  // One JSON object a line.
  auto text = co_await api_.send(std::move(request), Deadline::after(2s));
  if (!text) co_return;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto event = parse_json(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!event || !event->is_object()) continue;
    const auto what = get_string(*event, "Action", get_string(*event, "status"));
    if (what == "oom") oom = true;
    const auto& none = json::object();
    const auto& actor = event->value("Actor", none);
    const auto attributes = actor.is_object() ? actor.value("Attributes", none) : none;
    const auto said = attributes.is_object() ? get_string(attributes, "exitCode") : "";
    if (what == "die" && !said.empty()) code = std::atoi(said.c_str());
  }
}

asio::awaitable<std::string> DockerContainer::describe_end(int code) {
  ContainerEnd end;
  bool oom = false;
  if (code == killed || code < 0) co_await look_into_events(code, oom);
  end.code = code;
  end.oom_kills = oom ? 1 : 0;
  if (code > 128 && code < 128 + 65) end.signal = code - 128;
  // While a channel reads the attached stream, its words are its reader's.
  if (parts_.attached && !handed_out_) {
    end.last_words = co_await parts_.attached->last_words(Deadline::after(500ms));
  }
  co_return describe(end);
}

}  // namespace caisson
