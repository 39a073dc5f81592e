#include "sandbox/guest/init/zygote.h"

#include <errno.h>

#include "sandbox/guest/init/confine.h"

namespace caisson::guest {
namespace {

constexpr std::size_t max_last_words = 2048;

}  // namespace

bool Zygote::spawn(const wire::Setup& setup) {
  Fd theirs = pair.open();
  Fd log_end;
  if (!theirs || !make_pipe(log, log_end)) return false;
  const pid_t child = ::fork();
  if (child < 0) return false;
  if (child == 0) become_zygote(setup, theirs.get(), log_end.get());
  pid = child;
  state = State::starting;
  missing = 0;
  last_words.clear();
  wire::Header header;
  header.type = wire::Type::setup;
  std::string_view rest = setup.worker_config;
  do {
    const auto piece = rest.substr(0, wire::max_body);
    rest.remove_prefix(piece.size());
    header.flags = rest.empty() ? 0 : wire::flag_more;
    pair.send(header, piece);
  } while (!rest.empty());
  return true;
}

bool Zygote::read_log(std::string& text) {
  char buffer[4096];
  const ssize_t got = ::read(log.get(), buffer, sizeof(buffer));
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  text.assign(buffer, static_cast<std::size_t>(got));
  last_words += text;
  if (last_words.size() > max_last_words) {
    last_words.erase(0, last_words.size() - max_last_words);
  }
  return true;
}

bool Zygote::fork_head(std::uint16_t context, std::string_view request, std::vector<Fd> ends) {
  if (state != State::ready) return false;
  wire::Header header;
  header.type = wire::Type::open;
  header.context = context;
  return pair.send(header, request, {}, std::move(ends));
}

}  // namespace caisson::guest
