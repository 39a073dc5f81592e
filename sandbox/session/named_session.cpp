#include "sandbox/session/named_session.h"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "sandbox/base/async.h"
#include "sandbox/container/tar.h"
#include "sandbox/policy/show.h"
#include "sandbox/session/replay.h"

namespace caisson {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

// For a block that a killed command has left running.
constexpr auto patience = 2s;

std::string times(std::size_t count) {
  return count == 1 ? "1 block was" : fmt::format("{} blocks were", count);
}

}  // namespace

std::string policy_fingerprint(const Policy& policy, const CompiledPolicy& compiled) {
  auto bare = policy;
  bare.origins.clear();
  return sha256_hex(show(bare, compiled));
}

Error another_setting(const SessionRecord& record, std::string_view what, const std::string& has,
                      const std::string& wants) {
  return Error(Errc::bad_input,
               fmt::format("session {0} has the {1} '{2}', and this command wants '{3}': leave "
                           "--{1} out, use another name, or begin again with --fresh",
                           record.name, what, has, wants));
}

NamedSession::NamedSession(SandboxManager& manager, const SessionStore& store, OwnedFd lock,
                           NamedRequest request)
    : manager_(manager), store_(store), lock_(std::move(lock)), request_(std::move(request)) {}

asio::awaitable<Result<std::unique_ptr<NamedSession>>> NamedSession::open(SandboxManager& manager,
                                                                          const SessionStore& store,
                                                                          OwnedFd lock,
                                                                          NamedRequest request,
                                                                          Deadline deadline) {
  std::unique_ptr<NamedSession> named(
      new NamedSession(manager, store, std::move(lock), std::move(request)));
  std::optional<Error> failure;
  std::exception_ptr fault;
  try {
    auto found = co_await named->find(deadline);
    if (!found) failure = found.error();
  } catch (...) {
    fault = std::current_exception();
  }
  if (!failure && !fault) co_return std::move(named);
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  // What goes wrong with a session that lives is no reason to end it.
  if (named->found_) {
    co_await named->leave_sandbox();
  } else {
    co_await named->drop_sandbox();
  }
  // A session that was never made leaves no lock behind.
  const auto record = store.load(named->request_.name);
  if (!record && record.error().code == Errc::not_found) store.remove(named->request_.name);
  if (fault) std::rethrow_exception(fault);
  co_return *failure;
}

asio::awaitable<Result<void>> NamedSession::find(Deadline deadline) {
  auto record = store_.load(request_.name);
  const bool is_new = !record && record.error().code == Errc::not_found;
  if (!record && !is_new) co_return record.error();
  if (is_new && request_.want == NamedRequest::Want::existing) co_return record.error();
  if (auto can = manager_.backend().keeps_containers(); !can) {
    co_return Error(can.error().code,
                    fmt::format("a session cannot be kept here: {}", can.error().message));
  }
  if (is_new) co_return co_await make(deadline);
  record_ = std::move(*record);
  if (request_.want == NamedRequest::Want::fresh) {
    // Its branches live on in the old one.
    if (store_.siblings(record_).empty()) {
      auto ended = co_await manager_.remove_sandbox(record_.sandbox, deadline);
      if (!ended) co_return ended.error();
    }
    news_.push_back(fmt::format("session {} starts empty", record_.name));
    co_return co_await make(deadline);
  }
  if (auto fits = check_fits(); !fits) co_return fits.error();
  co_return co_await adopt(deadline);
}

Result<void> NamedSession::check_fits() const {
  if (record_.backend != manager_.backend().name()) {
    return another_setting(record_, "backend", record_.backend,
                           std::string(manager_.backend().name()));
  }
  if (record_.image != request_.image) {
    return another_setting(record_, "image", record_.image, request_.image);
  }
  if (record_.policy_hash == request_.policy_hash) return boost::system::in_place_value;
  if (record_.policy != request_.policy) {
    return another_setting(record_, "policy", record_.policy, request_.policy);
  }
  return Error(Errc::bad_input,
               fmt::format("the policy '{}' is another one than when session {} was started: put "
                           "it back, use another name, or begin again with --fresh",
                           record_.policy, record_.name));
}

asio::awaitable<Result<void>> NamedSession::adopt(Deadline deadline) {
  auto sandbox =
      co_await Sandbox::adopt(manager_.backend(), record_.sandbox, request_.options, deadline);
  if (!sandbox && sandbox.error().code != Errc::closed) co_return sandbox.error();
  const auto now = now_seconds();
  if (!sandbox) co_return co_await make_again(why_ended(record_, now, boot_seconds()), deadline);
  sandbox_ = std::move(*sandbox);
  found_ = true;
  auto session = co_await sandbox_->adopt_session(record_.context, patience, deadline);
  if (!session) {
    found_ = false;
    if (store_.siblings(record_).empty()) {
      co_await drop_sandbox();
    } else {
      co_await leave_sandbox();
    }
    co_return co_await make_again(session.error().message, deadline);
  }
  session_ = std::move(*session);
  auto journal = BlockJournal::open(store_.journal(record_.name));
  if (!journal) co_return journal.error();
  journal_ = std::move(*journal);
  if (auto agreed = agree_with_journal(); !agreed) co_return agreed.error();
  session_->keep_journal(*journal_);
  co_return save();
}

// What init says of the state is true; the journal may lack how the last block of a command that
// was killed has ended.
Result<void> NamedSession::agree_with_journal() {
  const auto live = session_->state().checkpoint;
  if (const auto& open = journal_->content().open) {
    const auto number = open->number;
    const bool ran = number <= session_->last_block();
    if (auto settled = journal_->settle(live); !settled) return settled.error();
    news_.push_back(
        fmt::format("block {} of session {} was under way when an earlier command was killed; {}",
                    number, record_.name,
                    !ran             ? "it did not run"
                    : live == number ? "it has run to its end and its output is lost"
                                     : "it was stopped and its effects are gone"));
  }
  const auto& kept = journal_->content().kept;
  if (kept.empty() || kept.back().number <= live) return boost::system::in_place_value;
  return journal_->went_back(live);
}

asio::awaitable<Result<void>> NamedSession::make(Deadline deadline) {
  const auto created = now_seconds();
  record_ = SessionRecord{};
  record_.name = request_.name;
  record_.created = created;
  if (auto started = co_await start(deadline); !started) co_return started.error();
  std::error_code ignored;
  fs::remove(store_.journal(record_.name), ignored);
  auto journal = BlockJournal::open(store_.journal(record_.name));
  if (!journal) co_return journal.error();
  journal_ = std::move(*journal);
  session_->keep_journal(*journal_);
  co_return save();
}

asio::awaitable<Result<void>> NamedSession::make_again(std::string why, Deadline deadline) {
  auto journal = BlockJournal::open(store_.journal(record_.name));
  const auto name = record_.name;
  if (!journal || journal->content().full || journal->content().kept.empty()) {
    const auto problem = !journal                  ? "; " + journal.error().message
                         : journal->content().full ? "; its journal is not complete"
                                                   : std::string();
    news_.push_back(
        fmt::format("session {} has ended ({}){}; a new one is started", name, why, problem));
    co_return co_await make(deadline);
  }
  if (auto started = co_await start(deadline); !started) co_return started.error();
  const auto until = deadline.sooner(Deadline::after(request_.rebuild_time));
  news_.push_back(fmt::format("session {} had ended ({})", name, why));
  auto again = co_await run_again(journal->content().kept, until);
  if (!again) {
    co_return Error(again.error().code,
                    fmt::format("session {} had ended ({}), and cannot be rebuilt: {}; begin again "
                                "with --fresh",
                                name, why, again.error().message));
  }
  co_return save();
}

asio::awaitable<Result<void>> NamedSession::run_again(std::vector<JournalBlock> blocks,
                                                      Deadline deadline) {
  // A journal of its own, in the place of the old one when all is done: whoever kills us meanwhile
  // finds the old one.
  const auto place = store_.journal(record_.name);
  const auto next = place.parent_path() / ("." + place.filename().string() + ".next");
  std::error_code error;
  fs::remove(next, error);
  auto journal = BlockJournal::open(next);
  if (!journal) co_return journal.error();
  journal_ = std::move(*journal);
  session_->keep_journal(*journal_);
  auto done = co_await replay(*session_, std::move(blocks), deadline);
  if (!done) co_return done.error();
  fs::rename(next, place, error);
  if (error) {
    co_return Error(Errc::io, fmt::format("{}: {}", place.string(), error.message()));
  }
  journal_->renamed(place);
  record_.rebuilt =
      fmt::format("{} run again; times, random numbers and files may differ", times(done->blocks));
  for (const auto& difference : done->differences) record_.rebuilt += "; " + difference;
  news_.push_back(record_.rebuilt);
  session_->note("rebuilt", record_.rebuilt);
  co_return boost::system::in_place_value;
}

asio::awaitable<Result<void>> NamedSession::start(Deadline deadline) {
  auto sandbox = co_await manager_.start(request_.options, deadline);
  if (!sandbox) co_return sandbox.error();
  sandbox_ = std::move(*sandbox);
  auto session = co_await sandbox_->open_session(nlohmann::json::object(), deadline);
  if (!session) co_return session.error();
  session_ = std::move(*session);
  record_.sandbox = sandbox_->id();
  record_.context = session_->context();
  record_.backend = manager_.backend().name();
  record_.image = request_.image;
  record_.policy = request_.policy;
  record_.policy_hash = request_.policy_hash;
  record_.idle_ms = static_cast<std::uint64_t>(request_.options.policy.time.idle.count());
  record_.lifetime_ms = static_cast<std::uint64_t>(request_.options.policy.time.session.count());
  record_.started = now_seconds();
  record_.rebuilt.clear();
  // The directory first: what a record names must not look like an orphan.
  co_return sandbox_->keep_for(record_.name);
}

Result<void> NamedSession::save() {
  record_.last_used = now_seconds();
  return store_.save(record_);
}

asio::awaitable<void> NamedSession::drop_sandbox() {
  session_.reset();
  journal_.reset();
  if (const auto sandbox = std::move(sandbox_)) co_await sandbox->close(Deadline::after(20s));
}

asio::awaitable<Result<void>> NamedSession::branch(std::string name, OwnedFd lock,
                                                   std::optional<std::uint64_t> checkpoint,
                                                   Deadline deadline) {
  const auto held = std::move(lock);
  const auto there = store_.load(name);
  if (there || there.error().code != Errc::not_found) {
    co_return Error(Errc::bad_input,
                    fmt::format("there is a session {} already: choose another name, or end it "
                                "with 'caisson sessions kill {}'",
                                name, name));
  }
  auto made = co_await session_->branch(deadline, checkpoint);
  if (!made) co_return made.error();
  auto record = record_;
  record.name = name;
  record.context = (*made)->context();
  record.created = record.last_used = now_seconds();
  std::error_code error;
  fs::copy_file(store_.journal(record_.name), store_.journal(name),
                fs::copy_options::overwrite_existing, error);
  if (error) {
    (*made)->close();
    co_return Error(Errc::io,
                    fmt::format("{}: {}", store_.journal(name).string(), error.message()));
  }
  if (auto journal = BlockJournal::open(store_.journal(name)); journal && checkpoint) {
    if (auto back = journal->went_back(*checkpoint); !back) co_return back.error();
  }
  // Its own name keeps the branch from now on: it is not closed here.
  co_return store_.save(record);
}

asio::awaitable<void> NamedSession::give_up() {
  session_->close();
  co_await sandbox_->flush(Deadline::after(2s));
  const auto name = record_.name;
  co_await leave_sandbox();
  store_.remove(name);
}

asio::awaitable<void> NamedSession::keep() {
  // It is another one when the best of several candidates was taken.
  record_.context = session_->context();
  const bool lost = session_->closed();
  // What cannot be written now is only the time of the last use.
  static_cast<void>(save());
  if (lost) co_return co_await drop_sandbox();
  co_await leave_sandbox();
}

asio::awaitable<void> NamedSession::leave_sandbox() {
  session_.reset();
  journal_.reset();
  if (const auto sandbox = std::move(sandbox_)) co_await sandbox->leave();
}

asio::awaitable<Result<void>> end_named_session(Backend& backend, const SessionStore& store,
                                                fs::path state_dir, OwnedFd lock, std::string name,
                                                Deadline deadline) {
  const auto held = std::move(lock);
  const auto record = store.load(name);
  if (record && store.siblings(*record).empty()) {
    auto removed =
        co_await remove_left_sandbox(backend, std::move(state_dir), record->sandbox, deadline);
    if (!removed) co_return removed.error();
  } else if (!record && record.error().code != Errc::protocol) {
    // A record that nobody can read names nothing that could be removed besides it.
    co_return record.error();
  }
  store.remove(name);
  co_return boost::system::in_place_value;
}

}  // namespace caisson
