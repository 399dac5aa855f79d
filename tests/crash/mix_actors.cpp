#include "crash/mix_actors.h"

#include <gtest/gtest.h>

#include <boost/asio/use_future.hpp>

#include "base/crc32c.h"
#include "integration/support/process.h"
#include "integration/support/wire_client.h"

namespace lazaret::crash {
namespace {

using namespace std::chrono_literals;

constexpr int kBatch = 8;
constexpr std::size_t kAskedAtOnce = 12;
/// Longer than any round with its drain: no request may end because nobody had time for it.
constexpr auto kDeadline = 120s;

/// By weight, as `outcome_of` reads them.
constexpr std::string_view kRequests = "ggggggggggggddfbtt";

std::chrono::system_clock::time_point in(milliseconds delay) { return std::chrono::system_clock::now() + delay; }

}  // namespace

// --- Publishers -----------------------------------------------------------------------------------------------------

MixPublisher::MixPublisher(Stage& stage, const std::vector<Destination>& destinations, std::string name,
                           std::uint64_t seed)
    : stage_(stage),
      destinations_(destinations),
      name_(std::move(name)),
      random_(seed),
      client_(Client::connect(stage.broker.url(), {.name = name_, .timeout = 60s})),
      thread_([this] { run(); }) {}

void MixPublisher::run() {
  while (stage_.wild) {
    publish_batch(destinations_[random_() % destinations_.size()]);
    testing::pause_for(milliseconds(random_() % stage_.pace_ms));
  }
}

void MixPublisher::publish_batch(const Destination& to) {
  std::vector<Sent> batch;
  for (int i = 0; i < kBatch; ++i) batch.push_back(publish_one(to));
  for (Sent& sent : batch) {
    try {
      const Receipt receipt = sent.receipt.get();
      write(to, sent.picked,
            {What::confirmed, "", sent.body, place_of(to.name, receipt.offset), 0, 0, Verdict::none, name_});
    } catch (const boost::system::system_error& error) {
      if (error.code() == errc::exhausted) {
        write(to, sent.picked, {What::turned_away, "", sent.body, 0, 0, 0, Verdict::none, name_});
      } else if (!to.refuses || error.code() != errc::outcome_unknown) {
        ADD_FAILURE() << to.name << ": " << error.what();
      }
      // A refusal of what was sent before says nothing of the first time; the checker takes both.
    }
    --stage_.unconfirmed;
  }
}

MixPublisher::Sent MixPublisher::publish_one(const Destination& to) {
  Sent sent{body_of(random_, name_, ++number_, stage_.longest_body), !to.picky.empty() && random_() % 2 == 0, {}};
  Event event{What::published, "", sent.body, 0, 0, 0, Verdict::none, name_};
  Message message;
  message.body = sent.body;
  message.type = sent.picked ? kPicked : "mix";
  if (to.priorities) message.priority = static_cast<int>(random_() % 10);
  if (to.keys > 0) message.key = event.key = name_ + "-" + std::to_string(random_() % to.keys);
  if (random_() % 100 < to.delayed) {
    const milliseconds delay(random_() % 3000);
    if (random_() % 2 == 0) {
      message.delay = delay;
      event.delay_us = std::chrono::microseconds(delay).count();
    } else {
      message.deliver_at = in(delay);
      event.deliver_at_us =
          std::chrono::duration_cast<std::chrono::microseconds>(message.deliver_at.time_since_epoch()).count();
    }
  }
  if (random_() % 100 < to.short_lived) {
    message.ttl = milliseconds(50 + random_() % 500);
    event.mortal = true;
  }
  event.mortal = event.mortal || to.drops;
  event.at_us = now_us();
  write(to, sent.picked, std::move(event));
  ++stage_.unconfirmed;
  sent.receipt = client_.async_publish(to.name, std::move(message), asio::use_future);
  return sent;
}

void MixPublisher::write(const Destination& to, bool picked, Event event) {
  for (const std::string& reader : to.readers) {
    event.queue = reader;
    stage_.history.add(event);
  }
  if (!picked) return;
  event.queue = to.picky;
  stage_.history.add(std::move(event));
}

// --- Requests -------------------------------------------------------------------------------------------------------

Requester::Requester(Stage& stage, RequestBook& book, std::string queue, std::string name, std::uint64_t seed)
    : stage_(stage), book_(book), queue_(std::move(queue)), name_(std::move(name)), random_(seed), thread_([this] {
        run();
      }) {}

void Requester::run() {
  std::optional<Client> client;
  while (!stage_.over && (stage_.wild || !open_.empty())) {
    try {
      if (!client) client = Client::connect(stage_.broker.url(), {.name = name_, .drain = 0s});
      while (stage_.wild && open_.size() < kAskedAtOnce) think_of_one();
      if (stage_.wild && random_() % 3 == 0) ask_and_die();
    } catch (const std::exception&) {
      testing::pause_for(20ms);  // no broker, for the moment
      continue;
    }
    for (const auto& [id, body] : open_) ask(*client, id, body);
    hear_all();
  }
}

void Requester::think_of_one() {
  const std::string body =
      std::string(1, kRequests[random_() % kRequests.size()]) + "-" + name_ + "-" + std::to_string(++number_);
  const MessageId id = MessageId::make();
  open_[id] = body;
  book_.asked(id, body);
  stage_.history.add({What::published, queue_, body, 0, 0, 0, Verdict::none, name_});
}

/// As a process that dies: a client of the library would cancel what it has asked.
void Requester::ask_and_die() {
  testing::WireClient dying(stage_.broker);
  dying.say_hello();
  for (const auto& [id, body] : open_) {
    wire::Envelope envelope;
    envelope.id.bytes = id.bytes;
    envelope.type = "mix.request";
    envelope.reply_to = "nobody any more";
    wire::Request request;
    request.request = dying.next_request();
    request.queue = queue_;
    request.time_left = kDeadline;
    request.envelope = base::SharedBytes::of(wire::encode_envelope(envelope));
    request.body = base::SharedBytes::of(body);
    request.body_crc = base::crc32c(body);
    dying.send(wire::encode(request));
  }
  testing::pause_for(milliseconds(random_() % 30));
}

void Requester::ask(Client& client, const MessageId& id, const std::string& body) {
  Message message;
  message.body = body;
  message.type = "mix.request";
  message.id = id;
  asked_.emplace_back(id, client.within(kDeadline).async_request(queue_, std::move(message), asio::use_future));
}

void Requester::hear_all() {
  for (auto& [id, reply] : asked_) {
    try {
      book_.told(id, reply.get());
      // Sometimes it asks again although it knows.
      if (!stage_.wild || random_() % 4 != 0) open_.erase(id);
    } catch (const boost::system::system_error&) {
      // It asks again.
    }
  }
  asked_.clear();
}

// --- Durable requests -----------------------------------------------------------------------------------------------

DurableRequester::DurableRequester(Stage& stage, RequestBook& book, std::string queue, std::string reply_queue,
                                   std::uint64_t seed)
    : stage_(stage),
      book_(book),
      queue_(std::move(queue)),
      reply_queue_(std::move(reply_queue)),
      random_(seed),
      thread_([this] { run(); }) {}

void DurableRequester::run() {
  while (stage_.wild) {
    const std::string body =
        std::string(1, kRequests[random_() % kRequests.size()]) + "-durable-" + std::to_string(++number_);
    const MessageId id = MessageId::make();
    book_.asked_durably(id, body);
    stage_.history.add({What::published, queue_, body, 0, 0, 0, Verdict::none, "durable"});
    ask(id, body);
    if (random_() % 5 == 0) ask(id, body);
    testing::pause_for(milliseconds(random_() % (2 * stage_.pace_ms)));
  }
}

/// Until it is on the broker's disk: it is asked again, with the same id, whatever dies on the way.
void DurableRequester::ask(const MessageId& id, const std::string& body) {
  while (true) {
    try {
      Client client = Client::connect(stage_.broker.url(), {.name = "durable", .timeout = 60s});
      Message message;
      message.body = body;
      message.type = "mix.request";
      message.id = id;
      client.ask({.to = queue_, .message = std::move(message), .within = kDeadline}, reply_queue_, {{"body", body}});
      return;
    } catch (const boost::system::system_error&) {
      if (stage_.over) return;
      testing::pause_for(20ms);
    }
  }
}

ReplyReader::ReplyReader(Stage& stage, RequestBook& book, const std::string& reply_queue)
    : client_(Client::connect(stage.broker.url(), {.name = "reply reader", .timeout = 60s, .drain = 10s})),
      consumer_(client_.consume(reply_queue, [&book](Delivery& delivery) {
        const auto reply = delivery.reply();
        if (!reply) {
          ADD_FAILURE() << "no reply: " << delivery.message().body;
        } else if (reply->final) {
          EXPECT_FALSE(reply->context.empty());
          book.told_at(delivery.message().offset, *reply);
        }
      })) {}

// --- Who answers ----------------------------------------------------------------------------------------------------

Responder::Responder(Stage& stage, RequestBook& book, const std::string& queue, const std::string& name)
    : stage_(stage),
      book_(book),
      queue_(queue),
      name_(name),
      client_(Client::connect(stage.broker.url(), {.name = name, .timeout = 60s, .drain = 10s})),
      thread_([this] { answer_later(); }),
      consumer_(client_.consume(queue, [this](Delivery& delivery) { return handle(delivery); }, {.concurrency = 3})) {}

Responder::~Responder() {
  consumer_.close(10s);
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  more_.notify_one();
  thread_.join();
}

lazaret::Verdict Responder::handle(Delivery& delivery) {
  const std::string body = delivery.message().body.str();
  Event event = begin_on(stage_.history, queue_, delivery, name_);
  const std::string words = words_of(body, book_.runs(body));
  lazaret::Verdict verdict = respond(delivery, body, words);
  event.what = What::sent;
  event.verdict = verdict.kind() == lazaret::Verdict::Kind::fail ? Verdict::fail : Verdict::ack;
  stage_.history.add(event);
  return verdict;
}

lazaret::Verdict Responder::respond(Delivery& delivery, const std::string& body, const std::string& words) {
  testing::pause_for(milliseconds(std::hash<std::string>()(body) % 4));
  const bool fails = body.front() == 'b' || (body.front() == 'f' && delivery.attempt() == 1);
  if (fails) return lazaret::Verdict::fail(words);
  if (body.front() == 'd') return lazaret::Verdict::decline(words);
  if (body.front() != 't') return lazaret::Verdict::answer({.body = words});
  {
    const std::lock_guard lock(mutex_);
    promised_.emplace_back(delivery.reply_later(), words);
  }
  more_.notify_one();
  return lazaret::Verdict::done();
}

void Responder::answer_later() {
  while (true) {
    std::unique_lock lock(mutex_);
    more_.wait(lock, [this] { return closing_ || !promised_.empty(); });
    if (promised_.empty()) return;
    const auto [ticket, words] = std::move(promised_.front());
    promised_.pop_front();
    lock.unlock();
    try {
      client_.answer(ticket, lazaret::Verdict::answer({.body = words}));
    } catch (const boost::system::system_error&) {
      // Whether it was taken is not known: it is said again.
      lock.lock();
      promised_.emplace_back(ticket, words);
      lock.unlock();
      testing::pause_for(10ms);
    }
  }
}

}  // namespace lazaret::crash
