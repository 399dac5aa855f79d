// What a data directory owes to those who were told something: engine_at_work.h says for whom.
#include <algorithm>
#include <set>

#include "base/crc32c.h"
#include "faults/engine_at_work.h"
#include "faults/worker_outbox.h"
#include "storage/rocks_store.h"

namespace lazaret::faults {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 60s;

class Inspection {
 public:
  Inspection(std::unique_ptr<model::Store> store, const Snapshot& told) : told_(told), on_(std::move(store)) {}

  std::vector<std::string> findings() {
    queue_ = on_.engine().directory().find(kQueue);
    if (queue_ == nullptr) {
      const bool owed = std::any_of(told_.begin(), told_.end(), [](const auto& one) { return one.second.confirmed; });
      return owed ? std::vector<std::string>{"the queue is gone (1)"} : std::vector<std::string>();
    }
    look_for_damage("as it was found");
    look_at_cases();
    look_at_duplicates();
    work_off();
    for (const auto& [number, told] : told_) look_at(number, told);
    look_for_damage("when it was worked off");
    return std::move(findings_);
  }

 private:
  void find(std::uint64_t number, const std::string& what) {
    findings_.push_back("message " + std::to_string(number) + ": " + what);
  }

  void look_for_damage(const std::string& when) {
    const auto report = on_.store().check({});
    if (!report.ok()) return findings_.push_back(report.status().text());
    for (const auto& one : report->findings) findings_.push_back(when + ": " + one.where + ": " + one.what);
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
      publish.log = queue_->log;
      publish.producer = model::ProducerId();
      publish.producer->bytes[3] = 7;
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

  void work_off() {
    Ledger unused;
    const auto worker = std::make_shared<WorkerOutbox>(unused, 9);
    worker->consume(on_.engine(), queue_, true);
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (true) {
      model::ShowQueue show;
      show.subscription = queue_->subscription;
      const auto stats = on_.ask<model::QueueStats>(queue_->shard, show);
      if (stats.ready + stats.leased + stats.waiting == 0) break;
      if (std::chrono::steady_clock::now() > end) {
        findings_.push_back("it is never worked off: " + std::to_string(stats.ready) + " ready, " +
                            std::to_string(stats.leased) + " leased, " + std::to_string(stats.waiting) + " waiting");
        break;
      }
      std::this_thread::sleep_for(1ms);
    }
    worker->close();
    for (const std::string& body : worker->delivered()) {
      const auto number = number_in(body);
      if (!number || !told_.contains(*number)) {
        findings_.push_back("a message that nobody sent was delivered");
      } else if (!delivered_.insert(*number).second) {
        find(*number, "is delivered twice without a reason");
      }
    }
  }

  void look_at(std::uint64_t number, const Told& told) {
    const bool there = delivered_.contains(number) || cases_.contains(number);
    if (told.confirmed && !told.end_asked && !there) find(number, "was confirmed, and is gone (1)");
    if (told.ended && there) find(number, "its end was confirmed, and it is there again (3)");
  }

  const Snapshot& told_;
  EngineOn on_;
  engine::QueueRef queue_;
  std::set<std::uint64_t> cases_;  // open ones, as found
  std::set<std::uint64_t> delivered_;
  std::vector<std::string> findings_;
};

}  // namespace

std::vector<std::string> broken_promises(const std::string& data_dir, const Snapshot& told) {
  storage::StoreOptions options;
  options.data_dir = data_dir;
  auto store = storage::open_store(options);
  if (!store.ok()) return {"it does not open: " + store.status().text()};
  return Inspection(std::move(*store), told).findings();
}

}  // namespace lazaret::faults
