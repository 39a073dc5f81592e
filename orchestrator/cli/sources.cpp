#include "orchestrator/cli/sources.h"

#include "orchestrator/cli/files.h"

namespace caisson {

void SourceFlags::add_to(CLI::App& command) {
  command.add_option("-c", code_, "code of a block")
      ->type_name("CODE")
      ->take_all()
      ->allow_extra_args(false);
  command.add_option("FILE", files_, "file with a block's code");
}

Result<std::vector<Source>> SourceFlags::read(const CLI::App& command,
                                              std::uint64_t limit_bytes) const {
  std::vector<Source> sources;
  auto code = code_.begin();
  auto file = files_.begin();
  for (const auto* option : command.parse_order()) {
    if (option->get_name() == "-c" && code != code_.end()) {
      sources.push_back({"-c", *code++});
    } else if (option->get_name() == "FILE" && file != files_.end()) {
      auto text = read_file(*file, limit_bytes);
      if (!text) return text.error();
      sources.push_back({*file++, std::move(*text)});
    }
  }
  return sources;
}

}  // namespace caisson
