// Moving files of a session.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "sandbox/base/async.h"
#include "sandbox/session/files.h"
#include "sandbox/session/sandbox.h"
#include "sandbox/session/session.h"

namespace caisson {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t piece_bytes = 60 * 1024;
// What may be on its way to the guest before the next piece of an upload is read.
constexpr std::size_t most_on_the_way = 4 << 20;

// What a coroutine does however it ends.
class OnExit {
 public:
  explicit OnExit(std::function<void()> what) : what_(std::move(what)) {}
  ~OnExit() {
    if (what_) what_();
  }
  OnExit(const OnExit&) = delete;
  OnExit& operator=(const OnExit&) = delete;
  void dismiss() { what_ = nullptr; }

 private:
  std::function<void()> what_;
};

}  // namespace

// The answers to one request, for as long as somebody waits for them.
class Session::Transfer {
 public:
  explicit Transfer(Sandbox& sandbox) : sandbox_(sandbox), request_(sandbox.next_request()) {
    sandbox_.transfers_[request_] = &answers_;
  }
  ~Transfer() { sandbox_.transfers_.erase(request_); }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  std::uint64_t request() const { return request_; }
  bool answered() const { return !answers_.empty(); }

  // The next answer; `body` gets what stands behind it. Nothing: the deadline has passed, or the
  // sandbox is gone.
  boost::asio::awaitable<std::optional<wire::FileAnswer>> next(std::string& body,
                                                               Deadline deadline) {
    while (answers_.empty() && sandbox_.lost_reason().empty() && !deadline.passed()) {
      co_await sandbox_.change_.wait(deadline);
    }
    if (answers_.empty()) co_return std::nullopt;
    body = std::move(answers_.front());
    answers_.pop_front();
    std::string_view rest = body;
    wire::FileAnswer answer;
    if (!wire::take(rest, answer)) co_return std::nullopt;
    body.erase(0, sizeof(answer));
    co_return answer;
  }

 private:
  Sandbox& sandbox_;
  const std::uint64_t request_;
  std::deque<std::string> answers_;
};

Error Session::no_answer(std::string_view path) const {
  if (closed()) return Error(Errc::closed, "the session has ended: " + sandbox_.lost_reason());
  return Error(Errc::timed_out, fmt::format("'{}' was not moved in time", shown_name(path)));
}

boost::asio::awaitable<Result<void>> Session::put(std::string path, FileSource source,
                                                  Deadline deadline) {
  Transfer transfer(sandbox_);
  std::string body;
  if (path.size() > wire::max_path) {
    wire::FileAnswer bad;
    bad.problem = wire::FileProblem::bad_path;
    co_return file_error(bad, path, 0);
  }
  bool sent_all = false;
  const auto send = [&](std::uint16_t flags, std::string_view bytes) {
    wire::FilePut put;
    put.request = transfer.request();
    put.flags = flags;
    std::string message;
    if ((flags & wire::first_piece) != 0) {
      put.path_bytes = static_cast<std::uint16_t>(path.size());
    }
    message.append(wire::bytes_of(put));
    if (put.path_bytes > 0) message += path;
    message += bytes;
    sandbox_.send(wire::Type::put, context_, message);
  };
  // Also when the caller is cancelled: the guest must not keep what will never be whole.
  OnExit abandon([&] {
    if (!sent_all && sandbox_.lost_reason().empty()) send(wire::abandon, {});
  });
  std::uint16_t flags = wire::first_piece;
  for (auto piece = source(piece_bytes);;) {
    auto following = piece.empty() ? std::string() : source(piece_bytes);
    const bool last = following.empty();
    while (sandbox_.link_.unacknowledged_bytes() > most_on_the_way && !transfer.answered()) {
      if (closed() || deadline.passed()) co_return no_answer(path);
      co_await sleep_for(1ms);
    }
    if (transfer.answered()) break;  // it has gone wrong already
    send(static_cast<std::uint16_t>(flags | (last ? wire::last_piece : 0)), piece);
    sent_all = last;
    if (last) break;
    flags = 0;
    piece = std::move(following);
  }
  const auto answer = co_await transfer.next(body, deadline);
  if (!answer) {
    co_return no_answer(path);
  }
  sent_all = true;
  if (answer->problem != wire::FileProblem::none) co_return file_error(*answer, path, 0);
  co_return boost::system::in_place_value;
}

boost::asio::awaitable<Result<std::uint64_t>> Session::get(std::string path,
                                                           std::uint64_t most_bytes, FileSink sink,
                                                           Deadline deadline) {
  Transfer transfer(sandbox_);
  ask_for_file(wire::Type::get, transfer.request(), path, most_bytes, 0);
  std::string body;
  std::optional<std::uint64_t> size;
  std::uint64_t got = 0;
  // Also when the caller is cancelled: the guest must not go on reading it.
  OnExit abandon([&] {
    if (sandbox_.lost_reason().empty()) abandon_get(transfer.request());
  });
  for (;;) {
    const auto answer = co_await transfer.next(body, deadline);
    if (!answer) co_return no_answer(path);
    if (answer->problem != wire::FileProblem::none) {
      abandon.dismiss();
      co_return file_error(*answer, path, most_bytes);
    }
    if (!size) size = answer->size;
    got += body.size();
    // The guest says what it likes; more than was asked for is not taken.
    if (*size > most_bytes || got > *size) {
      co_return Error(Errc::protocol, "the guest sent more of a file than there was to be");
    }
    if (auto taken = sink(body); !taken) co_return taken.error();
    if ((answer->flags & wire::last_piece) != 0) break;
  }
  abandon.dismiss();
  if (got != *size) co_return Error(Errc::protocol, "the guest sent less of a file than it said");
  co_return got;
}

boost::asio::awaitable<Result<FileList>> Session::list(std::string path, ListOptions options,
                                                       Deadline deadline) {
  Transfer transfer(sandbox_);
  ask_for_file(wire::Type::list, transfer.request(), path, options.most, options.depth);
  FileList found;
  std::string body;
  for (;;) {
    const auto answer = co_await transfer.next(body, deadline);
    if (!answer) co_return no_answer(path);
    if (answer->problem != wire::FileProblem::none) co_return file_error(*answer, path, 0);
    if (!take_entries(body, answer->size, found.files) || found.files.size() > options.most) {
      co_return Error(Errc::protocol, "the guest sent a listing that is none");
    }
    found.truncated = found.truncated || (answer->flags & wire::truncated) != 0;
    if ((answer->flags & wire::last_piece) != 0) break;
  }
  std::sort(found.files.begin(), found.files.end(),
            [](const FileInfo& a, const FileInfo& b) { return a.name < b.name; });
  co_return found;
}

void Session::abandon_get(std::uint64_t request) {
  wire::FileGet get;
  get.request = request;
  get.flags = wire::abandon;
  sandbox_.send(wire::Type::get, context_, wire::bytes_of(get));
}

void Session::ask_for_file(wire::Type type, std::uint64_t request, const std::string& path,
                           std::uint64_t most, std::uint16_t depth) {
  wire::FileGet get;
  get.request = request;
  get.most = most;
  get.depth = depth;
  // One that is too long is refused by init like any other bad path.
  const auto shown = path.substr(0, wire::max_path + 1);
  get.path_bytes = static_cast<std::uint16_t>(shown.size());
  std::string message(wire::bytes_of(get));
  message += shown;
  sandbox_.send(type, context_, message);
}

}  // namespace caisson
