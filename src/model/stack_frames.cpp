// Reads the names of functions out of stacks, line by line (model/fingerprint.h).
#include <algorithm>
#include <deque>
#include <optional>

#include "model/fingerprint.h"
#include "model/text_scan.h"

namespace lazaret::model {
namespace {

std::size_t count_digits(std::string_view text) {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  return count;
}

/// "at NAME(": Java, JavaScript, .NET.
std::optional<std::string_view> frame_at(std::string_view line) {
  if (!take_prefix(line, "at ")) return std::nullopt;
  while (take_prefix(line, "async ") || take_prefix(line, "new ")) {
  }
  const std::size_t paren = line.find('(');
  if (paren == std::string_view::npos || paren == 0) return std::nullopt;
  std::string_view name = trimmed(line.substr(0, paren));
  name = trimmed(name.substr(0, name.find(" [as ")));  // JavaScript: by which name it was called
  if (const std::size_t generic = name.find('['); generic != std::string_view::npos) name = name.substr(0, generic);
  // Java: the class loader and the module.
  if (const std::size_t module = name.rfind('/'); module != std::string_view::npos) name.remove_prefix(module + 1);
  if (name.empty() || name.find(' ') != std::string_view::npos) return std::nullopt;
  return name;
}

/// Where the arguments begin: the first parenthesis outside of <>, which is not of an operator().
std::string_view without_arguments(std::string_view name) {
  constexpr std::string_view kAnonymous = "(anonymous namespace)";
  std::size_t depth = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool arrow = i > 0 && name[i - 1] == '-';
    if (name[i] == '<') ++depth;
    if (name[i] == '>' && depth > 0 && !arrow) --depth;
    if (name[i] != '(' || depth > 0) continue;
    if (name.substr(i).starts_with(kAnonymous)) {
      i += kAnonymous.size() - 1;
    } else if (name.substr(0, i).ends_with("operator") && name.substr(i).starts_with("()")) {
      ++i;
    } else {
      return trimmed(name.substr(0, i));
    }
  }
  return trimmed(name);
}

/// "#3 0x000055d0 in NAME (ARGUMENTS) at FILE" and " 3# NAME(ARGUMENTS) at FILE".
std::optional<std::string_view> frame_numbered(std::string_view line) {
  const bool hash_first = take_prefix(line, "#");
  const std::size_t digits = count_digits(line);
  if (digits == 0) return std::nullopt;
  line.remove_prefix(digits);
  if (!hash_first && !take_prefix(line, "#")) return std::nullopt;
  if (!line.starts_with(' ')) return std::nullopt;
  line = trimmed(line);
  if (line.starts_with("0x")) {
    const std::size_t in = line.find(" in ");
    if (in == std::string_view::npos || line.find(' ') != in) return std::nullopt;
    line.remove_prefix(in + 4);
  }
  const std::string_view all = line;
  line = without_arguments(line);
  // Without arguments: what is behind the name is the file.
  if (line.size() == all.size()) line = trimmed(line.substr(0, line.find(" at ")));
  if (line.size() == all.size()) line = trimmed(line.substr(0, line.find(" /")));
  if (line.empty() || line == "??") return std::nullopt;
  return line;
}

/// "./program(NAME+0x1a) [0x4005d0]": backtrace_symbols, mangled as it is.
std::optional<std::string_view> frame_symbol(std::string_view line) {
  const std::size_t open = line.find('(');
  if (open == std::string_view::npos || !line.ends_with(']')) return std::nullopt;
  const std::size_t plus = line.find("+0x", open);
  const std::size_t close = line.find(") [0x", open);
  if (plus == std::string_view::npos || close == std::string_view::npos || plus > close || plus == open + 1) {
    return std::nullopt;
  }
  return line.substr(open + 1, plus - open - 1);
}

/// `File "/app/ledger.py", line 12, in post`: the file is a part of the name, since functions have short ones.
std::optional<std::string> frame_python(std::string_view line) {
  if (!take_prefix(line, "File \"")) return std::nullopt;
  const std::size_t quote = line.find("\", line ");
  const std::size_t in = quote == std::string_view::npos ? quote : line.find(", in ", quote);
  if (in == std::string_view::npos) return std::nullopt;
  std::string_view file = line.substr(0, quote);
  const std::size_t slash = file.find_last_of("/\\");
  if (slash != std::string_view::npos) file.remove_prefix(slash + 1);
  file = file.substr(0, file.rfind('.'));
  return std::string(file) + "." + std::string(trimmed(line.substr(in + 5)));
}

/// "main.(*Server).post(0xc000012, 0x3)", with the file on the next line.
std::optional<std::string_view> frame_go(std::string_view line, std::string_view next) {
  const bool is_place = next.starts_with('\t') && next.find(".go:") != std::string_view::npos;
  if (!is_place || line.starts_with('\t') || !line.ends_with(')')) return std::nullopt;
  std::string_view name = line.substr(0, line.rfind('('));
  // What raises a panic is in every one.
  if (name.empty() || name == "panic" || name.starts_with("runtime.") || name.starts_with("runtime/")) {
    return std::nullopt;
  }
  if (const std::size_t slash = name.rfind('/'); slash != std::string_view::npos) name.remove_prefix(slash + 1);
  return name;
}

/// Compilers number what has no name, and proxies have addresses.
std::string stable(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size() && out.size() < kFrameBytes; ++i) {
    if (!is_digit(name[i])) {
      out += name[i];
    } else if (i == 0 || !is_digit(name[i - 1])) {
      out += '#';
    }
  }
  // What was cut is not cut within a character.
  const bool cut = out.size() == kFrameBytes;
  while (cut && !out.empty() && (static_cast<unsigned char>(out.back()) & 0x80) != 0) out.pop_back();
  return out;
}

class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  std::string_view next() {
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }
  bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

}  // namespace

std::string top_frames(std::string_view details) {
  std::deque<std::string> frames;  // Python's have the newest last
  bool python = false;
  Lines lines(details);
  for (std::string_view line = lines.next(), next; !line.empty() || !lines.done(); line = next) {
    next = lines.next();
    const std::string_view text = trimmed(line);
    if (const auto frame = frame_python(text)) {
      if (!python) frames.clear();
      python = true;
      frames.push_front(stable(*frame));
      if (frames.size() > kFrames) frames.pop_back();
      continue;
    }
    if (python || frames.size() == kFrames) continue;
    auto frame = frame_at(text);
    if (!frame) frame = frame_numbered(text);
    if (!frame) frame = frame_symbol(text);
    if (!frame) frame = frame_go(line, next);
    if (frame) frames.push_back(stable(*frame));
  }
  std::string out;
  for (const std::string& frame : frames) out += (out.empty() ? "" : "\n") + frame;
  return out;
}

}  // namespace lazaret::model
