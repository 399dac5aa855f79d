#include "core/dedup.h"

#include <algorithm>

#include "model/limits.h"

namespace lazaret::core {
namespace {

using model::DedupEntry;
constexpr std::uint64_t kWindow = model::limits::kDedupWindow;
/// A trim is a record of its own: it waits until it is worth one.
constexpr std::uint64_t kTrimStep = 1024;

bool by_sequence(const DedupEntry& entry, std::uint64_t sequence) { return entry.sequence < sequence; }

}  // namespace

ProducerWindow::ProducerWindow(const model::RecoveredProducer& recovered)
    : highest_(recovered.state.highest),
      last_used_(recovered.state.last_used),
      window_(recovered.window.begin(), recovered.window.end()) {}

ProducerWindow::Answer ProducerWindow::check(std::uint64_t sequence, std::uint32_t body_crc) const {
  if (sequence > highest_) return {};
  if (highest_ - sequence >= kWindow) return {Verdict::too_old, {}};
  const auto it = std::lower_bound(window_.begin(), window_.end(), sequence, by_sequence);
  if (it == window_.end() || it->sequence != sequence) return {};
  if (it->body_crc != body_crc) return {Verdict::reused, {}};
  return {Verdict::duplicate, it->offset};
}

void ProducerWindow::record(const DedupEntry& entry, base::Instant now) {
  if (window_.empty() || window_.back().sequence < entry.sequence) {
    window_.push_back(entry);
  } else {
    window_.insert(std::lower_bound(window_.begin(), window_.end(), entry.sequence, by_sequence), entry);
  }
  highest_ = std::max(highest_, entry.sequence);
  last_used_ = now;
  fresh_.push_back(entry);
  while (highest_ - window_.front().sequence >= kWindow) window_.pop_front();
}

void ProducerWindow::save(model::LogId log, const model::ProducerId& producer,
                          std::vector<model::Mutation>& mutations) {
  std::sort(fresh_.begin(), fresh_.end(),
            [](const DedupEntry& a, const DedupEntry& b) { return a.sequence < b.sequence; });
  mutations.emplace_back(model::PutDedup{log, {producer, highest_, last_used_}, std::move(fresh_)});
  fresh_.clear();
  const std::uint64_t below = highest_ >= kWindow ? highest_ - kWindow + 1 : 0;
  if (below >= trimmed_below_ + kTrimStep) {
    mutations.emplace_back(model::TrimDedup{log, producer, below});
    trimmed_below_ = below;
  }
}

}  // namespace lazaret::core
