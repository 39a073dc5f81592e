// What the fuzz targets share. Each takes bytes that somebody else chose and checks a claim:
// besides that nothing crashes, that it is the same however the bytes are cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// A finding: libFuzzer keeps the input.
inline void require(bool holds) {
  if (!holds) std::abort();
}
