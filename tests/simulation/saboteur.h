// Saboteur: plants a bug at the seam between the core and the rest of the broker, as if the code beside the seam had
// it. A checker is believed when it finds each of them.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <vector>

#include "core/effect.h"
#include "core/event.h"

namespace lazaret::simulation {

enum class Bug {
  none,
  ack_before_sync,          // confirms and deliveries leave when a group is written, not when it is synced
  no_grant_check,           // any verdict counts, whichever grant it names
  admission_in_two_steps,   // the case is written in the group after the one that takes the message off the queue
  blame_on_release,         // what is given back counts as a failed attempt
  suspicion_not_persisted,  // what a process was lost with is a message like another behind a restart
  dedup_not_persisted,      // what a producer has published is forgotten with the process
  delay_cut_short,          // who publishes says when a message is due, and a second of that is lost
  offsets_given_twice,      // after a power loss a relaxed queue gives the offsets of what was lost to other messages
  inbox_not_persisted,      // what came from another shard is taken again behind a restart
  priority_forgotten,       // messages are stored as if they had none
  key_lock_lost_at_retry,   // behind a restart the key of a message that waits for its retry is free
  ask_forgotten_along,      // what a transaction asks on another shard is a message like another there
  bytes_never_given_back,   // what a hospital has kept once is counted until the broker dies
  versions_not_counted,     // what was edited counts as if nobody had edited it
  budget_forgotten,         // who is told of a queue, or of its new options, believes that it has no budget
  case_lost_when_full,      // what fails while the hospital is full is off the queue, and no case
};
inline constexpr std::array kBugs = {
    std::pair{Bug::ack_before_sync, std::string_view("ack_before_sync")},
    std::pair{Bug::no_grant_check, std::string_view("no_grant_check")},
    std::pair{Bug::admission_in_two_steps, std::string_view("admission_in_two_steps")},
    std::pair{Bug::blame_on_release, std::string_view("blame_on_release")},
    std::pair{Bug::suspicion_not_persisted, std::string_view("suspicion_not_persisted")},
    std::pair{Bug::dedup_not_persisted, std::string_view("dedup_not_persisted")},
    std::pair{Bug::delay_cut_short, std::string_view("delay_cut_short")},
    std::pair{Bug::offsets_given_twice, std::string_view("offsets_given_twice")},
    std::pair{Bug::inbox_not_persisted, std::string_view("inbox_not_persisted")},
    std::pair{Bug::priority_forgotten, std::string_view("priority_forgotten")},
    std::pair{Bug::key_lock_lost_at_retry, std::string_view("key_lock_lost_at_retry")},
    std::pair{Bug::ask_forgotten_along, std::string_view("ask_forgotten_along")},
    std::pair{Bug::bytes_never_given_back, std::string_view("bytes_never_given_back")},
    std::pair{Bug::versions_not_counted, std::string_view("versions_not_counted")},
    std::pair{Bug::budget_forgotten, std::string_view("budget_forgotten")},
    std::pair{Bug::case_lost_when_full, std::string_view("case_lost_when_full")},
};

class Saboteur {
 public:
  explicit Saboteur(Bug bug) : bug_(bug) {}

  /// Looks at deliveries and hospitals: it has to know the grants, and which hospitals are full.
  void look_at(model::ShardId shard, const core::Effect& effect);
  /// An event before it is stepped.
  void spoil(model::ShardId shard, core::Event::What& what);
  /// A group before it is written.
  void spoil(model::MutationGroup& group);
  bool confirms_early() const { return bug_ == Bug::ack_before_sync; }
  void crashed();

 private:
  using Place = std::tuple<model::SubscriptionId, model::LogId, model::Offset>;

  void miscount(core::HospitalCounted& counted);

  Bug bug_;
  std::map<Place, model::Grant> grants_;
  std::map<model::ShardId, std::vector<model::Mutation>> held_back_;
  std::set<model::SubscriptionId> full_;                              // as their shards say
  std::map<model::SubscriptionId, std::uint64_t> most_counted_;       // that its cases kept, since the broker began
  std::map<model::SubscriptionId, std::uint64_t> bytes_of_versions_;  // of all that were ever written
};

}  // namespace lazaret::simulation
