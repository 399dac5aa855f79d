// What askers and responders do in a random run.
#include <algorithm>
#include <array>

#include "model/limits.h"
#include "simulation/random_run.h"

namespace lazaret::simulation {
namespace {

constexpr std::array kAsked{"letters", "orders", "parcels", "news.all"};

}  // namespace

void RandomRun::make_askers() {
  for (int i = 0; i < 2; ++i) {
    Asker& asker = *askers_.emplace_back(std::make_unique<Asker>());
    Client::Options options;
    options.silent_trace = true;
    asker.client = std::make_unique<Client>(world_, "asker" + std::to_string(i), options);
    asker.client->on_reply = [this, &asker](std::uint64_t number, const model::Replied& replied) {
      if (!replied.final) return;
      // It is told at its deadline, or soon after: with the patience for whoever has it.
      const auto open = asker.open.find(number);
      if (open != asker.open.end() && open->second.deadline + 2s < world_.now()) {
        witness_.find("request " + std::to_string(number) + " was told long after its deadline");
      }
      const bool has_reply =
          replied.outcome == model::RequestOutcome::answered || replied.outcome == model::RequestOutcome::declined;
      if (open != asker.open.end() && has_reply) asker.told[number] = {open->second.queue, world_.now()};
      asker.open.erase(number);
    };
  }
}

void RandomRun::ask(Asker& asker) {
  if (!asker.client->connected()) return askers_come_back();
  const std::uint64_t dice = random_.below(100);
  if (dice < 15) return ask_again(asker);
  if (dice < 18) return ask_in_a_crowd(asker);
  if (dice < 25 && !asker.open.empty()) {
    const auto& [number, open] = any(asker.open);
    if (world_.has_queue(open.queue)) asker.client->cancel(std::string(open.queue), std::uint64_t{number});
    return;
  }
  if (dice < 28 && !asker.open.empty()) {
    const auto [number, open] = any(asker.open);
    if (world_.has_queue(open.queue)) asker.client->leave(open.queue, number);
    asker.open.erase(number);
    return;
  }
  if (dice < 31) return asker.client->die();
  if (dice < 35) return answer_by_ticket();
  if (dice < 60) return ask_durably(asker);
  const std::string queue = kAsked[random_.below(kAsked.size())];
  if (!world_.has_queue(queue)) return;
  const auto time_left = base::Duration(static_cast<std::int64_t>(random_.below(chance(50) ? 400'000 : 6'000'000)));
  const std::uint64_t number = ++last_asked_;
  asker.open[number] = {queue, world_.now() + time_left};
  asker.client->ask(queue, number, time_left);
}

/// The same request, with the time that is left of it; or another's, and then it is told too; or one that was replied
/// to, for which there is the same reply.
void RandomRun::ask_again(Asker& asker) {
  std::erase_if(asker.told, [&](const auto& one) { return one.second.deadline + 30s < world_.now(); });
  if (!asker.told.empty() && chance(50)) {
    const auto [number, told] = any(asker.told);
    if (world_.has_queue(told.queue)) asker.client->ask(told.queue, number, 300ms);
    return;
  }
  Asker& whose = *any(askers_);
  if (whose.open.empty()) return;
  const auto [number, open] = any(whose.open);
  if (!world_.has_queue(open.queue) || open.deadline <= world_.now()) return;
  asker.open[number] = open;
  asker.client->ask(open.queue, number, open.deadline - world_.now());
}

/// Or the same once more, or with another reply queue than before, which is refused.
void RandomRun::ask_durably(Asker& asker) {
  if (!asker.durable.empty() && chance(30)) {
    const auto& [number, open] = any(asker.durable);
    if (!world_.has_queue(open.queue) || world_.queue(open.queue).subscription != open.subscription) return;
    if (open.deadline + 30s < world_.now()) return;  // it may be forgotten
    if (chance(80)) return asker.client->ask_durably(open.queue, number, 1s, "replies");
    return asker.client->ask(open.queue, number, 1s);
  }
  const std::string queue = kAsked[random_.below(kAsked.size())];
  if (!world_.has_queue(queue)) return;
  const auto time_left = base::Duration(static_cast<std::int64_t>(random_.below(chance(10) ? 1 : 6'000'000)));
  const std::uint64_t number = ++last_asked_;
  asker.durable[number] = {queue, world_.now() + time_left, world_.queue(queue).subscription};
  asker.client->ask_durably(queue, number, time_left, "replies");
}

/// More often than anybody may.
void RandomRun::ask_in_a_crowd(Asker& asker) {
  if (!world_.has_queue("orders")) return;
  const std::uint64_t number = ++last_asked_;
  for (std::size_t i = 0; i <= model::limits::kWaitersPerRequest; ++i) asker.client->ask("orders", number, 300ms);
}

/// A responder says something to a request, if it is one.
void RandomRun::answer(Worker& worker, std::uint64_t offset) {
  Client& client = *worker.client;
  const bool request = client.delivery(offset).what.deadline.us != 0;
  if (!request && chance(20)) {
    return client.ack_with(offset, some_destinations(), "tx " + std::to_string(++bodies_), some_asks());
  }
  if (request && chance(8)) return answer_and_fail(worker, offset);
  if (!request || chance(20)) return client.ack(offset);
  if (chance(30)) return client.decline(offset, "no " + std::to_string(++bodies_));
  client.answer(offset, "answer " + std::to_string(++bodies_));
}

/// Often none. With ids of their own: who else asked with one would be told the same.
std::vector<Client::Along> RandomRun::some_asks() {
  std::vector<Client::Along> some;
  if (chance(50)) return some;
  for (std::uint64_t i = 1 + random_.below(2); i > 0; --i) {
    const auto time_left = base::Duration(static_cast<std::int64_t>(random_.below(chance(10) ? 10'000 : 6'000'000)));
    some.push_back({kAsked[random_.below(3)], ++last_asked_, time_left, "replies"});
  }
  return some;
}

/// Its case is not to be replayed unawares.
void RandomRun::answer_and_fail(Worker& worker, std::uint64_t offset) {
  const Client::Delivery& delivery = worker.client->delivery(offset);
  model::AnswerRequest answer;
  answer.subscription = delivery.token.subscription;
  answer.id = *model::MessageId::from_raw(delivery.what.message->envelope.view());
  answer.reply = Client::answered("ticket " + std::to_string(++bodies_));
  world_.ask<model::Done>(delivery.token.shard, answer);
  if (worker.client->connected()) worker.client->reject(offset);
}

void RandomRun::answer_by_ticket() {
  const Asker& asker = *any(askers_);
  if (last_asked_ == 0) return;
  const auto& of = !asker.durable.empty() && chance(50) ? asker.durable : asker.open;
  const auto newest = of.empty() ? of.end() : std::prev(of.end());
  const std::string queue = of.empty() ? "orders" : newest->second.queue;
  if (!world_.has_queue(queue)) return;
  auto reply = std::make_shared<model::ResponderReply>(*Client::answered("ticket " + std::to_string(++bodies_)));
  reply->final = chance(70);
  model::AnswerRequest answer;
  answer.subscription = world_.queue(queue).subscription;
  answer.id = Client::id_of(of.empty() ? 1 + random_.below(last_asked_) : newest->first);
  answer.reply = std::move(reply);
  world_.ask<model::Done>(world_.queue(queue).shard, answer);
}

/// Each asks again for what it was not told.
void RandomRun::askers_come_back() {
  for (const auto& asker : askers_) {
    if (asker->client->connected()) continue;
    asker->client->connect();
    for (const auto& [number, open] : std::map(asker->open)) {
      const bool over = !world_.has_queue(open.queue) || open.deadline <= world_.now();
      if (over) {
        asker->open.erase(number);
      } else {
        asker->client->ask(open.queue, number, open.deadline - world_.now());
      }
    }
  }
}

}  // namespace lazaret::simulation
