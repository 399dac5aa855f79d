// The path of a directory that somebody has named.
#pragma once

#include <string>

namespace lazaret::storage {

/// Absolute, without dots, and without a slash behind it: so its parent is another directory, and two names of one are
/// the same text (but for symbolic links, which stay). "" stays "".
std::string directory_path(const std::string& named);

}  // namespace lazaret::storage
