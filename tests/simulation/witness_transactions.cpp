// What the witness knows of transactions: what is published in one write is there whole and once, or not at all; and
// whole when that was confirmed.
#include <algorithm>

#include "simulation/witness.h"

namespace lazaret::simulation {
namespace {

/// Bodies are "tx 17 0", "tx 17 1" and so on.
std::string name_of(std::string_view body) { return std::string(body.substr(0, body.rfind(' '))); }

}  // namespace

/// `home`: where the message is that it comes with.
void Witness::told_of(const model::OutgoingRef& outgoing, model::LogId home) {
  if (outgoing == nullptr || outgoing->problem != base::Code::OK) return;
  asked_along(*outgoing);
  for (const model::Outgoing::To& to : outgoing->to) {
    for (const auto& message : to.messages) {
      const std::string body(message->body.view());
      Transaction& transaction = transactions_[name_of(body)];
      transaction.bodies[body].insert(to.log);
      for (const auto& [id, queue] : queues_) {
        transaction.relaxed = transaction.relaxed || (queue.record.log == home && queue.relaxed);
      }
    }
  }
}

void Witness::transaction_confirmed(const model::OutgoingRef& outgoing) {
  if (outgoing == nullptr || outgoing->to.empty()) return;
  Transaction& transaction = transactions_[name_of(outgoing->to.front().messages.front()->body.view())];
  transaction.confirmed = true;
  if (!transaction.relaxed) asked_along_confirmed(*outgoing);
}

/// Where somebody has deleted what it went to, nothing is known.
void Witness::finish_transactions() {
  if (world_.store().owed() > 0) find("what was published by transactions is still on its way (1)");
  std::set<model::LogId> there;
  for (const auto& [id, queue] : queues_) {
    const std::string& name = queue.record.name;
    if (world_.has_queue(name) && world_.queue(name).subscription == id) there.insert(queue.record.log);
  }
  for (const auto& [name, transaction] : transactions_) {
    std::set<std::size_t> counts;
    for (const auto& [body, logs] : transaction.bodies) {
      std::size_t count = 0;
      bool known = true;
      for (const model::LogId log : logs) {
        count += world_.store().times_appended(log, body);
        known = known && there.contains(log);
      }
      if (count > 1) find(name + ": " + body + " is stored " + std::to_string(count) + " times (2)");
      if (known) counts.insert(count);
    }
    if (counts.size() > 1) find(name + ": some of it is there, and some is not (1)");
    const bool lost = transaction.confirmed && !transaction.relaxed && counts.contains(0);
    if (lost) find(name + ": confirmed, and not there (1)");
  }
}

}  // namespace lazaret::simulation
