#include <fmt/format.h>

#include "sandbox/policy/fields.h"
#include "sandbox/policy/table.h"
#include "sandbox/policy/units.h"
#include "sandbox/policy/values.h"

namespace caisson {
namespace {

constexpr std::uint64_t TiB = 1ULL << 40;

using Text = std::optional<std::string>;

Table make_mount_table() {
  const auto mounts = [](auto& policy) -> auto& { return policy.filesystem.mounts; };
  const auto of_tmpfs = [](const Mount& mount, std::string value) {
    return mount.type == Mount::Type::tmpfs ? Text(std::move(value)) : std::nullopt;
  };
  const auto yes_no = [](bool value) { return std::string(value ? "true" : "false"); };
  return TableOf<Mount, decltype(mounts)>("target to mount",
                                          "/data: {type: bind, source: /srv/data, read_only: true}",
                                          mounts, &Mount::target)
      .leaf(
          "type", false, choice_schema({"tmpfs", "bind"}),
          [](std::string_view value, Mount& mount) -> std::string {
            if (value != "tmpfs" && value != "bind") {
              return fmt::format("'{}' is not one of tmpfs, bind", value);
            }
            const auto type = value == "bind" ? Mount::Type::bind : Mount::Type::tmpfs;
            // Another kind of mount keeps nothing of the inherited one.
            if (type != mount.type) mount = Mount{type, mount.target, "", 0, 0, false, false};
            return "";
          },
          [](const Mount& mount) {
            return Text(mount.type == Mount::Type::tmpfs ? "tmpfs" : "bind");
          })
      .first()
      .leaf(
          "source", false, std::string(text_schema),
          [](std::string_view value, Mount& mount) {
            mount.source = std::string(value);
            return std::string();
          },
          [](const Mount& mount) {
            return mount.type == Mount::Type::tmpfs ? std::nullopt : Text(yaml_text(mount.source));
          })
      .leaf(
          "size", false, size_schema(0),
          [](std::string_view value, Mount& mount) {
            return read_size(value, 0, 64 * TiB, mount.size_bytes);
          },
          [=](const Mount& mount) { return of_tmpfs(mount, format_size(mount.size_bytes)); })
      .leaf(
          "inodes", true, whole_schema(0, 1LL << 40),
          [](std::string_view value, Mount& mount) {
            std::int64_t number = 0;
            auto wrong = read_whole(value, 0, 1LL << 40, number);
            if (wrong.empty()) mount.inodes = static_cast<std::uint64_t>(number);
            return wrong;
          },
          [=](const Mount& mount) { return of_tmpfs(mount, std::to_string(mount.inodes)); })
      .leaf(
          "read_only", true, std::string(flag_schema),
          [](std::string_view value, Mount& mount) { return read_flag(value, mount.read_only); },
          [=](const Mount& mount) { return Text(yes_no(mount.read_only)); })
      .leaf(
          "executable", true, std::string(flag_schema),
          [](std::string_view value, Mount& mount) { return read_flag(value, mount.executable); },
          [=](const Mount& mount) { return of_tmpfs(mount, yes_no(mount.executable)); })
      .done();
}

}  // namespace

const Table& mount_table() {
  static const auto table = make_mount_table();
  return table;
}

}  // namespace caisson
