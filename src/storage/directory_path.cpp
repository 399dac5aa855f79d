#include "storage/directory_path.h"

#include <filesystem>
#include <system_error>

namespace lazaret::storage {

std::string directory_path(const std::string& named) {
  std::error_code error;
  std::filesystem::path path = std::filesystem::absolute(named, error);
  if (named.empty() || error) return named;
  path = path.lexically_normal();
  // "/srv/new/" is a directory "new" with an empty name in it.
  if (!path.has_filename()) path = path.parent_path();
  return path.string();
}

}  // namespace lazaret::storage
