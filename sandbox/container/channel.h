// The way to a container's init: a unix socket in a directory that host and container share.
#pragma once

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>

#include "sandbox/base/deadline.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"
#include "sandbox/container/backend.h"

namespace caisson {

// The file name of init's socket in ContainerSpec::channel_dir.
inline constexpr const char* channel_file = "channel.sock";
// And of the one for lines to its proxy.
inline constexpr const char* egress_file = "egress.sock";

// A connected stream socket as a ByteStream.
boost::asio::awaitable<std::unique_ptr<ByteStream>> make_socket_stream(OwnedFd socket);

// One attempt to reach init's socket. The directory is the guest's to change, so the file is opened
// without following links and must be a socket, and the process that listens must be `init` (a
// process id of this host; 0: not known) when the kernel can say which one it is.
//
// Nothing while nobody listens yet. Errors: protocol (somebody else listens, or it is something
// else), io.
Result<OwnedFd> try_channel(const std::string& channel_dir, pid_t init,
                            const char* file = channel_file);

// Tries until somebody listens. `ended` is asked between attempts and says why there is no
// container any more, or nothing while it runs; then the error is closed. Errors: timed_out, and
// those of try_channel.
using EndedCheck = std::function<boost::asio::awaitable<std::string>()>;
boost::asio::awaitable<Result<std::unique_ptr<ByteStream>>> connect_channel(std::string channel_dir,
                                                                            pid_t init,
                                                                            EndedCheck ended,
                                                                            Deadline deadline);

// Removes the socket and whatever else lies in the directory, but not the directory itself.
void clear_channel(const std::string& channel_dir);

}  // namespace caisson
