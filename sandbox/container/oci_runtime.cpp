#include "sandbox/container/oci_runtime.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "sandbox/base/async.h"
#include "sandbox/base/process.h"
#include "sandbox/container/channel.h"
#include "sandbox/container/image_dir.h"
#include "sandbox/container/oci_container.h"
#include "sandbox/container/own_root.h"
#include "sandbox/container/tar.h"
#include "sandbox/container/words.h"

namespace caisson {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

OciPlace place_of(const RuncOptions& options, const std::string& id) {
  return {.program = options.program,
          .root = options.state_dir / "runc",
          .bundle = options.state_dir / "bundles" / id,
          .id = id};
}

std::string last_path_part(const std::string& program) {
  return fs::path(program).filename().string();
}

struct Pipe {
  OwnedFd read;
  OwnedFd write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  // Not blocking at either end: nobody reads while all is well, and init must not hang on it.
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return Error(Errc::io, std::strerror(errno));
  return Pipe{OwnedFd(ends[0]), OwnedFd(ends[1])};
}

Result<Pipe> make_socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error(Errc::io, std::strerror(errno));
  }
  return Pipe{OwnedFd(ends[0]), OwnedFd(ends[1])};
}

// What to do about it, from the words of the runtime.
std::string advice(const std::string& problem) {
  const auto says = [&problem](const char* words) {
    return problem.find(words) != std::string::npos;
  };
  if (says("creating user namespace") || says("unshare user") || says("clone: operation not")) {
    return "\nThis host does not let users make user namespaces: run as root, or allow them "
           "(sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces)";
  }
  if (says("read-only file system") || says("mkdir")) {
    return "\nThe image lacks a mount point and it cannot be made there: build the image with "
           "images/python/build, or make the directory in it";
  }
  if (says("cgroup")) {
    return "\nThe runtime cannot use this host's cgroups: see `caisson doctor`";
  }
  return "";
}

}  // namespace

// While a runtime starts a container, its init must become a child of ours when the runtime exits:
// only a parent learns how it ended, and must reap it. The switch is the whole process's, so it is
// on for no longer than that.
class RuncBackend::AdoptsOrphans {
 public:
  explicit AdoptsOrphans(int& count) : count_(count) {
    if (count_++ == 0) ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  }
  ~AdoptsOrphans() {
    if (--count_ == 0) ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  }
  AdoptsOrphans(const AdoptsOrphans&) = delete;
  AdoptsOrphans& operator=(const AdoptsOrphans&) = delete;

 private:
  int& count_;
};

RuncBackend::RuncBackend(RuncOptions options)
    : options_(std::move(options)),
      name_(last_path_part(options_.program)),
      host_(look_at_oci_host()) {}

asio::awaitable<Result<std::string>> RuncBackend::probe(Deadline deadline) {
  Command command;
  command.argv = {options_.program, "--version"};
  auto done = co_await run(command, deadline);
  if (!done || !done->status.ok()) {
    const auto why = done ? last_line(done->err) : done.error().message;
    co_return Error(Errc::unavailable,
                    fmt::format("{}: {}\nInstall it (apt install runc), or use Docker "
                                "(--backend docker)",
                                options_.program, why));
  }
  std::error_code error;
  fs::create_directories(options_.state_dir / "bundles", error);
  if (error || ::access((options_.state_dir / "bundles").c_str(), W_OK) != 0) {
    co_return Error(
        Errc::unavailable,
        fmt::format("the state directory {} cannot be written: {}\nChoose another one "
                    "with --state-dir",
                    options_.state_dir.string(), error ? error.message() : std::strerror(errno)));
  }
  // "runc version 1.1.5+ds1", "crun version 1.8.1"
  auto version = done->out.substr(0, done->out.find('\n'));
  if (const auto at = version.find(" version "); at != version.npos) version.erase(at, 8);
  co_return host_.rootless ? version + " (rootless)" : version;
}

asio::awaitable<Result<ImageInfo>> RuncBackend::find_image(std::string reference, Deadline) {
  auto job = [reference] { return list_image_dir(reference); };
  auto listed = co_await run_blocking(job);
  if (!listed) co_return listed.error();
  co_return ImageInfo{std::move(reference), "sha256:" + sha256_hex(*listed)};
}

asio::awaitable<Result<std::string>> RuncBackend::provide_image(StoredImage image, Deadline) {
  std::error_code error;
  if (fs::is_directory(image.root_dir, error)) co_return image.root_dir;
  co_return Error(Errc::not_found,
                  fmt::format("image '{}' has no root file system at {}: build it again",
                              image.name, image.root_dir));
}

Result<void> RuncBackend::write_bundle(const ContainerSpec& spec) {
  auto config = oci_config(spec, host_);
  if (!config) return config.error();
  const auto place = place_of(options_, spec.id);
  std::error_code error;
  fs::create_directories(place.bundle.parent_path(), error);
  if (!error && !fs::create_directory(place.bundle, error) && !error) {
    return Error(Errc::bad_input, fmt::format("there is a container {} already", spec.id));
  }
  ::chmod(place.bundle.c_str(), 0700);
  std::ofstream file(place.bundle / "config.json");
  file << config->dump();
  file.close();
  if (error || !file) {
    std::error_code ignored;
    fs::remove_all(place.bundle, ignored);
    return Error(Errc::io, fmt::format("cannot write {}: {} (choose another place with "
                                       "--state-dir)",
                                       place.bundle.string(),
                                       error ? error.message() : std::strerror(errno)));
  }
  return boost::system::in_place_value;
}

asio::awaitable<Result<std::unique_ptr<Container>>> RuncBackend::start(ContainerSpec spec,
                                                                       Deadline deadline) {
  if (spec.guest_delivery != ContainerSpec::GuestDelivery::bind) {
    co_return Error(Errc::unsupported, "only Docker can get the guest's files by volume");
  }
  if (!spec.runtime.empty()) {
    co_return Error(Errc::unsupported,
                    fmt::format("the policy wants runtime.handler '{}', which is Docker's to "
                                "start: use --backend docker",
                                spec.runtime));
  }
  if (!fs::is_directory(spec.image)) {
    co_return image_dir_missing(spec.image);
  }
  // runc refuses a root that is reached through a symlink.
  std::error_code unresolved;
  spec.image = fs::canonical(spec.image, unresolved).string();
  if (unresolved) co_return image_dir_missing(spec.image);
  if (auto written = write_bundle(spec); !written) co_return written.error();
  const auto place = place_of(options_, spec.id);
  const AdoptsOrphans adopts(adopting_);
  std::optional<Child> runtime;
  std::optional<Error> failure;
  std::exception_ptr fault;
  try {
    auto container = co_await run_bundle(spec, runtime, deadline);
    const auto state = co_await asio::this_coro::cancellation_state;
    // A cancellation that came when the last step was done already: nobody takes what is returned.
    if (container && state.cancelled() != asio::cancellation_type::none) {
      throw boost::system::system_error(asio::error::operation_aborted);
    }
    if (container) co_return container;
    failure = container.error();
  } catch (...) {
    fault = std::current_exception();
  }
  // When the caller has been cancelled, this must be done nevertheless; and with time of its own,
  // since it is needed most when the deadline has passed.
  co_await asio::this_coro::throw_if_cancelled(false);
  // Not killed half-way: what it had started then would be nobody's.
  if (runtime) co_await with_timeout(runtime->wait(), Deadline::after(10s));
  const auto left = co_await remove_oci(place, Deadline::after(10s));
  if (!spec.channel_dir.empty()) clear_channel(spec.channel_dir);
  co_await asio::this_coro::throw_if_cancelled(true);
  if (fault) std::rethrow_exception(fault);
  if (!left.empty()) failure->message += "\nand then: " + left;
  co_return *failure;
}

asio::awaitable<Result<std::unique_ptr<Container>>> RuncBackend::run_bundle(
    const ContainerSpec& spec, std::optional<Child>& runtime, Deadline deadline) {
  const auto place = place_of(options_, spec.id);
  const auto pid_file = place.bundle / "pid";
  auto words = make_pipe();
  if (!words) co_return words.error();
  Pipe stdio;
  if (spec.channel_dir.empty()) {
    auto pair = make_socket_pair();
    if (!pair) co_return pair.error();
    stdio = std::move(*pair);
  }
  Command command;
  command.argv = in_own_root(place.command({"run", "--detach", "--bundle", place.bundle.string(),
                                            "--pid-file", pid_file.string(), spec.id}));
  command.in = command.out = stdio.write ? stdio.write.get() : -1;
  command.err = words->write.get();
  // When we are killed half-way, nobody would know of a container that comes up later.
  command.dies_with_us = true;
  auto child = spawn(command);
  if (!child && child.error().code == Errc::not_found) {
    co_return Error(Errc::unavailable, child.error().message +
                                           "\nInstall it (apt install runc), or use Docker "
                                           "(--backend docker)");
  }
  if (!child) co_return child.error();
  runtime = std::move(*child);
  const auto status = co_await with_timeout(runtime->wait(), deadline);
  if (!status) {
    co_return Error(Errc::timed_out, fmt::format("{} did not start the container in time", name_));
  }
  runtime.reset();
  if (!status->ok()) {
    const auto problem = read_last_words(words->read.get());
    co_return Error(
        Errc::unsupported,
        fmt::format("{} cannot start the container: {}{}", name_,
                    problem.empty() ? "it does not say why" : problem, advice(problem)));
  }
  OciContainer::Parts parts;
  parts.place = place;
  parts.channel_dir = spec.channel_dir;
  parts.words = std::move(words->read);
  parts.stdio = std::move(stdio.read);
  std::ifstream(pid_file) >> parts.init;
  if (parts.init > 1) {
    parts.init_fd.reset(static_cast<int>(::syscall(SYS_pidfd_open, parts.init, 0)));
  }
  if (!parts.init_fd) {
    co_return Error(Errc::io,
                    fmt::format("{} started a container but does not say its process", name_));
  }
  ::fcntl(parts.init_fd.get(), F_SETFD, FD_CLOEXEC);
  co_return std::make_unique<OciContainer>(std::move(parts));
}

asio::awaitable<Result<std::unique_ptr<Container>>> RuncBackend::attach(std::string id,
                                                                        std::string channel_dir,
                                                                        Deadline) {
  if (channel_dir.empty()) {
    co_return Error(Errc::unsupported, "a channel through stdin and stdout ends with its process");
  }
  OciContainer::Parts parts;
  parts.place = place_of(options_, id);
  parts.channel_dir = std::move(channel_dir);
  parts.init = find_init(parts.place, parts.init_fd);
  if (parts.init == 0) co_return Error(Errc::closed, "the container does not run any more");
  co_return std::make_unique<OciContainer>(std::move(parts));
}

std::map<std::string, std::string> RuncBackend::missing_guarantees(const ContainerSpec&) const {
  std::map<std::string, std::string> missing;
  const auto note = [&](const char* what, bool has, const char* why) {
    if (host_.rootless) {
      missing[what] = "off: not root, so there are no cgroups to give";
    } else if (!has) {
      missing[what] = why;
    }
  };
  note("memory_limit", host_.cgroup_memory, "off: this host has no memory cgroups");
  note("cpu_share", host_.cgroup_cpu, "off: this host has no cpu cgroups");
  note("process_limit", host_.cgroup_pids, "off: this host has no pids cgroups");
  if (host_.rootless) {
    missing["user"] =
        fmt::format("user {} of the host, as 0 of its own user namespace and without capabilities",
                    host_.user.uid);
  }
  return missing;
}

asio::awaitable<Result<std::vector<std::string>>> RuncBackend::list(Deadline) {
  std::vector<std::string> ids;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(options_.state_dir / "bundles", error)) {
    ids.push_back(entry.path().filename().string());
  }
  co_return ids;
}

asio::awaitable<Result<void>> RuncBackend::remove(std::string id, Deadline deadline) {
  const auto place = place_of(options_, id);
  if (id.empty() || id.find_first_of("/.") != id.npos || !fs::exists(place.bundle)) {
    co_return Error(Errc::not_found, fmt::format("there is no container '{}'", id));
  }
  const auto left = co_await remove_oci(place, deadline);
  if (!left.empty()) co_return Error(Errc::io, left);
  co_return boost::system::in_place_value;
}

}  // namespace caisson
