#include "simulation/saboteur.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace lazaret::simulation {

void Saboteur::look_at(model::ShardId, const core::Effect& effect) {
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
  if (bug_ == Bug::admission_in_two_steps) {
    std::vector<model::Mutation> now =
        std::exchange(held_back_[group.shard],
                      take([](const model::Mutation& one) { return std::holds_alternative<model::AdmitCase>(one); }));
    group.mutations.insert(group.mutations.begin(), std::make_move_iterator(now.begin()),
                           std::make_move_iterator(now.end()));
  }
}

}  // namespace lazaret::simulation
