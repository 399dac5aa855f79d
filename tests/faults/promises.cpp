// What a data directory owes to those who were told something: engine_at_work.h says for whom.
#include <algorithm>
#include <iterator>
#include <set>

#include "base/crc32c.h"
#include "faults/engine_at_work.h"
#include "faults/mix_at_work.h"
#include "faults/worker_outbox.h"
#include "model/limits.h"
#include "storage/rocks_store.h"

namespace lazaret::faults {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 60s;
constexpr auto kGrace = 2s;
constexpr Place kAlone{.name = kQueue, .log = kQueue};

void look_for_damage(EngineOn& on, const std::string& when, std::vector<std::string>& findings) {
  const auto report = on.store().check({});
  if (!report.ok()) return findings.push_back(report.status().text());
  for (const auto& one : report->findings) findings.push_back(when + ": " + one.where + ": " + one.what);
}

/// Of one queue or subscription.
class Inspection {
 public:
  Inspection(EngineOn& on, const Place& place, const Snapshot& told) : told_(told), on_(on), place_(place) {}

  std::vector<std::string> findings() {
    queue_ = on_.engine().directory().find(place_.name);
    if (queue_ == nullptr) {
      const bool owed = std::any_of(told_.begin(), told_.end(), [](const auto& one) { return one.second.confirmed; });
      return owed ? std::vector<std::string>{std::string(place_.name) + " is gone (1)"} : std::vector<std::string>();
    }
    look_at_cases();
    if (place_.is_asked) {
      look_at_replies();
    } else {
      look_at_duplicates();
    }
    work_off();
    for (const auto& [number, told] : told_) look_at(number, told);
    look_at_sums();
    if (place_.is_keyed) look_at_order();
    return std::move(findings_);
  }

 private:
  void find(std::uint64_t number, const std::string& what) {
    findings_.push_back(std::string(place_.name) + ": message " + std::to_string(number) + ": " + what);
  }
  bool is_far(std::uint64_t number) const { return place_.is_later && number % kFarOf == 0; }
  model::QueueStats stats() {
    model::ShowQueue show;
    show.subscription = queue_->subscription;
    return on_.ask<model::QueueStats>(queue_->shard, show);
  }

  void look_at_cases() {
    for (const model::CaseRecord& one : on_.cases(queue_, std::nullopt)) {
      if (one.state == model::CaseState::discarded || one.state == model::CaseState::discharged) continue;
      const auto page = on_.store().read_messages(one.id.shard, one.id.log, one.id.offset, one.id.offset.next(), 1, 1);
      const bool readable = page.ok() && !page->messages.empty() && page->messages.front().message != nullptr;
      const auto number = readable ? number_in(page->messages.front().message->body.view()) : std::nullopt;
      if (!number) {
        findings_.push_back("case " + one.id.to_string() + ": its message cannot be read (1)");
        continue;
      }
      if (!cases_.insert(*number).second) find(*number, "has two cases (6)");
      if (one.failure_count > kLimit * (1 + one.replay_count)) find(*number, "has failed more often than it may (6)");
      const auto told = told_.find(*number);
      if (told != told_.end() && failures_of(one) < told->second.failures) {
        find(*number, "a confirmed failure is not in its history (6): " + std::to_string(told->second.failures) +
                          " were, " + history_of(one));
      }
    }
  }

  std::string history_of(const model::CaseRecord& one) {
    std::string history = "attempts";
    const auto attempts = on_.store().read_attempts(one.id);
    if (!attempts.ok()) return attempts.status().text();
    for (const model::Attempt& attempt : *attempts) {
      history += " " + std::to_string(attempt.number) + " " + std::string(model::to_string(attempt.outcome));
    }
    return history + "; failures " + std::to_string(one.failure_count) + ", replays " +
           std::to_string(one.replay_count) + ", relapses " + std::to_string(one.relapse_count);
  }

  std::uint64_t failures_of(const model::CaseRecord& one) {
    const auto attempts = on_.store().read_attempts(one.id);
    if (!attempts.ok()) return 0;
    return static_cast<std::uint64_t>(std::count_if(
        attempts->begin(), attempts->end(), [](const auto& attempt) { return model::is_failure(attempt.outcome); }));
  }

  /// The last one that was confirmed, and some before it, are known under their sequence (2).
  void look_at_duplicates() {
    std::uint64_t left = 8;
    for (auto it = told_.rbegin(); it != told_.rend() && left > 0; ++it) {
      if (!it->second.confirmed) continue;
      --left;
      model::Publish publish;
      publish.log = on_.engine().directory().find(place_.log)->log;
      publish.producer = the_producer();
      auto message = std::make_shared<model::Message>();
      std::string body = body_of(it->first);
      message->body_crc = base::crc32c(body);
      message->body = base::SharedBytes::of(std::move(body));
      publish.items.push_back({it->second.sequence, std::move(message)});
      const auto published = on_.ask<model::Published>(queue_->shard, std::move(publish));
      const bool known = published.results.size() == 1 && published.results[0].duplicate &&
                         published.results[0].offset.value == it->second.offset;
      if (!known) find(it->first, "its sequence is not known any more (2)");
    }
  }

  /// Whoever asks again is told the same, before any worker is there. So many are remembered for sure, of those that
  /// ended last; they end about in the order of their numbers.
  void look_at_replies() {
    constexpr std::uint64_t kRemembered = model::limits::kRequestsRemembered / 2 - 256;
    const std::uint64_t last = told_.empty() ? 0 : told_.rbegin()->first;
    std::vector<std::pair<std::uint64_t, std::future<model::Replied>>> asked;
    for (const auto& [number, told] : told_) {
      if ((told.ended || told.has_ended) && number + kRemembered > last) {
        asked.emplace_back(number, on_.begin<model::Replied>(queue_->shard, request_of(queue_, number)));
      }
    }
    stats();  // is answered behind what is remembered; a request that is not waits for a worker
    const auto end = std::chrono::steady_clock::now() + kGrace;
    for (auto& [number, reply] : asked) {
      if (reply.wait_until(end) != std::future_status::ready) {
        find(number, "a request that had ended waits again");
        continue;
      }
      const model::Replied replied = reply.get();
      const std::string& said = told_.at(number).reply;
      const std::string again = replied.message != nullptr ? std::string(replied.message->body.view()) : "";
      const bool is_same =
          replied.outcome == (said.empty() ? model::RequestOutcome::failed : model::RequestOutcome::answered);
      if (!is_same || said != again) find(number, "its reply was \"" + said + "\", and is \"" + again + "\"");
    }
  }

  void work_off() {
    Ledger ledger(told_);
    const auto worker = std::make_shared<WorkerOutbox>(ledger, 9);
    worker->consume(on_.engine(), queue_, {.everything = true});
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (true) {
      const model::QueueStats now = stats();
      if (now.ready + now.leased + now.waiting + now.held + lag_of(now) == 0 && !is_anything_near(now)) break;
      if (std::chrono::steady_clock::now() > end) {
        findings_.push_back(std::string(place_.name) + " is never worked off: " + std::to_string(now.ready) +
                            " ready, " + std::to_string(now.leased) + " leased, " + std::to_string(now.waiting) +
                            " waiting");
        break;
      }
      std::this_thread::sleep_for(1ms);
    }
    worker->close();
    for (const std::string& body : worker->delivered()) {
      const auto number = number_in(body);
      if (!number || !told_.contains(*number)) {
        findings_.push_back(std::string(place_.name) + ": a message that nobody sent was delivered");
      } else if (!delivered_.insert(*number).second) {
        find(*number, "is delivered twice without a reason");
      } else {
        in_order_.push_back(*number);
      }
    }
    for (const auto& [number, told] : ledger.snapshot()) {
      if (told.early) find(number, "is delivered before its time");
    }
  }

  /// What its topics still have for it.
  static std::uint64_t lag_of(const model::QueueStats& now) {
    std::uint64_t lag = 0;
    for (const model::SourceStats& source : now.sources) lag += source.lag;
    return lag;
  }

  /// Whether anything is scheduled for a time at which the test still runs.
  static bool is_anything_near(const model::QueueStats& now) {
    constexpr base::Duration kNear = std::chrono::minutes(5);
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    const base::Instant soon{std::chrono::duration_cast<base::Duration>(wall + kNear).count()};
    return now.scheduled > 0 && now.next_due && *now.next_due < soon;
  }

  void look_at(std::uint64_t number, const Told& told) {
    const bool there = delivered_.contains(number) || cases_.contains(number);
    const bool owed = told.confirmed && !told.end_asked && !told.has_ended;
    missing_ += owed && !there ? 1 : 0;
    if (owed && !there && !is_far(number) && !place_.drops) find(number, "was confirmed, and is gone (1)");
    if (is_far(number) && there) find(number, "comes an hour before its time");
    if (told.ended && there) find(number, "its end was confirmed, and it is there again (3)");
    if (told.refused && there) find(number, "was refused, and is stored all the same");
  }

  void look_at_sums() {
    const model::QueueStats now = stats();
    const model::Counters& counters = now.counters;
    const std::uint64_t somewhere = now.ready + now.leased + now.waiting + now.scheduled + now.held + counters.acked +
                                    counters.discarded + counters.dropped + counters.in_hospital;
    if (somewhere != counters.entered) {
      findings_.push_back(std::string(place_.name) + ": " + std::to_string(counters.entered) + " entered, " +
                          std::to_string(somewhere) + " are somewhere (10)");
    }
    if (missing_ > now.scheduled + counters.dropped) {
      findings_.push_back(std::string(place_.name) + ": " + std::to_string(missing_) + " are missing, but " +
                          std::to_string(now.scheduled) + " are scheduled and " + std::to_string(counters.dropped) +
                          " were dropped (1)");
    }
  }

  /// Each key in order; and what began before the power was lost came behind everything before it of its key.
  void look_at_order() {
    std::map<std::uint64_t, std::uint64_t> latest;  // by key
    for (const auto& [number, told] : told_) {
      if (told.begun > 0) latest[number % kKeys] = std::max(latest[number % kKeys], number);
    }
    for (const std::uint64_t number : in_order_) {
      if (number < latest[number % kKeys]) find(number, "is delivered behind a later one of its key (7)");
      latest[number % kKeys] = number;
    }
  }

  const Snapshot& told_;
  EngineOn& on_;
  const Place& place_;
  engine::QueueRef queue_;
  std::set<std::uint64_t> cases_;  // open ones, as found
  std::set<std::uint64_t> delivered_;
  std::vector<std::uint64_t> in_order_;
  std::uint64_t missing_ = 0;
  std::vector<std::string> findings_;
};

}  // namespace

std::vector<std::string> broken_promises(const std::string& data_dir, const MixSnapshot& told, bool accept_loss) {
  storage::StoreOptions options;
  options.accept_loss = accept_loss;
  options.data_dir = data_dir;
  auto store = storage::open_store(options);
  if (!store.ok()) return {"it does not open: " + store.status().text()};
  EngineOn on(std::move(*store));
  std::vector<std::string> findings;
  look_for_damage(on, "as it was found", findings);
  const auto look_at = [&](const Place& place) {
    const auto found = told.find(place.name);
    if (found == told.end()) return;
    std::vector<std::string> more = Inspection(on, place, found->second).findings();
    std::move(more.begin(), more.end(), std::back_inserter(findings));
  };
  look_at(kAlone);
  std::for_each(kPlaces.begin(), kPlaces.end(), look_at);
  look_for_damage(on, "when it was worked off", findings);
  return findings;
}

std::vector<std::string> broken_promises(const std::string& data_dir, const Snapshot& told) {
  return broken_promises(data_dir, MixSnapshot{{kQueue, told}});
}

}  // namespace lazaret::faults
