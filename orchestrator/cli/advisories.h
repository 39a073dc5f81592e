// Known holes of the programs beneath us, and whether a version has the repair.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace caisson {

struct Advisory {
  std::string_view component;              // runc, containerd, docker
  std::string_view id;                     // "CVE-2024-21626"
  std::string_view what;                   // one line for a person
  std::vector<std::string_view> fixed_in;  // first repaired version of each branch, in order
};

std::span<const Advisory> advisories();

// Compares versions as their projects mean them: "1.4.0-rc.3" < "1.4.0" < "1.4.1" < "1.10.0". What
// a distribution adds ("1.1.5+ds1", "1.6.20~ds1") does not count.
int compare_versions(std::string_view one, std::string_view other);

enum class Standing {
  fixed,         // this version has the repair
  distribution,  // it has not, but a distribution that keeps it may have put the repair in
  open,
};

// `package`: the distribution's version of it ("1.1.5+ds1-1+deb12u1"), or empty.
Standing standing(const Advisory& advisory, std::string_view version, std::string_view package);

}  // namespace caisson
