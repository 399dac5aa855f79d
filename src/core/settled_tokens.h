// SettledTokens: what was said of the last tokens, so that a verdict that is sent again is answered as the first time.
#pragma once

#include <bit>
#include <boost/unordered/unordered_flat_map.hpp>  // lookup only
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "model/answer.h"
#include "model/command.h"
#include "model/limits.h"

namespace lazaret::core {

/// The settled ones among the newest grants of a shard, a bit each. Consumers settle in an order of their own, so that
/// neighbours come apart: stretches would be many, and a table would be all over the memory.
class GrantBits {
 public:
  /// Makes room for `grant`. Calls `gone(grant)` for each that is set and too old now.
  template <class Gone>
  void reach(std::uint64_t grant, Gone gone) {
    if (grant < end_) return;
    if (words_.empty()) words_.resize(kWords);
    const std::uint64_t end = (grant / 64 + 1) * 64;
    const std::uint64_t from = end - end_ > kGrants ? end - kGrants : end_;
    for (std::uint64_t first = from; first < end; first += 64) {
      std::uint64_t& word = words_[first / 64 % kWords];
      // What stood there lay one round behind, or, where the numbers jumped, as far as the last round was.
      const std::uint64_t before = end_ - 1 - (end_ - 1 - first % kGrants) % kGrants;
      for (; word != 0; word &= word - 1) gone(before + static_cast<std::uint64_t>(std::countr_zero(word)));
    }
    end_ = end;
  }
  bool covers(std::uint64_t grant) const { return grant < end_ && grant + kGrants >= end_; }
  // REQUIRE that it is covered.
  bool is_set(std::uint64_t grant) const { return (words_[grant / 64 % kWords] >> grant % 64 & 1) != 0; }
  void set(std::uint64_t grant) { words_[grant / 64 % kWords] |= std::uint64_t{1} << grant % 64; }
  void clear(std::uint64_t grant) { words_[grant / 64 % kWords] &= ~(std::uint64_t{1} << grant % 64); }

 private:
  /// More than are remembered: few are settled later than so many that were granted after them.
  static constexpr std::uint64_t kGrants = 4 * model::limits::kSettledTokens;
  static constexpr std::size_t kWords = kGrants / 64;

  std::vector<std::uint64_t> words_;  // a ring
  std::uint64_t end_ = 0;             // a multiple of 64: those below it are covered, kGrants of them
};

/// Bounded to kSettledTokens: the oldest is forgotten. Grants are unique in a shard, so a grant names its token. Nearly
/// all are acks in time, of which a bit is all there is to remember.
class SettledTokens {
 public:
  void remember(model::Grant grant, model::VerdictKind kind, const model::VerdictResult& result) {
    const bool known = forget(grant.value);
    if (is_plain(kind, result)) {
      acked_in_time(grant.value);
    } else {
      results_.insert_or_assign(grant.value, Answered{kind, result.where, result.late, result.code});
      if (result.case_id) cases_.insert_or_assign(grant.value, *result.case_id);
    }
    if (known) return;
    if (ring_.size() < model::limits::kSettledTokens) {
      ring_.push_back(grant.value);
      return;
    }
    forget(std::exchange(ring_[next_], grant.value));
    next_ = (next_ + 1) % ring_.size();
  }
  /// Nothing when it is not remembered, or when the token was settled with another verdict: to say OK to that one would
  /// confirm what never happened.
  std::optional<model::VerdictResult> find(model::Grant grant, model::VerdictKind kind) const {
    if (acked_.covers(grant.value) && acked_.is_set(grant.value)) {
      return kind == model::VerdictKind::ack ? std::optional(model::VerdictResult()) : std::nullopt;
    }
    const auto it = results_.find(grant.value);
    if (it == results_.end() || it->second.kind != kind) return std::nullopt;
    model::VerdictResult result{it->second.code, it->second.where, std::nullopt, it->second.late};
    if (const auto named = cases_.find(grant.value); named != cases_.end()) result.case_id = named->second;
    return result;
  }

 private:
  /// A result, but for its case, which few have: most of them are acks, and there are many.
  struct Answered {
    model::VerdictKind kind = model::VerdictKind::ack;
    model::Whereabouts where = model::Whereabouts::unknown;
    bool late = false;
    base::Code code = base::Code::OK;
  };

  static bool is_plain(model::VerdictKind kind, const model::VerdictResult& result) {
    return kind == model::VerdictKind::ack && result.code == base::Code::OK && !result.late && !result.case_id;
  }
  /// Whether it was remembered.
  bool forget(std::uint64_t grant) {
    if (acked_.covers(grant) && acked_.is_set(grant)) {
      acked_.clear(grant);
      return true;
    }
    if (results_.empty() || results_.erase(grant) == 0) return false;
    if (!cases_.empty()) cases_.erase(grant);
    return true;
  }

  void acked_in_time(std::uint64_t grant) {
    const auto too_old = [this](std::uint64_t old) { results_.insert_or_assign(old, Answered{}); };
    acked_.reach(grant, too_old);
    if (acked_.covers(grant)) {
      acked_.set(grant);
    } else {
      too_old(grant);
    }
  }

  GrantBits acked_;                                             // in time
  boost::unordered_flat_map<std::uint64_t, Answered> results_;  // lookup only
  std::map<std::uint64_t, model::CaseId> cases_;
  std::vector<std::uint64_t> ring_;
  std::size_t next_ = 0;
};

/// The last tokens of cases that nobody has touched since their admission: an ack with one discharges the case.
/// Bounded to kSettledTokens: the oldest is forgotten, and then refused like any lost lease.
class CaseTokens {
 public:
  void admitted(const model::CaseId& id, model::Grant last) {
    touched(id);
    tokens_[id] = last;
    cases_[last] = id;
    order_.push_back(last);
    if (order_.size() <= model::limits::kSettledTokens) return;
    if (const auto oldest = cases_.find(order_.front()); oldest != cases_.end()) {
      tokens_.erase(oldest->second);
      cases_.erase(oldest);
    }
    order_.pop_front();
  }
  /// Replayed, discarded or discharged.
  void touched(const model::CaseId& id) {
    const auto it = tokens_.find(id);
    if (it == tokens_.end()) return;
    cases_.erase(it->second);
    tokens_.erase(it);
  }
  /// The untouched case whose last token has this grant.
  std::optional<model::CaseId> find(model::Grant grant) const {
    const auto it = cases_.find(grant);
    return it == cases_.end() ? std::nullopt : std::optional(it->second);
  }

 private:
  std::map<model::CaseId, model::Grant> tokens_;
  std::map<model::Grant, model::CaseId> cases_;
  std::deque<model::Grant> order_;
};

}  // namespace lazaret::core
