#include "model/fingerprint.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "model/text_scan.h"

namespace lazaret::model {
namespace {

bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_word(char c) { return is_digit(c) || is_letter(c); }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

constexpr std::size_t kUuidText = 36;
/// What stands in quotes is looked for no further than this.
constexpr std::size_t kQuotedBytes = 512;
/// A word of this length with digits in so many places is an id (a ULID, a token), not a name.
constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kIdDigitRuns = 3;
constexpr std::size_t kMailBytes = 128;
constexpr std::size_t kAddressBytes = 64;

/// What begins a quotation, and what may end it: one or the other.
struct Quotes {
  std::string_view open;
  std::array<std::string_view, 2> close;
};
constexpr std::array<Quotes, 9> kQuotes = {{
    {"\"", {"\"", ""}},
    {"'", {"'", ""}},
    {"`", {"`", ""}},
    {"\u201c", {"\u201d", ""}},        // English
    {"\u2018", {"\u2019", ""}},        // the same, single
    {"\u201e", {"\u201c", "\u201d"}},  // German, Polish
    {"\u201a", {"\u2018", "\u2019"}},  // the same, single
    {"\u00ab", {"\u00bb", ""}},        // French
    {"\u00bb", {"\u00ab", ""}},        // as books in German have them
}};

/// Words with '#' in place of what varies; `text_` is read from left to right.
class Normaliser {
 public:
  explicit Normaliser(std::string_view text) : text_(text) {}

  std::string run() {
    while (at_ < text_.size() && out_.size() <= kFingerprintTextBytes) {
      const bool taken = take_uuid() || take_quoted() || take_time() || take_hardware_address() || take_address() ||
                         take_bracketed_address() || take_mail() || take_word();
      if (!taken) take_other();
    }
    while (!out_.empty() && out_.back() == ' ') out_.pop_back();
    cut();
    return std::move(out_);
  }

 private:
  char char_at(std::size_t i) const { return i < text_.size() ? text_[i] : '\0'; }
  bool begins_word() const { return at_ == 0 || !is_word(text_[at_ - 1]); }

  /// Something that varies ends at `end`. Next to another, with one separator between, it is the same: of a version, a
  /// list, a time or an address nobody asks how many numbers it has.
  void vary(std::size_t end) {
    at_ = end;
    std::size_t keep = out_.size();
    if (keep > 0 && out_[keep - 1] == ' ') --keep;
    const bool separated = keep > 0 && std::string_view(".:-/,+").find(out_[keep - 1]) != std::string_view::npos;
    if (separated && keep > 1 && out_[keep - 2] == '#') {
      out_.resize(keep - 1);
      return;
    }
    const bool has_sign = !out_.empty() && (out_.back() == '-' || out_.back() == '+');
    if (has_sign && (out_.size() == 1 || !is_word(out_[out_.size() - 2]))) out_.pop_back();
    out_ += '#';
  }

  bool take_uuid() {
    if (!begins_word() || !base::Uuid::parse(text_.substr(at_, kUuidText))) return false;
    vary(at_ + kUuidText);
    return true;
  }

  static const Quotes* quotes_at(std::string_view text) {
    for (const Quotes& quotes : kQuotes) {
      if (text.starts_with(quotes.open)) return &quotes;
    }
    return nullptr;
  }

  static std::string_view close_at(std::string_view text, const Quotes& quotes) {
    for (const std::string_view close : quotes.close) {
      if (!close.empty() && text.starts_with(close)) return close;
    }
    return {};
  }

  /// Where the quotation that begins here ends, before its closing mark, and that mark. One behind a backslash stands
  /// for itself, unless there is no other: a path may end in one.
  std::optional<std::pair<std::size_t, std::string_view>> end_of_quotation(const Quotes& quotes) const {
    const std::size_t most = std::min(text_.size(), at_ + kQuotedBytes);
    std::optional<std::pair<std::size_t, std::string_view>> escaped;
    bool after_backslash = false;
    for (std::size_t i = at_ + quotes.open.size(); i < most; ++i) {
      const bool is_escaped = std::exchange(after_backslash, text_[i] == '\\' && !after_backslash);
      const std::string_view close = close_at(text_.substr(i, most - i), quotes);
      if (close.empty()) continue;
      const bool before_word = is_word(char_at(i + close.size()));
      if (is_escaped) {
        if (!before_word && !escaped) escaped = {i, close};
      } else if (!before_word) {
        return std::pair(i, close);
      } else if ((close != "'" && close != "\u2019") || !is_word(text_[i - 1])) {
        break;  // no apostrophe within a word
      }
    }
    return escaped;
  }

  /// An apostrophe within or behind a word is none of ours.
  bool take_quoted() {
    const Quotes* quotes = quotes_at(text_.substr(at_));
    if (quotes == nullptr || !begins_word()) return false;
    const auto end = end_of_quotation(*quotes);
    if (!end) return false;
    out_ += quotes->open;
    out_ += '#';
    out_ += end->second;
    at_ = end->first + end->second.size();
    return true;
  }

  bool digits(std::size_t& at, std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i) {
      if (!is_digit(char_at(at + i))) return false;
    }
    at += count;
    return true;
  }

  /// 2026-11-23, with T or a space and 20:04:48.123Z or +02:00 behind it.
  bool take_time() {
    if (!begins_word() || !is_digit(text_[at_])) return false;
    std::size_t end = at_;
    const bool date = digits(end, 4) && char_at(end) == '-' && digits(++end, 2) && char_at(end) == '-' &&
                      digits(++end, 2) && !is_digit(char_at(end));
    if (!date) return false;
    std::size_t time = end + 1;
    const bool parted = char_at(end) == 'T' || char_at(end) == 't' || char_at(end) == ' ';
    if (parted && digits(time, 2) && char_at(time) == ':' && digits(++time, 2)) {
      end = time;
      while (char_at(end) == ':' || char_at(end) == '.' || char_at(end) == ',') {
        if (!is_digit(char_at(end + 1))) break;
        for (++end; is_digit(char_at(end));) ++end;
      }
      if (char_at(end) == 'Z' || char_at(end) == 'z') ++end;
    }
    vary(end);
    return true;
  }

  /// Of IPv6 and of hardware: hexadecimal words with colons between, two at least, and a digit somewhere.
  bool take_address() {
    if (!begins_word() || (!is_hex(text_[at_]) && text_[at_] != ':')) return false;
    std::size_t end = at_;
    std::size_t colons = 0;
    bool has_digit = false;
    std::size_t word = 0;
    for (; end < at_ + kAddressBytes && (is_hex(char_at(end)) || char_at(end) == ':'); ++end) {
      word = char_at(end) == ':' ? 0 : word + 1;
      if (word > 4) return false;
      colons += char_at(end) == ':' ? 1 : 0;
      has_digit = has_digit || is_digit(char_at(end));
    }
    while (end > at_ && text_[end - 1] == ':' && (end < at_ + 2 || text_[end - 2] != ':')) {
      --end;  // "10:20:30: no route" ends with a colon that is none of it
      --colons;
    }
    if (colons < 2 || !has_digit || is_word(char_at(end))) return false;
    vary(end);
    return true;
  }

  /// aa:bb:cc:dd:ee:ff or aa-bb-cc-dd-ee-ff: six pairs, or eight, also without a digit.
  bool take_hardware_address() {
    constexpr std::size_t kPair = 2, kPairs = 6, kLongPairs = 8;
    if (!begins_word()) return false;
    const char separator = char_at(at_ + kPair);
    if (separator != ':' && separator != '-') return false;
    std::size_t end = at_;
    std::size_t pairs = 0;
    while (pairs < kLongPairs && is_hex(char_at(end)) && is_hex(char_at(end + 1))) {
      end += kPair;
      ++pairs;
      if (char_at(end) != separator || !is_word(char_at(end + 1))) break;
      ++end;
    }
    if ((pairs != kPairs && pairs != kLongPairs) || is_word(char_at(end)) || text_[end - 1] == separator) return false;
    vary(end);
    return true;
  }

  /// [2001:db8::1] and [fe80::1%eth0]:443, which vary as 10.1.1.1:443 does. [20:04:48] is none.
  bool take_bracketed_address() {
    constexpr std::size_t kColonsOfAll = 7;
    if (text_[at_] != '[' || !begins_word()) return false;
    std::size_t end = at_ + 1;
    std::size_t colons = 0;
    bool has_digit = false, shortened = false;
    for (; end < at_ + kAddressBytes && (is_hex(char_at(end)) || char_at(end) == ':' || char_at(end) == '.'); ++end) {
      const bool colon = char_at(end) == ':';
      shortened = shortened || (colon && text_[end - 1] == ':');
      colons += colon ? 1 : 0;
      has_digit = has_digit || is_digit(char_at(end));
    }
    if (!(shortened || colons == kColonsOfAll) || !(has_digit || colons == end - at_ - 1)) return false;
    if (char_at(end) == '%') {
      for (++end; end < at_ + kAddressBytes && (is_word(char_at(end)) || char_at(end) == '-');) ++end;
    }
    if (char_at(end) != ']') return false;
    ++end;
    if (char_at(end) == ':' && is_digit(char_at(end + 1))) {
      for (++end; is_digit(char_at(end));) ++end;
    }
    if (is_word(char_at(end))) return false;
    vary(end);
    return true;
  }

  /// somebody@somewhere.example
  bool take_mail() {
    if (!begins_word() || !is_word(text_[at_])) return false;
    const auto belongs = [](char c) { return is_word(c) || c == '.' || c == '-' || c == '_' || c == '+'; };
    if (at_ < no_mail_before_) return false;
    std::size_t end = at_;
    while (belongs(char_at(end)) && end < at_ + kMailBytes) ++end;
    if (char_at(end) != '@' || !is_word(char_at(end + 1))) {
      no_mail_before_ = end;  // nor of the words in it
      return false;
    }
    for (++end; belongs(char_at(end));) ++end;
    while (!is_word(text_[end - 1])) --end;
    vary(end);
    return true;
  }

  bool take_word() {
    if (!is_word(text_[at_])) return false;
    std::size_t end = at_;
    while (is_word(char_at(end))) ++end;
    const std::string_view word = text_.substr(at_, end - at_);
    const bool prefixed = word.starts_with("0x") || word.starts_with("0X");
    std::size_t digit_runs = 0;
    bool hex = true;
    for (std::size_t i = prefixed ? 2 : 0; i < word.size(); ++i) {
      digit_runs += is_digit(word[i]) && (i == 0 || !is_digit(word[i - 1])) ? 1 : 0;
      hex = hex && is_hex(word[i]);
    }
    // "dead" may be a word, "0xdead" is a number.
    const bool is_number = hex && (prefixed || digit_runs > 0);
    if (is_number || (word.size() >= kIdBytes && digit_runs >= kIdDigitRuns)) {
      vary(end);
      return true;
    }
    for (std::size_t i = 0; i < word.size(); ++i) {
      if (!is_digit(word[i])) {
        out_ += word[i];
      } else if (i == 0 || !is_digit(word[i - 1])) {
        out_ += '#';
      }
    }
    at_ = end;
    return true;
  }

  void take_other() {
    const char c = text_[at_++];
    if (!is_space(c)) {
      out_ += c;
    } else if (!out_.empty() && out_.back() != ' ') {
      out_ += ' ';
    }
  }

  /// Not within a character of UTF-8.
  void cut() {
    if (out_.size() <= kFingerprintTextBytes) return;
    std::size_t end = kFingerprintTextBytes;
    while (end > 0 && (static_cast<unsigned char>(out_[end]) & 0xc0) == 0x80) --end;
    out_.resize(end);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t no_mail_before_ = 0;
  std::string out_;
};

/// FNV-1a: not for adversaries, only short and the same for ever.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3ull;
  return hash;
}

}  // namespace

std::string normalised_error(std::string_view text) { return Normaliser(text).run(); }

GroupId group_of(const CaseRecord& record) {
  std::string cause;
  for (const std::string& part : {record.subscription, record.summary.type, record.last_error.type}) {
    cause += part;
    cause += '\0';
  }
  cause += normalised_error(record.last_error.message);
  if (!record.error_frames.empty()) {
    cause += '\0';
    cause += record.error_frames;
  }
  constexpr unsigned kUnusedBits = 16;
  const std::uint64_t value = hash_of(cause) >> kUnusedBits;
  return GroupId{value == 0 ? 1 : value};
}

}  // namespace lazaret::model
