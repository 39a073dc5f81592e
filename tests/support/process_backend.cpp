#include "tests/support/process_backend.h"

#include <signal.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include "sandbox/base/async.h"
#include "sandbox/base/process.h"

namespace caisson::test {
namespace {

using namespace std::chrono_literals;

class SocketStream final : public ByteStream {
 public:
  explicit SocketStream(asio::local::stream_protocol::socket socket) : socket_(std::move(socket)) {}
  asio::awaitable<std::size_t> read_some(asio::mutable_buffer buffer) override {
    boost::system::error_code error;
    const auto got = co_await socket_.async_read_some(
        asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
    if (error && error != asio::error::eof) throw boost::system::system_error(error);
    co_return got;
  }
  asio::awaitable<void> write(asio::const_buffer bytes) override {
    co_await asio::async_write(socket_, bytes, asio::use_awaitable);
  }
  void close() override { socket_.close(); }

 private:
  asio::local::stream_protocol::socket socket_;
};

class ProcessContainer final : public Container {
 public:
  ProcessContainer(std::string id, std::string socket, Child init)
      : id_(std::move(id)), socket_(std::move(socket)), init_(std::move(init)) {}
  const std::string& id() const override { return id_; }
  asio::awaitable<Result<std::unique_ptr<ByteStream>>> connect(Deadline deadline) override {
    while (!deadline.passed()) {
      asio::local::stream_protocol::socket socket(co_await asio::this_coro::executor);
      boost::system::error_code error;
      socket.connect(asio::local::stream_protocol::endpoint(socket_), error);
      if (!error) co_return std::make_unique<SocketStream>(std::move(socket));
      co_await sleep_for(1ms);
    }
    co_return Error(Errc::timed_out, "init does not listen");
  }
  asio::awaitable<void> kill(Deadline) override {
    // SIGTERM: init ends its children first. As a plain process it is not their PID 1.
    init_.signal(SIGTERM);
    if (!ended_) co_await wait_end();
  }
  asio::awaitable<std::string> wait_end() override {
    const auto status = co_await init_.wait();
    ended_ = true;
    co_return status.signal != 0 ? "killed by signal " + std::to_string(status.signal)
                                 : "exited with status " + std::to_string(status.code);
  }

 private:
  const std::string id_;
  const std::string socket_;
  Child init_;
  bool ended_ = false;
};

}  // namespace

std::filesystem::path guest_dir() {
  return std::filesystem::path(CAISSON_BINARY_DIR) / "guest";
}

asio::awaitable<Result<std::string>> ProcessBackend::probe(Deadline) {
  co_return "plain processes";
}

asio::awaitable<Result<ImageInfo>> ProcessBackend::find_image(std::string reference, Deadline) {
  co_return ImageInfo{reference, "none"};
}

asio::awaitable<Result<std::string>> ProcessBackend::provide_image(StoredImage image, Deadline) {
  co_return image.root_dir;
}

asio::awaitable<Result<std::unique_ptr<Container>>> ProcessBackend::start(ContainerSpec spec,
                                                                          Deadline) {
  const auto socket = spec.channel_dir + "/channel.sock";
  Command command;
  command.argv = {spec.guest_dir + "/init", "--listen", socket, "--allow-any-peer"};
  command.err = 2;
  auto init = spawn(command);
  if (!init) co_return init.error();
  last_pid_ = init->pid();
  co_return std::make_unique<ProcessContainer>(spec.id, socket, std::move(*init));
}

std::map<std::string, std::string> ProcessBackend::missing_guarantees(const ContainerSpec&) const {
  return {{"container", "off: plain processes, for tests"}};
}

asio::awaitable<Result<std::vector<std::string>>> ProcessBackend::list(Deadline) {
  co_return std::vector<std::string>{};
}

asio::awaitable<Result<void>> ProcessBackend::remove(std::string, Deadline) {
  co_return boost::system::in_place_value;
}

}  // namespace caisson::test
