#include "storage/run.h"

#include <algorithm>

#include "base/crc32c.h"
#include "base/fixed_int.h"
#include "model/limits.h"

namespace lazaret::storage {
namespace {

using model::LogId;
using model::MessageRef;
using model::Offset;

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kHeadBytes = 12;    // version, flags, count, published_at of the first
constexpr std::size_t kEntryBytes = 20;   // envelope length, body length, body CRC, published after, CRC
constexpr std::size_t kTimesBytes = 16;   // due, expires at; of each message, when the flag says so
constexpr std::uint8_t kTimed = 1;        // flag: some message has a time of its own
constexpr std::uint8_t kPrioritised = 2;  // flag: some message has a priority: a byte of each
constexpr std::uint8_t kSourced = 4;      // flag: some message was taken over from a topic, which each says
constexpr std::size_t kSourceBytes = 24;  // log, offset, published at; of each, then
constexpr std::uint8_t kImported = 8;     // flag: some message was imported: a byte of each, and kSourced is set too

struct IndexEntry {
  std::uint32_t envelope_bytes = 0;
  std::uint32_t body_bytes = 0;
  std::uint32_t body_crc = 0;
  std::uint32_t published_after_us = 0;
  std::uint32_t crc = 0;
};

/// Covers everything of a message but its body, which has its own: so nothing is summed twice on the way to the disk,
/// and a message that stands in the wrong place is found out.
std::uint32_t message_crc(LogId log, Offset offset, base::Instant published_at, std::uint32_t body_bytes,
                          std::uint32_t body_crc, std::string_view envelope) {
  char head[32];
  base::store_le(head, log.value);
  base::store_le(head + 8, offset.value);
  base::store_le(head + 16, static_cast<std::uint64_t>(published_at.us));
  base::store_le(head + 24, body_bytes);
  base::store_le(head + 28, body_crc);
  return base::crc32c(envelope, base::crc32c({head, sizeof head}));
}

std::size_t index_bytes(std::size_t count, std::uint8_t flags) {
  const std::size_t times = (flags & kTimed) != 0 ? kTimesBytes : 0;
  const std::size_t source = (flags & kSourced) != 0 ? kSourceBytes : 0;
  const std::size_t bytes = ((flags & kPrioritised) != 0 ? 1 : 0) + ((flags & kImported) != 0 ? 1 : 0);
  return kHeadBytes + count * (kEntryBytes + times + source + bytes);
}
/// REQUIRES a head.
std::uint8_t flags_of(std::string_view value) { return static_cast<std::uint8_t>(value[1]); }

IndexEntry entry_at(std::string_view value, std::size_t i) {
  base::Reader reader{value.substr(kHeadBytes + i * kEntryBytes, kEntryBytes)};
  IndexEntry entry;
  entry.envelope_bytes = reader.le<std::uint32_t>();
  entry.body_bytes = reader.le<std::uint32_t>();
  entry.body_crc = reader.le<std::uint32_t>();
  entry.published_after_us = reader.le<std::uint32_t>();
  entry.crc = reader.le<std::uint32_t>();
  return entry;
}

/// Behind the entries.
void read_times(std::string_view value, std::size_t count, std::size_t i, model::Message& message) {
  base::Reader reader{value.substr(kHeadBytes + count * kEntryBytes + i * kTimesBytes, kTimesBytes)};
  message.due.us = static_cast<std::int64_t>(reader.le<std::uint64_t>());
  message.expires_at.us = static_cast<std::int64_t>(reader.le<std::uint64_t>());
}

/// Behind the entries, and the times if there are any.
std::uint8_t priority_at(std::string_view value, std::size_t count, std::size_t i) {
  const auto without = static_cast<std::uint8_t>(flags_of(value) & kTimed);
  const auto priority = static_cast<std::uint8_t>(value[index_bytes(count, without) + i]);
  return priority > model::kHighestPriority ? std::uint8_t{0} : priority;
}

/// Behind those. When it was published is said here too: messages of several topics, and those that were imported, do
/// not come in the order of that, which the entries rely on.
void read_source(std::string_view value, std::size_t count, std::size_t i, model::Message& message) {
  const auto without = static_cast<std::uint8_t>(flags_of(value) & (kTimed | kPrioritised));
  base::Reader reader{value.substr(index_bytes(count, without) + i * kSourceBytes, kSourceBytes)};
  message.source.log = LogId(reader.le<std::uint64_t>());
  message.source.offset = Offset(reader.le<std::uint64_t>());
  message.published_at.us = static_cast<std::int64_t>(reader.le<std::uint64_t>());
}

/// Last of all. REQUIRES that its source was read: in the place of its offset there stands when it was imported.
void read_import(std::string_view value, std::size_t count, std::size_t i, model::Message& message) {
  const auto without = static_cast<std::uint8_t>(flags_of(value) & (kTimed | kPrioritised | kSourced));
  message.imported = value[index_bytes(count, without) + i] != 0;
  if (!message.imported) return;
  message.imported_at.us = static_cast<std::int64_t>(message.source.offset.value);
  message.source = {};
}

/// What the messages of a run have that most do not.
std::uint8_t flags_for(std::span<const MessageRef> messages) {
  std::uint8_t flags = 0;
  for (const MessageRef& message : messages) {
    if ((message->due.us | message->expires_at.us) != 0) flags |= kTimed;
    if (message->priority > 0) flags |= kPrioritised;
    if (message->source.log || message->imported) flags |= kSourced;
    if (message->imported) flags |= kImported;
  }
  return flags;
}

/// What stands behind the entries.
void append_flagged(std::string& index, std::uint8_t flags, std::span<const MessageRef> messages) {
  for (std::size_t i = 0; (flags & kTimed) != 0 && i < messages.size(); ++i) {
    base::append_le(index, static_cast<std::uint64_t>(messages[i]->due.us));
    base::append_le(index, static_cast<std::uint64_t>(messages[i]->expires_at.us));
  }
  for (std::size_t i = 0; (flags & kPrioritised) != 0 && i < messages.size(); ++i) {
    index.push_back(static_cast<char>(messages[i]->priority));
  }
  for (std::size_t i = 0; (flags & kSourced) != 0 && i < messages.size(); ++i) {
    base::append_le(index, messages[i]->source.log.value);
    const bool imported = messages[i]->imported;  // it has no source, and the time when it came stands in that place
    base::append_le(
        index, imported ? static_cast<std::uint64_t>(messages[i]->imported_at.us) : messages[i]->source.offset.value);
    base::append_le(index, static_cast<std::uint64_t>(messages[i]->published_at.us));
  }
  for (std::size_t i = 0; (flags & kImported) != 0 && i < messages.size(); ++i) {
    index.push_back(messages[i]->imported ? 1 : 0);
  }
}

bool index_is_whole(std::string_view value) {
  const auto count = run_count(value);
  if (!count) return false;
  const std::size_t bytes = index_bytes(*count, flags_of(value));
  if (value.size() < bytes + 4) return false;
  return base::load_le<std::uint32_t>(value.data() + bytes) == base::crc32c(value.substr(0, bytes));
}

}  // namespace

std::size_t run_length(std::span<const MessageRef> messages) {
  std::size_t bytes = 0;
  std::size_t count = 0;
  for (const MessageRef& message : messages) {
    bytes += message->size();
    if (count > 0 && (bytes > model::limits::kRunBytes || count == model::limits::kRunMessages)) break;
    ++count;
  }
  return count;
}

RunParts encode_run(LogId log, Offset first, std::span<const MessageRef> messages) {
  RunParts parts;
  std::string& index = parts.index;
  const std::uint8_t flags = flags_for(messages);
  index.reserve(index_bytes(messages.size(), flags) + 4);
  const base::Instant published = messages.front()->published_at;
  index.push_back(static_cast<char>(kVersion));
  index.push_back(static_cast<char>(flags));
  base::append_le(index, static_cast<std::uint16_t>(messages.size()));
  base::append_le(index, static_cast<std::uint64_t>(published.us));
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const model::Message& message = *messages[i];
    const std::int64_t after = std::clamp<std::int64_t>(message.published_at.us - published.us, 0, 0xffffffff);
    const auto body_bytes = static_cast<std::uint32_t>(message.body.size());
    base::append_le(index, static_cast<std::uint32_t>(message.envelope.size()));
    base::append_le(index, body_bytes);
    base::append_le(index, message.body_crc);
    base::append_le(index, static_cast<std::uint32_t>(after));
    base::append_le(index, message_crc(log, Offset(first.value + i), published + base::Duration(after), body_bytes,
                                       message.body_crc, message.envelope.view()));
    parts.data.push_back(message.envelope.view());
    parts.data.push_back(message.body.view());
  }
  append_flagged(index, flags, messages);
  base::append_le(index, base::crc32c(index));
  return parts;
}

std::optional<std::uint32_t> whole_run_count(std::string_view value) {
  return index_is_whole(value) ? run_count(value) : std::nullopt;
}

std::optional<std::uint32_t> run_count(std::string_view value) {
  if (value.size() < kHeadBytes || static_cast<std::uint8_t>(value[0]) != kVersion) return std::nullopt;
  return base::load_le<std::uint16_t>(value.data() + 2);
}

void decode_run(LogId log, Offset first, std::string bytes, Offset from, Offset until, Offset next_first,
                std::vector<model::PagedMessage>& out) {
  const auto run = std::make_shared<const std::string>(std::move(bytes));
  const std::string_view value(*run);
  if (!index_is_whole(value)) {
    for (Offset offset = std::max(first, from); offset < std::min(until, next_first); offset = offset.next()) {
      out.push_back({offset, nullptr});
    }
    return;
  }
  const std::uint32_t count = *run_count(value);
  const base::Instant published{static_cast<std::int64_t>(base::load_le<std::uint64_t>(value.data() + 4))};
  const std::uint8_t flags = flags_of(value);
  const bool timed = (flags & kTimed) != 0;
  std::size_t at = index_bytes(count, flags) + 4;
  for (std::uint32_t i = 0; i < count; ++i) {
    const IndexEntry entry = entry_at(value, i);
    const std::size_t bytes_here = std::size_t{entry.envelope_bytes} + entry.body_bytes;
    const Offset offset(first.value + i);
    const bool there = at + bytes_here <= value.size();
    if (offset >= from && offset < until) {
      auto message = std::make_shared<model::Message>();
      message->published_at = published + base::Duration(entry.published_after_us);
      message->body_crc = entry.body_crc;
      if (timed) read_times(value, count, i, *message);
      if ((flags & kPrioritised) != 0) message->priority = priority_at(value, count, i);
      if (there) {
        message->envelope = {run, value.substr(at, entry.envelope_bytes)};
        message->body = {run, value.substr(at + entry.envelope_bytes, entry.body_bytes)};
      }
      const bool whole = there &&
                         message_crc(log, offset, message->published_at, entry.body_bytes, entry.body_crc,
                                     message->envelope.view()) == entry.crc &&
                         base::crc32c(message->body.view()) == entry.body_crc;
      if ((flags & kSourced) != 0) read_source(value, count, i, *message);
      if ((flags & kImported) != 0) read_import(value, count, i, *message);
      const bool imported = !whole && message->imported;  // the index has a checksum of its own
      out.push_back({offset, whole ? std::move(message) : nullptr, imported});
    }
    at = there ? at + bytes_here : value.size();
  }
}

}  // namespace lazaret::storage
