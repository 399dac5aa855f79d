// LineReader: lines of a file of any size, one at a time.
#pragma once

#include <string>

namespace lazaret::cli {

class LineReader {
 public:
  /// A longer line is cut and marked: no broker takes such a message. The largest that one takes has 256 MiB, a third
  /// more in base64, and a case has its attempts beside it.
  static constexpr std::size_t kLineBytes = 384u << 20;

  /// "-" for standard input. Throws Error when the file cannot be opened or read.
  explicit LineReader(const std::string& path);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  /// The next line without its line feed; false at the end. The last one needs no line feed.
  bool next(std::string& line, bool& too_long);
  /// All that is left.
  std::string rest(bool& too_long);

 private:
  bool fill();

  const std::string name_;
  int file_ = -1;
  std::string buffer_;
  std::size_t at_ = 0;
};

}  // namespace lazaret::cli
