// Starts the real init as a plain process (no container, no PID namespace), with the real Python
// worker behind it, and plays the host: everything over init's socket, as PROTOCOL.md says.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/wire/frame.h"
#include "sandbox/wire/message.h"
#include "sandbox/wire/setup.h"

namespace caisson::test {

struct GuestMessage {
  wire::Type type = wire::Type::guest_ack;
  std::uint16_t context = 0;
  std::string body;
};

// What came of one block.
struct BlockRecord {
  std::string out;       // as it streamed
  std::string out_tail;  // from the end, after dropped bytes
  std::string err;
  std::string result;  // Python's JSON
  std::vector<std::string> displays;
  std::vector<wire::DeniedCall> denials;
  wire::Finished finished;
};

class Guest {
 public:
  using Change = std::function<void(wire::Setup&)>;
  enum class Place {
    plain_process,
    pid_namespace,  // as PID 1, with a /proc of its own, and every peer checked; needs root
    stdio,          // the channel is its stdin and stdout
  };
  // Starts init and connects. `change` alters the setup before it is sent.
  // `relay_port`: where the sandbox's proxy is to be; its lines are at directory() / "relay.sock".
  explicit Guest(Change change = {}, Place place = Place::plain_process, int relay_port = 0);
  ~Guest();
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  // Sends the setup, waits for `ready`, opens context 1.
  void start();
  wire::Opened open(std::uint16_t context, std::string_view request = R"({"seeds":{}})");

  // The connection. Everything here throws std::runtime_error when init is silent for 20 s.
  void connect();
  void disconnect();
  void connect_without_hello();
  // Connects again while the connection before is still open.
  void keep_open_and_connect();
  // A host that has forgotten every number.
  void forget();
  void send(wire::Type type, std::uint16_t context, std::string_view body);
  // Sends at most so many bytes of what is queued, then cuts the connection.
  void send_and_cut(wire::Type type, std::uint16_t context, std::string_view body,
                    std::size_t bytes);
  // Reads so many bytes, then cuts the connection. False: the block was finished before.
  bool read_and_cut(std::size_t bytes);
  GuestMessage receive();
  // Skips messages of other types.
  GuestMessage receive(wire::Type type);
  // Whether something comes within this time.
  bool wait_readable(int ms);
  void write_raw(std::string_view bytes);
  bool at_end();  // reads until init closes the connection

  // Blocks.
  void execute(std::uint64_t block, std::string_view code, wire::Execute limits = {},
               std::uint16_t context = 1);
  BlockRecord finish(std::uint64_t block, std::uint16_t context = 1);
  BlockRecord run(std::string_view code, wire::Execute limits = {}, std::uint16_t context = 1);
  std::uint64_t last_block() const { return block_; }

  // Of init; in a PID namespace, of the unshare(1) above it.
  pid_t pid() const { return pid_; }
  // Waits for init's end; its wait status.
  int wait_exit();
  const std::filesystem::path& directory() const { return directory_; }
  const std::string& logs() const { return logs_; }
  std::uint64_t received_seq() const { return last_received_; }
  const wire::Welcome& welcome() const { return welcome_; }
  wire::Setup& setup() { return setup_; }

 private:
  struct Sent {
    std::uint64_t seq;
    std::string bytes;
  };
  void greet();
  void stamp(std::string& frame) const;
  void queue(wire::Type type, std::uint16_t context, std::string_view body);
  void read_more();
  bool take_frame(GuestMessage& message);

  std::filesystem::path directory_;
  wire::Setup setup_;
  pid_t pid_ = 0;
  int socket_ = -1;
  int older_socket_ = -1;
  std::uint32_t epoch_ = 0;
  std::uint64_t next_seq_ = 1;
  std::uint64_t last_received_ = 0;
  bool forgot_ = false;
  wire::Welcome welcome_;
  wire::Decoder decoder_;
  std::deque<Sent> kept_;
  std::map<std::pair<wire::Type, std::uint16_t>, std::string> partial_;
  std::deque<GuestMessage> waiting_;
  std::string logs_;
  std::uint64_t block_ = 0;
};

// Why there can be no PID namespaces here; empty when there can.
std::string no_pid_namespace();

std::string quote(std::string_view text);         // as a JSON string
std::string value_of(const BlockRecord& record);  // text/plain of the result, unquoted

// Processes of this machine whose command line has this word.
std::vector<pid_t> find_processes(std::string_view word);
std::uint64_t resident_bytes(pid_t pid);
bool is_alive(pid_t pid);  // and no zombie
bool is_descendant(pid_t pid, pid_t ancestor);
std::vector<pid_t> descendants(pid_t ancestor);

}  // namespace caisson::test
