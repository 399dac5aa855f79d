// Microbenchmarks of the parts that every message goes through: build/release/bin/micro_bench. Numbers are for
// comparing two builds on one machine.
#include <benchmark/benchmark.h>

#include "base/crc32c.h"
#include "bench/frame_bytes.h"
#include "bench/message_path.h"
#include "core/ack_set.h"
#include "storage/keys.h"
#include "wire/envelope.h"

namespace lazaret::bench {
namespace {

constexpr std::size_t kBatch = 64;

void count_messages(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
}

void PublishFrameToConfirm(benchmark::State& state) {
  MessagePath path(static_cast<std::size_t>(state.range(0)), kBatch);
  for (auto _ : state) benchmark::DoNotOptimize(path.publish());
  count_messages(state);
}
BENCHMARK(PublishFrameToConfirm)->Arg(256)->Arg(4096);

void PublishAndConsume(benchmark::State& state) {
  MessagePath path(static_cast<std::size_t>(state.range(0)), kBatch);
  path.consume(4 * kBatch);
  for (auto _ : state) {
    benchmark::DoNotOptimize(path.publish());
    benchmark::DoNotOptimize(path.settle());
  }
  count_messages(state);
}
BENCHMARK(PublishAndConsume)->Arg(256)->Arg(4096);

wire::OutFrame publish_frame(std::size_t body_bytes) {
  wire::Publish frame{1, 1, {}};
  const base::SharedBytes body = base::SharedBytes::of(std::string(body_bytes, 'x'));
  wire::Envelope envelope;
  envelope.id = base::Uuid::v7(1, 2, 3);
  for (std::size_t i = 0; i < kBatch; ++i) {
    frame.items.push_back(
        {i, base::SharedBytes::of(wire::encode_envelope(envelope)), body, base::crc32c(body.view()), {}, {}, {}});
  }
  return wire::encode(frame);
}

void EncodePublish(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(publish_frame(256));
  count_messages(state);
}
BENCHMARK(EncodePublish);

void DecodePublish(benchmark::State& state) {
  const std::string bytes = bytes_of(publish_frame(256));
  for (auto _ : state) benchmark::DoNotOptimize(read<wire::Publish>(bytes));
  count_messages(state);
}
BENCHMARK(DecodePublish);

/// Acks in no order: every second first, then the rest. The cost of one must not grow with the number of holes.
void AckWithHoles(benchmark::State& state) {
  const auto holes = static_cast<std::uint64_t>(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    core::AckSet acked;
    for (std::uint64_t i = 0; i < holes; ++i) acked.settle(model::Offset(2 * i + 1));
    state.ResumeTiming();
    for (std::uint64_t i = 0; i < 1024; ++i) acked.settle(model::Offset(2 * holes + 2 * i + 1));
  }
  state.SetItemsProcessed(state.iterations() * 1024);
}
BENCHMARK(AckWithHoles)->Arg(64)->Arg(4096)->Arg(65536);

void MessageKey(benchmark::State& state) {
  std::uint64_t offset = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(storage::keys::message(model::ShardId(1), model::LogId(7), model::Offset(++offset)));
  }
}
BENCHMARK(MessageKey);

void Checksum(benchmark::State& state) {
  const std::string bytes(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(base::crc32c(bytes));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(Checksum)->Arg(256)->Arg(65536);

}  // namespace
}  // namespace lazaret::bench

BENCHMARK_MAIN();
