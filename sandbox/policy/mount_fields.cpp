#include <fmt/format.h>

#include "sandbox/policy/fields.h"
#include "sandbox/policy/units.h"
#include "sandbox/policy/values.h"

namespace caisson {
namespace {

constexpr std::uint64_t TiB = 1ULL << 40;

std::vector<MountField> make_mount_fields() {
  const auto of = [](Mount::Type type, std::string value) -> std::optional<std::string> {
    return type == Mount::Type::tmpfs ? std::optional(std::move(value)) : std::nullopt;
  };
  const auto yes_no = [](bool value) { return std::string(value ? "true" : "false"); };
  return {
      {"type", false,
       [](std::string_view value, Mount& mount) -> std::string {
         if (value != "tmpfs" && value != "bind") {
           return fmt::format("'{}' is not one of tmpfs, bind", value);
         }
         const auto type = value == "bind" ? Mount::Type::bind : Mount::Type::tmpfs;
         // Another kind of mount keeps nothing of the inherited one.
         if (type != mount.type) mount = Mount{type, mount.target, "", 0, 0, false, false};
         return "";
       },
       [](const Mount& mount) -> std::optional<std::string> {
         return mount.type == Mount::Type::tmpfs ? "tmpfs" : "bind";
       }},
      {"source", false,
       [](std::string_view value, Mount& mount) {
         mount.source = std::string(value);
         return std::string();
       },
       [](const Mount& mount) -> std::optional<std::string> {
         if (mount.type == Mount::Type::tmpfs) return std::nullopt;
         return yaml_text(mount.source);
       }},
      {"size", false,
       [](std::string_view value, Mount& mount) {
         return read_size(value, 0, 64 * TiB, mount.size_bytes);
       },
       [of](const Mount& mount) { return of(mount.type, format_size(mount.size_bytes)); }},
      {"inodes", true,
       [](std::string_view value, Mount& mount) {
         std::int64_t number = 0;
         auto wrong = read_whole(value, 0, 1LL << 40, number);
         if (wrong.empty()) mount.inodes = static_cast<std::uint64_t>(number);
         return wrong;
       },
       [of](const Mount& mount) { return of(mount.type, std::to_string(mount.inodes)); }},
      {"read_only", true,
       [](std::string_view value, Mount& mount) { return read_flag(value, mount.read_only); },
       [yes_no](const Mount& mount) { return std::optional(yes_no(mount.read_only)); }},
      {"executable", true,
       [](std::string_view value, Mount& mount) { return read_flag(value, mount.executable); },
       [of, yes_no](const Mount& mount) { return of(mount.type, yes_no(mount.executable)); }},
  };
}

}  // namespace

const std::vector<MountField>& mount_fields() {
  static const auto fields = make_mount_fields();
  return fields;
}

}  // namespace caisson
