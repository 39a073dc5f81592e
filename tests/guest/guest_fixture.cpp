#include "tests/guest/guest_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace caisson::test {

using wire::Type;

namespace {

constexpr int patience_ms = 20000;

std::filesystem::path guest_directory() {
  return std::filesystem::path(CAISSON_BINARY_DIR) / "guest";
}

}  // namespace

Guest::Guest(Change change, Place place, int relay_port) {
  char name[] = "/tmp/caisson-guest-XXXXXX";
  directory_ = ::mkdtemp(name);
  setup_.argv = {"python3", "-I", "-X", "utf8", guest_directory() / "worker/main.py"};
  setup_.env = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8"};
  setup_.working_dir = directory_;
  setup_.worker_config = R"({"preload":[],"workspace":)" + quote(directory_.string()) + "}";
  setup_.limits.stdout_bytes = setup_.limits.stderr_bytes = 64 * 1024;
  setup_.limits.total_bytes = std::uint64_t{8} << 30;
  if (change) change(setup_);

  const auto socket = (directory_ / "channel.sock").string();
  std::vector<std::string> words{guest_directory() / "init", "--listen", socket};
  int ends[2] = {-1, -1};
  if (place == Place::stdio) {
    words = {guest_directory() / "init", "--stdio"};
    ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
  } else if (place == Place::pid_namespace) {
    const std::string unshare[] = {"/usr/bin/unshare", "--pid", "--fork", "--mount-proc",
                                   "--kill-child"};
    words.insert(words.begin(), std::begin(unshare), std::end(unshare));
  } else {
    words.push_back("--allow-any-peer");
  }
  if (relay_port > 0) {
    for (const auto& word : {std::string("--relay"), (directory_ / "relay.sock").string(),
                             std::to_string(relay_port)}) {
      words.push_back(word);
    }
  }
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::setsid();
    if (place == Place::stdio) {
      ::dup2(ends[1], 0);
      ::dup2(ends[1], 1);
    }
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  if (place == Place::stdio) {
    ::close(ends[1]);
    socket_ = ends[0];
    greet();
  } else {
    connect();
  }
}

Guest::~Guest() {
  disconnect();
  if (pid_ > 0) {
    for (const pid_t child : find_processes((directory_ / "channel.sock").string())) {
      ::kill(child, SIGTERM);
    }
    // With --stdio it ends by itself.
    wait_exit();
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void Guest::start() {
  send(Type::setup, 0, wire::encode(setup_));
  receive(Type::ready);
  open(1);
}

wire::Opened Guest::open(std::uint16_t context, std::string_view request) {
  send(Type::open, context, request);
  const auto message = receive(Type::opened);
  std::string_view body = message.body;
  wire::Opened opened;
  wire::take(body, opened);
  return opened;
}

void Guest::connect_without_hello() {
  disconnect();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, (directory_ / "channel.sock").c_str());
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
  for (;;) {
    socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0)
      break;
    ::close(socket_);
    socket_ = -1;
    // init has yet to make its socket.
    if (std::chrono::steady_clock::now() > give_up)
      throw std::runtime_error("init does not listen");
    ::poll(nullptr, 0, 1);
  }
  decoder_ = wire::Decoder();
}

void Guest::keep_open_and_connect() {
  const int before = std::exchange(socket_, -1);
  connect();
  older_socket_ = before;
}

void Guest::connect() {
  connect_without_hello();
  greet();
}

void Guest::greet() {
  wire::Header header;
  header.type = Type::hello;
  header.epoch = ++epoch_;
  const wire::Hello hello{wire::protocol_version, forgot_ ? 1U : 0U, last_received_};
  forgot_ = false;
  std::string bytes;
  wire::append_frame(bytes, header, wire::bytes_of(hello));
  write_raw(bytes);
  for (bool welcomed = false; !welcomed;) {
    wire::Frame frame;
    while (!welcomed && decoder_.next(frame) == wire::Decoder::Step::frame) {
      if (frame.header.type != Type::welcome) throw std::runtime_error("no welcome");
      auto body = frame.body;
      wire::take(body, welcome_);
      welcomed = true;
    }
    if (!welcomed) read_more();
  }
  if (kept_.empty()) next_seq_ = std::max(next_seq_, welcome_.last_seq + 1);
  while (!kept_.empty() && kept_.front().seq <= welcome_.last_seq) kept_.pop_front();
  std::string again;
  for (auto& sent : kept_) {
    stamp(sent.bytes);
    again += sent.bytes;
  }
  if (!again.empty()) write_raw(again);
}

void Guest::disconnect() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
  if (older_socket_ >= 0) ::close(older_socket_);
  older_socket_ = -1;
}

void Guest::forget() {
  forgot_ = true;
  last_received_ = 0;
  next_seq_ = 1;
  kept_.clear();
  partial_.clear();
  waiting_.clear();
}

void Guest::stamp(std::string& frame) const {
  wire::Header header;
  std::memcpy(&header, frame.data(), sizeof(header));
  header.epoch = epoch_;
  header.ack = last_received_;
  std::memcpy(frame.data(), &header, sizeof(header));
}

void Guest::queue(Type type, std::uint16_t context, std::string_view body) {
  do {
    wire::Header header;
    header.type = type;
    header.context = context;
    header.seq = next_seq_++;
    const auto piece = body.substr(0, wire::max_body);
    body.remove_prefix(piece.size());
    header.flags = body.empty() ? 0 : wire::flag_more;
    auto& sent = kept_.emplace_back(Sent{header.seq, {}});
    wire::append_frame(sent.bytes, header, piece);
    stamp(sent.bytes);
  } while (!body.empty());
}

void Guest::send(Type type, std::uint16_t context, std::string_view body) {
  const auto before = kept_.size();
  queue(type, context, body);
  std::string bytes;
  for (auto i = before; i < kept_.size(); ++i) bytes += kept_[i].bytes;
  write_raw(bytes);
}

void Guest::send_and_cut(Type type, std::uint16_t context, std::string_view body,
                         std::size_t bytes) {
  const auto before = kept_.size();
  queue(type, context, body);
  std::string all;
  for (auto i = before; i < kept_.size(); ++i) all += kept_[i].bytes;
  write_raw(std::string_view(all).substr(0, bytes));
  disconnect();
}

void Guest::write_raw(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (wrote < 0) throw std::runtime_error("init closed the connection");
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
}

bool Guest::wait_readable(int ms) {
  pollfd wait{socket_, POLLIN, 0};
  return ::poll(&wait, 1, ms) > 0;
}

void Guest::read_more() {
  if (!wait_readable(patience_ms)) throw std::runtime_error("init is silent; logs: " + logs_);
  const auto space = decoder_.space();
  const ssize_t got = ::read(socket_, space.data(), space.size());
  if (got <= 0) throw std::runtime_error("init closed the connection; logs: " + logs_);
  decoder_.filled(static_cast<std::size_t>(got));
}

bool Guest::read_and_cut(std::size_t bytes) {
  bool finished = false;
  while (bytes > 0 && !finished && wait_readable(patience_ms)) {
    const auto space = decoder_.space();
    const ssize_t got = ::read(socket_, space.data(), std::min(bytes, space.size()));
    if (got <= 0) break;
    decoder_.filled(static_cast<std::size_t>(got));
    bytes -= static_cast<std::size_t>(got);
    GuestMessage message;
    while (take_frame(message)) {
      finished = message.type == Type::finished;
      waiting_.push_back(std::move(message));
    }
  }
  disconnect();
  return bytes == 0 && !finished;
}

bool Guest::at_end() {
  while (wait_readable(patience_ms)) {
    char buffer[4096];
    if (::read(socket_, buffer, sizeof(buffer)) <= 0) return true;
  }
  return false;
}

bool Guest::take_frame(GuestMessage& message) {
  wire::Frame frame;
  for (;;) {
    const auto step = decoder_.next(frame);
    if (step == wire::Decoder::Step::need_more) return false;
    if (step == wire::Decoder::Step::broken) throw std::runtime_error(decoder_.problem());
    const auto& header = frame.header;
    if (header.epoch != epoch_) throw std::runtime_error("a frame of another epoch");
    while (!kept_.empty() && kept_.front().seq <= header.ack) kept_.pop_front();
    if (header.type == Type::guest_ack) continue;
    if (last_received_ != 0 && header.seq != last_received_ + 1) {
      throw std::runtime_error("frame " + std::to_string(header.seq) + " came after " +
                               std::to_string(last_received_));
    }
    last_received_ = header.seq;
    // The host's ack that need not wait for other traffic keeps init from filling its buffer.
    if (last_received_ % 64 == 0 && socket_ >= 0) {
      wire::Header ack;
      ack.type = Type::host_ack;
      ack.epoch = epoch_;
      ack.ack = last_received_;
      std::string bytes;
      wire::append_frame(bytes, ack, "");
      write_raw(bytes);
    }
    auto& body = partial_[{header.type, header.context}];
    body += frame.body;
    if (frame.more()) continue;
    message = {header.type, header.context, std::move(body)};
    partial_.erase({header.type, header.context});
    if (message.type == Type::log) logs_ += message.body + "\n";
    return true;
  }
}

GuestMessage Guest::receive() {
  GuestMessage message;
  if (!waiting_.empty()) {
    message = std::move(waiting_.front());
    waiting_.pop_front();
    return message;
  }
  while (!take_frame(message)) read_more();
  return message;
}

GuestMessage Guest::receive(Type type) {
  for (;;) {
    auto message = receive();
    if (message.type == type) return message;
    if (message.type == Type::failed) throw std::runtime_error("failed: " + message.body);
  }
}

void Guest::execute(std::uint64_t block, std::string_view code, wire::Execute limits,
                    std::uint16_t context) {
  limits.block = block;
  const auto json = R"({"code":)" + quote(code) + "}";
  send(Type::execute, context, std::string(wire::bytes_of(limits)) + json);
}

BlockRecord Guest::finish(std::uint64_t block, std::uint16_t context) {
  BlockRecord record;
  for (;;) {
    const auto message = receive();
    if (message.context != context) continue;
    std::string_view body = message.body;
    wire::BlockNumber number;
    switch (message.type) {
      case Type::output: {
        wire::Output output;
        if (!wire::take(body, output) || output.block != block)
          throw std::runtime_error("output of another block");
        (output.stream == 2 ? record.err : output.tail != 0 ? record.out_tail : record.out) += body;
        break;
      }
      case Type::display:
        if (wire::take(body, number)) record.displays.emplace_back(body);
        break;
      case Type::result:
        if (wire::take(body, number) && number.block == block) record.result += body;
        break;
      case Type::denied: {
        wire::DeniedCall call;
        if (wire::take(body, call)) record.denials.push_back(call);
        break;
      }
      case Type::finished:
        if (!wire::take(body, record.finished) || record.finished.block != block)
          throw std::runtime_error("another block finished");
        return record;
      default:
        break;
    }
  }
}

BlockRecord Guest::run(std::string_view code, wire::Execute limits, std::uint16_t context) {
  execute(++block_, code, limits, context);
  return finish(block_, context);
}

int Guest::wait_exit() {
  int status = 0;
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
  while (::waitpid(pid_, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > give_up) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, &status, 0);
      break;
    }
    ::poll(nullptr, 0, 2);
  }
  pid_ = 0;
  return status;
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string value_of(const BlockRecord& record) {
  const std::string key = R"("text/plain":")";
  const auto at = record.result.find(key);
  if (at == std::string::npos) return "none in " + record.result;
  const auto begin = at + key.size();
  return record.result.substr(begin, record.result.find('"', begin) - begin);
}

}  // namespace caisson::test
