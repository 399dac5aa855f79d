#include "admin/why.h"

#include <algorithm>

#include "base/duration_text.h"
#include "base/text_encoding.h"

namespace lazaret::admin {
namespace {

using model::ConsumerStats;
using model::MessageState;
using model::QueueStats;

/// "1 message is", "3 messages are".
std::string messages_are(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " message is" : " messages are");
}

std::string name_of(const model::ConsumerInfo& consumer) {
  return base::to_utf8(consumer.name) + "@" + base::to_utf8(consumer.host);
}

/// "in 12s (2026-11-23T20:04:48Z)", in whole seconds.
std::string in_time(base::Instant when, base::Instant now) {
  const auto left = std::chrono::ceil<std::chrono::seconds>(std::max(when - now, base::Duration(0)));
  return "in " + base::format_duration(left) + " (" + base::format_rfc3339(when) + ")";
}

/// What keeps one consumer from getting more; "" for nothing.
std::string obstacle_of(const ConsumerStats& consumer) {
  if (consumer.away) return "is not heard of";
  if (consumer.isolating) return "is trying a suspect alone";
  if (consumer.credit_messages == 0) return "has given no credit";
  if (consumer.used_messages >= consumer.credit_messages) {
    return "has used its credit of " + std::to_string(consumer.credit_messages) + " messages";
  }
  if (consumer.used_messages > 0 && consumer.used_bytes >= consumer.credit_bytes) {
    return "has used its credit of " + std::to_string(consumer.credit_bytes) + " bytes";
  }
  if (consumer.outbox_full) return "does not read what was sent to it";
  return "";
}

/// "type order.created and schema_id order.created@3".
/// "type order.created", …, and "is replayed to versions >=2.4.2 only".
std::string unaccepted_type(const QueueStats& stats) {
  const std::string type = stats.unaccepted_type.empty() ? "no type" : "type " + base::to_utf8(stats.unaccepted_type);
  const std::string versions =
      stats.unaccepted_versions.empty() ? "" : ", and is replayed to versions " + stats.unaccepted_versions + " only";
  return type +
         (stats.unaccepted_schema.empty() ? " and no schema_id"
                                          : " and schema_id " + base::to_utf8(stats.unaccepted_schema)) +
         versions;
}

/// ", …", or "" when it does not.
std::string waits_for_key(const model::MessageStates::Item& item) {
  if (!item.held_by) return "";
  return ", until message " + std::to_string(item.held_by->value) +
         " of its key is settled, or the case of it resolved";
}

Cause broken(const model::BreakerStats& breaker, base::Instant now) {
  const std::string because = ", since " + std::to_string(breaker.failures) + " of " + std::to_string(breaker.samples) +
                              " attempts had failed: what fails meanwhile counts against no message's limit.";
  if (breaker.state == model::BreakerState::half_open) {
    return {"BREAKER_HALF_OPEN", "Its circuit breaker is half open, and lets one message at a time through" + because};
  }
  return {"BREAKER_OPEN",
          "Its circuit breaker is open" + because + " One message is tried " + in_time(breaker.until, now) + "."};
}

/// Discarded cases keep theirs until case_retention is over: a discard alone makes no room.
Cause hospital_full(const QueueStats& stats) {
  return {"HOSPITAL_FULL", "Its hospital is full: its cases keep " + std::to_string(stats.hospital_bytes) +
                               " bytes of messages, and hospital_max_bytes is " +
                               std::to_string(stats.queue.options.hospital_max_bytes) +
                               ". Nothing is granted but replays, until cases are discharged by replays or sent "
                               "elsewhere, discarded ones go with case_retention, or the budget is raised."};
}

void add_what_stops_all(const QueueStats& stats, const engine::EngineStats& engine, base::Instant now,
                        std::vector<Cause>& causes) {
  const model::QueueOptions& options = stats.queue.options;
  if (options.paused) causes.push_back({"PAUSED", "It is paused: resume it to have messages granted again."});
  if (stats.seeking) causes.push_back({"SEEKING", "It is being moved to a time; which message that is, is looked up."});
  if (engine.draining) causes.push_back({"DRAINING", "The broker is stopping, and grants nothing more."});
  if (engine.resuming) {
    causes.push_back(
        {"RESUMING",
         "The broker has just started, and waits a few seconds for consumers that may still hold messages."});
  }
  if (stats.breaker.state != model::BreakerState::closed) causes.push_back(broken(stats.breaker, now));
  if (stats.hospital_level == model::HospitalLevel::full) causes.push_back(hospital_full(stats));
  if (options.max_in_flight != 0 && stats.leased >= options.max_in_flight) {
    causes.push_back({"MAX_IN_FLIGHT", messages_are(stats.leased) + " leased, and max_in_flight is " +
                                           std::to_string(options.max_in_flight) + "."});
  }
}

void add_consumers(const QueueStats& stats, std::vector<Cause>& causes) {
  if (stats.consumers.empty()) {
    causes.push_back({"NO_CONSUMER", "Nobody consumes from it."});
    return;
  }
  const bool single = stats.queue.options.single_active_consumer;
  if (single && stats.consumers.front().standby) {
    causes.push_back({"STANDBY", "Its one active consumer has closed, or is not heard of, and has something out: " +
                                     name_of(stats.consumers.front().info) + " stands by until that is settled."});
    return;
  }
  const std::size_t served = single ? 1 : stats.consumers.size();
  std::string obstacles;
  for (std::size_t i = 0; i < served; ++i) {
    const std::string obstacle = obstacle_of(stats.consumers[i]);
    if (obstacle.empty()) return;  // there is somebody who may get one
    obstacles += (obstacles.empty() ? "" : "; ") + name_of(stats.consumers[i].info) + " " + obstacle;
  }
  causes.push_back({"NO_CREDIT", std::string(single ? "The one active consumer" : "No consumer") +
                                     (single ? " can take nothing: " : " can take more: ") + obstacles + "."});
}

}  // namespace

namespace {

/// What a subscription of several topics does not have yet is no message of it, but may be what is missed.
void add_topics(const QueueStats& stats, const engine::EngineStats& engine, std::vector<Cause>& causes) {
  for (const model::SourceStats& source : stats.sources) {
    if (source.lag == 0) continue;
    std::string text = messages_are(source.lag) + " in topic " + source.topic + ", and not taken over from it yet";
    if (engine.publishes_refused) text += ": the disk is too full for that";
    causes.push_back({"BEHIND_TOPIC", text + "."});
  }
}

std::vector<Cause> why_of_its_own(const QueueStats& stats, const engine::EngineStats& engine, base::Instant now) {
  std::vector<Cause> causes;
  add_what_stops_all(stats, engine, now, causes);
  if (stats.ready > 0) {
    add_consumers(stats, causes);
    if (stats.unaccepted > 0) {
      causes.push_back({"UNACCEPTED", messages_are(stats.unaccepted) +
                                          " ready, but no consumer accepts them; the first has " +
                                          unaccepted_type(stats) + "."});
    }
    if (stats.aside_full) {
      causes.push_back({"ASIDE_FULL",
                        "As many messages as may be are set aside because nobody with room accepts them: the next of "
                        "that kind stops all that are behind it."});
    }
    if (stats.suspects > 0) {
      causes.push_back({"SUSPECTS", messages_are(stats.suspects) +
                                        " suspected of killing workers, and tried alone, one after the other."});
    }
    if (stats.held_full) {
      causes.push_back({"HELD_FULL", messages_are(stats.held) +
                                         " held by their keys, as many as are remembered: the "
                                         "next of a locked key stops all that are behind it until a key is free."});
    }
    if (causes.empty()) causes.push_back({"NOTHING", messages_are(stats.ready) + " ready, and being delivered."});
    return causes;
  }
  std::string rest;
  const auto add = [&rest](std::uint64_t count, const std::string& what) {
    if (count > 0) rest += (rest.empty() ? "" : ", ") + std::to_string(count) + " " + what;
  };
  add(stats.leased, "leased");
  add(stats.waiting, "waiting for their next attempt");
  add(stats.scheduled, "scheduled");
  add(stats.held, "held by their key");
  add(stats.counters.in_hospital, "in the hospital");
  std::string text = rest.empty() ? "It holds nothing." : "Nothing is ready: " + rest + ".";
  if (stats.next_due) text += " The next is due " + in_time(*stats.next_due, now) + ".";
  causes.push_back({rest.empty() ? "EMPTY" : "NOTHING_READY", std::move(text)});
  return causes;
}

}  // namespace

namespace {

/// What is missed may have been caught.
void add_quarantines(const QueueStats& stats, std::vector<Cause>& causes) {
  if (stats.quarantines == 0) return;
  causes.push_back({"QUARANTINES", std::to_string(stats.quarantines) +
                                       (stats.quarantines == 1 ? " quarantine rule sends" : " quarantine rules send") +
                                       " messages that match to the hospital: " +
                                       std::to_string(stats.caught_by_quarantines) + " so far."});
}

}  // namespace

std::vector<Cause> why_nothing_is_granted(const QueueStats& stats, const engine::EngineStats& engine,
                                          base::Instant now) {
  std::vector<Cause> causes = why_of_its_own(stats, engine, now);
  add_topics(stats, engine, causes);
  add_quarantines(stats, causes);
  return causes;
}

Cause waits_for_version(const model::ReplayJobRecord& job) {
  const std::string id = std::to_string(job.id.value);
  return {"REPLAY_WAITS_FOR_VERSION", "Replay job " + id + " waits for a consumer of version " +
                                          base::to_utf8(job.options.after_version) +
                                          ": its cases stay in the hospital until one is connected."};
}

Cause where_it_is(const model::MessageStates::Item& item, const QueueStats& stats, std::uint64_t ahead,
                  base::Instant now, std::optional<Higher> higher) {
  const std::string name = "Message " + std::to_string(item.offset.value);
  const std::string attempt = "attempt " + std::to_string(item.attempt);
  switch (item.state) {
    case MessageState::settled:
      return {"SETTLED",
              name +
                  " is settled: it was acked, discarded, purged, past its time to live, turned away by the filter, or "
                  "lies outside of what it reads."};
    case MessageState::ready:
      if (item.unaccepted) {
        return {"UNACCEPTED", name + " is ready, but no consumer accepts its type, or its version of it."};
      }
      if (higher) {
        return {"READY", name + " is ready; what has a higher priority goes before it: message " +
                             std::to_string(higher->offset.value) + ", of priority " +
                             std::to_string(higher->priority) + "."};
      }
      return {"READY",
              name + " is ready" + (ahead == 0 ? ", and first in line." : "; " + messages_are(ahead) + " before it.")};
    case MessageState::leased: {
      std::string text = name + " is leased" + (item.consumer ? " to " + name_of(*item.consumer) : "") + ", " + attempt;
      if (item.until) text += "; the lease ends " + in_time(*item.until, now) + " unless it is extended";
      return {"LEASED", text + "."};
    }
    case MessageState::waiting:
      return {"WAITING", name + " waits for its next attempt" +
                             (item.until ? ", which is due " + in_time(*item.until, now) : "") + "; " +
                             std::to_string(item.attempt) + " ended before."};
    case MessageState::scheduled:
      return {"SCHEDULED", name + " was published to be delivered later" +
                               (item.until ? ", and is due " + in_time(*item.until, now) : "") + "."};
    case MessageState::in_hospital:
      return {"IN_HOSPITAL",
              name + " is in the hospital, as case " +
                  model::CaseId{stats.queue.shard, stats.queue.subscription, stats.queue.log, item.offset}.to_string() +
                  "."};
    case MessageState::replaying:
      return {"REPLAYING", name + " is a case that is being replayed, " + attempt + waits_for_key(item) + "."};
    case MessageState::held: return {"HELD", name + " is held" + waits_for_key(item) + "."};
  }
  return {"UNKNOWN", name + " is in a state that is not known."};
}

json::array causes_json(const std::vector<Cause>& causes) {
  json::array out;
  for (const Cause& cause : causes) out.push_back(json::object{{"code", cause.code}, {"text", cause.text}});
  return out;
}

}  // namespace lazaret::admin
