// Named sets of system calls. The names follow systemd's where it has one; the contents are ours:
// systemd's @aio has io_uring, its @ipc process_vm_readv, its @process unshare.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace caisson {

struct SyscallGroup {
  std::string_view name;  // "@python"
  std::string_view text;  // what it is, for a person
  // Names of calls and of other groups, separated by spaces. Names that the libseccomp at hand does
  // not know are left out.
  std::string_view members;
};

std::span<const SyscallGroup> syscall_groups();

// The calls of a group, members of member groups included, or nothing when there is no such group.
std::optional<std::vector<std::string>> expand_group(std::string_view name);

// Whether x86-64 has a call of this name, and libseccomp knows it.
bool known_syscall(std::string_view name);
// Its number, or -1.
int syscall_number(std::string_view name);
// Its name, or "syscall_<number>".
std::string syscall_name(int number);
// Every number that libseccomp has a name for, rising.
const std::vector<int>& known_syscall_numbers();

}  // namespace caisson
