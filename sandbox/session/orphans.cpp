#include "sandbox/session/orphans.h"

#include <algorithm>

#include "sandbox/base/async.h"
#include "sandbox/session/sandbox_dir.h"
#include "sandbox/session/session_store.h"

namespace caisson {

using namespace std::chrono_literals;

namespace {

// Whether a named session still counts on it: the one that it was made for, or a branch of that.
asio::awaitable<bool> is_kept(Backend& backend, const SandboxDir& directory,
                              const SessionStore& store) {
  if (directory.facts().session.empty()) co_return false;
  const auto names = store.names();
  const bool wanted = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    const auto record = store.load(name);
    return record && record->sandbox == directory.id();
  });
  if (!wanted) co_return false;
  const auto running =
      co_await backend.attach(directory.id(), directory.channel().string(), Deadline::after(5s));
  co_return running || running.error().code != Errc::closed;
}

}  // namespace

asio::awaitable<void> remove_orphans(Backend& backend, std::filesystem::path state_dir) {
  const SessionStore store(state_dir);
  // Before the directories: a container always has one while it is somebody's.
  auto containers = co_await backend.list(Deadline::after(10s));
  for (auto& orphan : find_orphans(state_dir)) {
    // Without a name it never got as far as a container.
    const auto& owner = orphan.facts().backend;
    if (!owner.empty() && owner != backend.name()) continue;
    if (co_await is_kept(backend, orphan, store)) continue;
    auto removed = co_await backend.remove(orphan.id(), Deadline::after(10s));
    if (!removed && removed.error().code != Errc::not_found) continue;
    orphan.remove();
  }
  if (!containers) co_return;
  for (const auto& id : *containers) {
    std::error_code error;
    if (std::filesystem::exists(state_dir / "sandboxes" / id, error)) continue;
    co_await backend.remove(id, Deadline::after(10s));
  }
}

}  // namespace caisson
