// The hospital's records beside the case (records.cpp): groups, who made a version, and what a filter asks of a
// message.
#include <algorithm>

#include "lazaret/storage/v1/records.pb.h"
#include "lazaret/wire/v1/envelope.pb.h"
#include "storage/records.h"

namespace lazaret::storage {
namespace {

using base::Instant;

template <class Proto>
bool parse(std::string_view bytes, Proto& proto) {
  return proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

/// What is missing at the end is 0, and what is too much is left out.
template <class Repeated, class Numbers>
void copy(const Repeated& in, Numbers& out) {
  const auto count = std::min<std::size_t>(static_cast<std::size_t>(in.size()), out.size());
  std::copy_n(in.begin(), count, out.begin());
}

}  // namespace

std::string encode(const model::GroupRecord& record) {
  v1::Group out;
  out.set_subscription(record.subscription);
  out.set_type(record.type);
  out.set_error_type(record.error_type);
  out.set_error_text(record.error_text);
  out.set_error_frames(record.error_frames);
  for (const std::uint64_t count : record.counts) out.add_counts(count);
  out.set_admissions(record.admissions);
  out.set_first_seen_us(record.first_seen.us);
  out.set_last_seen_us(record.last_seen.us);
  out.set_first_consumer_name(record.first_consumer.name);
  out.set_first_consumer_version(record.first_consumer.version);
  out.set_last_consumer_name(record.last_consumer.name);
  out.set_last_consumer_version(record.last_consumer.version);
  out.set_hour(record.trend.hour);
  out.set_day(record.trend.day);
  for (const std::uint32_t count : record.trend.hours) out.add_hours(count);
  for (const std::uint32_t count : record.trend.days) out.add_days(count);
  out.set_note(record.note);
  out.set_owner(record.owner);
  out.set_ticket(record.ticket);
  out.set_snoozed_until_us(record.snoozed_until.us);
  out.set_noted_at_us(record.noted_at.us);
  out.set_returned_at_us(record.returned_at.us);
  out.set_relapses(record.relapses);
  out.set_relapsed_at_us(record.relapsed_at.us);
  return out.SerializeAsString();
}

bool decode(std::string_view bytes, model::GroupRecord& record) {
  v1::Group in;
  if (!parse(bytes, in)) return false;
  record.subscription = in.subscription();
  record.type = in.type();
  record.error_type = in.error_type();
  record.error_text = in.error_text();
  record.error_frames = in.error_frames();
  copy(in.counts(), record.counts);
  record.admissions = in.admissions();
  record.first_seen = Instant{in.first_seen_us()};
  record.last_seen = Instant{in.last_seen_us()};
  record.first_consumer = {in.first_consumer_name(), in.first_consumer_version()};
  record.last_consumer = {in.last_consumer_name(), in.last_consumer_version()};
  record.trend.hour = in.hour();
  record.trend.day = in.day();
  copy(in.hours(), record.trend.hours);
  copy(in.days(), record.trend.days);
  record.note = in.note();
  record.owner = in.owner();
  record.ticket = in.ticket();
  record.snoozed_until = Instant{in.snoozed_until_us()};
  record.noted_at = Instant{in.noted_at_us()};
  record.returned_at = Instant{in.returned_at_us()};
  record.relapses = in.relapses();
  record.relapsed_at = Instant{in.relapsed_at_us()};
  return true;
}

std::string encode(const model::CaseEdit& record) {
  v1::CaseEdit out;
  out.set_at_us(record.at.us);
  out.set_by(record.by);
  out.set_note(record.note);
  return out.SerializeAsString();
}
bool decode(std::string_view bytes, model::CaseEdit& record) {
  v1::CaseEdit in;
  if (!parse(bytes, in)) return false;
  record.at = Instant{in.at_us()};
  record.by = in.by();
  record.note = in.note();
  return true;
}

bool matches_message(const model::CaseQuery& query, const model::Message& message) {
  wire::v1::Envelope envelope;
  parse(message.envelope.view(), envelope);
  model::MessageFacts facts;
  for (const wire::v1::Header& header : envelope.headers()) facts.headers.emplace_back(header.name(), header.value());
  return model::matches_message(query, facts, message.body.view());
}

}  // namespace lazaret::storage
