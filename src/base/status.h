// Status and Result: how every room reports what it could not do.
//
// Expected failures are values of these types; a programmer's mistake is an LZ_ASSERT; a broken environment
// (disk, memory) ends the process. No exception crosses a room.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/assert.h"
#include "base/error_table.h"

namespace lazaret::base {

enum class Code : std::uint16_t {
  OK = 0,
#define LAZARET_ERROR(name, number, fault, retry, http, exit, closes, sentence) name = number,
  LAZARET_ERROR_TABLE(LAZARET_ERROR)
#undef LAZARET_ERROR
};

enum class Fault : std::uint8_t { caller = 1, broker = 2, peer = 3 };
enum class Retry : std::uint8_t { never = 1, same_call = 2, after = 3, op = 4 };

/// One row of the error table.
struct ErrorInfo {
  Code code;
  std::string_view name;
  Fault fault;
  Retry retry;
  int http;
  int exit;
  bool closes_connection;
  std::string_view sentence;
};

/// The row of `code`; of INTERNAL for a number that this version does not know.
const ErrorInfo& error_info(Code code);
/// The row with that name, or nullptr.
const ErrorInfo* find_error(std::string_view name);
/// Every row, in the order of the table (OK is not among them).
std::pair<const ErrorInfo*, std::size_t> error_table();
std::string_view to_string(Fault fault);
/// "never", "same_call", "after" or "operator".
std::string_view to_string(Retry retry);

/// Nothing, or why not. Cheap when OK: the details are allocated only for errors.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string text) : code_(code), text_(std::move(text)) {}
  explicit Status(Code code) : code_(code), text_(error_info(code).sentence) {}

  bool ok() const { return code_ == Code::OK; }
  Code code() const { return code_; }
  /// The sentence for people; says what was refused and why.
  const std::string& text() const { return text_; }
  /// The name of the limit or option that was at fault ("" where there is none) and its value.
  const std::string& limit() const { return limit_; }
  std::int64_t limit_value() const { return limit_value_; }
  /// When to try again, in milliseconds; 0 where the error does not say.
  std::int64_t retry_after_ms() const { return retry_after_ms_; }

  Status&& with_limit(std::string name, std::int64_t value) && {
    limit_ = std::move(name);
    limit_value_ = value;
    return std::move(*this);
  }
  Status&& with_retry_after_ms(std::int64_t ms) && {
    retry_after_ms_ = ms;
    return std::move(*this);
  }

 private:
  Code code_ = Code::OK;
  std::string text_;
  std::string limit_;
  std::int64_t limit_value_ = 0;
  std::int64_t retry_after_ms_ = 0;
};

/// A value, or why there is none. Asking for the value of an error is a programmer's mistake.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::in_place_index<0>, std::move(value)) {}
  Result(Status status) : value_(std::in_place_index<1>, std::move(status)) { LZ_ASSERT(!std::get<1>(value_).ok()); }
  Result(Code code, std::string text) : Result(Status(code, std::move(text))) {}

  bool ok() const { return value_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    LZ_ASSERT(ok());
    return std::get<0>(value_);
  }
  const T& value() const& {
    LZ_ASSERT(ok());
    return std::get<0>(value_);
  }
  T&& value() && {
    LZ_ASSERT(ok());
    return std::get<0>(std::move(value_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Status& status() const {
    LZ_ASSERT(!ok());
    return std::get<1>(value_);
  }
  Code code() const { return ok() ? Code::OK : status().code(); }

 private:
  std::variant<T, Status> value_;
};

}  // namespace lazaret::base

/// Returns from the enclosing function when `expression`, a Status, is not OK.
#define LZ_RETURN_IF_ERROR(expression)                                    \
  do {                                                                    \
    if (auto lz_status = (expression); !lz_status.ok()) return lz_status; \
  } while (false)
