#include "stopped_broker.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "output.h"
#include "storage/rocks_store.h"

namespace lazaret::cli {
namespace {

using base::Code;

/// Whether a broker runs on it. Reading takes no lock, and would see a torn picture.
bool is_locked(const std::string& directory) {
  const int file = ::open((directory + "/LOCK").c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return false;
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const bool held = ::fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  ::close(file);
  return held;
}

}  // namespace

std::unique_ptr<model::Store> open_stopped(const std::string& directory) {
  if (!std::filesystem::is_directory(directory)) fail(Code::NOT_FOUND, "there is no directory " + directory);
  if (is_locked(directory))
    fail(Code::DIRECTORY_LOCKED, "a broker runs on " + directory + ": ask it, without --data-dir");
  auto store = storage::open_store({.data_dir = directory, .read_only = true});
  if (!store.ok()) fail(store.status());
  return std::move(*store);
}

}  // namespace lazaret::cli
