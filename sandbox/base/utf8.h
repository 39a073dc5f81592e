#pragma once

#include <cstddef>
#include <string_view>

namespace caisson {

// Offset of the first byte that is not part of well-formed UTF-8 (no surrogates, no overlong
// forms), or text.size() when all is well.
std::size_t invalid_utf8(std::string_view text);

}  // namespace caisson
