// A daemon with the echo container's root file system as an image.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <string>

#include "sandbox/container/docker.h"
#include "sandbox/container/tar.h"
#include "tests/sandbox/container/echo_container.h"
#include "tests/support/docker_daemon.h"
#include "tests/support/run_coro.h"

namespace caisson::test {

inline const std::string echo_image_name = "caisson/echo-test:latest";

// One daemon and one imported image for all tests of this program.
struct EchoImage : testing::Environment {
  std::unique_ptr<DockerDaemon> daemon;
  std::unique_ptr<TemporaryDirectory> files;
  std::string why_not;

  void SetUp() override {
    daemon = std::make_unique<DockerDaemon>();
    if (!daemon->target()) {
      why_not = daemon->why_not();
      return;
    }
    files = std::make_unique<TemporaryDirectory>();
    make_echo_files(files->path());
    const auto archive = (files->path() / "image.tar").string();
    const auto tar = make_tar((files->path() / "image").string());
    std::ofstream(archive) << *tar;
    DockerBackend backend(*daemon->target());
    const auto imported = run_coro(backend.import_image(archive, "caisson/echo-test", "latest",
                                                        Deadline::after(std::chrono::seconds(60))));
    if (!imported) why_not = imported.error().message;
  }

  void TearDown() override {
    if (daemon->target()) {
      DockerBackend backend(*daemon->target());
      run_coro(backend.api().call("DELETE", "/images/" + echo_image_name + "?force=1",
                                  nlohmann::json(), Deadline::after(std::chrono::seconds(30))));
    }
    files.reset();
    daemon.reset();
  }
};

}  // namespace caisson::test
