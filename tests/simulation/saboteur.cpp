#include "simulation/saboteur.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace lazaret::simulation {

void Saboteur::look_at(model::ShardId, const core::Effect& effect) {
  if (const auto* changed = std::get_if<core::HospitalLevelChanged>(&effect)) {
    if (changed->level == model::HospitalLevel::full) {
      full_.insert(changed->queue->subscription);
    } else {
      full_.erase(changed->queue->subscription);
    }
  }
  if (bug_ != Bug::no_grant_check) return;
  const auto* tell = std::get_if<core::Tell>(&effect);
  const auto* deliver = tell == nullptr ? nullptr : std::get_if<model::Deliver>(&tell->answer);
  if (deliver == nullptr) return;
  for (const model::Delivered& one : deliver->messages) {
    grants_[{deliver->subscription, one.log, one.offset}] = one.grant;
  }
}

void Saboteur::spoil(model::ShardId, core::Event::What& what) {
  if (auto* publish = std::get_if<model::Publish>(&what); publish != nullptr && bug_ == Bug::delay_cut_short) {
    for (model::PublishItem& item : publish->items) {
      if (item.message->due.us != 0) item.message->due = item.message->due - std::chrono::seconds(1);
    }
  }
  if (auto* publish = std::get_if<model::Publish>(&what); publish != nullptr && bug_ == Bug::priority_forgotten) {
    for (model::PublishItem& item : publish->items) item.message->priority = 0;
  }
  if (auto* handed = std::get_if<core::HandedOver>(&what); handed != nullptr && bug_ == Bug::ask_forgotten_along) {
    auto entry = std::make_shared<model::OutboxEntry>(*handed->entry);
    entry->asks.clear();
    handed->entry = std::move(entry);
  }
  if (auto* assigned = std::get_if<core::QueueAssigned>(&what); assigned != nullptr && bug_ == Bug::budget_forgotten) {
    auto queue = std::make_shared<model::QueueRecord>(*assigned->queue);
    queue->options.hospital_max_bytes = 0;
    assigned->queue = std::move(queue);
  }
  if (auto* counted = std::get_if<core::HospitalCounted>(&what)) miscount(*counted);
  auto* settle = std::get_if<model::Settle>(&what);
  if (settle == nullptr) return;
  for (model::Verdict& verdict : settle->verdicts) {
    if (bug_ == Bug::no_grant_check) {
      const auto last = grants_.find({verdict.token.subscription, verdict.token.log, verdict.token.offset});
      if (last != grants_.end()) verdict.token.grant = last->second;
    }
    const bool given_back =
        verdict.kind == model::VerdictKind::release || verdict.kind == model::VerdictKind::not_begun;
    if (bug_ == Bug::blame_on_release && given_back) verdict.kind = model::VerdictKind::fail;
  }
}

/// What the store says that its cases keep, as one who keeps the books badly hears it.
void Saboteur::miscount(core::HospitalCounted& counted) {
  std::uint64_t& bytes = counted.sums.bytes;
  if (bug_ == Bug::bytes_never_given_back) {
    std::uint64_t& most = most_counted_[counted.subscription];
    most = std::max(most, bytes);
    bytes = most;
  }
  if (bug_ == Bug::versions_not_counted) bytes -= std::min(bytes, bytes_of_versions_[counted.subscription]);
}

void Saboteur::crashed() {
  held_back_.clear();
  full_.clear();
  most_counted_.clear();
}

void Saboteur::spoil(model::MutationGroup& group) {
  const auto take = [&](auto belongs) {
    const auto kept = std::stable_partition(group.mutations.begin(), group.mutations.end(),
                                            [&](const model::Mutation& one) { return !belongs(one); });
    std::vector<model::Mutation> taken(std::make_move_iterator(kept), std::make_move_iterator(group.mutations.end()));
    group.mutations.erase(kept, group.mutations.end());
    return taken;
  };
  if (bug_ == Bug::dedup_not_persisted) {
    take([](const model::Mutation& one) { return std::holds_alternative<model::PutDedup>(one); });
  }
  if (bug_ == Bug::inbox_not_persisted) {
    take([](const model::Mutation& one) { return std::holds_alternative<model::PutInbox>(one); });
  }
  if (bug_ == Bug::suspicion_not_persisted) {
    for (model::Mutation& one : group.mutations) {
      if (auto* put = std::get_if<model::PutDelivery>(&one)) put->record.suspect = false;
    }
  }
  if (bug_ == Bug::key_lock_lost_at_retry) {
    for (model::Mutation& one : group.mutations) {
      auto* put = std::get_if<model::PutDelivery>(&one);
      const bool waits = put != nullptr && put->record.state == model::DeliveryState::waiting;
      if (waits && put->record.key) put->record.key = model::KeyHash();
    }
  }
  if (bug_ == Bug::offsets_given_twice) {
    for (model::Mutation& one : group.mutations) {
      if (auto* put = std::get_if<model::PutLog>(&one)) put->state.reserved = {};
    }
  }
  if (bug_ == Bug::versions_not_counted) {
    for (const model::Mutation& one : group.mutations) {
      const auto* edit = std::get_if<model::EditCase>(&one);
      if (edit != nullptr) bytes_of_versions_[edit->id.subscription] += edit->message->size();
    }
  }
  if (bug_ == Bug::case_lost_when_full) {
    take([this](const model::Mutation& one) {
      const auto* admit = std::get_if<model::AdmitCase>(&one);
      return admit != nullptr && !admit->relapse && full_.contains(admit->record.id.subscription);
    });
  }
  if (bug_ == Bug::admission_in_two_steps) {
    std::vector<model::Mutation> now =
        std::exchange(held_back_[group.shard],
                      take([](const model::Mutation& one) { return std::holds_alternative<model::AdmitCase>(one); }));
    group.mutations.insert(group.mutations.begin(), std::make_move_iterator(now.begin()),
                           std::make_move_iterator(now.end()));
  }
}

}  // namespace lazaret::simulation
