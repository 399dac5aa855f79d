// Between what handlers return and the verdicts of the wire.
#pragma once

#include <cstddef>

#include "lazaret/consumer.h"
#include "wire/frames.h"

namespace lazaret::detail {

wire::Verdict wire_verdict(const Verdict& verdict);
wire::Verdict plain_verdict(model::VerdictKind kind);
/// What it takes of a frame's header, at most.
std::size_t header_bytes(const wire::Verdict& verdict);

}  // namespace lazaret::detail
