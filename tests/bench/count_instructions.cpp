// Sends messages along the path of message_path.h, for callgrind to count: `count_instructions publish|consume N`.
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "bench/message_path.h"

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  constexpr std::size_t kBatch = 64;
  const bool consume = std::string_view(argv[1]) == "consume";
  const std::uint64_t wanted = std::strtoull(argv[2], nullptr, 10);
  lazaret::bench::MessagePath path(256, kBatch);
  if (consume) path.consume(4 * kBatch);
  std::size_t bytes = 0;
  for (std::uint64_t sent = 0; sent < wanted; sent += kBatch) {
    bytes += path.publish();
    if (consume) bytes += path.settle();
  }
  if (consume && path.acked() < wanted) return 1;
  std::cout << bytes << "\n";
  return 0;
}
