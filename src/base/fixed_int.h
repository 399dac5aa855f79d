// Integers as bytes: little-endian for the wire and record bodies, big-endian for keys that must sort.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace lazaret::base {

static_assert(std::endian::native == std::endian::little, "the encoders below assume it");

template <class T>
void store_le(char* to, T value) {
  static_assert(std::is_unsigned_v<T>);
  std::memcpy(to, &value, sizeof value);
}

template <class T>
T load_le(const char* from) {
  static_assert(std::is_unsigned_v<T>);
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <class T>
void append_le(std::string& out, T value) {
  char bytes[sizeof value];
  store_le(bytes, value);
  out.append(bytes, sizeof value);
}

template <class T>
void append_be(std::string& out, T value) {
  static_assert(std::is_unsigned_v<T>);
  char bytes[sizeof value];
  for (std::size_t i = 0; i < sizeof value; ++i) {
    bytes[i] = static_cast<char>(value >> (8 * (sizeof value - 1 - i)));
  }
  out.append(bytes, sizeof value);
}

template <class T>
T load_be(const char* from) {
  static_assert(std::is_unsigned_v<T>);
  T value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) {
    value = static_cast<T>(value << 8 | static_cast<unsigned char>(from[i]));
  }
  return value;
}

/// Takes integers off the front of a view; `ok` turns false, and stays so, when it was too short.
struct Reader {
  std::string_view rest;
  bool ok = true;

  std::string_view bytes(std::size_t count) {
    if (!ok || rest.size() < count) {
      ok = false;
      return {};
    }
    std::string_view taken = rest.substr(0, count);
    rest.remove_prefix(count);
    return taken;
  }
  template <class T>
  T le() {
    std::string_view taken = bytes(sizeof(T));
    return ok ? load_le<T>(taken.data()) : T{};
  }
  template <class T>
  T be() {
    std::string_view taken = bytes(sizeof(T));
    return ok ? load_be<T>(taken.data()) : T{};
  }
};

}  // namespace lazaret::base
