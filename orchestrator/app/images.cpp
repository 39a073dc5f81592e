#include "orchestrator/app/images.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "sandbox/base/json.h"

namespace caisson {

namespace asio = boost::asio;

namespace {

bool is_plain_name(const std::string& image) {
  return image.find_first_of("/:@.") == std::string::npos;
}

}  // namespace

asio::awaitable<Result<std::string>> find_image(Backend& backend, const Config& wanted,
                                                Deadline deadline) {
  auto config = wanted;
  if (config.image.empty()) config.image = "python";
  if (!is_plain_name(config.image)) {
    auto found = co_await backend.find_image(config.image, deadline);
    if (!found) co_return found.error();
    co_return config.image;
  }
  const auto directory = config.state_dir / "images" / config.image;
  std::ifstream file(directory / "manifest.json");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const auto manifest = parse_json(text);
  if (!manifest) {
    co_return Error(
        Errc::not_found,
        fmt::format("there is no image '{}' in {}\nbuild it with: images/python/build{}",
                    config.image, directory.parent_path().string(),
                    config.image == "python" ? ""
                    : config.image == "data-science"
                        ? " --name data-science"
                        : " --name " + config.image + " --with PACKAGES"));
  }
  StoredImage image;
  image.name = config.image;
  image.root_dir = (directory / "rootfs").string();
  image.tar_file = directory.string() + ".tar";
  image.digest = get_string(*manifest, "digest");
  co_return co_await backend.provide_image(std::move(image), deadline);
}

}  // namespace caisson
