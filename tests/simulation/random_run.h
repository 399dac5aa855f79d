// RandomRun: publishers, workers, operators and crashes, drawn from a seed, with a witness beside them. At the end
// everybody becomes well-behaved, what is left is worked off, and the witness says what it found. The same seed gives
// the same run, byte for byte.
//
// Threading: none; one thread uses one run. Runs share nothing.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "simulation/client.h"
#include "simulation/coverage.h"
#include "simulation/digest.h"
#include "simulation/tracer.h"
#include "simulation/witness.h"
#include "simulation/world.h"

namespace lazaret::simulation {

class RandomRun {
 public:
  static constexpr std::uint64_t kCommands = 500;  // at least
  static constexpr int kCrashes = 3;               // at least

  explicit RandomRun(std::uint64_t seed, Bug bug = Bug::none);

  /// Prints what passes between the core and the rest of the broker. Before run().
  void trace(std::ostream& out);
  /// Once. Stops at the first finding.
  void run();
  const std::vector<std::string>& findings() const { return witness_.findings(); }
  const Coverage& coverage() const { return coverage_; }
  std::uint64_t digest() const { return digest_.value(); }
  std::uint64_t commands() const { return commands_.count; }
  int crashes() const { return crashes_; }

 private:
  struct Worker {
    std::unique_ptr<Client> client;
    std::string queue;
    std::uint64_t number = 1;                           // of its consumer
    base::Instant returns_at = base::Instant::never();  // when it connects again, if it is not connected
    bool as_another = false;                            // … as another process
    Worker* companion = nullptr;                        // another part of the same process
    bool is_companion = false;                          // it comes and goes with the one whose companion it is
    base::Instant sure_from;                            // before it, it may not yet have heard what it has lost
  };
  /// A publisher that numbers what it sends, and sends again what was not confirmed before the broker died.
  struct Publisher {
    model::InstanceRecord instance;
    model::ProducerId producer;
    model::SessionId session;
    std::string queue;
    std::uint64_t next = 1;
    std::uint64_t last_request = 0;
    struct Unconfirmed {
      std::string body;
      base::Duration delay{};
      base::Duration ttl{};
      std::uint8_t priority = 0;
      std::vector<std::string> along;  // where it goes as well, in the same write
    };
    std::map<std::uint64_t, Unconfirmed> unconfirmed;               // by sequence
    std::map<std::uint64_t, std::vector<std::uint64_t>> under_way;  // request → sequences
  };
  /// Somebody who asks, and asks again for what was not answered when its connection breaks.
  struct Asker {
    struct Open {
      std::string queue;
      base::Instant deadline;
      model::SubscriptionId subscription{};
    };
    std::unique_ptr<Client> client;
    std::map<std::uint64_t, Open> open;  // by the number of the request
    std::map<std::uint64_t, Open> told;  // answered or declined, and when
    std::map<std::uint64_t, Open> durable;
  };
  struct CommandCounter final : Watcher {
    void event(model::ShardId, base::Instant, const core::Event::What& what) override {
      if (what.index() < std::variant_size_v<model::Command>) ++count;
    }
    std::uint64_t count = 0;
  };

  bool chance(std::uint64_t percent) { return random_.below(100) < percent; }
  template <class Container>
  auto& any(Container& of) {
    return *std::next(of.begin(), static_cast<std::ptrdiff_t>(random_.below(of.size())));
  }
  bool well() const { return findings().empty(); }

  // Who takes part.
  void create(const std::string& name);
  void make_workers();
  void equip(Worker& worker);
  void make_publishers();
  void open(Publisher& publisher);

  // What happens: random_actions.cpp.
  void act();
  void publish(Publisher& publisher);
  void publish_again(Publisher& publisher);
  void send(Publisher& publisher, const std::vector<std::uint64_t>& sequences);
  void send_again(Publisher& publisher);
  void confirmed(Publisher& publisher, const model::Published& published);
  void work(Worker& worker);
  void insist(Worker& worker);
  void change_consumer(Worker& worker);
  void leave(Worker& worker);
  void come_back();
  void crash();
  void nobody_works_twice();

  std::vector<std::string> some_destinations();

  // What askers do: random_requests.cpp.
  void make_askers();
  void ask(Asker& asker);
  void ask_again(Asker& asker);
  void ask_durably(Asker& asker);
  void ask_in_a_crowd(Asker& asker);
  void answer(Worker& worker, std::uint64_t offset);
  std::vector<Client::Along> some_asks();
  void answer_by_ticket();
  void answer_and_fail(Worker& worker, std::uint64_t offset);
  void askers_come_back();

  // What operators do: random_operators.cpp.
  void move(const std::string& subscription);
  void change_retention();
  void operate();
  void treat(const std::string& name);
  void cure(const std::string& name);
  model::CaseDone edit(const model::CaseRecord& record, std::uint32_t seen);
  void treat_by_job(const model::CaseId& id);
  void treat_orphan(const model::CaseId& id);
  void alert_of(const model::CaseId& id);
  void import(const std::string& name);
  void quarantine(const std::string& name);
  void inspect(const std::string& name);
  void look_at_groups();
  void note_in_the_audit_trail(const std::string& name);
  void change_options(const std::string& name);
  void ask_for_nonsense(const std::string& name);
  void erase(const std::string& name, bool under_a_crash);
  void recreate(const std::string& name);
  void forget_publishes(const std::string& name);
  void fill_the_disk();
  void one_by_one(const std::string& name);
  void cancel(const std::string& name);
  void a_day_passes();

  void drain();
  bool resolve_held_cases();
  void raise_budgets();
  void create_topic();
  void create_reply_queue();
  void subscribe(const std::string& name);
  void subscribe_to_all();
  model::QueueOptions some_options();
  void make_breaker_quick(model::QueueOptions& options);
  std::string some_filter();
  std::uint64_t some_budget();
  std::uint64_t some_count();
  void erase_topic();
  void erase_one_of_two_topics();
  void meddle_with_several_topics();
  void renew_subscription_of_all();

  base::Random random_;
  World world_;
  Witness witness_;
  Coverage coverage_;
  Digest digest_;
  CommandCounter commands_;
  std::unique_ptr<Tracer> tracer_;
  std::uint64_t imported_ = 0;  // cases of the broker that they come from
  int crashes_ = 0;
  std::uint64_t bodies_ = 0;
  bool with_priorities_ = false;
  std::set<std::string> names_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Publisher>> publishers_;
  std::vector<std::unique_ptr<Asker>> askers_;
  std::uint64_t last_asked_ = 0;
  std::vector<model::CaseId> orphans_;  // cases of deleted queues
  std::uint64_t replay_jobs_ = 0;
  std::uint64_t audited_ = 0;  // the last entry that was confirmed
};

}  // namespace lazaret::simulation
