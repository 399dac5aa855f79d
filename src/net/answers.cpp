// What the broker says to a client: answers of the shards become frames, on the session's I/O thread.
#include <algorithm>
#include <boost/asio/post.hpp>
#include <iterator>

#include "model/limits.h"
#include "net/session.h"

namespace lazaret::net {

namespace limits = model::limits;

void Session::tell(std::vector<model::Answer>&& answers) {
  {
    const std::lock_guard lock(inbox_mutex_);
    if (inbox_.empty()) {
      inbox_ = std::move(answers);
    } else {
      inbox_.insert(inbox_.end(), std::make_move_iterator(answers.begin()), std::make_move_iterator(answers.end()));
    }
    if (std::exchange(inbox_posted_, true)) return;
  }
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->deliver_inbox(); });
}

void Session::deliver_inbox() {
  std::vector<model::Answer> answers;
  {
    const std::lock_guard lock(inbox_mutex_);
    std::swap(answers, inbox_);
    inbox_posted_ = false;
  }
  if (ending_) return;
  for (model::Answer& answer : answers) {
    std::visit(
        [this](auto&& one) {
          if constexpr (requires { on(std::move(one)); }) {
            using One = std::remove_cvref_t<decltype(one)>;
            if constexpr (std::is_same_v<One, model::Published> || std::is_same_v<One, model::Settled>) {
              --answers_due_;
              results_due_ -= one.results.size();
            }
            on(std::move(one));
          } else {
            on_expected(std::move(one));
          }
        },
        std::move(answer));
  }
  close_if_answered();
  if (!must_pause()) wake_reader();
}

template <class Answer>
void Session::on_expected(Answer&& answer) {
  const auto it = expected_.find(answer.request);
  if (it == expected_.end()) return;
  const Then then = std::move(it->second);
  expected_.erase(it);
  then(model::Answer(std::forward<Answer>(answer)));
}

void Session::on(model::Published&& answer) {
  wire::Published frame{answer.request, std::move(answer.results), std::move(answer.status)};
  if (const auto refused = refused_items_.find(answer.request); refused != refused_items_.end()) {
    if (frame.results.size() != refused->second.submitted) return fail(used_twice(answer.request));
    // In the order of their places, so that each stands where its item stood.
    for (const auto& [place, status] : refused->second.items) {
      frame.results.insert(frame.results.begin() + static_cast<std::ptrdiff_t>(place),
                           model::PublishResult{status.code(), {}, false});
      if (frame.status.ok()) frame.status = status;
    }
    refused_items_.erase(refused);
  }
  send(wire::encode(frame));
}

void Session::on(model::Deliver&& answer) {
  wire::Deliver frame;
  frame.consumer = answer.consumer.number;
  engine::QueueRef fan_in;  // looked up where messages say where they come from
  std::size_t bytes = 0;
  std::size_t name_bytes = 0;
  for (model::Delivered& one : answer.messages) {
    if (bytes + name_bytes > limits::kBatchBytes || frame.deliveries.size() == limits::kBatchItems) {
      send_roomy(wire::encode(frame), answer.shard, bytes);
      frame.deliveries.clear();
      bytes = name_bytes = 0;
    }
    wire::Delivery delivery;
    delivery.delivery = one.delivery;
    delivery.token = {one.log, one.offset, one.grant};
    delivery.attempt = one.attempt;
    delivery.redelivered = one.redelivered;
    delivery.isolated = one.isolated;
    delivery.source_offset = one.source_offset;
    if (const model::MessageSource& source = one.message->source; source.log) {
      if (fan_in == nullptr) fan_in = context_.engine.directory().find(answer.subscription);
      if (fan_in != nullptr) delivery.source = fan_in->source_of(source);
      delivery.source_offset = source.offset;
      name_bytes += delivery.source.size();
    }
    delivery.published_at = one.message->published_at;
    delivery.envelope = one.message->envelope;
    delivery.body = one.message->body;
    delivery.body_crc = one.message->body_crc;
    // At least something: 0 says that it is no request.
    if (one.deadline.us != 0) {
      delivery.time_left = std::max(one.deadline - context_.engine.now(), base::Duration(1));
    }
    bytes += one.message->size();
    frame.deliveries.push_back(std::move(delivery));
  }
  send_roomy(wire::encode(frame), answer.shard, bytes);
}

void Session::on(model::Settled&& answer) {
  // A name that is too long to be one would make the answer as long.
  constexpr std::size_t kTextBytes = 512;
  if (const auto refused = refused_verdicts_.extract(answer.request)) {
    for (const auto& [place, why] : refused.mapped()) {
      const bool known = place < answer.results.size() && answer.results[place].code == why.code();
      if (known && why.text().size() <= kTextBytes) answer.results[place].text = why.text();
    }
  }
  wire::Settled frame;
  frame.request = answer.request;
  for (std::uint32_t i = 0; i < answer.results.size(); ++i) {
    model::VerdictResult& result = answer.results[i];
    const bool plain = result.code == base::Code::OK && !result.late && !result.case_id;
    if (!plain) frame.results.emplace_back(i, std::move(result));
  }
  send(wire::encode(frame));
}

void Session::on(model::Recall&& answer) {
  send(wire::encode(wire::Recall{answer.consumer.number, std::move(answer.deliveries)}));
}

void Session::on(model::LeaseEnded&& answer) {
  wire::LeaseEnded frame;
  frame.consumer = answer.consumer.number;
  for (const model::LeaseToken& token : answer.tokens) {
    if (frame.tokens.size() == limits::kBatchItems) {
      send(wire::encode(frame));
      frame.tokens.clear();
    }
    frame.tokens.push_back({token.log, token.offset, token.grant});
  }
  send(wire::encode(frame));
}

void Session::on(model::ConsumerEnded&& answer) {
  const auto consumer = consumers_.find(answer.consumer.number);
  if (consumer != consumers_.end()) consumer->second.phase = Consumer::Phase::closed;
  send(wire::encode(wire::ConsumerEnded{answer.consumer.number, std::move(answer.status)}));
}

}  // namespace lazaret::net
