#include "bench/message_path.h"

#include <utility>

#include "base/assert.h"
#include "base/crc32c.h"
#include "bench/frame_bytes.h"
#include "storage/run.h"
#include "wire/envelope.h"

namespace lazaret::bench {
namespace {

const model::SessionId kSession(1);
const base::Uuid kProducer = base::Uuid::v7(1, 2, 3);
const model::InstanceRecord kInstance{base::Uuid::v7(1, 4, 5), "bench", "host", "1", true};
constexpr std::uint64_t kConsumer = 1;

engine::ShardPipeline new_pipeline(base::Instant now) {
  core::ShardConfig config;
  core::Shard core(config, {}, now);
  return engine::ShardPipeline(config.shard, std::move(core), {}, std::chrono::milliseconds(5));
}

}  // namespace

MessagePath::MessagePath(std::size_t body_bytes, std::size_t batch) : pipeline_(new_pipeline(now_)), batch_(batch) {
  step(core::WakeUp{});
  model::CreateQueue create;
  create.origin = {kSession, 1};
  create.name = "q";
  step(std::move(create));
  commit();  // and with it the queue's owner hears of it
  wire::Publish frame;
  frame.producer = 1;
  const base::SharedBytes body = base::SharedBytes::of(std::string(body_bytes, 'x'));
  wire::Envelope envelope;
  envelope.id = base::Uuid::v7(1, 6, 7);
  for (std::size_t i = 0; i < batch_; ++i) {
    frame.items.push_back(
        {i + 1, base::SharedBytes::of(wire::encode_envelope(envelope)), body, base::crc32c(body.view()), {}, {}, {}});
  }
  publish_frame_ = bytes_of(wire::encode(frame));
}

void MessagePath::step(core::Event::What what) {
  now_ = now_ + std::chrono::microseconds(1);
  pipeline_.step(std::move(what), 0, now_);
}

/// What is sealed is written, as far as that is ours to do, and synced.
void MessagePath::commit() {
  while (auto sealed = pipeline_.seal_if_due(now_, true)) {
    for (const model::Mutation& mutation : sealed->group.mutations) {
      const auto* append = std::get_if<model::AppendMessages>(&mutation);
      for (std::size_t at = 0; append != nullptr && at < append->messages.size();) {
        const std::span left = std::span(append->messages).subspan(at);
        const std::size_t count = storage::run_length(left);
        storage::encode_run(append->log, model::Offset(append->first.value + at), left.first(count));
        at += count;
      }
    }
    step(core::Persisted{sealed->number});
    for (core::Effect& effect : std::exchange(pipeline_.ready(), {})) {
      if (auto* tell = std::get_if<core::Tell>(&effect)) {
        answers_.push_back(std::move(tell->answer));
      } else if (const auto* assign = std::get_if<core::AssignQueue>(&effect)) {
        queue_ = assign->queue->subscription;
        log_ = assign->queue->log;
        step(core::QueueAssigned{assign->queue, assign->created});
      }
    }
  }
}

/// What a session makes of what it is told. Gives the bytes of it.
std::size_t MessagePath::answer() {
  std::size_t bytes = 0;
  for (model::Answer& answer : std::exchange(answers_, {})) {
    if (auto* published = std::get_if<model::Published>(&answer)) {
      bytes += wire::encode(wire::Published{published->request, std::move(published->results), {}}).size();
    } else if (auto* settled = std::get_if<model::Settled>(&answer)) {
      acked_ += settled->results.size();
      bytes += wire::encode(wire::Settled{settled->request, {}}).size();
    } else if (auto* deliver = std::get_if<model::Deliver>(&answer)) {
      wire::Deliver frame{kConsumer, {}};
      for (const model::Delivered& one : deliver->messages) {
        frame.deliveries.push_back({one.delivery,
                                    {one.log, one.offset, one.grant},
                                    one.attempt,
                                    one.redelivered,
                                    one.isolated,
                                    one.source_offset,
                                    one.message->published_at,
                                    one.message->envelope,
                                    one.message->body,
                                    one.message->body_crc});
      }
      bytes += wire::encode(frame).size();
      delivered_.push_back(std::move(*deliver));
    }
  }
  return bytes;
}

std::size_t MessagePath::publish() {
  auto frame = read<wire::Publish>(publish_frame_);
  model::Publish command;
  command.origin = {kSession, ++request_};
  command.log = log_;
  command.producer = kProducer;
  for (wire::PublishItem& item : frame.items) {
    wire::EnvelopeFacts facts;
    LZ_ASSERT(wire::check_envelope(item.envelope.view(), 64u << 10, facts).ok());
    LZ_ASSERT(base::crc32c(item.body.view()) == item.body_crc);
    auto message = std::make_shared<model::Message>();
    message->envelope = std::move(item.envelope);
    message->body = std::move(item.body);
    message->body_crc = item.body_crc;
    command.items.push_back({++sequence_, std::move(message)});
  }
  step(std::move(command));
  commit();
  return answer();
}

void MessagePath::consume(std::uint64_t credit) {
  model::OpenConsumer open;
  open.origin = {kSession, ++request_};
  open.consumer = {kInstance.id, kConsumer};
  open.instance = kInstance;
  open.subscription = queue_;
  open.credit_messages = credit;
  open.credit_bytes = 64u << 20;
  step(std::move(open));
  commit();
  answer();
}

std::size_t MessagePath::settle() {
  for (const model::Deliver& deliver : std::exchange(delivered_, {})) {
    wire::Settle frame{++request_, kConsumer, {}, {}};
    for (const model::Delivered& one : deliver.messages) frame.acks.push_back({one.log, one.offset, one.grant});
    const auto started =
        read<wire::Started>(bytes_of(wire::encode(wire::Started{kConsumer, deliver.messages.back().delivery})));
    step(model::Started{{kInstance.id, kConsumer}, queue_, started.delivery});
    const auto settle = read<wire::Settle>(bytes_of(wire::encode(frame)));
    model::Settle command;
    command.origin = {kSession, settle.request};
    for (const wire::Token& token : settle.acks) {
      model::Verdict& verdict = command.verdicts.emplace_back();
      verdict.token = {model::ShardId(0), queue_, token.log, token.offset, token.grant};
    }
    step(std::move(command));
  }
  commit();
  return answer();
}

}  // namespace lazaret::bench
