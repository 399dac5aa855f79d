// PendingRequests: the requests of a shard, open and remembered, with what wakes each of them and who waits for it.
//
//   asked ─▶ open ──answered, declined, its message became a case──▶ ended ─▶ forgotten
//              │                                                       ▲
//              └─deadline─▶ (recalled from a consumer) ─▶ timed out ───┘ asked again, or answered late
//
// The rules are in requests.cpp; this is who is in which list.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "model/command.h"
#include "model/limits.h"
#include "model/request_record.h"

namespace lazaret::core {

struct RequestKey {
  model::SubscriptionId subscription;
  model::MessageId id;
  auto operator<=>(const RequestKey&) const = default;
};

struct PendingRequest {
  RequestKey key;
  model::RequestRecord record;
  /// Who waits for the reply, by connection.
  std::vector<model::Origin> waiters;
  /// How many deliveries of its message have begun, or may have.
  std::uint32_t begun = 0;
  /// Its deadline is over, and whoever has it was asked to give it back.
  bool recalled = false;
  /// Somebody was there to be told how it ended.
  bool told = false;
  base::Instant alarm = base::Instant::never();
  base::Instant forgotten_behind;  // its turn comes when those have been forgotten that ended until then
  std::uint64_t ended_as = 0;      // its place among those of the same time

  bool is_open() const { return record.outcome == model::RequestOutcome::open; }
  std::size_t address_bytes() const { return record.reply_to == nullptr ? 0 : record.reply_to->size(); }
  std::size_t reply_bytes() const { return address_bytes() + (record.reply == nullptr ? 0 : record.reply->size()); }
  std::size_t open_bytes() const { return address_bytes() + (record.note == nullptr ? 0 : record.note->size()); }
};

class PendingRequests {
 public:
  bool empty() const { return all_.empty(); }
  std::size_t open() const { return open_; }
  /// When something is to be done about one of them.
  base::Instant next_alarm() const { return alarms_.empty() ? base::Instant::never() : alarms_.begin()->first; }
  PendingRequest* due(base::Instant now) { return next_alarm() > now ? nullptr : find(alarms_.begin()->second); }

  PendingRequest* find(const RequestKey& key) {
    const auto it = all_.find(key);
    return it == all_.end() ? nullptr : &it->second;
  }
  /// An open one, or, after a start, one that has ended.
  PendingRequest& add(model::SubscriptionId subscription, model::RequestRecord record) {
    const RequestKey key{subscription, record.id};
    PendingRequest& request = all_[key];
    request.key = key;
    request.record = std::move(record);
    if (request.is_open()) {
      ++open_;
      open_bytes_ += request.open_bytes();
    } else {
      remember(request);
    }
    return request;
  }
  void erase(PendingRequest& request) {
    set_alarm(request, base::Instant::never());
    for (const model::Origin& waiter : request.waiters) forget_waiter(waiter.session, request.key);
    if (request.is_open()) {
      --open_;
      open_bytes_ -= request.open_bytes();
    } else {
      stop_remembering(request);
    }
    all_.erase(RequestKey(request.key));
  }

  void set_alarm(PendingRequest& request, base::Instant at) {
    if (request.alarm == at) return;
    if (request.alarm != base::Instant::never()) alarms_.erase({request.alarm, request.key});
    request.alarm = at;
    if (at != base::Instant::never()) alarms_.emplace(at, request.key);
  }

  // --- Who waits
  void add_waiter(PendingRequest& request, const model::Origin& origin) {
    request.waiters.push_back(origin);
    asked_[origin.session].insert(request.key);
  }
  std::vector<model::Origin> take_waiters(PendingRequest& request) {
    for (const model::Origin& waiter : request.waiters) forget_waiter(waiter.session, request.key);
    return std::exchange(request.waiters, {});
  }
  void remove_waiter(PendingRequest& request, const model::Origin& origin) {
    auto& waiters = request.waiters;
    std::erase(waiters, origin);
    const auto its = [&](const model::Origin& waiter) { return waiter.session == origin.session; };
    if (std::none_of(waiters.begin(), waiters.end(), its)) forget_waiter(origin.session, request.key);
  }
  /// Its connection is gone: nobody of it waits any more.
  void forget_session(model::SessionId session) {
    const auto asked = asked_.extract(session);
    if (!asked) return;
    for (const RequestKey& key : asked.mapped()) {
      std::erase_if(all_.at(key).waiters, [session](const auto& waiter) { return waiter.session == session; });
    }
  }

  // --- What is kept of open ones
  bool has_room(std::size_t bytes) const { return open_bytes_ + bytes <= model::limits::kRequestBytes; }
  /// Instead of the one before. REQUIRES that it is open.
  void keep_note(PendingRequest& request, model::MessageRef note) {
    open_bytes_ -= request.open_bytes();
    request.record.note = std::move(note);
    open_bytes_ += request.open_bytes();
  }

  // --- Open and ended
  /// REQUIRES that it counts as open here, and that its record has ended.
  void ended(PendingRequest& request) {
    --open_;
    open_bytes_ -= request.open_bytes();
    request.record.note = nullptr;
    remember(request);
  }
  /// REQUIRES that it has ended, and that the caller makes its record an open one.
  void reopened(PendingRequest& request) {
    stop_remembering(request);
    request.told = false;
    ++open_;
    open_bytes_ += request.open_bytes();
  }
  /// REQUIRES that it has ended: its reply is about to be another one.
  void take_from_remembered(PendingRequest& request) { stop_remembering(request); }
  void put_to_remembered(PendingRequest& request) { remember(request); }
  /// The first that is to be forgotten, while there are too many: the oldest of those that were told, or of the others,
  /// whichever are more. So a busy queue does not drive out a reply whose requester is away, and what ends now is
  /// remembered however many came over a start, of whom nobody knows any more whether they were told. Of bytes each
  /// has half for sure, and the last of each stays however large it is: it would be forgotten as soon as it came.
  PendingRequest* one_too_many() {
    const bool told_more = told_.in_order.size() >= untold_.in_order.size();
    if (told_.in_order.size() + untold_.in_order.size() > model::limits::kRequestsRemembered) {
      return oldest(told_more ? told_ : untold_);
    }
    if (told_.reply_bytes + untold_.reply_bytes <= model::limits::kReplyBytesRemembered) return nullptr;
    const auto can_give = [](const Remembered& some) {
      return some.in_order.size() > 1 && some.reply_bytes > model::limits::kReplyBytesRemembered / 2;
    };
    const bool told_gives = can_give(told_);
    const bool untold_gives = can_give(untold_);
    if (!told_gives && !untold_gives) return nullptr;
    const bool told_larger = told_.reply_bytes >= untold_.reply_bytes;
    return oldest(told_gives && (told_larger || !untold_gives) ? told_ : untold_);
  }
  /// It cannot be forgotten yet: its turn comes again behind all that have ended by now.
  void pass_over(PendingRequest& request) {
    Remembered& remembered = those_with(request);
    if (remembered.in_order.size() == 1) return;
    remembered.in_order.erase(end_of(request));
    const Ended last = remembered.in_order.rbegin()->first;
    request.forgotten_behind = last.first;
    request.ended_as = ++last_ended_;
    remembered.in_order.emplace(end_of(request), request.key);
  }
  /// REQUIRES that it has ended. Whoever asked has been told how.
  void now_told(PendingRequest& request) {
    stop_remembering(request);
    request.told = true;
    remember(request);
  }

 private:
  /// In the order of their ends, over starts too.
  using Ended = std::pair<base::Instant, std::uint64_t>;
  static Ended end_of(const PendingRequest& request) { return {request.forgotten_behind, request.ended_as}; }
  struct Remembered {
    std::map<Ended, RequestKey> in_order;
    std::size_t reply_bytes = 0;
  };
  Remembered& those_with(const PendingRequest& request) { return request.told ? told_ : untold_; }
  PendingRequest* oldest(const Remembered& remembered) { return &all_.at(remembered.in_order.begin()->second); }

  void remember(PendingRequest& request) {
    request.forgotten_behind = request.record.ended_at;
    request.ended_as = ++last_ended_;
    Remembered& remembered = those_with(request);
    remembered.in_order.emplace(end_of(request), request.key);
    remembered.reply_bytes += request.reply_bytes();
  }
  void stop_remembering(PendingRequest& request) {
    Remembered& remembered = those_with(request);
    remembered.in_order.erase(end_of(request));
    remembered.reply_bytes -= request.reply_bytes();
  }
  void forget_waiter(model::SessionId session, const RequestKey& key) {
    const auto asked = asked_.find(session);
    if (asked == asked_.end()) return;
    asked->second.erase(key);
    if (asked->second.empty()) asked_.erase(asked);
  }

  std::map<RequestKey, PendingRequest> all_;
  std::set<std::pair<base::Instant, RequestKey>> alarms_;
  std::map<model::SessionId, std::set<RequestKey>> asked_;
  Remembered told_;
  Remembered untold_;
  std::size_t open_ = 0;
  std::size_t open_bytes_ = 0;
  std::uint64_t last_ended_ = 0;
};

}  // namespace lazaret::core
