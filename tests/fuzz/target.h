// What a fuzz target is: a function over any bytes that must neither crash nor break a promise that it checks itself,
// and a few inputs to begin from. With the preset `fuzz` libFuzzer drives it; elsewhere smoke.cpp does, for seconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/assert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace lazaret::fuzz {

/// Inputs of the kinds that the target knows, made by the encoders themselves.
std::vector<std::string> seeds();

}  // namespace lazaret::fuzz
