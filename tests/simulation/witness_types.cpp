// What the witness knows of types: what the filters of a subscription take, and its consumers accept.
#include <algorithm>

#include "simulation/envelope_text.h"
#include "simulation/witness.h"

namespace lazaret::simulation {

namespace {

/// What random runs have for filters: "", a type, or "type!=" and one.
bool takes(const std::string& filter, std::string_view type) {
  constexpr std::string_view kNot = "type!=";
  if (filter.starts_with(kNot)) return type != std::string_view(filter).substr(kNot.size());
  return filter.empty() || type == filter;
}

}  // namespace

void Witness::check_type(Queue& of, const model::Deliver& deliver, const model::Delivered& one) {
  const EnvelopeText text = envelope_text(one.message->envelope.view());
  const std::string at = where(of, one.source_offset.value);
  const bool taken = std::any_of(of.filters.begin(), of.filters.end(),
                                 [&](const std::string& filter) { return takes(filter, text.type); });
  const bool imported = of.messages[one.source_offset.value].imported;
  if (!taken && !imported && !of.filters.empty()) find(at + "delivered although no filter has ever taken it");
  const std::vector<std::string>& accepts = consumers_[deliver.consumer].accepts;
  const std::string type(text.type);
  const std::string version = type + "@" + std::string(text.schema_id);
  const bool accepted = std::any_of(accepts.begin(), accepts.end(),
                                    [&](const std::string& word) { return word == type || word == version; });
  if (!accepts.empty() && !accepted) find(at + "delivered to a consumer that does not accept its type");
}

/// What was replayed to some versions goes to no other.
void Witness::check_versions(Queue& of, const model::Deliver& deliver, const model::Delivered& one) {
  const std::string& only_for = of.blames[one.source_offset.value].only_for;
  if (only_for.empty()) return;
  const std::string& version = consumers_[deliver.consumer].version;
  // Random runs ask for ">=2" and have "1.9", "2.0" and "9".
  if (version.empty() || version < "2") {
    find(where(of, one.source_offset.value) + "replayed to versions " + only_for + " and delivered to \"" + version +
         "\"");
  }
}

/// What a rule takes goes to the hospital, unless it was granted before the rule was there.
void Witness::check_quarantine(const Queue& of, const model::Delivered& one) {
  const std::string type(envelope_text(one.message->envelope.view()).type);
  for (const auto& [place, rule] : rules_) {
    if (place.first != of.record.subscription || rule.lifted) continue;
    const bool ended = rule.record.until.us != 0 && rule.record.until <= world_.now();
    if (ended || rule.since + kGrantedBeforeMost > world_.now() || !takes(rule.record.filter, type)) continue;
    find(where(of, one.source_offset.value) + "delivered although quarantine rule " + std::to_string(place.second) +
         " takes it");
  }
}

/// From when it was asked for nobody knows.
void Witness::hear(model::ShardId, const model::LiftQuarantine& lift) {
  const auto rule = rules_.find({lift.subscription, lift.number});
  if (rule != rules_.end()) rule->second.lifted = true;
}

void Witness::see(const core::Tell&, const model::QuarantineAnswer& answer) {
  for (const model::QuarantineRecord& record : answer.rules) {
    rules_.try_emplace({record.subscription, record.number}, Rule{record, world_.now()});
  }
}

/// No filter that the subscription ever had turns it away.
bool Witness::has_to_be_delivered(const Queue& of, std::uint64_t offset) const {
  const auto name = of.names.find(offset);
  return has_to_be_taken(of, name == of.names.end() ? "" : name->second);
}

bool Witness::has_to_be_taken(const Queue& of, const std::string& body) const {
  const auto type = types_.find(body);
  return std::all_of(of.filters.begin(), of.filters.end(), [&](const std::string& filter) {
    return filter.empty() || (type != types_.end() && takes(filter, type->second));
  });
}

}  // namespace lazaret::simulation
