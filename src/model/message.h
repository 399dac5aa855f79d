// Message: what travels through a log. The broker keeps the publisher's envelope bit for bit and never
// rewrites a body.
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/time.h"
#include "model/ids.h"

namespace lazaret::model {

/// Priorities are 0 to this one.
inline constexpr std::uint8_t kHighestPriority = 9;

/// Where a message was published that a subscription of several topics has taken over into its own log.
struct MessageSource {
  LogId log;  // 0: it stands where it was published
  Offset offset;
  bool operator==(const MessageSource&) const = default;
};

/// One published message. Immutable once it has been handed to the core, except that the core sets
/// `published_at`, `source` and what is said of an import while it is still the only owner. Thread-safe to read.
struct Message {
  /// An encoded `lazaret.wire.v1.Envelope`: id, key, type, headers, correlation id, … It always has an id.
  base::SharedBytes envelope;
  /// The raw body. Never part of a protobuf.
  base::SharedBytes body;
  /// CRC-32C of the body, made by the publisher's SDK and checked by the consumer's.
  std::uint32_t body_crc = 0;
  /// 0 to kHighestPriority: of what is ready, the highest is delivered first.
  std::uint8_t priority = 0;
  /// It came with a case of another broker: one subscription has that case, and its replays; by way of the log nobody
  /// is delivered it.
  bool imported = false;
  /// Engine time of the step that published it; of an imported one as the other broker had it, which may be long ago.
  base::Instant published_at;
  /// Of an imported one: engine time of the step that brought it here. 0: it was not imported.
  base::Instant imported_at;
  /// Engine time before which it is not delivered; 0: at once.
  base::Instant due;
  /// Engine time from which on it is not delivered any more; 0: never. A subscription's `ttl` may end it before.
  base::Instant expires_at;
  MessageSource source;

  /// When it came to the log that it was published, or imported, to. These times rise with offsets.
  base::Instant came_at() const { return imported ? imported_at : published_at; }
  std::size_t size() const { return envelope.size() + body.size(); }
};

using MessageRef = std::shared_ptr<const Message>;

}  // namespace lazaret::model
