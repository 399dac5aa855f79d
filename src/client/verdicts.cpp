#include "client/verdicts.h"

#include <algorithm>

#include "client/words.h"
#include "model/limits.h"

namespace lazaret::detail {

using model::VerdictKind;
namespace limits = model::limits;

wire::Verdict wire_verdict(const Verdict& verdict) {
  wire::Verdict out;
  switch (verdict.kind()) {
    case Verdict::Kind::done: out.kind = VerdictKind::ack; break;
    case Verdict::Kind::fail: out.kind = VerdictKind::fail; break;
    case Verdict::Kind::reject: out.kind = VerdictKind::reject; break;
    case Verdict::Kind::release: out.kind = VerdictKind::release; break;
    case Verdict::Kind::not_begun: out.kind = VerdictKind::not_begun; break;
  }
  out.error = as_report(verdict.type(), verdict.text(), verdict.details());
  if (verdict.delay()) out.delay = *verdict.delay();
  return out;
}

/// Its token and lengths, and its texts, which the encoder cuts.
std::size_t header_bytes(const wire::Verdict& verdict) {
  constexpr std::size_t kFixed = 96;
  return kFixed + std::min(verdict.error.type.size(), limits::kErrorTypeBytes) +
         std::min(verdict.error.message.size(), limits::kErrorMessageBytes) +
         std::min(verdict.error.details.size(), limits::kErrorDetailsBytes);
}

wire::Verdict plain_verdict(VerdictKind kind) {
  wire::Verdict verdict;
  verdict.kind = kind;
  return verdict;
}

}  // namespace lazaret::detail
