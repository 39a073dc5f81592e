// One container with our init in it: starts it, owns its channel, and takes it down. The sessions
// (Python states) in it share the container and nothing else.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "sandbox/base/condition.h"
#include "sandbox/base/deadline.h"
#include "sandbox/base/nursery.h"
#include "sandbox/base/result.h"
#include "sandbox/container/backend.h"
#include "sandbox/egress/proxy.h"
#include "sandbox/policy/compile.h"
#include "sandbox/policy/policy.h"
#include "sandbox/session/link.h"
#include "sandbox/session/running_block.h"
#include "sandbox/session/sandbox_dir.h"

namespace caisson {

class Session;

struct SandboxOptions {
  Policy policy;
  CompiledPolicy compiled;               // of `policy`
  std::string image;                     // as Backend::find_image takes it
  std::filesystem::path guest_dir;       // has init and worker/
  std::string guest_mount = "/caisson";  // where the container sees guest_dir
  std::filesystem::path state_dir;       // of this host's sandboxes; each gets a directory in it
  EgressSettings egress;                 // with network.mode: proxy
};

class Sandbox {
 public:
  // Starts a container and waits until Python runs in it. Leaves nothing behind when it fails.
  //
  // Errors: those of Backend::start; timed_out (policy.time.startup or the deadline);
  // unsupported (the host or the image lacks what the policy requires: no python3, no Landlock);
  // io (the state directory cannot be written); bad_input (a secret of the policy is not there).
  static boost::asio::awaitable<Result<std::unique_ptr<Sandbox>>> start(Backend& backend,
                                                                        SandboxOptions options,
                                                                        Deadline deadline);
  // Goes on with a sandbox that another process has started and left, and whose directory nobody
  // has now. `options` are those that it was started with.
  //
  // Errors: closed (it has ended, or does not answer; what was left of it has been removed),
  // unavailable (another process has it, or the backend does not answer), unsupported (its channel
  // ended with its process) and bad_input (a secret of the policy is not there): then nothing has
  // been touched.
  static boost::asio::awaitable<Result<std::unique_ptr<Sandbox>>> adopt(Backend& backend,
                                                                        std::string id,
                                                                        SandboxOptions options,
                                                                        Deadline deadline);
  // Owners call close() or leave() first.
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  // A new Python state, seeded with names and JSON values. It lives until the
  // sandbox is closed. Errors: closed, timed_out.
  boost::asio::awaitable<Result<std::unique_ptr<Session>>> open_session(nlohmann::json seeds,
                                                                        Deadline deadline);

  // Goes on with the session that an earlier process has opened in this context. A block of that
  // process that still runs is waited for, at most `patience`, and then interrupted; its output is
  // dropped. Errors: not_found (there is no such session), closed, timed_out.
  boost::asio::awaitable<Result<std::unique_ptr<Session>>> adopt_session(std::uint16_t context,
                                                                         Millis patience,
                                                                         Deadline deadline);

  // Keeps it for `session`, a name: see SandboxDir::keep_for(). Error: io.
  Result<void> keep_for(const std::string& session);
  // Goes away and leaves the container running; adopt() finds it again. No block may run. init ends
  // it after the policy's time.idle.
  boost::asio::awaitable<void> leave();

  // Ends every process, removes the container and its directory. Idempotent; blocks that run end
  // as `lost`. Throws Fault when the backend cannot confirm it.
  boost::asio::awaitable<void> close(Deadline deadline);

  // Waits until what was sent has left for the guest.
  boost::asio::awaitable<void> flush(Deadline deadline);

  const std::string& id() const { return id_; }
  const Policy& policy() const { return options_.policy; }
  // Why there is nothing here any more, or empty while all is well.
  const std::string& lost_reason() const { return lost_reason_; }
  // What the backend, the kernel or init cannot enforce here: {"landlock": "off: …"}.
  const nlohmann::json& guarantees() const { return guarantees_; }
  // What has gone through its proxy so far, by whichever process; null: it has none.
  const EgressTotals* egress() const { return egress_ ? &egress_->totals() : nullptr; }
  // What the zygote said of itself: Python's version, modules that could not be preloaded.
  const nlohmann::json& python() const { return python_; }

 private:
  friend class Session;

  struct Context {
    bool opened = false;
    wire::Opened facts;                      // what init said then
    std::string refusal;                     // why it could not be opened
    std::optional<wire::Restored> restored;  // the answer to a rollback
    bool moving = false;  // it is being rolled back or branched: no block may start
    // The last block that ended and that nobody waits for: it is of the process before us.
    wire::Finished finished;
    RunningBlock* running = nullptr;  // on the stack of Session::execute, while that waits
  };

  Sandbox(boost::asio::any_io_executor executor, std::string id, SandboxOptions options);

  boost::asio::awaitable<Result<void>> come_up(Backend& backend, Deadline deadline);
  boost::asio::awaitable<Result<void>> go_on(Backend& backend, Deadline deadline);
  boost::asio::awaitable<bool> open_context(std::uint16_t number, nlohmann::json seeds,
                                            Deadline deadline);
  boost::asio::awaitable<Result<void>> connect(Deadline deadline);
  boost::asio::awaitable<void> stop_driving();
  boost::asio::awaitable<void> drive();
  boost::asio::awaitable<bool> reconnect();
  boost::asio::awaitable<void> read_messages(ByteStream& stream);
  boost::asio::awaitable<void> write_messages(ByteStream& stream);
  boost::asio::awaitable<void> watch_end();
  void receive(GuestMessage& message);
  Result<void> make_egress();  // sandbox_egress.cpp
  void egress_refused(const Refusal& refusal);
  void lose(std::string reason);
  boost::asio::awaitable<void> lift_cpu_limit(bool lifted);
  std::uint64_t next_request() { return ++last_request_; }
  // Queues a message for the guest and wakes the writer.
  void send(wire::Type type, std::uint16_t context, std::string_view body);
  void note_missing(std::uint32_t bits);

  boost::asio::any_io_executor executor_;
  const std::string id_;
  SandboxOptions options_;
  SandboxDir directory_;
  std::unique_ptr<Container> container_;
  std::unique_ptr<ByteStream> stream_;
  std::unique_ptr<EgressProxy> egress_;
  Link link_;
  Nursery nursery_;
  Condition outgoing_;  // there is something to write
  Condition change_;    // what stands below has changed
  std::map<std::uint16_t, Context> contexts_;
  std::uint16_t last_context_ = 0;
  // Answers about files, by the number of the request, while somebody waits for them.
  std::map<std::uint64_t, std::deque<std::string>*> transfers_;
  std::uint64_t last_request_;
  bool ready_ = false;
  bool closing_ = false;
  std::string failure_;  // init's own words about why it cannot start
  std::string lost_reason_;
  std::string last_log_;  // what init or the zygote said last, for error messages
  nlohmann::json guarantees_ = nlohmann::json::object();
  nlohmann::json python_;
};

}  // namespace caisson
