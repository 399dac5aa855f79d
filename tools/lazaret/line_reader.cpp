#include "line_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "output.h"

namespace lazaret::cli {
namespace {

using base::Code;
constexpr std::size_t kReadBytes = 256u << 10;

}  // namespace

LineReader::LineReader(const std::string& path) : name_(path == "-" ? "standard input" : path) {
  file_ = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file_ < 0) fail(errno == ENOENT ? Code::NOT_FOUND : Code::BAD_REQUEST, name_ + ": " + std::strerror(errno));
}

LineReader::~LineReader() {
  if (file_ != STDIN_FILENO) ::close(file_);
}

/// Replaces what was taken; false at the end of the file.
bool LineReader::fill() {
  buffer_.resize(kReadBytes);
  at_ = 0;
  ssize_t read = 0;
  do {
    read = ::read(file_, buffer_.data(), buffer_.size());
  } while (read < 0 && errno == EINTR);
  if (read < 0) fail(Code::BAD_REQUEST, name_ + ": " + std::strerror(errno));
  buffer_.resize(static_cast<std::size_t>(read));
  return read > 0;
}

bool LineReader::next(std::string& line, bool& too_long) {
  line.clear();
  too_long = false;
  bool any = false;
  for (;;) {
    if (at_ == buffer_.size() && !fill()) return any;
    any = true;
    const std::size_t end = buffer_.find('\n', at_);
    const std::size_t until = end == std::string::npos ? buffer_.size() : end;
    too_long = too_long || line.size() + (until - at_) > kLineBytes;
    if (!too_long) line.append(buffer_, at_, until - at_);
    at_ = end == std::string::npos ? until : end + 1;
    if (end != std::string::npos) return true;
  }
}

std::string LineReader::rest(bool& too_long) {
  std::string all;
  too_long = false;
  for (;;) {
    all.append(buffer_, at_, std::string::npos);
    at_ = buffer_.size();
    too_long = all.size() > kLineBytes;
    if (too_long || !fill()) return all;
  }
}

}  // namespace lazaret::cli
