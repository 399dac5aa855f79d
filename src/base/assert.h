// Assertions for programmers' mistakes. They stay on in release: a broker that went wrong must not go on.
#pragma once

namespace lazaret::base {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);
}

#define LZ_ASSERT(expression)                           \
  (static_cast<bool>(expression) ? static_cast<void>(0) \
                                 : ::lazaret::base::assertion_failed(#expression, __FILE__, __LINE__))
