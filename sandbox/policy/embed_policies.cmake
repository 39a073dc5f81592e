# Writes the bundled policies into a C++ file:
#   cmake -D OUT=bundled.cpp -D NAMES=strict,standard -D FROM=policies -P embed_policies.cmake
string(REPLACE "," ";" names "${NAMES}")
set(entries "")
foreach(name ${names})
  file(READ "${FROM}/${name}.yaml" yaml)
  string(APPEND entries "    {\"${name}\", R\"yaml(${yaml})yaml\"},\n")
endforeach()
file(READ "${FROM}/README.md" readme)
string(REGEX REPLACE "^.*\n## Keys\n" "" keys "${readme}")
string(REGEX REPLACE "\n## System calls\n.*$" "" keys "${keys}")
file(WRITE "${OUT}" "// Generated from policies/*.yaml.
#include \"sandbox/policy/bundled.h\"

namespace caisson {

std::span<const BundledPolicy> bundled_policies() {
  static constexpr BundledPolicy policies[] = {
${entries}  };
  return policies;
}

std::string_view policy_keys() {
  return R\"readme(${keys})readme\";
}

}  // namespace caisson
")
