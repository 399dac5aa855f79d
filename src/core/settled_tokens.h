// SettledTokens: verdicts that were answered, so that one sent again is answered as the first time. The newest
// kSettledTokens of a shard; memory grows with use up to about 6 MB.
//
// Threading: none of its own. Deterministic.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "model/answer.h"
#include "model/command.h"
#include "model/ids.h"
#include "model/limits.h"

namespace lazaret::core {

class SettledTokens {
 public:
  explicit SettledTokens(std::size_t capacity = model::limits::kSettledTokens)
      : capacity_(capacity) {}

  /// The verdict `kind` with this token was carried out with this result (`where` says where the message went, for
  /// other verdicts with the same token). The newest replaces the older of the same token.
  void remember(const model::LeaseToken& token, model::VerdictKind kind,
                const model::VerdictResult& result);
  /// The answer of then, if this very verdict was carried out; nullopt for what is not (or no longer) known.
  std::optional<model::VerdictResult> find(const model::LeaseToken& token,
                                           model::VerdictKind kind) const;
  /// Which verdict this token was settled with, if that is known.
  std::optional<model::VerdictKind> kind_of(const model::LeaseToken& token) const;
  std::size_t size() const { return by_grant_.size(); }

 private:
  /// Grants are never given twice in a shard: they are the key, the rest is compared.
  struct Entry {
    model::Grant grant;
    model::SubscriptionId subscription;
    model::LogId log;
    model::Offset offset;
    base::Code code = base::Code::OK;
    model::Whereabouts where = model::Whereabouts::unknown;
    model::VerdictKind kind = model::VerdictKind::ack;
    bool late = false;
    bool has_case = false;
  };

  const Entry* entry_of(const model::LeaseToken& token) const;

  std::size_t capacity_;
  std::vector<Entry> ring_;
  std::size_t next_ = 0;  // the place of the next entry once the ring is full
  boost::unordered_flat_map<std::uint64_t, std::uint32_t> by_grant_;       // → place in the ring
  boost::unordered_flat_map<std::uint64_t, model::CaseId> case_of_grant_;  // of entries with has_case
};

}  // namespace lazaret::core
